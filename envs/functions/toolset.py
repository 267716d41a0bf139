"""v1's tasks, and its tasks that share their tools: neighbours in the sequence, which offer the same functions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache

import msgspec

from toolgym.checks import whole_number
from toolgym.tasks import Task
from toolgym.tasks.stream import Stream, key_of

from .catalogue import Place
from .look import Style
from .requests import Asked, joined, many, one
from .tasks import LEVELS_V1, Drawing, FunctionsTasks, make_task, task_of, without_a_value

Wanted = tuple[list[Place], Asked]
"""The functions to call, and the request."""


class Toolset:
    """One to four functions on offer, drawn from (split, seed, number of the set) alone.

    Args:
        levels: of the tasks that share the functions; some need more than one function, or a particular one.
    """

    def __init__(self, split: str, seed: int, number: int, levels: Sequence[str], version: int):
        d = Drawing(split, Stream(key_of(seed, split, number), len(LEVELS_V1)), version)
        first = d.place()
        while "missing" in levels and not d.function(first).incomplete:
            first = d.place()
        count = d.s.pick((2, 2, 3, 3, 4)) if "mixed" in levels else d.s.pick((1, 2, 2, 3, 3, 4))
        self.places = [first, *d.distractors([first], count - 1)]
        self.tools = d.dressed(self.places)
        self.shown = tuple(d.s.shuffled([tool for tool, _ in self.tools.values()]))
        self.style = d.style


def _one(d: Drawing, offered: Toolset) -> Wanted:
    place = d.s.pick(offered.places)
    return [place], one(d.function(place), d.s, d.split)


def _parallel(d: Drawing, offered: Toolset) -> Wanted:
    place = d.s.pick(offered.places)
    return [place], many(d.function(place), d.s.between(2, 4), d.s, d.split)


def _mixed(d: Drawing, offered: Toolset) -> Wanted:
    places = d.s.shuffled(offered.places)[: d.s.between(2, 3)]
    return places, joined([one(d.function(place), d.s, d.split) for place in places], d.s)


def _irrelevant(d: Drawing, offered: Toolset) -> Wanted:
    (place,) = d.distractors(offered.places, 1)
    return [], one(d.function(place), d.s, d.split)


def _missing(d: Drawing, offered: Toolset) -> Wanted:
    return [], without_a_value(d, d.s.pick([place for place in offered.places if d.function(place).incomplete]))


MAKERS: dict[str, Callable[[Drawing, Toolset], Wanted]] = {
    "single": _one,
    "choose": _one,
    "parallel": _parallel,
    "mixed": _mixed,
    "irrelevant": _irrelevant,
    "missing": _missing,
}
_toolset = lru_cache(256)(Toolset)


class FunctionsV1Tasks(FunctionsTasks):
    """The tasks of v1.

    Args:
        per_toolset: this many neighbours offer the same functions.
    """

    known = LEVELS_V1
    version = 1

    def __init__(
        self, split: str = "train", seed: int = 0, level: str | Sequence[str] | None = None, per_toolset: int = 1
    ):
        super().__init__(split, seed, level)
        self.per_toolset = whole_number("requests_per_toolset", per_toolset, 1)

    def make(self, index: int) -> Task:
        level = self.kind(index)
        if self.per_toolset == 1:
            return make_task(self.split, self.seed, index, level, self.version)
        offered = self._toolset(index)
        # a stream of its own: the request must not follow from the same numbers as without shared tools
        d = Drawing(self.split, Stream(key_of(self.seed, self.split, index), 2 * len(MAKERS)), self.version)
        needed, asked = MAKERS[level](d, offered)
        task = task_of(f"{self.split}-{index:06}-{level}", d, needed, asked, offered.tools)
        return msgspec.structs.replace(task, tools=offered.shown)

    def style(self, task: Task) -> Style:
        index = int(task.id.split("-")[1])
        return super().style(task) if self.per_toolset == 1 else self._toolset(index).style

    def _toolset(self, index: int) -> Toolset:
        return _toolset(self.split, self.seed, index // self.per_toolset, self.levels, self.version)
