"""Where tasks come from: which are played, whether two sources are the same, and tasks made on demand."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import ClassVar, overload

from toolgym.digest import digest
from toolgym.types import Task

MOST_TASKS = 50_000
"""More tasks than this are not played unasked."""
_ID = re.compile(r"\w+-(\d{6,12})-")


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


def chosen(what: str, wanted: object, known: Sequence[object]) -> tuple[object, ...]:
    """Those of ``known`` that are wanted: one, several (a list, or words with commas between), or all for None.

    Raises ValueError for what is not known.
    """
    if wanted is None:
        return tuple(known)
    each = wanted.split(",") if isinstance(wanted, str) else wanted if isinstance(wanted, (list, tuple)) else [wanted]
    names = {str(one): one for one in known}
    unknown = [one for one in each if str(one) not in names or isinstance(one, bool)]
    if unknown or not each:
        raise ValueError(f"{what}: {unknown[0] if unknown else 'nothing'!r}; choose from {', '.join(names)}")
    asked = {str(one) for one in each}
    return tuple([one for name, one in names.items() if name in asked])


class LazyTasks(Sequence[Task]):
    """The tasks of one split and seed, each made when it is asked for, from (split, seed, index) alone.

    A subclass says how many there are (``sizes``), how to make one, and what kind of task an index has, which ends its
    id: ``<split>-<index>-<kind>``. A ``__repr__`` that tells its arguments tells its tasks from others (TaskSource).

    Raises ValueError for an unknown split or a negative seed.
    """

    sizes: ClassVar[Mapping[str, int]]
    """Split -> number of tasks."""

    def __init__(self, split: str, seed: int):
        if split not in tuple(self.sizes):  # it may be anything
            raise ValueError(f"split must be one of {', '.join(self.sizes)}; got {split!r}")
        if type(seed) is not int or seed < 0:
            raise ValueError(f"seed must be a whole number from 0, got {seed!r}")
        self.split = split
        self.seed = seed

    @abstractmethod
    def make(self, index: int) -> Task:
        """The task at an index."""

    @abstractmethod
    def kind(self, index: int) -> str:
        """How the id of the task at an index ends."""

    @property
    def about(self) -> str:
        """Which tasks these are, for errors."""
        return f"split {self.split}"

    def __len__(self) -> int:
        return self.sizes[self.split]

    @overload
    def __getitem__(self, index: int) -> Task: ...
    @overload
    def __getitem__(self, index: slice) -> list[Task]: ...
    def __getitem__(self, index: int | slice) -> Task | list[Task]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        if not isinstance(index, int):
            raise TypeError(f"tasks are numbered from 0, got {index!r}; find(id) takes an id")
        if index < 0:
            index += len(self)
        if not 0 <= index < len(self):
            raise IndexError(f"task {index} of {len(self)}")
        return self.make(index)

    def __iter__(self) -> Iterator[Task]:
        return (self[i] for i in range(len(self)))

    def find(self, task_id: str) -> Task:
        """The task with this id. Raises KeyError, naming an id that is near, where there is none."""
        match = _ID.match(task_id) if isinstance(task_id, str) else None
        index = min(int(match[1]), len(self) - 1) if match else 0
        near = f"{self.split}-{index:06}-{self.kind(index)}"
        if near != task_id:
            raise KeyError(f"no task {task_id!r} among {len(self)} of {self.about}; did you mean {near}?")
        return self[index]
