"""Paraphrases by tables of phrases and frames (phrases.py), without a model."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from toolgym.tasks.stream import Stream
from toolgym.types import FrozenDict, freeze
from toolgym.wrappers.perturb import phrases
from toolgym.wrappers.perturb.spans import Request, is_english

Frames = Sequence[tuple[str, str]]
_DEEPEST = 20
"""Levels of a schema whose descriptions are said in other words."""
_FRAME = 0.6
"""The chance of a frame at strength 1."""


class Table:
    """Phrases and what can stand for them, with frames around whole texts."""

    def __init__(self, rows: Sequence[tuple[str, ...]], frames: Frames):
        self._others = {phrase: others for phrase, *others in rows}
        longest_first = sorted(self._others, key=lambda phrase: (-len(phrase), phrase))
        inside = "|".join(re.escape(phrase) for phrase in longest_first)
        self._pattern = re.compile(rf"(?<![\w'’.\-/@])(?:{inside})(?![\w'’\-/@])", re.IGNORECASE)
        self._frames = frames

    def say(self, request: Request, strength: float, s: Stream) -> str | None:
        """The text in other words, changed at least once; None if nothing of it may change, or it is not English."""
        text = request.text
        if not is_english(text):
            return None
        found = [match.span() for match in self._pattern.finditer(text) if request.open(*match.span())]
        chosen = [span for span in found if s.chance(strength)]
        framed = s.chance(_FRAME * strength)
        if not chosen and not framed:
            framed = not found
            chosen = [s.pick(found)] if found else []
        out, done = [], 0
        for start, end in chosen:
            old = text[start:end]
            new = s.pick(self._others[old.lower()])
            out += [text[done:start], new[:1].upper() + new[1:] if old[:1].isupper() else new]
            done = end
        said = "".join([*out, text[done:]])
        if framed:
            before, after = s.pick(self._frames)
            said = f"{before}{said}{after}"
        return said


REQUESTS = Table(phrases.REQUEST, phrases.REQUEST_FRAMES)
TOOLS = Table(phrases.DESCRIPTION, phrases.TOOL_FRAMES)
PARAMETERS = Table(phrases.DESCRIPTION, phrases.PARAMETER_FRAMES)
_NOTHING: frozenset[str] = frozenset()


def other_description(text: str, strength: float, s: Stream) -> str | None:
    """A tool's description in other words, or None."""
    return TOOLS.say(Request(text, _NOTHING), strength, s) if isinstance(text, str) and text.strip() else None


def other_parameters(parameters: FrozenDict, strength: float, s: Stream) -> FrozenDict | None:
    """A JSON Schema whose parameters, nested ones too, are described in other words; None if none can be.

    At a strength below 1 only this share of the descriptions changes, at least one.
    """
    found: list[tuple[Any, ...]] = []
    _described(parameters, (), found)
    chosen = [path for path in found if s.chance(strength)] or ([s.pick(found)] if found else [])
    new: dict[tuple[Any, ...], str] = {}
    for path in chosen:
        said = PARAMETERS.say(Request(_at(parameters, path)["description"], _NOTHING), strength, s)
        if said is not None:
            new[path] = said
    return FrozenDict(freeze(_with(parameters, (), new))) if new else None


def _described(schema: Any, path: tuple[Any, ...], found: list[tuple[Any, ...]]) -> None:
    """The paths of all schemas of parameters with a description, inside ``schema``."""
    if len(path) > _DEEPEST or not isinstance(schema, Mapping):
        return
    if path and isinstance(schema.get("description"), str) and schema["description"].strip():
        found.append(path)
    properties = schema.get("properties")
    if isinstance(properties, Mapping):
        for name, value in properties.items():
            _described(value, (*path, "properties", name), found)
    _described(schema.get("items"), (*path, "items"), found)


def _at(schema: Any, path: Sequence[Any]) -> Any:
    for step in path:
        schema = schema[step]
    return schema


def _with(schema: Any, path: tuple[Any, ...], new: Mapping[tuple[Any, ...], str]) -> Any:
    if not isinstance(schema, Mapping) or len(path) > _DEEPEST:
        return schema
    out = {key: _with(value, (*path, key), new) for key, value in schema.items()}
    if path in new:
        out["description"] = new[path]
    return out
