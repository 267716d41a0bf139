"""A plan: the user's messages in an episode, the gold calls, and the gold answers."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from toolgym.types import ToolCall

from .facts import Fact
from .fixture import Fixture
from .slots import Slot


class Stage(msgspec.Struct, frozen=True, gc=False):
    """The gold calls of one action, in the authors' names, and their thought."""

    calls: tuple[ToolCall, ...]
    why: str
    """The gold thought; ``{tools}`` is replaced by the tools' names."""


class Phase(msgspec.Struct, frozen=True, gc=False):
    """A user message and the gold actions up to its answer."""

    user: str
    stages: tuple[Stage, ...]
    answer: str
    why: str
    """The gold thought before the answer."""
    facts: tuple[Fact, ...] = ()
    """The facts that the answer must state."""


class Plan(msgspec.Struct, frozen=True, gc=False):
    """The data of a task: all that is needed to play and judge an episode."""

    level: str
    fixture: Fixture
    phases: tuple[Phase, ...]


def notes(slots: Iterable[Slot]) -> str:
    """For a thought: how the values follow from the request."""
    return "".join([f"{slot.note} " for slot in slots if slot.note])
