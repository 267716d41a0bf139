"""How a function looks in one task: its name, its description and the names of its parameters."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import msgspec

from toolgym.tasks.stream import Stream
from toolgym.tools import Tool
from toolgym.types import ToolCall

from .catalogue import Catalogue
from .function import Function

WRITINGS = ("snake", "snake", "camel", "dotted", "app")
"""v0's naming conventions to draw from. Snake case is in twice because half of all APIs use it."""
WRITINGS_V1 = ("snake", "snake", "camel", "dotted", "dotted", "app", "dotted_camel", "service")
"""v1's naming conventions."""

COINS = 64
"""Number of different sets of coined names."""


class Style(msgspec.Struct, frozen=True):
    """The naming style that all tools of a task share.

    ``writing``: ``play_song`` (snake), ``playSong`` (camel), ``music.play_song`` (dotted), ``music_play_song`` (app),
    ``music.playSong`` (dotted_camel) or ``Music_2_PlaySong`` (service). ``names``, ``parameters``: 0, or the number of
    the set of coined words that replace the functions' names, or the parameters' names. ``prefix``: the place of what
    stands before the name among the prefixes of a function, None for the field.
    Coined words have two syllables and no meaning, so a model in training must read descriptions and copy names.
    Hammer (arXiv 2410.04587) calls this function masking; it improves calls of functions not seen in training.
    """

    writing: str
    names: int = 0
    parameters: int = 0
    prefix: int | None = None


def draw_style(s: Stream, split: str, version: int) -> Style:
    """In train, half of the tasks have coined function names, and half have coined parameter names."""
    writing, prefix = (s.pick(WRITINGS), None) if version == 0 else (s.pick(WRITINGS_V1), s.below(12))
    if split != "train":
        return Style(writing, prefix=prefix)
    names, parameters = [1 + s.below(COINS) if s.chance(0.5) else 0 for _ in range(2)]
    return Style(writing, names, parameters, prefix)


class Look(msgspec.Struct, frozen=True):
    """``name``, ``description``: which of the function's names and descriptions the task shows. ``words``, ``details``:
    the same for each parameter. Position 0 is the entry's own, then come the other ones. A description after the last
    is all of them together."""

    style: Style
    name: int
    description: int
    words: int
    details: int = 0


def draw_look(function: Function, style: Style, s: Stream, version: int) -> Look:
    return Look(
        style,
        s.below(1 + len(function.other_names)),
        s.below(1 + len(function.other_descriptions) + (version > 0 and bool(function.other_descriptions))),
        s.below(3),
        s.below(6) if version else 0,
    )


_SYLLABLES = tuple(consonant + vowel for consonant in "bdfklmprtz" for vowel in "aeio")


@lru_cache(8192)
def dressed(catalogue: Catalogue, field: str, position: int, look: Look) -> tuple[Tool, dict[str, str]]:
    """The function at a position of a field as a tool, and the shown name of each of its parameters and members."""
    function, style = catalogue.fields[field][position], look.style
    number = catalogue.numbers[field] + position
    choices = {p.name: (p.name, *p.other_names) for p in function.parameters}
    choices |= {f"{p.name}.{m.name}": (m.name,) for p in function.parameters for m in p.members}
    # the factors keep coined names apart: no two tools of a task share one, and no two parameters of a tool
    names = {
        name: _coined(style.parameters + 3 * number + 37 * i)
        if style.parameters
        else _written(each[look.words % len(each)], style.writing)
        for i, (name, each) in enumerate(choices.items())
    }
    name = _coined(style.names + 7 * number) if style.names else (function.name, *function.other_names)[look.name]
    prefixes = function.prefixes or (field,)
    prefix = field if style.prefix is None else prefixes[style.prefix % len(prefixes)]
    descriptions = (function.description, *function.other_descriptions)
    description = (*descriptions, " ".join(descriptions))[look.description]
    return (
        Tool(_called(prefix, name, style), description, function.schema(names, look.details), trusted=True),
        names,
    )


def _coined(n: int) -> str:
    """A word of two syllables. The words repeat after 1,600 numbers."""
    return _SYLLABLES[n % 40] + _SYLLABLES[n // 40 % 40]


def _called(prefix: str, name: str, style: Style) -> str:
    """A function's name in the style's writing, with its prefix if the writing has one."""
    if style.writing == "dotted":
        return f"{prefix}.{name}"
    if style.writing == "app":
        return f"{prefix}_{name}"
    if style.writing == "dotted_camel":
        return f"{_camel(prefix)}.{_camel(name)}"
    if style.writing == "service":
        parts = [_camel(word)[0].upper() + _camel(word)[1:] for word in (prefix, name)]
        return f"{parts[0]}_{1 + (style.prefix or 0) % 4}_{parts[1]}"
    return _written(name, style.writing)


def _written(name: str, writing: str) -> str:
    """A name in camel case if that is the writing; service names have parameters in snake case."""
    return _camel(name) if writing in ("camel", "dotted_camel") else name


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join([word.capitalize() for word in rest])


def call_of(tool: Tool, names: dict[str, str], arguments: dict[str, Any]) -> ToolCall:
    """A call with the names that the task shows."""
    return ToolCall(tool.name, {names[key]: _renamed(key, value, names) for key, value in arguments.items()})


def _renamed(key: str, value: Any, names: dict[str, str]) -> Any:
    """A parameter's value, with the shown names of its members if it is an object or a list of objects."""
    if isinstance(value, dict):
        return {names[f"{key}.{member}"]: each for member, each in value.items()}
    if isinstance(value, list):
        return [_renamed(key, each, names) for each in value]
    return value
