"""A conversation as it is played: what was said before, and the assistant's turns with the results of their calls."""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from toolgym.tools import Tool
from toolgym.types import ToolCall


class Said(msgspec.Struct, frozen=True, gc=False):
    """A message of somebody other than the assistant."""

    role: str
    """"user" or "system"."""
    text: str


class Turn(msgspec.Struct, frozen=True, gc=False):
    """One answer of the assistant, and what its calls returned."""

    calls: tuple[ToolCall, ...]
    response: str | None
    """What is said to the user."""
    think: str | None
    """The recorded reasoning."""
    results: tuple[str | None, ...] = ()
    """The recorded result of each call; None if there is none."""
    weight: bool = True
    """False if the file says that the turn is not to be imitated ("weight": 0, "train": false)."""


Part: TypeAlias = Said | Turn


class Original(msgspec.Struct, frozen=True, gc=False):
    """The texts of a row in ToolRL's own layout."""

    system: str
    user: str
    gold: str


class Conversation(msgspec.Struct, frozen=True, gc=False):
    """One row of a file."""

    place: str
    """"line 12"; "item 12" in an array or a table, counted from 1."""
    layout: str
    """The name of the layout that the row was found in."""
    system: str
    """The system message without tools; "" if there is none."""
    tools: tuple[Tool, ...]
    parts: tuple[Part, ...]
    key: str
    """Rows with equal keys are in the same split."""
    original: Original | None = None
    notes: tuple[tuple[str, str], ...] = ()
    """(kind, detail) of what was noted."""

    @property
    def decisions(self) -> tuple[int, ...]:
        """The indices into ``parts`` of the turns to be imitated, after at least one message."""
        return tuple([i for i, part in enumerate(self.parts) if i and isinstance(part, Turn) and part.weight])
