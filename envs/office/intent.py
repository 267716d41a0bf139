"""Intents: a tool's facts, and the requests that one call of the tool answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal, TypeAlias

import msgspec

from .facts import Fact
from .slots import Slot

if TYPE_CHECKING:
    from .scene import Scene

Verb: TypeAlias = Literal["", "make", "end", "change", "pass on"]
Secret: TypeAlias = Literal[
    "addresses",
    "blocker",
    "budgets",
    "claim status",
    "event",
    "file owner",
    "folders",
    "free times",
    "sender",
    "spelling",
    "task",
    "trains",
]
"""Information that would give away a recipe: knowing it beforehand makes one of the gold calls look needless."""


class Drawn(msgspec.Struct, frozen=True, gc=False):
    """The values of one request."""

    slots: dict[str, Slot]
    """By name. A slot with the name of a tool's parameter is the argument of the gold call."""
    facts: tuple[Fact, ...] = ()
    """The facts that the final answer must state."""


class Words(msgspec.Struct, frozen=True, gc=False):
    """The wordings of one kind of request: templates (see toolgym/tasks/grammar.py)."""

    do: tuple[str, ...]
    """The request as a clause that goes with "please" and "could you". The last is for test, the one before for val."""
    say: tuple[str, ...]
    """The request as full sentences; split in the same way."""
    done: tuple[str, ...]
    """The final answer."""
    many: tuple[str, ...] = ()
    """``do`` clauses in which one slot's text stands for several things, with one call for each thing."""


class Intent(msgspec.Struct, frozen=True, gc=False):
    """A tool, the requests that one call of it answers, and how the tool relates to other tools.

    Every table of Office that is keyed by a tool's name is derived from these fields.
    """

    tool: str
    """The name of the method in apis/."""
    gist: str
    """What the user wants, as in "to move an event"."""
    draw: Callable[[Scene], Drawn]
    """Draws the values of a request from a scene; LookupError if the scene has nothing left that fits."""
    words: Words
    needs: tuple[str, ...] = ()
    """Required parameters that a user may forget (level missing); names.py has a question for each."""
    each: str = ""
    """The slot that ``words.many`` repeats (level parallel); "" if the tool is never called for several things."""

    verb: Verb = ""
    """How the tool changes the state; "" if it only reads. Tools with the same verb are offered as similar tools."""
    rank: int = 0
    """Order among the tools with the same verb: by rank, then by intent. Fixed, since task draws depend on it."""
    kind: str = ""
    """The kind of thing (see kinds.py) that the tool is about, for dialogues and lookups."""
    looks_up: bool = False
    """Whether the tool finds the id of a thing of its kind by name (for the kind "contact": the mail address)."""
    named: bool = False
    """Whether a request may name the thing or person, so that a lookup comes first (level chain)."""

    opens: bool = False
    """Whether a dialogue about a thing of this kind may begin with the tool. Not for tools that remove the thing."""
    follows: int = 0
    """Position (1, 2, ...) among the tools that may come later in such a dialogue; 0 if it may not."""
    ends: bool = False
    """Whether such a dialogue may end with the tool."""
    aside: int = 0
    """Position (1, 2, ...) among the tools for a change of subject in a dialogue; 0 if it is not used for that."""

    equivalents: tuple[str, ...] = ()
    """Tools that answer the same request, or make this call look needless: never offered beside this tool."""
    substitutes: tuple[str, ...] = ()
    """Tools that one might use in place of this tool: not offered if it is left out on purpose (level irrelevant)."""
    changed_by: tuple[str, ...] = ()
    """Tools that would change this tool's result: the two are never asked for in parallel."""
    tells: tuple[Secret, ...] = ()
    """The secrets that the tool's result reveals: the tool is not offered in recipes that keep one of them."""


def words(text: str) -> Words:
    """Wordings from a text with a heading ("do:") before each kind and one template per line.

    Runs of spaces count as one, so that a long template can continue after a backslash.
    """
    sections: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in map(str.strip, text.splitlines()):
        if line in ("do:", "say:", "done:", "many:"):
            lines = sections.setdefault(line[:-1], [])
        elif line:
            lines.append(" ".join(line.split()))
    return Words(**{name: tuple(templates) for name, templates in sections.items()})
