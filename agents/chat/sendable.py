"""Makes values sendable: JSON in UTF-8 that strict servers read, whatever a model wrote into it."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any

from toolgym.dialects.json.calls import deeper_than

DEEPEST = 100
"""Levels of lists and objects in the arguments of a call; servers refuse a little more (128 in Rust's serde)."""
_SURROGATE = re.compile("[\ud800-\udfff]")


def sendable(value: Any) -> Any:
    """The value with what JSON or UTF-8 cannot hold written as text: what a request may contain.

    NaN and infinite numbers become the strings "NaN", "Infinity" and "-Infinity"; integers beyond the range of a
    double become strings of their digits; a lone surrogate becomes U+FFFD. Raises TypeError for an object that is not
    JSON, and RecursionError if the value is nested too deeply.
    """
    if isinstance(value, str):
        return clean(value)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if abs(value) < 10**308 else _digits(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, Mapping):
        return {clean(str(key)): sendable(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [sendable(item) for item in value]
    raise TypeError(f"{type(value).__name__} is not JSON")


def clean(text: str) -> str:
    """The text with U+FFFD in place of lone surrogates, which servers refuse."""
    return text if text.isascii() else _SURROGATE.sub("\ufffd", text)


def arguments_object(written: Any) -> dict[str, Any] | None:
    """The arguments of a call as an object. None, "" and "null" are {}, JSON inside a JSON string is read too.

    None if the arguments are anything else, or nested deeper than DEEPEST.
    """
    for _ in range(2):
        if isinstance(written, str):
            try:
                written = json.loads(written) if written.strip() else None
            except (ValueError, RecursionError):
                return None
    if written is None:
        return {}
    return written if isinstance(written, dict) and not deeper_than(written, DEEPEST) else None


def _digits(value: int) -> str:
    try:
        return str(value)
    except ValueError:  # more digits than Python writes
        return hex(value)
