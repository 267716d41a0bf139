"""The tasks: a lazy sequence. A task depends on (split, seed, index, level) alone."""

from __future__ import annotations

from collections.abc import Callable

from toolgym.tasks import LevelTasks, Task
from toolgym.tasks.stream import Stream, key_of
from toolgym.types import ToolCall, message

from .dialogue import dialogue
from .fixture import WEEKDAYS, Fixture, iso
from .intents import LOOKUPS
from .levels import Made, chain, choose, irrelevant, missing, parallel, recover, single
from .naming import NAMINGS
from .plan import Plan
from .scene import Scene

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
"""By level. A level's position selects its random stream: add new levels at the end."""
LEVELS = tuple(MAKERS)
GROUPS = {"easy": ("single", "choose", "parallel", "irrelevant"), "all": LEVELS}
SIZES = {"train": 1_000_000, "val": 2_000, "test": 2_000, "test_unseen": 2_000}

_SETTINGS = (
    "You are the office assistant of {user} at {company}. Today is {weekday}, {today}.",
    "You help {user} of {company} with office work. Today is {weekday}, {today}.",
    "{user} works at {company}, and you are the assistant. It is {weekday}, {today}.",
    "Date: {weekday}, {today}. You work for {user} at {company}.",
    "You are an assistant at {company}. Your user is {user}. Today: {weekday}, {today}.",
)


def make_task(split: str, seed: int, index: int, level: str) -> Task:
    """The task of a level at an index. The position of the level in LEVELS selects its random stream."""
    key = key_of(seed, split, index)
    fixture = Fixture(key, split)
    stream = Stream(key, 128 + LEVELS.index(level))  # lanes below 128 belong to the fixture's tables
    scene = Scene(fixture, stream, split, LOOKUPS)
    naming = stream.pick(NAMINGS[split])
    phases, tools = MAKERS[level](scene)
    calls: list[tuple[ToolCall, ...]] = []
    for phase in phases:
        calls += [tuple([naming.call(call) for call in stage.calls]) for stage in phase.stages]
        calls.append(())  # the answer: an action without calls
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


class OfficeTasks(LevelTasks):
    """The tasks of one split and seed. Several levels take turns."""

    sizes = SIZES
    known = LEVELS
    groups = GROUPS

    def make(self, index: int) -> Task:
        return make_task(self.split, self.seed, index, self.kind(index))
