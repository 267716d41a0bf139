"""MultiTurnEnv: BFCL's multi-turn dialogues, with the simulated APIs run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from importlib.util import find_spec
from typing import Any

from toolgym.dialects import Dialect
from toolgym.rewards import Reward
from toolgym.types import Completion, ToolCall, ToolResult, Trajectory, Verdict

from .. import aggregate
from ..dialogue.dialogue import MAX_STEPS
from ..dialogue.env import DialogueEnv
from .expected import wanted
from .tasks import CATEGORIES, answers, load


class MultiTurnEnv(DialogueEnv):
    """Berkeley Function-Calling Leaderboard v4 (bfcl_eval 2026.3.23), multi-turn: ``ToolGym-BFCL-MultiTurn-v0``.

    The user says 1 to 8 things, one after the other, about one or two of eight simulated APIs (files, messages,
    posts, tickets, stocks, travel, a car, arithmetic). The model calls functions, in as many actions as it likes,
    and ends its turn with a text that calls none; then the user goes on. Categories, 200 dialogues each:

    - ``multi_turn_base``;
    - ``multi_turn_miss_func``: a function that is needed is offered only one turn later;
    - ``multi_turn_miss_param``: the user says only one turn later what a call needs;
    - ``multi_turn_long_context``: the APIs return long texts.

    Verdict: the official one (see multi_turn/dialogue.py). The simulated APIs are the official classes; a call
    is run without ``eval``, only if it is one of their functions, and within limits (multi_turn/limits.py), where the
    official harness runs any Python. As in the official harness, an action in which one call cannot be
    read calls nothing, and ends the turn; and after 21 actions with calls in one turn the dialogue ends. In the dialect
    "pythonic", texts are read, and messages written, as for a prompted model. It drops positional arguments.

    Reward: the rubric's, against the accepted calls of the user's turn that were not made yet (see
    multi_turn/expected.py); where none is left, the action should not call. Accepted calls earn the rubric's maximum
    on each action. The reward minds what the verdict does not: calls where none is needed, reading more than is
    needed, another way to the same state.

    ``info`` also has ``category``; ``user_turn``, the turn of the user's that runs, counted from 0; ``turns``, a
    TurnVerdict for each that is over; and ``progress``, the share of the turns to be checked that passed.

    Args:
        category: one of them; several, as a list or with commas between; or "multi_turn", all.
        split: "test"; BFCL has nothing to train on.
        max_turns: actions per episode. With the default, only the official limit ends a dialogue early.
        max_calls: calls run per action; officially any number.
        dialect, rubric, and further arguments: see ToolEnv.

    Raises ImportError where mpmath is missing: ``pip install toolgym[bfcl]``.

    Version history:
        v0: the 4 multi-turn categories, 800 dialogues.
    """

    def __init__(
        self,
        category: str | Iterable[str] = "multi_turn",
        split: str = "test",
        dialect: str | Dialect = "toolrl",
        rubric: str | Reward = "toolrl",
        max_turns: int = 8 * MAX_STEPS,
        max_calls: int = 1000,
        **kwargs: Any,
    ):
        if split != "test":
            raise ValueError(f"BFCL has only the split 'test', got {split!r}")
        if find_spec("mpmath") is None:
            raise ImportError("BFCL's simulated MathAPI computes with mpmath: pip install toolgym[bfcl]")
        self.categories = _categories(category)
        tasks = [task for name in self.categories for task in load(name)]
        super().__init__(tasks, dialect, rubric, max_turns=max_turns, max_calls=max_calls, **kwargs)

    def on_action(self, completion: Completion, results: Sequence[ToolResult | None]) -> tuple[ToolCall, ...]:
        calls, made = self._wanted(completion)
        if self.runs(completion):
            for i in made:
                self.state.left.remove(i)
        self.advance(completion)
        return calls

    def expected(self, completion: Completion) -> tuple[ToolCall, ...]:
        return self._wanted(completion)[0]

    def _wanted(self, completion: Completion) -> tuple[tuple[ToolCall, ...], list[int]]:
        entry, state = self.state.entry, self.state
        if state.over:
            return (), []
        return wanted(answers(entry)[state.turn], state.left, completion.calls, entry.classes)

    def extra_info(self, over: bool) -> dict[str, Any]:
        state = self.ended() if over else self.state
        return {
            "category": state.entry.category,
            "user_turn": state.turn,
            "turns": tuple(state.turns),
            "progress": state.progress,
        }

    def judge(self) -> Verdict:
        return self.ended().verdict

    @classmethod
    def summarize(cls, trajectories: Iterable[Trajectory]) -> dict[str, Any]:
        """Accuracy per category and the leaderboard's scores: see aggregate.summarize."""
        return aggregate.summarize(trajectories)


def _categories(category: str | Iterable[str]) -> tuple[str, ...]:
    """The categories meant. Raises ValueError for a name that does not exist."""
    names = [name.strip() for name in category.split(",")] if isinstance(category, str) else list(category)
    found: dict[str, None] = {}
    for name in names:
        if name not in CATEGORIES and name != "multi_turn":
            raise ValueError(
                f"no multi-turn category {name!r}: there are {', '.join(CATEGORIES)}, and multi_turn for all"
            )
        found |= dict.fromkeys(CATEGORIES if name == "multi_turn" else (name,))
    if not found:
        raise ValueError(f"no category given: there are {', '.join(CATEGORIES)}, and multi_turn for all")
    return tuple(found)
