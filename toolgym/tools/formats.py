"""Formats of OpenAPI, and encodings of text, which JSON Schema lists but does not check."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from typing import Any

from toolgym.tools.standard import within

_FLOAT = 3.4028234663852886e38
RANGES: dict[str, tuple[float, float]] = {
    **{f"int{bits}": (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) for bits in (8, 16, 32, 64)},
    **{f"uint{bits}": (0, 2**bits - 1) for bits in (8, 16, 32, 64)},
    "float": (-_FLOAT, _FLOAT),
}
"""Format of a number -> its least and its greatest value."""
_DECIMAL = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")
_WHOLE = re.compile(r"[+-]?[0-9]{1,30}")
_HEX = re.compile(r"([0-9A-Fa-f]{2})*")
_BASE64 = re.compile(r"[A-Za-z0-9_-]*={0,2}")


def _base64(text: str) -> bool:
    try:
        base64.b64decode("".join(text.split()), validate=True)
    except (ValueError, binascii.Error):
        return False
    return True


def _base64url(text: str) -> bool:
    return _BASE64.fullmatch(text) is not None and len(text.rstrip("=")) % 4 != 1


def _base32(text: str) -> bool:
    try:
        base64.b32decode(text)
    except (ValueError, binascii.Error):
        return False
    return True


def _whole(least: float, most: float) -> Callable[[str], bool]:
    return lambda text: _WHOLE.fullmatch(text) is not None and least <= int(text) <= most


_ENCODINGS: dict[str, Callable[[str], bool]] = {
    "base64": _base64,
    "base64url": _base64url,
    "base32": _base32,
    "base16": lambda text: _HEX.fullmatch(text) is not None,
}
_HEAD = "encoding-"
CHECKS: dict[str, Callable[[str], bool]] = {
    **{_HEAD + name: check for name, check in _ENCODINGS.items()},
    **{name: _whole(*limits) for name, limits in RANGES.items() if name != "float"},
    "byte": _base64,
    "decimal": lambda text: _DECIMAL.fullmatch(text) is not None,
    "decimal128": lambda text: _DECIMAL.fullmatch(text) is not None,
    "char": lambda text: len(text) == 1,
}
"""Format of a text -> whether a text has it."""


def with_formats(schema: Any) -> Any:
    """``schema``, of draft 2020-12, with ranges in place of formats of numbers, and encodings as formats."""
    if not isinstance(schema, Mapping):
        return schema
    out = {str(word): within(word, value, with_formats, lambda other: other) for word, value in schema.items()}
    more: list[Any] = []
    kind = out.get("format")
    if isinstance(kind, str) and kind in RANGES:
        least, most = RANGES[kind]
        more.append({"minimum": least, "maximum": most})
    encoding = out.get("contentEncoding")
    if isinstance(encoding, str) and encoding.lower() in _ENCODINGS:
        more.append({"format": _HEAD + encoding.lower()})
    return {**out, "allOf": [*out.get("allOf", ()), *more]} if more else out
