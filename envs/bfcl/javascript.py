"""JavaScript values as BFCL reads them: converts source text of a declared type to a Python value.

Follows the official ``js_type_converter``, including its tolerance: a text that does not have the declared type stays
a string, text after a collection is ignored, and an object ends at its first "}".
Raises ValueError if the official converter raises.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator
from typing import Any

from .scanning import Next, after_space, enclosed

TYPES: dict[str, type] = {
    "String": str, "any": str, "integer": int, "Bigint": int, "float": float, "Boolean": bool,
    "array": list, "dict": dict,
}  # fmt: skip
"""Declared type -> type after conversion."""

_INTEGER = re.compile(r"-?\d+\n?\Z")
_FLOAT = re.compile(r"-?\d+(?:\.\d+)?\n?\Z")
_BIGINT = re.compile(r"-?\d+n\n?\Z")
_BRACKET = re.compile(r"\[")
_MATRIX = re.compile(r"\[\s*\[|new\s+Array\(\s*\[")
_NEW_ARRAY = re.compile(r"new\s+Array\(")


def converter(kind: str, nested: str | None = None) -> Callable[[str], Any]:
    """The conversion for a declared type; ``nested`` is the type of an array's elements.

    Raises ValueError for a type that has no conversion.
    """
    if kind not in TYPES:
        raise ValueError(f"no conversion for the JavaScript type {kind!r}: expected one of {', '.join(TYPES)}")
    if kind == "array":
        return _array(nested)
    return {
        "String": _unquoted, "integer": _integer, "Bigint": _bigint, "float": _float, "Boolean": _boolean,
        "dict": _object,
    }.get(kind, str)  # fmt: skip


def _quoted(text: str) -> bool:
    return (text.startswith('"') and text.endswith('"')) or (text.startswith("'") and text.endswith("'"))


def _unquoted(text: str) -> str:
    return text[1:-1] if _quoted(text) else text


def _integer(text: str) -> int | str:
    return int(text) if _INTEGER.match(text) else text


def _bigint(text: str) -> int | str:
    return int(text[:-1]) if _BIGINT.match(text) else text


def _float(text: str) -> float | str:
    return float(text) if _FLOAT.match(text) else text


def _boolean(text: str) -> bool | str:
    return text == "true" if text in ("true", "false") else text


def _untyped(text: str) -> Any:
    """Converts a value without a declared type by its form."""
    text = text.strip()
    if text in ("true", "false"):
        return text == "true"
    if _quoted(text):
        return text[1:-1]
    for number in (int, float):
        try:
            return number(text)
        except ValueError:
            continue
    return text


def _array(nested: str | None) -> Callable[[str], Any]:
    def convert(text: str) -> Any:
        text = text.strip()
        end = _matrix_end(text)
        if end is not None:
            rows = list(enclosed(text[:end], _BRACKET, "]"))
            return [_row(row.strip(), first=i == 0) for i, row in enumerate(rows)]
        inside = _array_inside(text)
        if inside is None:
            return text
        try:
            return [element(part.strip()) for part in inside.split(",")] if inside.strip() else []
        except ValueError:
            return text

    element = converter(nested) if nested else _untyped
    return convert


def _row(text: str, first: bool) -> list[Any]:
    if first and text.startswith("["):
        text = text[1:]
    return [_untyped(part) for part in text.split(",")]


def _array_inside(text: str) -> str | None:
    """The text between the brackets of ``[..]`` or ``new Array(..)``; None unless both brackets are on one line."""
    opening = _BRACKET.match(text) or _NEW_ARRAY.match(text)
    if opening is None:
        return None
    end = text.find("]" if text[0] == "[" else ")", opening.end())
    inside = text[opening.end() : end]
    return None if end < 0 or "\n" in inside else inside


def _matrix_end(text: str) -> int | None:
    """The end of an array of arrays, ``[[..], [..]]`` or ``new Array([..], [..])``; None if the text has no such array.

    A row ends at the first "]" on its line after which the rest can be read: another row, or the end of the array.
    Each "]" is classified from the last to the first, because it depends only on the "]" after it.
    """
    opening = _MATRIX.match(text)
    if opening is None:
        return None
    last = "]" if text[0] == "[" else ")"
    newlines = [i for i, char in enumerate(text) if char == "\n"]
    good = ends_at = -1  # the next "]" at which a row can end, and the end of the array in that case

    def row_from(begin: int) -> bool:
        newline = bisect_left(newlines, begin)
        return good >= begin and (newline == len(newlines) or newlines[newline] >= good)

    bracket = text.rfind("]")
    while bracket >= opening.end():
        after = after_space(text, bracket + 1)
        if text.startswith(last, after):
            good, ends_at = bracket, after + 1
        elif text.startswith(",", after):
            row = after_space(text, after + 1)
            if text.startswith("[", row) and row_from(row + 1):
                good = bracket
        bracket = text.rfind("]", 0, bracket)
    return ends_at if row_from(opening.end()) else None


def _object(text: str) -> Any:
    text = text.strip()
    if text == "{}":
        return {}
    end = text.find("}")
    if not text.startswith("{") or end < 0 or "\n" in text[:end]:
        return text
    return {key.strip().strip("'\""): _object_value(value.strip()) for key, value in _pairs(text[1:end])}


def _object_value(text: str) -> Any:
    if text.startswith("[") and text.endswith("]"):
        return _array(None)(text)
    return _untyped(text.strip("'\""))


def _pairs(text: str) -> Iterator[tuple[str, str]]:
    """Source text of key and value of each ``key: value``. A comma ends a value only if a key and a colon follow."""
    colon, position = Next(text, ":"), 0
    while True:
        while text.startswith(":", position):
            position += 1
        key_end = colon(position)
        if key_end >= len(text):
            return
        begin = after_space(text, key_end + 1)
        comma = text.find(",", begin)
        while comma >= 0:
            following = _key_after(text, comma)
            if following is not None:
                break
            comma = text.find(",", comma + 1)
        if comma < 0:
            yield text[position:key_end], text[begin:]
            return
        yield text[position:key_end], text[begin:comma]
        position = following if following is not None else len(text)


def _key_after(text: str, comma: int) -> int | None:
    """The position of the key that follows this comma; None if no key follows."""
    key = after_space(text, comma + 1)
    stop = text.find(",", key)
    if text.find(":", key + 1, stop if stop >= 0 else len(text)) >= 0:
        return key
    # only spaces before the colon: the official pattern takes the last space as the key
    return key - 1 if key > comma + 1 and text.startswith(":", key) else None
