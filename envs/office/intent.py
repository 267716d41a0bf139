"""Intents: the kinds of request that one call answers, and how their words are written down."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from .facts import Fact
from .slots import Slot

if TYPE_CHECKING:
    from .scene import Scene


class Drawn(msgspec.Struct, frozen=True, gc=False):
    """What a request is about."""

    slots: dict[str, Slot]
    """By name; those named like a parameter of the tool are its arguments."""
    facts: tuple[Fact, ...] = ()
    """What the user wants to hear."""


class Words(msgspec.Struct, frozen=True, gc=False):
    """The wordings of one kind of request: templates (see grammar.py)."""

    do: tuple[str, ...]
    """The request as a clause that goes with "please" and "could you". The last is for test, the one before for val."""
    say: tuple[str, ...]
    """The request as sentences of its own; split in the same way."""
    done: tuple[str, ...]
    """The final answer."""
    many: tuple[str, ...] = ()
    """``do`` clauses in which one slot's text stands for several things: a call for each."""


class Intent(msgspec.Struct, frozen=True, gc=False):
    """A kind of request that one call answers."""

    tool: str
    """The tool that answers it."""
    gist: str
    """What the user wants, as in "to move an event"."""
    draw: Callable[[Scene], Drawn]
    words: Words
    needs: tuple[str, ...] = ()
    """Parameters a user may forget, so that the assistant has to ask."""
    each: str = ""
    """The slot that ``words.many`` repeats."""


def words(text: str) -> Words:
    """Wordings from a text with a heading ("do:") before each kind and one template per line.

    Runs of spaces count as one, so that a long template can go on after a backslash.
    """
    sections: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in map(str.strip, text.splitlines()):
        if line in ("do:", "say:", "done:", "many:"):
            lines = sections.setdefault(line[:-1], [])
        elif line:
            lines.append(" ".join(line.split()))
    return Words(**{name: tuple(templates) for name, templates in sections.items()})
