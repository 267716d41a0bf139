"""The problems as a lazy sequence of tasks; each task depends only on split, seed, index, category and level."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from toolgym.tasks import LazyTasks, Task, select
from toolgym.tools import Tool
from toolgym.types import message

from .kinds_applied import linear_algebra, units
from .kinds_numbers import arithmetic, combinatorics, number_theory
from .kinds_symbols import algebra, calculus, equations
from .problem import Problem, Sheet
from .stream import Stream, split_of
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

_OFFERED = {1: 4, 2: 4, 3: 5, 4: 6, 5: 6}
"""Level -> number of tools offered."""
_SYSTEM = message(
    "system",
    "Solve the problem. What everybody knows, and sums and equations of one-digit numbers, need no tool; everything "
    "else goes through the tools. Powers are written x^2, products 2*x. In the end respond with the answer alone, "
    "exact, as a number or fraction, an expression, x = 1 or x = 2, or [[1, 2], [3, 4]].",
)


def make_sheet(split: str, seed: int, index: int, category: str, level: int) -> tuple[Sheet, Stream]:
    """The problem at an index: the stream's first problem that belongs to the split. Also returns the stream."""
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


class MathTasks(LazyTasks):
    """The tasks of one split and seed: the index runs through the categories first, then through the levels."""

    sizes = SIZES

    def __init__(
        self,
        split: str = "train",
        seed: int = 0,
        category: str | Sequence[str] | None = None,
        level: int | str | Sequence[int] | None = None,
    ):
        super().__init__(split, seed)
        self.categories = tuple([str(one) for one in select("category", category, CATEGORIES)])
        self.levels = tuple([int(str(one)) for one in select("level", level, LEVELS)])

    def __repr__(self) -> str:
        return f"MathTasks({self.split!r}, seed={self.seed}, category={self.categories}, level={self.levels})"

    def make(self, index: int) -> Task:
        return make_task(self.split, self.seed, index, *self.place(index))

    def kind(self, index: int) -> str:
        category, level = self.place(index)
        return f"{category}-{level}"

    def place(self, index: int) -> tuple[str, int]:
        """The category and the level of the task at an index."""
        turn, which = divmod(index, len(self.categories))
        return self.categories[which], self.levels[turn % len(self.levels)]
