"""The tasks: a lazy sequence, each drawn from (split, seed, index) alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from toolgym.stream import Stream, key_of
from toolgym.tasks import LevelTasks
from toolgym.types import Task, message

from .catalogue import fields
from .function import Function
from .look import call_of, draw_look, draw_style, dressed
from .requests import Asked, joined, many, one, spoken

Place = tuple[str, int]
"""A function: its field, and where it is in it."""
Made = tuple[list[Place], list[Place], Asked]
"""The functions on offer, the one of each call, and the request."""
SIZES = {"train": 1_000_000, "val": 2_000, "test": 2_000, "test_unseen": 2_000}

REFUSALS = (
    "None of my tools can do that.",
    "I have no tool for this, so I cannot do it.",
    "I am sorry, no function on offer does what you ask.",
    "That is not something the functions I have can do.",
)


class Drawing:
    """One task, or what a family has in common, while it is drawn."""

    def __init__(self, split: str, s: Stream):
        self.split, self.s = split, s
        self.fields = fields(split)
        self.names = tuple(self.fields)

    def place(self, field: str = "") -> Place:
        field = field or self.s.pick(self.names)
        return field, self.s.below(len(self.fields[field]))

    def function(self, place: Place) -> Function:
        return self.fields[place[0]][place[1]]

    def others(self, beside: Sequence[Place], n: int) -> list[Place]:
        """``n`` functions beside others; most are of the same field, and easily taken for them."""
        found: list[Place] = []
        while len(found) < n:
            other = self.place(self.s.pick(beside)[0] if self.s.chance(0.7) else "")
            if other not in beside and other not in found:
                found.append(other)
        return found

    def ask(self, place: Place) -> Asked:
        return one(self.function(place), self.s, self.split)


class Family:
    """What the tasks of a family have in common: ``one`` function, or ``several``, to be on offer, and their looks."""

    def __init__(self, split: str, key: int):
        d = Drawing(split, Stream(key, len(LEVELS)))
        style = draw_style(d.s, split)
        self.one = [d.place()]
        first = d.place()
        self.several = d.s.shuffled([first, *d.others([first], d.s.between(1, 3))])
        places = dict.fromkeys(self.one + self.several)
        self.tools = {place: dressed(*place, draw_look(d.function(place), style, d.s)) for place in places}


def _single(d: Drawing, family: Family) -> Made:
    place = family.one[0]
    return family.one, [place], d.ask(place)


def _choose(d: Drawing, family: Family) -> Made:
    place = d.s.pick(family.several)
    return family.several, [place], d.ask(place)


def _parallel(d: Drawing, family: Family) -> Made:
    place = family.one[0]
    text, asked = many(d.function(place), d.s.between(2, 4), d.s, d.split)
    return family.one, [place] * len(asked), (text, asked)


def _mixed(d: Drawing, family: Family) -> Made:
    places = d.s.shuffled(family.several)[: d.s.between(2, 3)]
    return family.several, places, joined([d.ask(place) for place in places], d.s)


def _irrelevant(d: Drawing, family: Family) -> Made:
    shown = family.one if d.s.chance(0.5) else family.several
    return shown, [], d.ask(d.others(shown, 1)[0])


MAKERS: dict[str, Callable[[Drawing, Family], Made]] = {
    "single": _single,
    "choose": _choose,
    "parallel": _parallel,
    "mixed": _mixed,
    "irrelevant": _irrelevant,
}
LEVELS = tuple(MAKERS)


def family_size(split: str) -> int:
    """Tasks in a row that share their tools. In training they do, for what they share is computed once there; elsewhere
    more tools say more."""
    return 10 if split == "train" else 1


def make_task(split: str, seed: int, index: int, level: str) -> Task:
    """The task of a level at an index."""
    family = Family(split, key_of(seed, split, index - index % family_size(split)))
    d = Drawing(split, Stream(key_of(seed, split, index), LEVELS.index(level)))
    shown, callees, (text, asked) = MAKERS[level](d, family)
    calls = [call_of(*family.tools[place], arguments) for place, arguments in zip(callees, asked, strict=False)]
    return Task(
        f"{split}-{index:06}-{level}",
        (message("user", spoken(text, d.s)),),
        tuple([family.tools[place][0] for place in shown]),
        (tuple(calls),),
        response=None if calls else d.s.pick(REFUSALS),
        split=split,
        data=level,
    )


class FunctionsTasks(LevelTasks):
    """The tasks of one split and seed; where there are several levels, they take turns."""

    sizes = SIZES
    known = LEVELS

    @property
    def family(self) -> int:  # type: ignore[override]
        return family_size(self.split)

    def make(self, index: int) -> Task:
        return make_task(self.split, self.seed, index, self.kind(index))
