"""The tiny robustness study's suite: a request, a call, its result, a last answer.

    env = gym.make("Study-Errands-v0", split="test", perturb="twin_job", faults="timeout")

The tasks are those of ``study/decisions.py``, first decisions of Office tasks that a model of a million parameters can
learn, with tools that run: each answers "ok". An episode with a call goes on to an answer in words.
"""

from __future__ import annotations

from typing import Any

from study.decisions import Brief, Decisions, thought

from toolgym import Task, ToolEnv, register
from toolgym.tools import Tool
from toolgym.types import Completion

ENV = "Study-Errands-v0"
RESULT = "ok"
SAID = "All is done."
"""The thought of the last answer."""


class Errands(Decisions):
    """The decisions with tools that run, made on demand."""

    def __getitem__(self, index: Any) -> Any:
        found = super().__getitem__(index)
        return found if isinstance(found, list) else running(found)


def running(task: Task) -> Task:
    """The task with tools that run. They are made anew, so that no task shares what it caches."""
    tools = tuple([Tool(each.name, each.description, each.parameters, _run, timeout=None) for each in task.tools])
    return Task(task.id, task.messages, tools, task.expected, task.response, task.split, task.data)


def _run(**arguments: Any) -> str:
    return RESULT


class Errand(ToolEnv):
    """The tiny study's suite. Args: ``split`` of Office's tasks, ``world`` (see Decisions)."""

    def __init__(self, split: str = "train", world: int = 0, **kwargs: Any):
        super().__init__(Errands(split, world), **{"dialect": Brief(), "max_turns": 3, **kwargs})

    def find_task(self, task_id: str) -> Task:
        found: Task = self.tasks[int(task_id)]
        return found

    def extra_info(self, over: bool) -> dict[str, Any]:
        return {"category": self.task.data}

    def gold(self, task: Task) -> tuple[str, ...]:
        calls = task.expected[0]
        if not calls:
            return (self.dialect.render(Completion("", (), thought(calls), task.response)),)
        said = Completion("", (), SAID, task.response or "Done.")
        return self.dialect.render(Completion("", calls, thought(calls))), self.dialect.render(said)


register(ENV, Errand)
