"""JSON values of lines and of whole texts; a value that cannot be read is a BadRow."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from typing import Any

import msgspec

from .problems import BadRow

_WRAPPERS = ("data", "rows", "train", "test", "examples", "items", "samples", "conversations", "dataset")
"""Keys of an object under which a file may hold all its rows."""
_GAP = re.compile(r"[\s,]*")
_decode = msgspec.json.decode
scan = json.JSONDecoder().raw_decode
"""(value, its end) of the JSON value that begins at a place of a text. Raises ValueError or RecursionError."""


def one_value(line: bytes) -> Any:
    """The JSON value of a line, or the BadRow that says why there is none. A comma after the value is passed over."""
    line = line.strip().removeprefix(codecs.BOM_UTF8)  # inside a file, if several were joined
    try:
        return _decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass  # json reads NaN too, and tells more about a mistake
    text = _text(line)
    if isinstance(text, BadRow):
        return text
    try:
        value, end = scan(text)
        value = _whole_letters(value)
    except (ValueError, RecursionError) as error:
        return _not_json(error)
    if text[end:].strip(" \t\r,"):
        return BadRow("more than one JSON value on a line", f"the second begins at character {end + 1}")
    return value


def values_of(text: bytes, line: int) -> Iterator[tuple[str, Any]]:
    """(place, value) of each value of a text that begins at ``line``: of an array, of an object with all rows, or of
    values one after the other. After the first mistake nothing more is read: the last value is then a BadRow."""
    whole = one_value(text)
    if not isinstance(whole, BadRow):
        items = items_of(whole)
        if items is None:
            yield f"line {line}", whole
        else:
            yield from numbered(whole, items)
        return
    read = _text(text)
    if isinstance(read, BadRow):
        yield f"line {line}", read
        return
    number, position = 0, skip(read, 0)
    if read.startswith("[", position):
        position = skip(read, position + 1)
    while position < len(read) and read[position:].strip() != "]":
        number += 1
        try:
            value, end = scan(read, position)
            value = _whole_letters(value)
        except (ValueError, RecursionError) as error:
            if number == 1 and "\n" in read.strip():  # lines after all, of which the first are broken
                lines = enumerate(text.split(b"\n"), line)
                yield from ((f"line {at}", one_value(each)) for at, each in lines if each.strip())
                return
            at = line + read.count("\n", 0, getattr(error, "pos", position))
            reason = _not_json(error)
            yield f"item {number}", BadRow(reason.kind, f"line {at}: {reason.detail}; nothing after it is read")
            return
        yield f"item {number}", value
        position = skip(read, end)


def items_of(value: Any) -> list[Any] | None:
    """The rows in a value that holds all of them: a list of rows, or an object with such a list. None for a row."""
    if isinstance(value, list):
        return None if is_messages(value) else value
    if isinstance(value, dict) and not any(map(is_messages, value.values())):
        if len(value) == 1 and any(value.get(key) == [] for key in _WRAPPERS):
            return []
        for key in _WRAPPERS:
            inner = value.get(key)
            if isinstance(inner, list) and inner and isinstance(inner[0], (dict, list)) and not is_messages(inner):
                return inner
    return None


def numbered(whole: Any, items: list[Any]) -> Iterator[tuple[str, Any]]:
    """(place, value) of each row that ``items_of`` found; a BadRow for each other list of rows beside them."""
    yield from ((f"item {i}", item) for i, item in enumerate(items, 1))
    for key, inner in whole.items() if isinstance(whole, dict) else ():
        if key in _WRAPPERS and inner is not items and isinstance(inner, list) and inner:
            yield repr(key), BadRow("a second list of rows: write it to a file of its own", f"{len(inner):,} items")


def is_messages(value: Any) -> bool:
    """Whether a value is a list of chat messages."""
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(item, dict) and ("role" in item or "from" in item) for item in value)
    )


def _text(data: bytes) -> str | BadRow:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        return BadRow("not UTF-8", f"byte {error.start + 1}")


def _whole_letters(value: Any) -> Any:
    """The value with U+FFFD for each half of a surrogate pair, which no encoding can write: letters that were cut."""
    if isinstance(value, str):
        return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    if isinstance(value, list):
        return [_whole_letters(item) for item in value]
    if isinstance(value, dict):
        return {_whole_letters(key): _whole_letters(item) for key, item in value.items()}
    return value


def _not_json(error: Exception) -> BadRow:
    if isinstance(error, json.JSONDecodeError):
        return BadRow("not JSON", f"{error.msg}, at character {error.colno}")
    return BadRow("not JSON", "nested too deeply" if isinstance(error, RecursionError) else str(error)[:100])


def skip(text: str, position: int) -> int:
    """The place after spaces and commas."""
    found = _GAP.match(text, position)
    return found.end() if found else position
