"""How a function looks in one task: its name, its description and the names of its parameters."""

from __future__ import annotations

from functools import lru_cache
from itertools import accumulate
from typing import Any

import msgspec

from toolgym.tasks.stream import Stream
from toolgym.tools import Tool
from toolgym.types import ToolCall

from .catalogue import FIELDS
from .function import Function

WRITINGS = ("snake", "snake", "camel", "dotted", "app")
"""Naming conventions to draw from. Snake case is in twice because half of all APIs use it."""

COINS = 64
"""Number of different sets of coined names."""


class Style(msgspec.Struct, frozen=True):
    """The naming style that all tools of a task share.

    ``writing``: snake, camel, dotted (``field.name``) or app (``field_name``). ``names``, ``parameters``: 0, or the
    number of the set of coined words that replace the functions' names, or the parameters' names.
    Coined words have two syllables and no meaning, so a model in training must read descriptions and copy names.
    Hammer (arXiv 2410.04587) calls this function masking; it improves calls of functions not seen in training.
    """

    writing: str
    names: int = 0
    parameters: int = 0


def draw_style(s: Stream, split: str) -> Style:
    """In train, half of the tasks have coined function names, and half have coined parameter names."""
    writing = s.pick(WRITINGS)
    if split != "train":
        return Style(writing)
    return Style(writing, *[1 + s.below(COINS) if s.chance(0.5) else 0 for _ in range(2)])


class Look(msgspec.Struct, frozen=True):
    """``name``, ``description``, ``words``: which of the function's names, of its descriptions, and of each parameter's
    names the task shows. Position 0 is the entry's own, then come the other ones."""

    style: Style
    name: int
    description: int
    words: int


def draw_look(function: Function, style: Style, s: Stream) -> Look:
    return Look(
        style, s.below(1 + len(function.other_names)), s.below(1 + len(function.other_descriptions)), s.below(3)
    )


_SYLLABLES = tuple(consonant + vowel for consonant in "bdfklmprtz" for vowel in "aeio")
_NUMBERS = dict(zip(FIELDS, accumulate(map(len, FIELDS.values()), initial=0), strict=False))
"""Field -> the position of its first function in the whole catalogue."""


@lru_cache(8192)
def dressed(field: str, position: int, look: Look) -> tuple[Tool, dict[str, str]]:
    """The function at a position of a field as a tool, and the shown name of each of its parameters."""
    function, style = FIELDS[field][position], look.style
    number = _NUMBERS[field] + position
    # the factors keep coined names apart: no two tools of a task share one, and no two parameters of a tool
    names = {
        p.name: _coined(style.parameters + 3 * number + 37 * i)
        if style.parameters
        else _written((p.name, *p.other_names)[look.words % (1 + len(p.other_names))], style.writing)
        for i, p in enumerate(function.parameters)
    }
    name = _coined(style.names + 7 * number) if style.names else (function.name, *function.other_names)[look.name]
    if style.writing == "dotted":
        name = f"{field}.{name}"
    elif style.writing == "app":
        name = f"{field}_{name}"
    description = (function.description, *function.other_descriptions)[look.description]
    return Tool(_written(name, style.writing), description, function.schema(names), trusted=True), names


def _coined(n: int) -> str:
    """A word of two syllables. The words repeat after 1,600 numbers."""
    return _SYLLABLES[n % 40] + _SYLLABLES[n // 40 % 40]


def _written(name: str, writing: str) -> str:
    if writing != "camel":
        return name
    first, *rest = name.split("_")
    return first + "".join([word.capitalize() for word in rest])


def call_of(tool: Tool, names: dict[str, str], arguments: dict[str, Any]) -> ToolCall:
    """A call with the names that the task shows."""
    return ToolCall(tool.name, {names[key]: value for key, value in arguments.items()})
