"""The state of a running dialogue: the model's calls, the accepted calls, and the official verdict.

Written from the rules of bfcl_eval 2026.3.23 (``multi_turn_checker``, ``base_handler``, ``eval_runner``); the tests
compare the two. A turn starts with the user's messages and ends with a model text without a call. If the accepted
answer of a turn has calls, these checks run at its end, in this order:

- the turn must have a call of the model (``empty_turn_model_response``), even if all work was done in earlier turns;
- the states must be equal, attribute by attribute, except private attributes (``instance_state_mismatch``);
- each accepted result of this turn must be among all results so far (``execution_response_mismatch``).

If the accepted answer has no calls, the model's calls are run, but nothing is checked. Additional calls that only read
cost nothing. After 21 texts with calls in one turn the dialogue ends: it fails (``force_terminated``) if the user has
more messages, and is judged as usual if not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, Self

import msgspec

from toolgym.dialects.python.python_source import DecodeError
from toolgym.types import Verdict

from ..apis.calls import Call, Refused
from ..apis.limits import MAX_CHARS, MAX_STEP_CHARS
from ..apis.world import World, error_text, reader

MAX_STEPS = 21
"""Maximum texts with calls in one turn. The harness's limit is 20, but it is checked after the step."""

EMPTY = "multi_turn:empty_turn_model_response"
STATE = "multi_turn:instance_state_mismatch"
RESPONSE = "multi_turn:execution_response_mismatch"
FORCED = "multi_turn:force_terminated"


class Entry(msgspec.Struct, frozen=True, dict=True, eq=False):
    """The data to run and judge a dialogue: a task's ``data``."""

    id: str
    category: str
    classes: tuple[str, ...]
    config: bytes
    """The scenarios of the APIs, as JSON."""
    ground_truth: tuple[tuple[str, ...], ...]
    """The accepted calls of each turn, as Python source like in the data."""
    messages: tuple[tuple[Any, ...], ...] = ()
    """The user's messages of each turn."""
    held_out: Mapping[int, tuple[str, ...]] = {}
    """Turn -> the functions that are offered only from this turn on."""

    @property
    def long_context(self) -> bool:
        return "long_context" in self.category

    @cached_property
    def gold(self) -> tuple[tuple[Call, ...], ...]:
        """The accepted calls of each turn, parsed."""
        read = reader(self.classes, "gold").source
        return tuple([tuple([read(text) for text in turn]) for turn in self.ground_truth])

    @cached_property
    def world(self) -> World:
        """The APIs in their initial state. Copy this World before running calls on it."""
        return World(self.classes, self.config, self.long_context)

    def __deepcopy__(self, memo: Any) -> Entry:
        return self  # never modified, so copies of a state share it


class TurnVerdict(msgspec.Struct, frozen=True):
    """The result of one turn."""

    turn: int
    """Counted from 0."""
    checked: bool
    """Whether the official checker checks this turn: its accepted answer has calls."""
    called: int
    """Number of calls that were run."""
    state: bool | None = None
    """Whether the state equals the accepted one; None if nothing is checked."""
    response: bool | None = None
    """Whether all accepted results are among the results so far; None if nothing is checked."""
    error_type: str | None = None
    """The official error type, provided that all turns before passed."""
    reason: str = ""

    @property
    def passed(self) -> bool:
        """Whether the turn was checked and has no error."""
        return self.checked and self.error_type is None

    @property
    def verdict(self) -> Verdict:
        """The verdict on a dialogue in which this turn is the first to fail."""
        return Verdict(self.error_type is None, f"turn {self.turn + 1}: {self.reason}", self.error_type)


class Dialogue:
    """The state of an episode, made of plain objects: it can be deep-copied and pickled at any time.

    Args:
        entry: the data of the dialogue.
        decoded: whether the model's calls come from BFCL's decoder of Python text (see ``Reader.arguments``).
    """

    def __init__(self, entry: Entry, decoded: bool = False):
        self.entry = entry
        self.decoded = decoded
        # Copy on write: the world may be shared with the entry and with other dialogues until a call is run.
        self._world, self._shared = entry.world, True
        self.turn = 0
        """Index of the current turn; at the end, the number of turns."""
        self.steps = 0
        """Texts with calls in this turn."""
        self.turns: list[TurnVerdict] = []
        """Verdicts on the turns that are over."""
        self.over = False
        self.called = 0
        """Calls run in this turn."""
        self.left = self._all()
        """Indices of this turn's accepted calls that were not made yet."""
        self._results: Counter[str] = Counter()  # over all turns: an early result counts for a later turn too
        self._chars = 0  # characters of the results of this step

    def fork(self) -> Self:
        """An independent copy. The APIs are copied only when one of the two dialogues runs its next call."""
        self._shared = True
        other = type(self).__new__(type(self))
        vars(other).update(vars(self))
        other.turns, other.left, other._results = list(self.turns), list(self.left), self._results.copy()
        return other

    @property
    def world(self) -> World:
        """The APIs to run calls on; the first access copies a shared World."""
        if self._shared:
            self._world, self._shared = self._world.fresh(), False
        return self._world

    def execute(self, call: Call | str) -> str:
        """Run a call of the model; a str is Python source. Returns the result as the official executor words it."""
        if self._chars > MAX_STEP_CHARS:
            return f"Error during execution: at most {MAX_STEP_CHARS:,} characters are returned at a time"
        self.called += 1
        if isinstance(call, str):
            try:
                call = reader(self.entry.classes, "model").source(call)
            except Refused as error:
                return error_text(error)
        world = self.world
        result = world.run(world.model, call)
        self._chars += len(result)
        if len(result) <= MAX_CHARS:  # a longer one can equal no accepted result
            self._results[result] += 1
        return result

    def execute_arguments(self, name: str, arguments: Mapping[str, Any]) -> str:
        """Like ``execute``, for a function's name and its arguments. Any name is allowed."""
        try:
            call = reader(self.entry.classes, "model").arguments(name, arguments, self.decoded)
        except (Refused, DecodeError) as error:
            self.called += 1
            return error_text(error)
        return self.execute(call)

    def end_step(self) -> None:
        """Count a text with calls, after its calls were run. After MAX_STEPS in one turn, the dialogue ends."""
        self._count_step()
        if self.steps >= MAX_STEPS:
            self.cut()

    def end_turn(self) -> TurnVerdict:
        """End the current turn: run the accepted calls, compare, and go to the next turn."""
        verdict = self._judged()
        self.turns.append(verdict)
        self.turn += 1
        self.steps = self.called = 0
        self.left = self._all()
        self.over = self.over or self.turn == len(self.entry.gold)
        return verdict

    def cut(self) -> None:
        """End the dialogue now, like the official limit of steps. The current turn is judged only if it is the last."""
        if not self.over:
            if self.turn + 1 == len(self.entry.gold):
                self.end_turn()
            self.over = True

    @property
    def verdict(self) -> Verdict:
        """The official verdict on the dialogue so far. A dialogue with turns left fails."""
        if self.turn < len(self.entry.gold):
            reason = f"it ended in turn {self.turn + 1} of {len(self.entry.gold)}"
            return Verdict(False, reason, FORCED)
        for turn in self.turns:
            if turn.error_type is not None:
                return turn.verdict
        return Verdict(True)

    @property
    def progress(self) -> float:
        """The share of checked turns that passed: partial credit, which the official verdict does not have."""
        checked = sum([1 for turn in self.entry.gold if turn])
        return sum([turn.passed for turn in self.turns]) / checked if checked else 1.0

    def _all(self) -> list[int]:
        gold = self.entry.gold
        return list(range(len(gold[self.turn]))) if self.turn < len(gold) else []

    def _count_step(self) -> None:
        self.steps += 1
        self._chars = 0

    def _judged(self) -> TurnVerdict:
        gold = self.entry.gold[self.turn]
        if not gold:
            return TurnVerdict(self.turn, False, self.called)
        world = self.world
        # The accepted calls run after the model's, on their own copy of the APIs, and also in a turn that already
        # failed: the state of the next turn depends on them.
        wanted = [world.run(world.gold, call) for call in gold]
        # officially a result is needed as often as the accepted answer has it: a multiset difference
        missing = Counter(wanted) - self._results
        different = world.differences()
        if not self.steps:
            error, reason = EMPTY, "no call was made"
        elif different:
            error, reason = STATE, f"the state differs in {', '.join(different[:5])}"
        elif missing:
            of = gold[wanted.index(next(iter(missing)))].name
            error, reason = RESPONSE, f"the result of {of} is not among the results so far"
        else:
            return TurnVerdict(self.turn, True, self.called, True, True)
        return TurnVerdict(self.turn, True, self.called, not different, not missing, error, reason)


def check(entry: Entry, turns: Sequence[Sequence[Sequence[str]]]) -> Verdict:
    """The official verdict on decoded answers. ``turns`` has the steps of each turn; a step is its calls as source.

    Steps without calls are skipped, as in the official checker. Never raises.
    """
    dialogue = Dialogue(entry)
    if len(turns) != len(entry.gold):
        return dialogue.verdict
    for steps in turns:
        for step in steps:
            if step and (len(step) > 1 or step[0]):
                for call in step:
                    dialogue.execute(call)
                dialogue._count_step()
        turn = dialogue.end_turn()
        if turn.error_type is not None:
            return turn.verdict
    return Verdict(True)
