"""The tasks: a lazy sequence. Each task is drawn from (split, seed, index) alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from toolgym.tasks import LevelTasks, Task
from toolgym.tasks.english import listed
from toolgym.tasks.stream import Stream, key_of
from toolgym.tools import Tool
from toolgym.types import message

from .catalogue import Place, catalogue
from .function import Function
from .look import Style, call_of, draw_look, draw_style, dressed
from .requests import Asked, incomplete, joined, many, one, spoken

Dressed = dict[Place, tuple[Tool, dict[str, str]]]
"""Function -> what ``look.dressed`` gives."""
Made = tuple[list[Place], list[Place], Asked]
"""The functions to call, the distractors, and the request. A single function gets all calls; of several functions,
each gets one call."""
SIZES = {"train": 1_000_000, "val": 2_000, "test": 2_000, "test_unseen": 2_000}

REFUSALS = (
    "None of my tools can do that.",
    "I have no tool for this, so I cannot do it.",
    "I am sorry, no function on offer does what you ask.",
    "That is not something the functions I have can do.",
)
QUESTIONS = (
    "I need to know the {} first.",
    "Could you tell me the {}?",
    "Before I can do that, please give me the {}.",
    "One thing is missing: the {}.",
)


class Drawing:
    """The state while one task is drawn. ``answer``: what gold says if no call is expected."""

    def __init__(self, split: str, s: Stream, version: int):
        self.split, self.s, self.version = split, s, version
        self.catalogue = catalogue(version)
        self.fields = self.catalogue.of(split)
        self.names = tuple(self.fields)
        self.style = draw_style(s, split, version)
        self.answer = ""

    def place(self, field: str = "") -> Place:
        """A function of the field, or of a random field."""
        field = field or self.s.pick(self.names)
        return field, self.s.below(len(self.fields[field]))

    def function(self, place: Place) -> Function:
        return self.fields[place[0]][place[1]]

    def dressed(self, places: Sequence[Place]) -> Dressed:
        """The functions as tools, each in a look of its own."""
        looks = {place: draw_look(self.function(place), self.style, self.s, self.version) for place in places}
        return {place: dressed(self.catalogue, *place, look) for place, look in looks.items()}

    def distractors(self, needed: Sequence[Place], n: int) -> list[Place]:
        """``n`` functions that are not needed. Most are of the same field as a needed one, so easily confused."""
        found: list[Place] = []
        while len(found) < n:
            other = self.place(self.s.pick(needed)[0] if self.s.chance(0.7) else "")
            taken = (*needed, *found)
            if other not in taken and not any(self.catalogue.alike(other, each) for each in taken):
                found.append(other)
        return found


def _single(d: Drawing) -> Made:
    place = d.place()
    return [place], [], one(d.function(place), d.s, d.split)


def _choose(d: Drawing) -> Made:
    place = d.place()
    return [place], d.distractors([place], d.s.between(1, 3)), one(d.function(place), d.s, d.split)


def _parallel(d: Drawing) -> Made:
    place = d.place()
    return [place], [], many(d.function(place), d.s.between(2, 4), d.s, d.split)


def _mixed(d: Drawing) -> Made:
    first = d.place()
    places = [first, *d.distractors([first], d.s.between(1, 2))]
    return (
        places,
        d.distractors(places, d.s.between(0, 1)),
        joined([one(d.function(p), d.s, d.split) for p in places], d.s),
    )


def _irrelevant(d: Drawing) -> Made:
    place = d.place()
    return [], d.distractors([place], d.s.pick((1, 1, 2, 3))), one(d.function(place), d.s, d.split)


def _missing(d: Drawing) -> Made:
    place = d.place()
    while not d.function(place).incomplete:
        place = d.place()
    asked = without_a_value(d, place)
    return [], [place, *d.distractors([place], d.s.pick((0, 0, 1, 2)))], asked


def without_a_value(d: Drawing, place: Place) -> Asked:
    """A request that lacks what the function requires; gold asks for it."""
    text, lacks = incomplete(d.function(place), d.s, d.split)
    d.answer = d.s.pick(QUESTIONS).format(listed([name.replace("_", " ") for name in lacks]))
    return text, []


MAKERS: dict[str, Callable[[Drawing], Made]] = {
    "single": _single,
    "choose": _choose,
    "parallel": _parallel,
    "mixed": _mixed,
    "irrelevant": _irrelevant,
    "missing": _missing,
}
LEVELS_V1 = tuple(MAKERS)
LEVELS = LEVELS_V1[:5]
"""v0's levels."""


def stream_of(split: str, seed: int, index: int, level: str) -> Stream:
    """The random numbers that a task is drawn with. The first ones give its style."""
    return Stream(key_of(seed, split, index), LEVELS_V1.index(level))


def make_task(split: str, seed: int, index: int, level: str, version: int = 0) -> Task:
    """The task of a level at an index. Same arguments, same task."""
    d = Drawing(split, stream_of(split, seed, index, level), version)
    needed, beside, asked = MAKERS[level](d)
    tools = d.dressed([*needed, *beside])
    return task_of(f"{split}-{index:06}-{level}", d, needed, asked, tools)


def task_of(task_id: str, d: Drawing, needed: Sequence[Place], asked: Asked, tools: Dressed) -> Task:
    """The task of a request for calls of the needed functions, with tools on offer in random order."""
    text, arguments = asked
    callees = list(needed) * len(arguments) if len(needed) == 1 else needed
    calls = [call_of(*tools[place], each) for place, each in zip(callees, arguments, strict=False)]
    return Task(
        task_id,
        (message("user", spoken(text, d.s)),),
        tuple(d.s.shuffled([tool for tool, _ in tools.values()])),
        (tuple(calls),),
        response=None if calls else d.answer or d.s.pick(REFUSALS),
        split=d.split,
        data=task_id.rpartition("-")[2],
    )


class FunctionsTasks(LevelTasks):
    """The tasks of one split and seed. If there are several levels, they take turns."""

    sizes = SIZES
    known = LEVELS
    version: ClassVar[int] = 0

    def make(self, index: int) -> Task:
        return make_task(self.split, self.seed, index, self.kind(index), self.version)

    def style(self, task: Task) -> Style:
        """The naming style of one of these tasks."""
        index = int(task.id.split("-")[1])
        return draw_style(stream_of(self.split, self.seed, index, self.kind(index)), self.split, self.version)
