"""APIBankEnv: the API-Bank items on which the ToolRL paper evaluates, one call each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from toolgym.dialects import Dialect, get_dialect
from toolgym.env import ToolEnv
from toolgym.grading import NOT_ACTED
from toolgym.rewards import Reward
from toolgym.tasks import Task
from toolgym.toolrl_prompts import Prompt, choose_prompt
from toolgym.tools import Tool
from toolgym.types import Completion, ToolCall, ToolResult, Trajectory, Verdict

from . import aggregate
from .grading import grade
from .tasks import Item, levels, tasks
from .unpassable import UNPASSABLE


class APIBankEnv(ToolEnv):
    """API-Bank (Li et al. 2023, arXiv 2304.08244) by the protocol of ToolRL (arXiv 2504.13958): ``ToolGym-APIBank-v0``.

    The model gets a dialogue so far and tools, and makes the one call that comes next. Nothing is run; the call is
    compared with the expected call. Level 1: call an API that is given. Level 2: dialogues in which the API had to be
    found first. Level 3: plans of several calls, each of which is an item.

    Verdict: ToolRL's (see grading.py): success if any of the calls is exactly the expected call. In the dialect
    "toolrl" the text is read as ToolRL's scripts read it, quirks included; in other dialects the calls that the dialect
    reads count. Expected values are strings, whatever type the prompt names. API-Bank's own evaluator, which runs the
    calls, gives another verdict.

    Reward: the rubric's, against the expected call. It is stricter than the verdict: layout counts, and so do
    further calls.

    ``info`` also has ``category`` ("level-1" to "level-3") and ``known_unpassable``: why no natural answer can pass
    this item, or None (19 of 597; see unpassable.py).

    Args:
        level: 1 (399 items), 2 (67) or 3 (131); several, as a list or with commas between; or None for all.
        split: "test"; API-Bank has no training split.
        prompt: "original": the system and user messages of the item, byte for byte, the default with the dialect
            "toolrl". "dialect": as in other suites, the default with other dialects: the dialect's instructions list
            the tools, and the records of the dialogue become messages.
        dialect, rubric, and further arguments: see ToolEnv.

    Version history:
        v0: the three levels.
    """

    def __init__(
        self,
        level: int | str | Iterable[int] | None = None,
        split: str = "test",
        prompt: Prompt | None = None,
        dialect: str | Dialect = "toolrl",
        rubric: str | Reward = "toolrl",
        **kwargs: Any,
    ):
        if split != "test":
            raise ValueError(f"API-Bank has only the split 'test', got {split!r}")
        self.prompt = choose_prompt(prompt, get_dialect(dialect))
        self.levels = levels(level)
        found = [task for each in self.levels for task in tasks(each, self.prompt, dialect)]
        super().__init__(found, dialect=dialect, rubric=rubric, **{"max_turns": 1, **kwargs})
        self.state: Verdict | None
        """The verdict on the episode's only action; None before the action."""

    def instructions(self, tools: tuple[Tool, ...]) -> str:
        return "" if self.prompt == "original" else super().instructions(tools)

    def start(self, task: Task) -> None:
        self.state = None

    def on_action(self, completion: Completion, results: Sequence[ToolResult | None]) -> tuple[ToolCall, ...]:
        item: Item = self.task.data
        # Graded here, once: ``judge`` only returns the verdict
        self.state = grade(item.gold, completion, released=self.dialect.name == "toolrl")
        return self.expected(completion)

    def finished(self, completion: Completion) -> bool:
        return True

    def judge(self) -> Verdict:
        return self.state or NOT_ACTED

    def extra_info(self, over: bool) -> dict[str, Any]:
        return {"category": f"level-{self.task.data.level}", "known_unpassable": UNPASSABLE.get(self.task.id)}

    def stratum(self, task: Task) -> tuple[str, ...]:
        """The level."""
        return (f"level-{task.data.level}",)

    @classmethod
    def summarize(cls, trajectories: Iterable[Trajectory]) -> dict[str, Any]:
        """Accuracy per level and overall: see aggregate.summarize."""
        return aggregate.summarize(trajectories)
