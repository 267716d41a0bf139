"""A function's look in one task: what it, its parameters and its description are called there."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import msgspec

from toolgym.stream import Stream
from toolgym.tools import Tool
from toolgym.types import ToolCall

from .catalogue import FIELDS
from .function import Function

STYLES = ("snake", "snake", "camel", "dotted", "app")
"""How names are written; half of all APIs have an underscore."""


class Look(msgspec.Struct, frozen=True):
    """``style``: snake, camel, dotted (the field, a dot, the name) or app (the field in front). ``name``, ``about``:
    which of the function's names and descriptions; ``words``: which of the parameters' names, where they have more."""

    style: str
    name: int
    about: int
    words: int


def draw_look(function: Function, style: str, s: Stream) -> Look:
    """A look in a style, which all tools of a task have in common."""
    return Look(style, s.below(1 + len(function.also)), s.below(1 + len(function.abouts)), s.below(3))


@lru_cache(8192)
def dressed(field: str, position: int, look: Look) -> tuple[Tool, dict[str, str]]:
    """A field's function as a tool, and what each parameter is called in it."""
    function = FIELDS[field][position]
    names = {
        p.name: _styled((p.name, *p.also)[look.words % (1 + len(p.also))], look.style) for p in function.parameters
    }
    name = (function.name, *function.also)[look.name]
    if look.style == "dotted":
        name = f"{field}.{name}"
    elif look.style == "app":
        name = f"{field}_{name}"
    about = (function.about, *function.abouts)[look.about]
    return Tool(_styled(name, look.style), about, function.schema(names)), names


def _styled(name: str, style: str) -> str:
    if style != "camel":
        return name
    first, *rest = name.split("_")
    return first + "".join([word.capitalize() for word in rest])


def call_of(tool: Tool, names: dict[str, str], arguments: dict[str, Any]) -> ToolCall:
    """A call in the names of the task."""
    return ToolCall(tool.name, {names[key]: value for key, value in arguments.items()})
