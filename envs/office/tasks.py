"""The tasks: a lazy sequence, each drawn from (split, seed, index) alone."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import overload

from toolgym.types import Task, ToolCall, message

from .dialogue import dialogue
from .fixture import WEEKDAYS, Fixture, iso
from .levels import Made, choose, irrelevant, missing, parallel, single
from .naming import NAMINGS
from .plan import Plan
from .recipe_levels import chain, recover
from .scene import Scene
from .stream import SPLITS, Stream, key_of

MAKERS: dict[str, Callable[[Scene], Made]] = {
    "single": single,
    "choose": choose,
    "parallel": parallel,
    "chain": chain,
    "missing": missing,
    "irrelevant": irrelevant,
    "dialogue": dialogue,
    "recover": recover,
}
LEVELS = tuple(MAKERS)
GROUPS = {"easy": ("single", "choose", "parallel", "irrelevant"), "all": LEVELS}
SIZES = {"train": 1_000_000, "val": 2_000, "test": 2_000, "test_unseen": 2_000}

_ID = re.compile(r"(\w+)-(\d{6,12})-(\w+)")
_SETTINGS = (
    "You are the office assistant of {user} at {company}. Today is {weekday}, {today}.",
    "You help {user} of {company} with office work. Today is {weekday}, {today}.",
    "{user} works at {company}, and you are the assistant. It is {weekday}, {today}.",
    "Date: {weekday}, {today}. You work for {user} at {company}.",
    "You are an assistant at {company}. Your user is {user}. Today: {weekday}, {today}.",
)


def levels_of(level: str | Sequence[str] | None) -> tuple[str, ...]:
    """The levels meant by the ``level`` argument, in the order of ``LEVELS``. Raises ValueError for an unknown one."""
    words = [level] if isinstance(level, str) else list(LEVELS if level is None else level)
    wanted = {name for word in words for name in GROUPS.get(word, (word,))}
    unknown = wanted - set(LEVELS)
    if unknown or not wanted:
        what = ", ".join(map(repr, sorted(unknown))) or "no level"
        raise ValueError(f"level: {what}; choose from {', '.join((*LEVELS, *GROUPS))}")
    return tuple(name for name in LEVELS if name in wanted)


def make_task(split: str, seed: int, index: int, level: str) -> Task:
    """The task of a level at an index."""
    key = key_of(seed, split, index)
    fixture = Fixture(key, split)
    stream = Stream(key, 128 + LEVELS.index(level))
    scene = Scene(fixture, stream, split)
    naming = stream.pick(NAMINGS[split])
    phases, tools = MAKERS[level](scene)
    calls: list[tuple[ToolCall, ...]] = []
    for phase in phases:
        calls += [tuple([naming.call(call) for call in stage.calls]) for stage in phase.stages]
        calls.append(())
    opening = stream.pick(_SETTINGS).format(
        user=fixture.user,
        company=fixture.company,
        weekday=WEEKDAYS[(fixture.today - 1) % 7],
        today=iso(fixture.today),
    )
    return Task(
        f"{split}-{index:06}-{level}",
        (message("system", opening), message("user", phases[0].user)),
        tuple([naming.tool(name) for name in tools]),
        tuple(calls),
        response=phases[-1].answer,
        split=split,
        data=Plan(level, fixture, phases),
    )


class OfficeTasks(Sequence[Task]):
    """The tasks of one split and seed; where there are several levels, they take turns. Made when asked for."""

    def __init__(self, split: str = "train", seed: int = 0, level: str | Sequence[str] | None = None):
        if split not in SPLITS:
            raise ValueError(f"split must be one of {', '.join(SPLITS)}; got {split!r}")
        if seed < 0:
            raise ValueError(f"seed must not be negative, got {seed}")
        self.split = split
        self.seed = seed
        self.levels = levels_of(level)

    def __repr__(self) -> str:
        return f"OfficeTasks({self.split!r}, seed={self.seed}, level={self.levels})"

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
        return make_task(self.split, self.seed, index, self.levels[index % len(self.levels)])

    def __iter__(self) -> Iterator[Task]:
        return (self[i] for i in range(len(self)))

    def find(self, task_id: str) -> Task:
        """The task with this id. Raises KeyError, naming an id that is near, where there is none."""
        match = _ID.fullmatch(task_id) if isinstance(task_id, str) else None
        index = min(int(match[2]), len(self) - 1) if match else 0
        level = self.levels[index % len(self.levels)]
        near = f"{self.split}-{index:06}-{level}"
        if near != task_id:
            about = f"{len(self)} of split {self.split}, level {', '.join(self.levels)}"
            raise KeyError(f"no task {task_id!r} among {about}; did you mean {near}?")
        return self[index]


__all__ = ["GROUPS", "LEVELS", "SIZES", "OfficeTasks", "levels_of", "make_task"]
