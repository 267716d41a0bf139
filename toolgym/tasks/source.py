"""Where tasks come from: which are played, whether two sources are the same, and tasks made on demand."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from operator import index
from types import MappingProxyType
from typing import Any, ClassVar, SupportsIndex, TypeAlias, overload

from toolgym.digest import digest
from toolgym.tasks.task import Task, not_offered, shown
from toolgym.types import Message, message

_Names: TypeAlias = str | Sequence[str] | None
MOST_TASKS = 50_000
"""More tasks than this are not played unasked."""
_ID = re.compile(r"\w+-(\d{6,12})-")


def task_order(tasks: Sequence[Task], n: int | None, seed: int) -> list[str]:
    """The ids of ``n`` tasks, drawn without repetition by ``seed``; all of them, in order, for None.

    Raises ValueError for all tasks of a suite that makes them on demand.
    """
    if n is None and len(tasks) > MOST_TASKS:
        raise ValueError(f"there are {len(tasks):,} tasks: say how many to play (n, -n)")
    if n is None or n >= len(tasks):
        return [task.id for task in tasks]
    import numpy as np

    chosen = np.random.default_rng(seed).choice(len(tasks), size=n, replace=False)
    return [tasks[int(i)].id for i in sorted(chosen)]


def task_digest(task: Task) -> str:
    """What a task asks: its messages, tools, expected calls and answer; ``data`` is the suite's own and left out."""
    tools = [tool.line for tool in task.tools]
    return digest((task.id, task.messages, tools, task.expected, task.response, task.split))


def opening(task: Task, instructions: str) -> tuple[Message, ...]:
    """The first messages of an episode: instructions, joined with the task's own system message."""
    messages, system = task.messages, instructions
    if not system:
        return messages
    if messages and messages[0]["role"] == "system":
        system, messages = f"{system}\n\n{messages[0]['content']}", messages[1:]
    return (message("system", system), *messages)


class TaskSource:
    """A sequence of tasks, and a digest that tells it from others: of the ids where it is a list or a tuple, else of
    its length, its repr (where its class has one of its own) and its first and last tasks."""

    def __init__(self, tasks: Sequence[Task]):
        self.tasks = tasks

    def find(self, task_id: str) -> Task:
        """The task with this id. Raises KeyError with near misses."""
        if isinstance(self.tasks, LazyTasks):
            return self.tasks.find(task_id)
        try:
            return self.tasks[self._places[task_id]]
        except KeyError:
            from difflib import get_close_matches

            known = self._places
            close = get_close_matches(str(task_id), known, n=3) or list(known)[:3]
            raise KeyError(f"no task {task_id!r} among {len(known)}; did you mean {', '.join(close)}?") from None

    @cached_property
    def _places(self) -> dict[str, int]:
        return {task.id: i for i, task in enumerate(self.tasks)}

    @cached_property
    def digest(self) -> str:
        tasks, kind = self.tasks, type(self.tasks)
        if isinstance(tasks, (list, tuple)):
            return digest([task.id for task in tasks])
        about = "" if kind.__repr__ is object.__repr__ else repr(tasks)
        return digest((kind.__qualname__, len(tasks), about, task_digest(tasks[0]), task_digest(tasks[-1])))


def select(
    what: str, wanted: object, known: Sequence[object], groups: Mapping[str, Sequence[object]] = MappingProxyType({})
) -> tuple[object, ...]:
    """Those of ``known`` that are wanted: one, several (a list, or words with commas between), or all for None.

    A name of ``groups`` stands for all that are in it. Raises ValueError for what is not known.
    """
    if wanted is None:
        return tuple(known)
    each = wanted.split(",") if isinstance(wanted, str) else wanted if isinstance(wanted, (list, tuple)) else [wanted]
    names = {str(one): (one,) for one in known} | {name: tuple(group) for name, group in groups.items()}
    unknown = [one for one in each if str(one) not in names or isinstance(one, bool)]
    if unknown or not each:
        wrong = f"{what}: {unknown[0]!r}" if unknown else f"no {what}"
        raise ValueError(f"{wrong}; choose from {', '.join(names)}")
    asked = {one for name in each for one in names[str(name)]}
    return tuple([one for one in known if one in asked])


def level_or_category(level: _Names, category: _Names) -> _Names:
    """The levels to play in a suite whose categories are called levels: both options name them.

    Raises ValueError if both are given.
    """
    if level is not None and category is not None:
        raise ValueError(
            f"level and category are the same option here; give one of them, not {level!r} and {category!r}"
        )
    return category if level is None else level


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
        if isinstance(seed, bool) or not isinstance(seed, SupportsIndex) or index(seed) < 0:
            raise ValueError(f"seed must be a whole number from 0, got {seed!r}")
        self.split = split
        self.seed = index(seed)

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
    def __getitem__(self, at: SupportsIndex) -> Task: ...
    @overload
    def __getitem__(self, at: slice) -> list[Task]: ...
    def __getitem__(self, at: SupportsIndex | slice) -> Task | list[Task]:
        if isinstance(at, slice):
            return [self[i] for i in range(*at.indices(len(self)))]
        if not isinstance(at, SupportsIndex):
            raise TypeError(f"tasks are numbered from 0, got {at!r}; find(id) takes an id")
        n = index(at)
        if not -len(self) <= n < len(self):
            raise IndexError(f"task {at} of {len(self)}")
        return self.make(n % len(self))

    def __iter__(self) -> Iterator[Task]:
        return (self[i] for i in range(len(self)))

    def find(self, task_id: str) -> Task:
        """The task with this id. Raises KeyError, naming an id that is near, where there is none."""
        match = _ID.match(task_id) if isinstance(task_id, str) else None
        at = min(int(match[1]), len(self) - 1) if match else 0
        near = f"{self.split}-{at:06}-{self.kind(at)}"
        if near != task_id:
            raise KeyError(f"no task {task_id!r} among {len(self)} of {self.about}; did you mean {near}?")
        return self[at]


class LevelTasks(LazyTasks):
    """Tasks of the levels asked for, which take turns; a task's id ends with its level."""

    known: ClassVar[Sequence[str]]
    """All levels."""
    groups: ClassVar[Mapping[str, Sequence[str]]] = MappingProxyType({})
    """Names for several of them."""

    def __init__(self, split: str = "train", seed: int = 0, level: str | Sequence[str] | None = None):
        super().__init__(split, seed)
        self.levels = tuple([str(one) for one in select("level", level, self.known, self.groups)])

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.split!r}, seed={self.seed}, level={self.levels})"

    @property
    def about(self) -> str:
        return f"{super().about}, level {', '.join(self.levels)}"

    def kind(self, index: int) -> str:
        return self.levels[index % len(self.levels)]


def check_tasks(tasks: Any, owner: str, *, as_expected: bool) -> None:
    """Raise TypeError for what is no sequence of tasks, ValueError for none and for two of the same id.

    A list or tuple is looked at in full, any other sequence is asked for its first task, if it does not promise
    tasks. ``as_expected`` says that an episode is passed with the expected calls alone, and that the tools on offer
    stay those of the task: then a call of another tool is a ValueError in any turn.
    """
    if isinstance(tasks, (str, bytes, Mapping)) or not (hasattr(tasks, "__len__") and hasattr(tasks, "__getitem__")):
        raise TypeError(f"{owner} draws from a list of tasks, got {shown(tasks)}; write [Task.of(...), ...]")
    if len(tasks) == 0:
        raise ValueError(f"{owner} has no tasks to draw from")
    if not isinstance(tasks, (list, tuple)):
        if not isinstance(tasks, LazyTasks) and not isinstance(tasks[0], Task):
            raise TypeError(f"{owner} draws from tasks; the first of its {type(tasks).__name__} is {shown(tasks[0])}")
        return
    try:
        ids = {task.id for task in tasks}
    except (AttributeError, TypeError):
        ids = set()
    if len(ids) < len(tasks):
        for i, task in enumerate(tasks):
            if not isinstance(task, Task):
                raise TypeError(f"{owner} draws from tasks; tasks[{i}] is {shown(task)}; write Task.of(...)")
        name, count = Counter(task.id for task in tasks).most_common(1)[0]
        raise ValueError(f"{count} tasks have the id {name!r}: each needs one of its own")
    if as_expected:
        for task in tasks:
            if len(task.expected) > 1:
                _check_later_turns(task)


def _check_later_turns(task: Task) -> None:
    """Raise ValueError where a tool is to be called that is not on offer, if the task's tools are run."""
    names = {tool.name for tool in task.tools}
    if any(tool.function is not None for tool in task.tools):
        for i, turn in enumerate(task.expected):
            for j, call in enumerate(turn):
                if call.name not in names:
                    raise not_offered(task, i, j)
