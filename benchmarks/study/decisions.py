"""The tiny study's suite: one decision per episode, as the ToolRL paper trains: a request, one answer, the end.

    env = gym.make("Study-Decisions-v0", split="train", reward={"scale": "dynamic", "schedule": 105 / 40})

The tasks are first decisions of ToolGym-Office-v0 that a model of a million parameters can learn: the call that a
request needs (levels single and choose), or the statement that no tool fits (irrelevant). There are at most four tools,
shown by name and parameters only; their names are the authors' names, except in test_unseen. A call has at most one
value, one or two words of the request.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache, partial
from typing import Any, ClassVar

import gymnasium as gym

from toolgym import Task, ToolEnv, register
from toolgym.dialects.toolrl import ToolRL
from toolgym.envs.office.apis.office import TOOLS
from toolgym.envs.office.naming import NAMINGS, Naming
from toolgym.envs.office.tasks import SIZES, make_task
from toolgym.rewards import Evidence, Scores
from toolgym.rewards.reference import length_limit, length_score
from toolgym.rewards.toolrl import ToolRLReward
from toolgym.tools import Tool
from toolgym.types import Completion, Term, ToolCall, message

ENV = "Study-Decisions-v0"
TOOLRL_ENV = "Study-ToolRL-v0"
FUNCTIONS_ENV = "Study-Functions-v1"
LEVELS = ("single", "choose", "irrelevant")
TOOLS_SHOWN = 4
LOOKED_THROUGH = 256
"""Office tasks per task of this suite: the first simple one is taken."""
TASKS = 6000
_VALUE = re.compile(r"[A-Za-z]+( [A-Za-z]+)?")


class Brief(ToolRL):
    """ToolRL's answers, with a line for each tool and one for the layout."""

    name: ClassVar[str] = "toolrl"

    def instructions(self, tools: Sequence[Tool]) -> str:
        return "\n".join(["Tools:", *map(tool_line, tools), "Answer: think, tool_call or response"])


def tool_line(tool: Tool) -> str:
    return f"{tool.name}({','.join(tool.parameters.get('properties', {}))})"


PLAIN, UNSEEN = Naming(0, "snake"), Naming(3, "snake")
"""The names of tools and parameters: their authors' names, and other names in test_unseen."""


@cache
def authors_names() -> dict[str, str]:
    """Each name of a tool -> its author's name."""
    return {naming.tool_name(name): name for names in NAMINGS.values() for naming in names for name in TOOLS}


class Decisions(Sequence[Task]):
    """First decisions of Office tasks, made on demand. ``world``: a range of a thousand Office seeds."""

    def __init__(self, split: str, world: int):
        self.split, self.world = split, world

    def __repr__(self) -> str:
        return f"Decisions({self.split!r}, world={self.world})"

    def __len__(self) -> int:
        return TASKS

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        if not -len(self) <= index < len(self):
            raise IndexError(f"task {index} of {len(self)}")
        index %= len(self)
        level = LEVELS[index % len(LEVELS)]
        for i in range(index * LOOKED_THROUGH, (index + 1) * LOOKED_THROUGH):
            world, place = divmod(i, SIZES[self.split])
            task = make_task(self.split, 1000 * self.world + world, place, level)
            if simple(task):
                break
        return decision(task, index)


def simple(task: Task) -> bool:
    """Whether the request is words only, and the call has at most one value: one or two words of the request."""
    said = task.messages[-1]["content"]
    values = [value for call in task.expected[0] for value in call.arguments.values()]
    if len(values) > 1 or re.search(r"[\d@\"]", said):
        return False
    return all(isinstance(value, str) and _VALUE.fullmatch(value) and value in said for value in values)


def decision(task: Task, index: int) -> Task:
    """The task's first decision; its tools can be called, but do nothing."""
    naming = UNSEEN if task.split == "test_unseen" else PLAIN
    calls = tuple([naming.call(call) for stage in task.data.phases[0].stages for call in stage.calls])
    tools = [naming.tool(authors_names()[tool.name]) for tool in task.tools]
    needed = {call.name for call in calls}
    spare = [tool.name for tool in tools if tool.name not in needed][: TOOLS_SHOWN - len(needed)]
    tools = [tool for tool in tools if tool.name in needed or tool.name in spare]
    messages = (message("user", task.messages[-1]["content"]),)
    described = tuple([Tool(tool.name, tool.description, tool.parameters) for tool in tools])
    response = None if calls else task.response
    return Task(f"{index}", messages, described, (calls,), response, task.split, task.data.level)


class PaperReward:
    """ToolRL's reward with its schedules fitted to a shorter run than the paper's 105 steps.

    Args:
        schedule: steps of the paper per step of the trainer.
        words: words of thought for the full length score (the paper: 512); the dynamic limit is scaled likewise.
        length: as in ToolRLReward.
        **options: options of ToolRLReward: granularity, scale.
    """

    def __init__(self, schedule: float = 1.0, words: int = 512, length: str = "off", **options: Any):
        self.base = ToolRLReward(**options)
        self.schedule, self.words, self.length = schedule, words, length

    def set_step(self, step: int) -> None:
        self.base.set_step(int(step * self.schedule))

    def score(self, evidence: Evidence) -> Scores:
        scores = self.base.score(evidence)
        if self.length == "off":
            return scores
        words = len((evidence.completion.think or "").split())
        limit = length_limit(self.length, self.base.step) * self.words / 512  # type: ignore[arg-type]
        extra = length_score(words, limit)
        return Scores(scores.total + extra, (*scores.terms, Term("length", extra)), scores.calls)


class OneDecision(ToolEnv):
    """The tiny study's suite. Args: ``split`` of Office's tasks, ``world``, ``reward`` (arguments of PaperReward)."""

    def __init__(self, split: str = "train", world: int = 0, reward: dict[str, Any] | None = None, **kwargs: Any):
        rubric = PaperReward(**(reward or {}))
        super().__init__(Decisions(split, world), dialect=Brief(), rubric=rubric, max_turns=1, **kwargs)

    def find_task(self, task_id: str) -> Task:
        found: Task = self.tasks[int(task_id)]
        return found

    def finished(self, completion: Completion) -> bool:
        return True

    def extra_info(self, over: bool) -> dict[str, Any]:
        return {"category": self.task.data}

    def gold(self, task: Task) -> tuple[str, ...]:
        return (self.dialect.render(Completion("", task.expected[0], thought(task.expected[0]), task.response)),)


def thought(calls: Sequence[ToolCall]) -> str:
    """The reasoning text of gold actions: it names the tool and parameters before the call."""
    if not calls:
        return "None of the tools does that."
    return " ".join([f"I use {call.name}({','.join(call.arguments)})." for call in calls])


def rewarded(suite: str, reward: dict[str, Any] | None = None, **kwargs: Any) -> ToolEnv:
    """A suite of ToolGym with the study's reward."""
    env: Any = gym.make(suite, rubric=PaperReward(**(reward or {})), **kwargs).unwrapped
    return env  # type: ignore[no-any-return]


register(ENV, OneDecision)
register(TOOLRL_ENV, partial(rewarded, "ToolGym-ToolRL-v0"))
register(FUNCTIONS_ENV, partial(rewarded, "ToolGym-Functions-v1"))
