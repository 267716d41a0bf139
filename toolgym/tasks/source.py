"""Sources of tasks: look-up by id, tasks made on demand, which tasks to play, and validation."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from operator import index
from random import Random
from types import MappingProxyType
from typing import Any, ClassVar, Protocol, SupportsIndex, TypeAlias, overload

from toolgym.digest import digest
from toolgym.tasks.task import Task, not_offered, shown
from toolgym.types import Message, message

_Names: TypeAlias = str | Sequence[str] | None
MOST_TASKS = 50_000
"""A suite with more tasks is not played in full: the caller has to say how many tasks."""
_ID = re.compile(r"\w+-(\d{6,12})-")


class TaskSource:
    """A sequence of tasks with look-up by id, and a digest by which two sources are compared.

    The digest of a list or tuple covers the ids. The digest of any other sequence covers its length, its repr (if its
    class defines one), and its first and last task.
    """

    def __init__(self, tasks: Sequence[Task]):
        self.tasks = tasks

    def find(self, task_id: str) -> Task:
        """The task with this id. Raises KeyError, which names similar ids."""
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
    """The tasks of one split and seed, made on demand: a task depends only on (split, seed, index).

    A subclass defines ``sizes``, ``make(index)`` and ``kind(index)``. The id of a task is ``<split>-<index>-<kind>``.
    ``__repr__`` should show all arguments, since TaskSource compares sources by it.

    Raises ValueError for an unknown split or a negative seed.
    """

    sizes: ClassVar[Mapping[str, int]]
    """Split -> number of tasks."""

    def __init__(self, split: str, seed: int):
        if split not in tuple(self.sizes):  # a tuple: the split may be of any type, also unhashable
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
        """The last part of the id of the task at an index."""

    @property
    def about(self) -> str:
        """Names these tasks in error messages."""
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
        """The task with this id. Raises KeyError, which names a similar id."""
        match = _ID.match(task_id) if isinstance(task_id, str) else None
        at = min(int(match[1]), len(self) - 1) if match else 0
        near = f"{self.split}-{at:06}-{self.kind(at)}"
        if near != task_id:
            raise KeyError(f"no task {task_id!r} among {len(self)} of {self.about}; did you mean {near}?")
        return self[at]


class LevelTasks(LazyTasks):
    """Tasks of the selected levels, which alternate by index; a level that is named twice has two turns.

    The id of a task ends with its level.
    """

    known: ClassVar[Sequence[str]]
    """All levels."""
    groups: ClassVar[Mapping[str, Sequence[str]]] = MappingProxyType({})
    """Name of a group -> its levels."""

    def __init__(self, split: str = "train", seed: int = 0, level: str | Sequence[str] | None = None):
        super().__init__(split, seed)
        named = [str(one) for one in _named(level)]
        levels = [str(one) for one in select("category", level, self.known, self.groups)]
        self.levels = tuple([one for one in levels for _ in range(max(1, named.count(one)))])

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.split!r}, seed={self.seed}, level={self.levels})"

    @property
    def about(self) -> str:
        return f"{super().about}, level {', '.join(self.levels)}"

    def kind(self, index: int) -> str:
        return self.levels[index % len(self.levels)]


def select(
    what: str, wanted: object, known: Sequence[object], groups: Mapping[str, Sequence[object]] = MappingProxyType({})
) -> tuple[object, ...]:
    """Select values from ``known``, in its order: one, several (a list, or names with commas between), or None for all.

    A name in ``groups`` selects the whole group. Raises ValueError for an unknown value, and for none.
    """
    if wanted is None:
        return tuple(known)
    each = _named(wanted)
    names = {str(one): (one,) for one in known} | {name: tuple(group) for name, group in groups.items()}
    unknown = [one for one in each if str(one) not in names or isinstance(one, bool)]
    if unknown or not each:
        wrong = f"{what}: {unknown[0]!r}{_near(unknown[0], names)}" if unknown else f"no {what}"
        raise ValueError(f"{wrong}; choose from {', '.join(names)}")
    asked = {one for name in each for one in names[str(name)]}
    return tuple([one for one in known if one in asked])


def _near(unknown: object, names: Iterable[str]) -> str:
    """`` (did you mean NAME?)``, or "" if no name is like the unknown one."""
    from difflib import get_close_matches

    close = get_close_matches(str(unknown)[:80], names, n=1)
    return f" (did you mean {close[0]}?)" if close else ""


def _named(wanted: object) -> Sequence[object]:
    return wanted.split(",") if isinstance(wanted, str) else wanted if isinstance(wanted, (list, tuple)) else [wanted]


def task_order(tasks: Sequence[Task], n: int | None, seed: int) -> list[str]:
    """The ids of ``n`` tasks, drawn without repetition by ``seed``, in order; all ids if ``n`` is None.

    The tasks of a smaller ``n`` are among the tasks of a larger one. Raises ValueError if ``n`` is None and there are
    more than ``MOST_TASKS`` tasks.
    """
    if n is None and len(tasks) > MOST_TASKS:
        raise ValueError(f"there are {len(tasks):,} tasks: say how many to play (n, -n)")
    if n is None or n >= len(tasks):
        return [task.id for task in tasks]
    return [tasks[i].id for i in sorted(drawn(len(tasks), n, seed))]


def drawn(size: int, n: int, seed: int) -> list[int]:
    """The first ``n`` of ``range(size)`` in a random order that depends on ``size`` and ``seed`` only."""
    random = Random(f"tasks {seed}").random  # Python promises that its sequence does not change
    moved: dict[int, int] = {}  # place -> the number there, if it is not the place itself
    found = []
    for i in range(n):  # Fisher-Yates, stopped after n steps
        j = i + int(random() * (size - i))
        found.append(moved.get(j, j))
        moved[j] = moved.pop(i, i)
    return found


def task_digest(task: Task) -> str:
    """A digest of all fields of a task except ``data``."""
    tools = [tool.line for tool in task.tools]
    return digest((task.id, task.messages, tools, task.expected, task.response, task.split))


class Shown(Protocol):
    """A task, or anything else with the messages of one."""

    @property
    def messages(self) -> tuple[Message, ...]: ...


def opening(task: Shown, instructions: str) -> tuple[Message, ...]:
    """The first messages of an episode: the instructions are put before the system message of the task."""
    messages, system = task.messages, instructions
    if not system:
        return messages
    if messages and messages[0]["role"] == "system":
        system, messages = f"{system}\n\n{messages[0]['content']}", messages[1:]
    return (message("system", system), *messages)


def check_tasks(tasks: Any, owner: str, *, as_expected: bool) -> None:
    """Raise TypeError if ``tasks`` is not a sequence of tasks, ValueError if it is empty or two tasks have one id.

    A list or tuple is checked in full. Of any other sequence only the first task is checked, and of LazyTasks none.
    Set ``as_expected`` if only the expected calls pass an episode and the offered tools never change. Then an
    expected call of a tool that is not offered raises ValueError in any turn.
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
    """Raise ValueError if a tool of the task runs and an expected call, in any turn, names a tool not offered."""
    names = {tool.name for tool in task.tools}
    if any(tool.function is not None for tool in task.tools):
        for i, turn in enumerate(task.expected):
            for j, call in enumerate(turn):
                if call.name not in names:
                    raise not_offered(task, i, j)
