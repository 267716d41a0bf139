"""The problems as tasks: a lazy sequence, each made from (split, seed, index) alone."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import overload

from toolgym.tools import Tool
from toolgym.types import Task, message

from .kinds_applied import linear_algebra, units
from .kinds_numbers import arithmetic, combinatorics, number_theory
from .kinds_symbols import algebra, calculus, equations
from .problem import Problem, Sheet
from .stream import SPLITS, Stream, split_of
from .tools import TOOLS

MAKERS: dict[str, Callable[[Stream, int], Problem]] = {
    "arithmetic": arithmetic,
    "algebra": algebra,
    "equations": equations,
    "calculus": calculus,
    "number_theory": number_theory,
    "combinatorics": combinatorics,
    "linear_algebra": linear_algebra,
    "units": units,
}
CATEGORIES = tuple(MAKERS)
LEVELS = (1, 2, 3, 4, 5)
SIZES = {"train": 1_000_000, "val": 2_000, "test": 2_000}

_ID = re.compile(r"(\w+)-(\d{6,12})-(\w+)-(\d)")
_OFFERED = {1: 4, 2: 4, 3: 5, 4: 6, 5: 6}
"""Tools on offer at each level."""
_SYSTEM = message(
    "system",
    "Solve the problem. What everybody knows, and sums and equations of one-digit numbers, need no tool; everything "
    "else goes through the tools. Powers are written x^2, products 2*x. In the end respond with the answer alone, "
    "exact, as a number or fraction, an expression, x = 1 or x = 2, or [[1, 2], [3, 4]].",
)


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
    return tuple([one for one in known if str(one) in {str(one) for one in each}])


def make_sheet(split: str, seed: int, index: int, category: str, level: int) -> tuple[Sheet, Stream]:
    """The problem at an index: the first that the stream gives and that belongs to the split."""
    s = Stream(seed, split, index)
    while True:
        problem = MAKERS[category](s, level)
        if split_of(f"{category} {problem.key}") == split:
            return Sheet(problem, category, level), s


def make_task(split: str, seed: int, index: int, category: str, level: int) -> Task:
    """The task at an index."""
    sheet, s = make_sheet(split, seed, index, category, level)
    problem = sheet.problem
    return Task(
        f"{split}-{index:06}-{category}-{level}",
        (_SYSTEM, message("user", problem.text)),
        _offered(s, problem, level),
        (*problem.stages, ()),
        response=problem.answer.text,
        split=split,
        data=sheet,
    )


def _offered(s: Stream, problem: Problem, level: int) -> tuple[Tool, ...]:
    needed = dict.fromkeys([call.name for stage in problem.stages for call in stage])
    others = [name for name in TOOLS if name not in needed]
    names = [*needed, *s.sample(others, _OFFERED[level] - len(needed))]
    return tuple([TOOLS[name] for name in s.sample(names, len(names))])


class MathTasks(Sequence[Task]):
    """The tasks of one split and seed; kinds take turns, and then levels. Made when asked for."""

    def __init__(
        self,
        split: str = "train",
        seed: int = 0,
        category: str | Sequence[str] | None = None,
        level: int | str | Sequence[int] | None = None,
    ):
        if split not in SPLITS:
            raise ValueError(f"split must be one of {', '.join(SPLITS)}; got {split!r}")
        if seed < 0:
            raise ValueError(f"seed must not be negative, got {seed}")
        self.split = split
        self.seed = seed
        self.categories = tuple([str(one) for one in chosen("category", category, CATEGORIES)])
        self.levels = tuple([int(str(one)) for one in chosen("level", level, LEVELS)])

    def __repr__(self) -> str:
        return f"MathTasks({self.split!r}, seed={self.seed}, category={self.categories}, level={self.levels})"

    def __len__(self) -> int:
        return SIZES[self.split]

    @overload
    def __getitem__(self, index: int) -> Task: ...
    @overload
    def __getitem__(self, index: slice) -> list[Task]: ...
    def __getitem__(self, index: int | slice) -> Task | list[Task]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        if index < 0:
            index += len(self)
        if not 0 <= index < len(self):
            raise IndexError(f"task {index} of {len(self)}")
        return make_task(self.split, self.seed, index, *self.place(index))

    def __iter__(self) -> Iterator[Task]:
        return (self[i] for i in range(len(self)))

    def place(self, index: int) -> tuple[str, int]:
        """The kind and the level of the task at an index."""
        turn, which = divmod(index, len(self.categories))
        return self.categories[which], self.levels[turn % len(self.levels)]

    def find(self, task_id: str) -> Task:
        """The task with this id. Raises KeyError, naming an id that is near, where there is none."""
        match = _ID.fullmatch(task_id) if isinstance(task_id, str) else None
        index = min(int(match[2]), len(self) - 1) if match else 0
        category, level = self.place(index)
        near = f"{self.split}-{index:06}-{category}-{level}"
        if near != task_id:
            raise KeyError(f"no task {task_id!r} among {len(self)} of split {self.split}; did you mean {near}?")
        return self[index]
