"""Paraphrases by tables of phrases and frames (phrases.py), without a model."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from toolgym.tasks.stream import Stream
from toolgym.types import FrozenDict
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
        """An English text in other words, changed at least once; None if nothing of it may change."""
        text = request.text
        found = [match.span() for match in self._pattern.finditer(text) if request.open(*match.span())]
        chosen = [span for span in found if s.chance(strength)]
        framed = request.whole and s.chance(_FRAME * strength)
        if not chosen and not framed:
            framed = request.whole and not found
            chosen = [s.pick(found)] if found else []
            if not chosen and not framed:
                return None
        out, done = [], 0
        for start, end in chosen:
            old = text[start:end]
            new = s.pick(self._others[old.lower()])
            out += [text[done:start], new[:1].upper() + new[1:] if old[:1].isupper() else new]
            done = end
        said = "".join([*out, text[done:]])
        if framed:
            before, after = s.pick(self._frames)
            stop = "." if after and said[-1:].isalnum() else ""
            said = f"{before}{said}{stop}{after}"
        return said


REQUESTS = Table(phrases.REQUEST, phrases.REQUEST_FRAMES)
TOOLS = Table(phrases.DESCRIPTION, phrases.TOOL_FRAMES)
PARAMETERS = Table(phrases.DESCRIPTION, phrases.PARAMETER_FRAMES)
_NOTHING: frozenset[str] = frozenset()


def other_request(request: Request, strength: float, s: Stream) -> str | None:
    """A request in other words; None if it is not English, or nothing of it may change."""
    return REQUESTS.say(request, strength, s) if is_english(request.text) else None


def other_description(text: str, strength: float, s: Stream) -> str | None:
    """A tool's description in other words, or None."""
    return TOOLS.say(Request(text, _NOTHING), strength, s) if is_english(text) else None


Path = tuple[str, ...]
"""The keys that lead to a part of a schema."""


def other_parameters(parameters: FrozenDict, strength: float, s: Stream) -> dict[Path, str] | None:
    """New descriptions for parameters of a JSON Schema, nested ones too, by their paths; None if there are none.

    At a strength below 1 only this share of the descriptions changes, at least one.
    """
    found: dict[Path, str] = {}
    _described(parameters, (), found)
    if not found or not is_english(" ".join(found.values()), few=True):
        return None
    chosen = [path for path in found if s.chance(strength)] or [s.pick(tuple(found))]
    new: dict[Path, str] = {}
    for path in chosen:
        said = PARAMETERS.say(Request(found[path], _NOTHING), strength, s)
        if said is not None:
            new[path] = said
    return new or None


def redescribed(schema: FrozenDict, new: Mapping[Path, str]) -> FrozenDict:
    """A schema with these descriptions; all other parts are shared."""
    inside: dict[str, dict[Path, str]] = {}
    own = None
    for path, said in new.items():
        if path:
            inside.setdefault(path[0], {})[path[1:]] = said
        else:
            own = said
    out = {key: redescribed(value, inside[key]) if key in inside else value for key, value in schema.items()}
    return FrozenDict(out if own is None else {**out, "description": own})


def _described(schema: Any, path: Path, found: dict[Path, str]) -> None:
    """The descriptions of all parameters inside ``schema``, by their paths."""
    if len(path) > _DEEPEST or not isinstance(schema, Mapping):
        return
    description = schema.get("description")
    if path and isinstance(description, str) and description.strip():
        found[path] = description
    properties = schema.get("properties")
    if isinstance(properties, Mapping):
        for name, value in properties.items():
            _described(value, (*path, "properties", name), found)
    items = schema.get("items")
    if items is not None:
        _described(items, (*path, "items"), found)
