"""Tasks that share their tools: neighbours in the sequence are requests to the same functions."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from toolgym.tasks.stream import Stream, key_of

from .catalogue import Place
from .requests import joined, many, one
from .tasks import LEVELS_V1, Drawing, Made, asked_for_more, task_of

MOST = 32
"""Neighbours with the same tools."""


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
        self.order = tuple(d.s.shuffled(self.places))
        self.style = d.style


def _one(d: Drawing, offered: Toolset) -> Made:
    place = d.s.pick(offered.places)
    return [place], [], one(d.function(place), d.s, d.split)


def _parallel(d: Drawing, offered: Toolset) -> Made:
    place = d.s.pick(offered.places)
    return [place], [], many(d.function(place), d.s.between(2, 4), d.s, d.split)


def _mixed(d: Drawing, offered: Toolset) -> Made:
    places = d.s.shuffled(offered.places)[: d.s.between(2, 3)]
    return places, [], joined([one(d.function(place), d.s, d.split) for place in places], d.s)


def _irrelevant(d: Drawing, offered: Toolset) -> Made:
    (place,) = d.distractors(offered.places, 1)
    return [], [], one(d.function(place), d.s, d.split)


def _missing(d: Drawing, offered: Toolset) -> Made:
    return [], [], asked_for_more(d, d.s.pick([place for place in offered.places if d.function(place).incomplete]))


MAKERS: dict[str, Callable[[Drawing, Toolset], Made]] = {
    "single": _one,
    "choose": _one,
    "parallel": _parallel,
    "mixed": _mixed,
    "irrelevant": _irrelevant,
    "missing": _missing,
}
