"""JSON that every parser reads, for files that hold values of a model.

Python's ``json`` writes NaN, Infinity, lone surrogates and integers of any size. Strict parsers refuse or change them.
Here each becomes text that stands for it: ``"NaN"``, ``"-Infinity"``, the digits of an integer beyond 2**53 - 1, U+FFFD
for a lone surrogate. Values that JSON has no type for (bytes, complex numbers) become text as well.

A record that is read back has, only if it needs one, a last key ``"exact"``. It is a list of ``[path, text]``: the path
leads to a value that was replaced, and ``json.loads(text)`` in Python is the value (a list of texts is joined to one).
``[path, key, text]`` does the same for a replaced key of the object at the path.

    {"arguments": {"x": "NaN"}, "exact": [[["arguments", "x"], "NaN"]]}
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from typing import Any, TypeAlias

EXACT = "exact"
"""The key of the values that were replaced."""
LARGEST_INTEGER = 2**53 - 1
"""Larger integers are not exact as floating-point numbers, which JavaScript and jq read."""

Path: TypeAlias = tuple[str | int, ...]
Replaced: TypeAlias = tuple[Path, str] | tuple[Path, str, str]
"""An entry of ``EXACT``."""
_LONE = re.compile("[\ud800-\udfff]")
_PAIR = re.compile("(?<=[\ud800-\udbff])(?=[\udc00-\udfff])")
_SUSPECT = (re.compile(r"\\ud[89a-f]"), re.compile(r"[1-9](?<![.0-9].)[0-9]{15,}(?:[,\]}]|$)"))
"""Match the JSON of lone surrogates and of large integers; and also of some values that need not be replaced."""


def to_json(value: Any, *, indent: int | None = None, default: Callable[[Any], Any] = str) -> str:
    """``value`` as strict JSON, in ASCII. ``default`` makes text of values that JSON has no type for."""
    text = _quick(value, default)
    if text is None or indent is not None:
        text = json.dumps(_plain(value, default, (), []), indent=indent, allow_nan=False)
    return text


def to_exact_json(record: dict[str, Any], *, indent: int | None = None, default: Callable[[Any], Any] = str) -> str:
    """``record`` as strict JSON that ``from_exact_json`` reads back to the same values. Its own keys are plain text."""
    text = _quick(record, default)
    if text is None or indent is not None:
        replaced: list[Replaced] = []
        plain = _plain(record, default, (), replaced)
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
        for entry in reversed(replaced):  # the keys of an object after the values in it, whose paths have its new keys
            path, *key_of_object, written = entry
            if len(key_of_object) > 1 or not isinstance(written, str):
                raise ValueError(f"not an entry: {entry!r:.80}")
            *parents, last = (*path, "") if key_of_object else path
            holder: Any = found
            for key in parents:
                holder = holder[key]
            exact = _exact(written)
            if key_of_object:
                items = [(exact if key == key_of_object[0] else key, item) for key, item in holder.items()]
                holder.clear()
                holder.update(items)
            else:
                holder[last]  # it must be there: nothing is added
                holder[last] = exact
    except (TypeError, LookupError, AttributeError, ValueError, RecursionError) as error:
        raise ValueError(f"its {EXACT!r} does not fit: {error!r}") from None
    return found


def _quick(value: Any, default: Callable[[Any], Any]) -> str | None:
    """The text if nothing has to be replaced; else None."""
    try:
        text = json.dumps(value, allow_nan=False, default=default)
    except (TypeError, ValueError):
        return None
    return None if any(pattern.search(text) for pattern in _SUSPECT) else text


def _plain(value: Any, default: Callable[[Any], Any], path: Path, replaced: list[Replaced]) -> Any:
    """A copy with text in place of each value that strict JSON cannot hold, which is noted in ``replaced``."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        if not _LONE.search(value):
            return str(value)
        replaced.append((path, _written(value)))
        return _mended(value)
    if isinstance(value, int):
        if abs(value) <= LARGEST_INTEGER:
            return int(value)
        digits = _digits(int(value))
        replaced.append((path, digits))
        return digits
    if isinstance(value, float):
        if math.isfinite(value):
            return float(value)
        word = json.dumps(float(value))
        replaced.append((path, word))
        return word
    if isinstance(value, dict):
        return _plain_dict(value, default, path, replaced)
    if isinstance(value, (list, tuple)):
        return [_plain(item, default, (*path, i), replaced) for i, item in enumerate(value)]
    return _plain(default(value), default, path, replaced)


def _plain_dict(
    value: dict[Any, Any], default: Callable[[Any], Any], path: Path, replaced: list[Replaced]
) -> dict[str, Any]:
    named = {_named(key): item for key, item in value.items()}
    keys: dict[str, str] = {}  # key -> the key that stands for it
    for key in named:
        keys[key] = stand_in = _mended(key)
        if stand_in != key:
            while stand_in in named or list(keys.values()).count(stand_in) > 1:
                keys[key] = stand_in = f"{stand_in}\N{REPLACEMENT CHARACTER}"
            replaced.append((path, stand_in, _written(key)))
    return {keys[key]: _plain(item, default, (*path, keys[key]), replaced) for key, item in named.items()}


def _mended(text: str) -> str:
    """The text with U+FFFD for lone surrogates; a pair of surrogates becomes the character that it encodes."""
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
