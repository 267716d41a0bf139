"""JSON that every parser reads, for files that hold values of a model.

Python's ``json`` writes NaN, Infinity, lone surrogates and integers of any size. Strict parsers refuse or change them.
Here each becomes text that stands for it: ``"NaN"``, ``"-Infinity"``, the digits of an integer beyond 2**53 - 1, U+FFFD
for a lone surrogate. Values that JSON has no type for (bytes, complex numbers) become text as well.

A record that is read back has, only if it needs one, a last key ``"exact"``: a list of the values that were replaced.
``at`` leads to such a value (a JSON pointer, RFC 6901), and ``json.loads(json)`` in Python is the value; a list of
texts is joined to one. If there is a ``key``, this key of the object at ``at`` was replaced.

    {"arguments": {"x": "NaN"}, "exact": [{"at": "/arguments/x", "key": null, "json": "NaN"}]}
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Callable
from itertools import groupby
from typing import Any, TypeAlias

EXACT = "exact"
"""The key of the values that were replaced."""
LARGEST_INTEGER = 2**53 - 1
"""Larger integers are not exact as floating-point numbers, which JavaScript and jq read."""

Replaced: TypeAlias = dict[str, str | None]
"""An entry of ``EXACT``: at, key, json."""
_LONE = re.compile("[\ud800-\udfff]")
_PAIR = re.compile("(?<=[\ud800-\udbff])(?=[\udc00-\udfff])")
_SUSPECT = (re.compile(r"\\ud[89a-f]"), re.compile(r"[1-9](?<![.0-9].)[0-9]{15,}(?:[,\]}]|$)"))
"""Match the JSON of lone surrogates and of large integers; and also of some values that need not be replaced."""


def to_json(value: Any, *, indent: int | None = None, default: Callable[[Any], Any] = str) -> str:
    """``value`` as strict JSON, in ASCII. ``default`` makes text of values that JSON has no type for."""
    text = _quick(value, default)
    if text is None or indent is not None:
        text = json.dumps(_plain(value, default, "", []), indent=indent, allow_nan=False)
    return text


def to_exact_json(record: dict[str, Any], *, indent: int | None = None, default: Callable[[Any], Any] = str) -> str:
    """``record`` as strict JSON that ``from_exact_json`` reads back to the same values. Its own keys are plain text."""
    text = _quick(record, default)
    if text is None or indent is not None:
        replaced: list[Replaced] = []
        plain = _plain(record, default, "", replaced)
        if replaced:
            plain[EXACT] = replaced
        text = json.dumps(plain, indent=indent, allow_nan=False)
    return text


def from_exact_json(text: str | bytes) -> Any:
    """The value of a text of ``to_exact_json``, or of any JSON text. Raises ValueError, RecursionError."""
    found = json.loads(text)
    replaced = found.pop(EXACT, None) if isinstance(found, dict) else None
    if replaced is None:
        return found
    try:
        # the keys of an object after the values in it, whose paths have its new keys
        for (at, is_key), group in groupby(reversed(replaced), lambda each: (each["at"], each["key"] is not None)):
            exact = {each["key"]: _exact(each["json"]) for each in group}
            _restore(found, at, exact if is_key else None, exact.get(None))
    except (TypeError, LookupError, AttributeError, ValueError, RecursionError) as error:
        raise ValueError(f"its {EXACT!r} does not fit: {error!r:.200}") from None
    return found


def _quick(value: Any, default: Callable[[Any], Any]) -> str | None:
    """The text if nothing has to be replaced; else None."""
    try:
        text = json.dumps(value, allow_nan=False, default=default)
    except (TypeError, ValueError):
        return None
    return None if any(pattern.search(text) for pattern in _SUSPECT) else text


def _restore(record: dict[str, Any], at: str, keys: dict[str, Any] | None, exact: Any) -> None:
    """Put a value, or keys of an object, back to their place. Raises an exception without such a place."""
    holder: Any = None
    inside: Any = record
    step: Any = ""
    for word in at.split("/")[1:]:
        holder = inside
        step = int(word) if isinstance(holder, list) else word.replace("~1", "/").replace("~0", "~")
        inside = holder[step]
    if keys is None:
        holder[step] = exact
    elif not all(isinstance(key, str) for key in keys.values()) or not inside.keys() >= keys.keys():
        raise ValueError(f"no object with these keys at {at!r:.80}")
    else:
        items = [(keys.get(each, each), item) for each, item in inside.items()]
        inside.clear()
        inside.update(items)


def _plain(value: Any, default: Callable[[Any], Any], at: str, replaced: list[Replaced]) -> Any:
    """A copy with text in place of each value that strict JSON cannot hold, which is noted in ``replaced``."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, dict):
        return _plain_dict(value, default, at, replaced)
    if isinstance(value, (list, tuple)):
        return [_plain(item, default, f"{at}/{i}", replaced) for i, item in enumerate(value)]
    written = text = None
    if isinstance(value, str):
        text = _mended(value)
        written = None if text == value else _written(value)
    elif isinstance(value, int):
        if abs(value) <= LARGEST_INTEGER:
            return int(value)
        written = text = _digits(int(value))
    elif isinstance(value, float):
        if math.isfinite(value):
            return float(value)
        written = text = json.dumps(float(value))
    else:
        return _plain(default(value), default, at, replaced)
    if written is not None:
        replaced.append({"at": at, "key": None, "json": written})
    return text


def _plain_dict(
    value: dict[Any, Any], default: Callable[[Any], Any], at: str, replaced: list[Replaced]
) -> dict[str, Any]:
    named = {_named(key): item for key, item in value.items()}
    keys: dict[str, str] = {}  # key -> the key that stands for it
    taken, counts = set(named), Counter[str]()
    for key in named:
        keys[key] = stand_in = mended = _mended(key)
        if mended != key:
            while stand_in in taken:
                counts[mended] += 1
                stand_in = f"{mended}{counts[mended]}"
            taken.add(stand_in)
            keys[key] = stand_in
            replaced.append({"at": at, "key": stand_in, "json": _written(key)})
    return {
        stand_in: _plain(named[key], default, f"{at}/{stand_in.replace('~', '~0').replace('/', '~1')}", replaced)
        for key, stand_in in keys.items()
    }


def _mended(text: str) -> str:
    """The text with U+FFFD for lone surrogates; two surrogates that are a pair become the character."""
    if not _LONE.search(text):
        return str(text)
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _written(text: str) -> str:
    """The text as JSON in ASCII; in pieces if it has two surrogates that ``json.loads`` would join."""
    pieces = _PAIR.split(text)
    return json.dumps(text if len(pieces) == 1 else pieces)


def _exact(text: str) -> Any:
    if text.startswith(("0x", "-0x")):
        return int(text, 16)
    value = json.loads(text)
    return "".join(value) if isinstance(value, list) else value


def _named(key: Any) -> str:
    """The key as ``json`` writes it; a key of another type as its ``str``."""
    if isinstance(key, str):
        return str(key)
    return json.dumps(key) if key is None or isinstance(key, (bool, int, float)) else str(key)


def _digits(value: int) -> str:
    try:
        return str(value)
    except ValueError:  # more than 4,300 decimal digits
        return hex(value)
