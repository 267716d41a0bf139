"""Java values as BFCL reads them: converts source text of a declared type to a Python value.

Follows the official ``java_type_converter``, including its tolerance: a text that does not have the declared type
stays a string (and then fails the type check), and text after a collection is ignored.
Raises ValueError if the official converter raises.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from .scanning import Next, after_space, enclosed

TYPES: dict[str, type] = {
    "byte": int, "short": int, "integer": int, "long": int,
    "float": float, "double": float,
    "boolean": bool, "char": str, "String": str, "any": str,
    "Array": list, "ArrayList": list, "HashMap": dict,
}  # fmt: skip
"""Declared type -> type after conversion. The official converter has none for Set, Hashtable, Queue and Stack."""

_INTEGER = re.compile(r"-?\d+\n?\Z")
_LONG = re.compile(r"-?\d+[lL]\n?\Z")
_DECIMAL = r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?"
_FLOAT = re.compile(_DECIMAL + r"[fF]\n?\Z")
_DOUBLE = re.compile(_DECIMAL + r"\n?\Z")

_AS_LIST = re.compile(r"new\s+ArrayList<\w*>\(Arrays\.asList\(")
_EMPTY_LIST = re.compile(r"new\s+ArrayList<\w*>\(\)")
_FILLED_LIST = re.compile(_EMPTY_LIST.pattern + r"\s*\{\{\s*")
_ADD = re.compile(r"add\(")
_ARRAY = re.compile(r"new\s+\w+\[\]\s*\{")
_MAP = re.compile(r"new\s+HashMap<")
_MAP_ARGUMENTS = re.compile(r">\s*\(\)")
_MAP_BODY = re.compile(r">\s*\(\)\s*\{\s*\{?\s*")


def converter(kind: str, nested: str | None = None) -> Callable[[str], Any]:
    """The conversion for a declared type; ``nested`` is the type of a list's elements.

    Raises ValueError for a type that has no conversion.
    """
    if kind not in TYPES:
        raise ValueError(f"no conversion for the Java type {kind!r}: expected one of {', '.join(TYPES)}")
    if kind == "Array":
        return _array(nested)
    if kind == "ArrayList":
        return _array_list(nested)
    return {
        "byte": _integer, "short": _integer, "integer": _integer, "long": _long, "float": _float,
        "double": _double, "boolean": _boolean, "HashMap": _hash_map,
    }.get(kind, str)  # fmt: skip


def _integer(text: str) -> int | str:
    return int(text) if _INTEGER.match(text) else text


def _long(text: str) -> int | str:
    return int(text.rstrip("\n")[:-1]) if _LONG.match(text) else text


def _float(text: str) -> float | str:
    return float(text.rstrip("\n")[:-1]) if _FLOAT.match(text) else text


def _double(text: str) -> float | str:
    return float(text) if _DOUBLE.match(text) else text


def _boolean(text: str) -> bool | str:
    return text == "true" if text in ("true", "false") else text


def _unquoted(text: str) -> str:
    return text[1:-1]


def _untyped(text: str) -> Any:
    """Converts a value without a declared type (e.g. inside a HashMap) by its form."""
    if text in ("true", "false"):
        return text == "true"
    if text.startswith('"') and text.endswith('"'):
        return text[1:-1]
    if _LONG.match(text):
        return int(text[:-1])
    if _FLOAT.match(text):
        return float(text[:-1])
    for number in (int, float):
        try:
            return number(text)
        except ValueError:
            continue
    return text


def _array(nested: str | None) -> Callable[[str], Any]:
    def convert(text: str) -> Any:
        for inside in enclosed(text, _ARRAY, "}"):
            return [element(part.strip()) for part in inside.split(",") if part.strip()]
        return text

    element = converter(nested) if nested else _untyped
    return convert


def _array_list(nested: str | None) -> Callable[[str], Any]:
    def convert(text: str) -> Any:
        for inside in enclosed(text, _AS_LIST, "))", least=1):
            return [element(part.strip()) for part in inside.split(",")]
        body = _list_body(text)
        if body is not None:
            return [element(part.strip()) for part in enclosed(body, _ADD, ")", least=1)]
        return [] if _EMPTY_LIST.search(text) else text

    if nested in ("char", "String"):
        element: Callable[[str], Any] = _unquoted
    else:
        element = converter(nested) if nested else _untyped
    return convert


def _list_body(text: str) -> str | None:
    """The text inside ``new ArrayList<..>() {{ .. }}``; None if the text has no such list."""
    start = _FILLED_LIST.search(text)
    if start is None:
        return None
    # The official pattern wants at least one character in the body. If nothing is there, it takes back the last
    # space that the opening had matched.
    end = text.find("}}", start.end() + 1)
    if end >= 0:
        return text[start.end() : end]
    return "" if text[start.end() - 1].isspace() and text.startswith("}}", start.end()) else None


def _hash_map(text: str) -> Any:
    body = _map_body(text)
    if body is not None:
        return {key: _untyped(value.strip()) for key, value in _puts(body)}
    return {} if _has_empty_map(text) else text


def _map_body(text: str) -> str | None:
    """The text inside the braces of ``new HashMap<..>() {{ .. }}`` (one pair of braces suffices), or None."""
    start = _MAP.search(text)
    opening = _MAP_BODY.search(text, start.end()) if start else None
    if opening is None:
        return None
    end = text.find("}", opening.end())
    return text[opening.end() : end] if end >= 0 else None


def _has_empty_map(text: str) -> bool:
    """Whether the text has a ``new HashMap<..>()`` with its type arguments on one line."""
    newline, arguments = Next(text, "\n"), None
    for start in _MAP.finditer(text):
        if arguments is None or arguments.start() < start.end():
            arguments = _MAP_ARGUMENTS.search(text, start.end())
            if arguments is None:
                return False
        if newline(start.end()) >= arguments.start():
            return True
    return False


def _puts(text: str) -> Iterator[tuple[str, str]]:
    """Source text of key and value of each ``put("key", value)``. Neither may contain a line break."""
    close, newline = Next(text, ")"), Next(text, "\n")
    position = 0
    while (start := text.find('put("', position)) >= 0:
        begin = start + len('put("')
        line_end = newline(begin)
        # The key ends at the first '",' that is followed by a value. If no ")" follows the first '",' on its line,
        # only the last '",' of the line can still have a value: on the next line.
        first, last = text.find('",', begin, line_end), text.rfind('",', begin, line_end)
        position = line_end
        for key_end in (first, last) if first >= 0 else ():
            value = after_space(text, key_end + 2)
            end = close(value)
            if end < len(text) and newline(value) >= end:
                yield text[begin:key_end], text[value:end]
                position = end + 1
                break
