"""MultiTurnEnv: BFCL's multi-turn dialogues, with the simulated APIs run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from importlib.util import find_spec
from typing import Any

from toolgym.dialects import Dialect
from toolgym.dialects.calls import tool_lines
from toolgym.dialects.pythonic import DecodeError, Pythonic, execution_list, system_prompt
from toolgym.env import ToolEnv
from toolgym.rewards import RewardModel
from toolgym.tools import Tool
from toolgym.types import CallRecord, Completion, Message, Task, ToolCall, ToolResult, Trajectory, Verdict

from . import aggregate
from .multi_turn.dialogue import MAX_STEPS, Dialogue
from .multi_turn.expected import wanted
from .multi_turn.tasks import CATEGORIES, Function, announcement, answers, as_announced, functions, load, run


class MultiTurnEnv(ToolEnv):
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
        rubric: str | RewardModel = "toolrl",
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
        super().__init__(tasks, dialect=dialect, rubric=rubric, max_turns=max_turns, max_calls=max_calls, **kwargs)
        self._prompted = isinstance(self.dialect, Pythonic)
        in_prompt = bool(self.instructions(self.tasks[0].tools))
        self._show = as_announced if self._prompted else tool_lines if in_prompt else None
        self._runs = False
        self._answered = False
        self._made: list[int] = []

    def instructions(self, tools: tuple[Tool, ...]) -> str:
        return _instructions(self.dialect, tools)

    def start(self, task: Task) -> None:
        self.state = Dialogue(task.data, decoded=self._prompted)

    def save_state(self) -> Dialogue:
        """The dialogue without its entry, which is the task's."""
        saved: Dialogue = self.state.fork()
        del saved.entry
        return saved

    def load_state(self, saved: Dialogue) -> None:
        self.state = saved.fork()
        self.state.entry = self.task.data

    def find_tools(self, names: Sequence[str]) -> tuple[Tool, ...]:
        """Functions that were held back count too."""
        known = functions(self.task.data.classes)
        return tuple([known[name] for name in names])

    def parse(self, text: str) -> Completion:
        completion = self.dialect.parse(text)
        self._runs = _decodes(completion.calls, self._prompted)
        return completion

    def prepare(self, call: ToolCall, position: int) -> tuple[Tool | None, tuple[str, ...], ToolResult | None]:
        """A function that is held back runs as well: officially it does. Schemas object, and do not prevent."""
        if not self._runs:
            return None, (), None
        if position >= self.max_calls:
            return None, (), ToolResult(f"Error: only {self.max_calls} calls are run per turn.", "too_many_calls")
        tool = functions(self.state.entry.classes).get(call.name)
        if tool is None:
            return None, (), run(self.state, call.name, call.arguments)
        return tool, tool.validator.problems(call.arguments), None

    def expected(self, completion: Completion) -> tuple[ToolCall, ...]:
        entry, state = self.state.entry, self.state
        calls, self._made = wanted(answers(entry)[state.turn], state.left, completion.calls, entry.classes)
        return calls

    def finished(self, completion: Completion) -> bool:
        state: Dialogue = self.state
        self._answered = not (completion.calls and self._runs)
        if self._answered:
            state.end_turn()
        else:
            for i in self._made:
                state.left.remove(i)
            state.end_step()
        return state.over

    def reply(self, completion: Completion, records: Sequence[CallRecord]) -> tuple[Message, ...]:
        """The user's next message, where the model's turn is over."""
        if not self._answered:
            return ()
        state: Dialogue = self.state
        news = announcement(state.entry, state.turn, self._show)
        if news is None:
            return state.entry.messages[state.turn]
        tools, text = news
        self.offer(tools)
        return (text,)

    def extra_info(self, over: bool) -> dict[str, Any]:
        state: Dialogue = self.state
        if over:
            state.cut()
        return {
            "category": state.entry.category,
            "user_turn": state.turn,
            "turns": tuple(state.turns),
            "progress": state.progress,
        }

    def judge(self) -> Verdict:
        verdict: Verdict = self.state.verdict
        return verdict

    def gold(self, task: Task) -> tuple[str, ...]:
        """The gold actions: the accepted calls of each turn in one action, then one without a call. In the
        pythonic dialect they have no thought, so that BFCL's own decoder reads them too."""
        if not self._prompted:
            return super().gold(task)
        return tuple(
            [self.dialect.render(Completion("", calls, None, None if calls else "Done.")) for calls in task.expected]
        )

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


def _decodes(calls: Sequence[ToolCall], prompted: bool) -> bool:
    """Whether the official handler could read all calls. It writes those of a prompted model anew, which may fail."""
    if not prompted:
        return all(call.error is None for call in calls)
    try:
        for call in calls:
            if any(type(value) is dict for value in call.arguments.values()):
                execution_list([{call.name: call.arguments}])
    except DecodeError:
        return False
    return True


@lru_cache(maxsize=512)
def _instructions(dialect: Dialect, tools: tuple[Function, ...]) -> str:
    """The system prompt for these functions; to a prompted model, the official one, which says what they return."""
    if isinstance(dialect, Pythonic):
        return system_prompt([tool.doc for tool in tools])
    return dialect.instructions(tools)
