"""A plan: what the user says in an episode, what the assistant should do, and how it should answer."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from toolgym.types import ToolCall

from .facts import Fact
from .fixture import Fixture
from .slots import Slot


class Stage(msgspec.Struct, frozen=True, gc=False):
    """Calls that belong in one action, in the authors' names, and why."""

    calls: tuple[ToolCall, ...]
    why: str
    """The gold thought; ``{tools}`` stands for the tools' names."""


class Phase(msgspec.Struct, frozen=True, gc=False):
    """A message of the user and all that the assistant does until it has answered it."""

    user: str
    stages: tuple[Stage, ...]
    answer: str
    why: str
    """The gold thought before the answer."""
    facts: tuple[Fact, ...] = ()
    """What the answer has to say."""


class Plan(msgspec.Struct, frozen=True, gc=False):
    """A task's data: all that is needed to play and to judge an episode of it."""

    level: str
    fixture: Fixture
    phases: tuple[Phase, ...]


def notes(slots: Iterable[Slot]) -> str:
    """How the values follow from the request, for a thought."""
    return "".join([f"{slot.note} " for slot in slots if slot.note])
