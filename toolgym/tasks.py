"""Where tasks come from: which of them are played, and whether two sources are the same."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from toolgym.digest import digest
from toolgym.types import Task

MOST_TASKS = 50_000
"""More tasks than this are not played unasked."""


def task_order(tasks: Sequence[Task], n: int | None, seed: int) -> list[str]:
    """The ids of ``n`` tasks, drawn without repetition by ``seed``; all of them, in order, for None.

    Raises ValueError for all tasks of a suite that makes them on demand.
    """
    if n is None and len(tasks) > MOST_TASKS:
        raise ValueError(f"there are {len(tasks):,} tasks: say how many to play (n)")
    if n is None or n >= len(tasks):
        return [task.id for task in tasks]
    import numpy as np

    chosen = np.random.default_rng(seed).choice(len(tasks), size=n, replace=False)
    return [tasks[int(i)].id for i in sorted(chosen)]


def task_digest(task: Task) -> str:
    """What a task asks: its messages, tools, expected calls and answer; ``data`` is the suite's own and left out."""
    tools = [tool.line for tool in task.tools]
    return digest((task.id, task.messages, tools, task.expected, task.response, task.split))


class TaskSource:
    """A sequence of tasks, and a digest that tells it from others: of the ids where it is a list or a tuple, else of
    its length, its repr (where its class has one of its own) and its first and last tasks."""

    def __init__(self, tasks: Sequence[Task]):
        self.tasks = tasks

    @cached_property
    def digest(self) -> str:
        tasks, kind = self.tasks, type(self.tasks)
        if isinstance(tasks, (list, tuple)):
            return digest([task.id for task in tasks])
        about = "" if kind.__repr__ is object.__repr__ else repr(tasks)
        return digest((kind.__qualname__, len(tasks), about, task_digest(tasks[0]), task_digest(tasks[-1])))
