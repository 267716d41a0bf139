"""A dialogue as it runs: the model's calls, the accepted calls beside them, and the official verdict.

Written from the rules of bfcl_eval 2026.3.23 (``multi_turn_checker``, ``base_handler``, ``eval_runner``); the tests
compare the two. After each message of the user's whose accepted answer calls something:

- an answer without any call fails (``empty_turn_model_response``), even if all work was done before;
- then the state must be equal, attribute by attribute, private ones aside (``instance_state_mismatch``);
- then each accepted result of this turn must be among all results so far (``execution_response_mismatch``).

Where the accepted answer calls nothing, nothing is checked, but calls are run. A further call that only reads is
free. A turn ends with a text that does not call; after 21 that do, the whole dialogue ends: a failure
(``force_terminated``) if the user had more to say, and else judged as usual.
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
"""Texts with calls in one turn; the harness's limit is 20, and is looked at after the step."""

EMPTY = "multi_turn:empty_turn_model_response"
STATE = "multi_turn:instance_state_mismatch"
RESPONSE = "multi_turn:execution_response_mismatch"
FORCED = "multi_turn:force_terminated"


class Entry(msgspec.Struct, frozen=True, dict=True, eq=False):
    """What running and judging a dialogue takes: a task's ``data``."""

    id: str
    category: str
    classes: tuple[str, ...]
    config: bytes
    """The APIs' scenarios, JSON."""
    ground_truth: tuple[tuple[str, ...], ...]
    """The accepted calls of each turn, as the data have them."""
    messages: tuple[tuple[Any, ...], ...] = ()
    """What the user says in each turn."""
    held_out: Mapping[int, tuple[str, ...]] = {}
    """Turn -> the functions that are offered only from then on."""

    @property
    def long_context(self) -> bool:
        return "long_context" in self.category

    @cached_property
    def gold(self) -> tuple[tuple[Call, ...], ...]:
        """The accepted calls of each turn, read."""
        read = reader(self.classes, "gold").source
        return tuple([tuple([read(text) for text in turn]) for turn in self.ground_truth])

    @cached_property
    def world(self) -> World:
        """The APIs as the dialogue finds them, to be copied."""
        return World(self.classes, self.config, self.long_context)

    def __deepcopy__(self, memo: Any) -> Entry:
        return self


class TurnVerdict(msgspec.Struct, frozen=True):
    """How one turn of the user's went."""

    turn: int
    """Counted from 0."""
    checked: bool
    """Whether the official checker looks at it: the accepted answer calls something."""
    called: int
    """Calls that were run."""
    state: bool | None = None
    """Whether the state is as it should be; None where nothing is checked."""
    response: bool | None = None
    """Whether the accepted results are among those so far; None where nothing is checked."""
    error_type: str | None = None
    """The official one, had all turns before passed."""
    reason: str = ""

    @property
    def passed(self) -> bool:
        """Whether it was checked and found right."""
        return self.checked and self.error_type is None

    @property
    def verdict(self) -> Verdict:
        """The verdict on a dialogue in which this turn is the first that fails."""
        return Verdict(self.error_type is None, f"turn {self.turn + 1}: {self.reason}", self.error_type)


class Dialogue:
    """An episode's state. Plain objects: it can be deep-copied and pickled at any time.

    Args:
        entry: the dialogue.
        decoded: whether the model's calls come from BFCL's decoder of Python text (see ``Reader.arguments``).
    """

    def __init__(self, entry: Entry, decoded: bool = False):
        self.entry = entry
        self.decoded = decoded
        self._world, self._shared = entry.world, True
        self.turn = 0
        """The turn that runs, or, at the end, the number of turns."""
        self.steps = 0
        """Texts with calls in this turn."""
        self.turns: list[TurnVerdict] = []
        """Those that are over."""
        self.over = False
        self.called = 0
        """Calls run in this turn."""
        self.left = self._all()
        """The accepted calls of this turn that were not made yet, by index."""
        self._results: Counter[str] = Counter()
        self._chars = 0

    def fork(self) -> Self:
        """A dialogue that goes on from here on its own. The APIs are copied when one of the two first runs a call."""
        self._shared = True
        other = type(self).__new__(type(self))
        vars(other).update(vars(self))
        other.turns, other.left, other._results = list(self.turns), list(self.left), self._results.copy()
        return other

    @property
    def world(self) -> World:
        """The APIs, to run calls on: this dialogue's own from now on."""
        if self._shared:
            self._world, self._shared = self._world.fresh(), False
        return self._world

    def execute(self, call: Call | str) -> str:
        """Run a call of the model's; a str is the call as Python source. The result, as officially worded."""
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
        """The same for a function's name, whatever it is, and its arguments."""
        try:
            call = reader(self.entry.classes, "model").arguments(name, arguments, self.decoded)
        except (Refused, DecodeError) as error:
            self.called += 1
            return error_text(error)
        return self.execute(call)

    def end_step(self) -> None:
        """A text with calls is done. After the last one allowed, the dialogue ends."""
        self._count_step()
        if self.steps >= MAX_STEPS:
            self.cut()

    def end_turn(self) -> TurnVerdict:
        """The model is done with this turn: run the accepted calls, compare, go on to the next."""
        verdict = self._judged()
        self.turns.append(verdict)
        self.turn += 1
        self.steps = self.called = 0
        self.left = self._all()
        self.over = self.over or self.turn == len(self.entry.gold)
        return verdict

    def cut(self) -> None:
        """End the dialogue here, as the official limit of steps would."""
        if not self.over:
            if self.turn + 1 == len(self.entry.gold):
                self.end_turn()
            self.over = True

    @property
    def verdict(self) -> Verdict:
        """The official verdict on the dialogue as it is; one that is not over fails."""
        if self.turn < len(self.entry.gold):
            reason = f"it ended in turn {self.turn + 1} of {len(self.entry.gold)}"
            return Verdict(False, reason, FORCED)
        for turn in self.turns:
            if turn.error_type is not None:
                return turn.verdict
        return Verdict(True)

    @property
    def progress(self) -> float:
        """The share of the turns to be checked that passed: partial credit, which the verdict does not know."""
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
        wanted = [world.run(world.gold, call) for call in gold]
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
    """The official verdict on decoded answers: for each turn its steps, for each step its calls as Python source.

    Steps without calls are left out, as officially. Never raises.
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
