"""A function's look in one task: what it, its parameters and its description are called there."""

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
"""How names are written; half of all APIs have an underscore."""


COINS = 64
"""Ways to coin names."""


class Style(msgspec.Struct, frozen=True):
    """What all tools of a task have in common.

    ``writing``: snake, camel, dotted (the field, a dot, the name) or app (the field in front). ``names``,
    ``parameters``: 0, or which words of two syllables stand for the functions' names and for the parameters' names.
    Such words say nothing, or something else, so whoever trains on them has to read descriptions and to copy names.
    Hammer (arXiv 2410.04587) calls it function masking, and finds that functions never seen are called better for it.
    """

    writing: str
    names: int = 0
    parameters: int = 0


def draw_style(s: Stream, split: str) -> Style:
    """In training, half of the tasks have coined names of functions, and half coined names of parameters."""
    writing = s.pick(WRITINGS)
    if split != "train":
        return Style(writing)
    return Style(writing, *[1 + s.below(COINS) if s.chance(0.5) else 0 for _ in range(2)])


class Look(msgspec.Struct, frozen=True):
    """``name``, ``about``: which of the function's names and descriptions; ``words``: which of the parameters' names,
    where they have more."""

    style: Style
    name: int
    about: int
    words: int


def draw_look(function: Function, style: Style, s: Stream) -> Look:
    return Look(
        style, s.below(1 + len(function.other_names)), s.below(1 + len(function.other_descriptions)), s.below(3)
    )


_SYLLABLES = tuple(consonant + vowel for consonant in "bdfklmprtz" for vowel in "aeio")
_NUMBERS = dict(zip(FIELDS, accumulate(map(len, FIELDS.values()), initial=0), strict=False))
"""The number of each field's first function, of all functions."""


@lru_cache(8192)
def dressed(field: str, position: int, look: Look) -> tuple[Tool, dict[str, str]]:
    """A field's function as a tool, and what each parameter is called in it."""
    function, style = FIELDS[field][position], look.style
    number = _NUMBERS[field] + position
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
    about = (function.description, *function.other_descriptions)[look.about]
    return Tool(_written(name, style.writing), about, function.schema(names)), names


def _coined(n: int) -> str:
    """A word of two syllables; different ones for numbers that differ by less than 1,600."""
    return _SYLLABLES[n % 40] + _SYLLABLES[n // 40 % 40]


def _written(name: str, writing: str) -> str:
    if writing != "camel":
        return name
    first, *rest = name.split("_")
    return first + "".join([word.capitalize() for word in rest])


def call_of(tool: Tool, names: dict[str, str], arguments: dict[str, Any]) -> ToolCall:
    """A call in the names of the task."""
    return ToolCall(tool.name, {names[key]: value for key, value in arguments.items()})
