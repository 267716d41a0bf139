"""MultiTurnEnv: BFCL's multi-turn dialogues. Calls run on the simulated APIs."""

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

    The user sends 1 to 8 messages, one after the other, about one or two of eight simulated APIs (files, messages,
    posts, tickets, stocks, travel, a car, arithmetic). The model calls functions in as many actions as it likes. A text
    without a call ends its turn; then the user goes on. Categories, 200 dialogues each:

    - ``multi_turn_base``;
    - ``multi_turn_miss_func``: a function that is needed is offered only one turn later;
    - ``multi_turn_miss_param``: the user gives the value of a required parameter only one turn later;
    - ``multi_turn_long_context``: the APIs return long texts.

    Verdict: the official verdict (see dialogue/dialogue.py). The simulated APIs are the official classes. The official
    harness runs any Python; here a call is run without ``eval``, only if it calls a function of these classes, and
    within limits (see apis/limits.py). As in the official harness, an action with an unreadable call makes no call and
    ends the turn, and the dialogue ends after 21 actions with calls in one turn. In "pythonic" and "compact", texts
    are read as for a prompted model: positional arguments are dropped. In "pythonic", messages are written so too.

    Reward: the rubric's, against the accepted calls of the user's turn that were not made yet (see
    multi_turn/expected.py). If all were made, the action should not call. Accepted calls earn the rubric's maximum
    on each action. The reward is stricter than the verdict: it lowers the score of needless calls, of needless reads,
    and of other ways to the same state.

    ``info`` also has ``category``; ``user_turn``, the user's current turn, counted from 0; ``turns``, a TurnVerdict for
    each turn that is over; and ``progress``, the share of the checked turns that passed.

    Args:
        category: a category; several, as a list or with commas between; or "multi_turn" for all.
        split: "test"; BFCL has no training split.
        max_turns: actions per episode. With the default, only the official limit ends a dialogue early.
        max_calls: calls run per action; officially any number.
        dialect, rubric, and further arguments: see ToolEnv.

    Raises ImportError if mpmath is missing: ``pip install toolgym[bfcl]``.

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
        # The gold calls come first: ``advance`` may end the user's turn, which replaces ``left``
        calls, made = self._wanted(completion)
        if self.runs(completion):
            for i in made:  # an accepted call is paid once
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
    """The categories that are asked for. Raises ValueError for a name that does not exist."""
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
