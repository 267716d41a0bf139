"""Differences between the arguments of two calls, counted and in a few words."""

from __future__ import annotations

from itertools import islice
from typing import Any

from toolgym.grading import ATOMS, json_equal

_LONGEST = 160


def compare(gold: dict[str, Any], made: dict[str, Any], explain: bool) -> tuple[int, int, str]:
    """Two calls' arguments, the expected ones first.

    Returns the number of parameters that both have, the number of parameters whose values are equal,
    and, with ``explain``, the differences in at most 160 characters; "" if there are none.
    """
    shared = equal = 0
    said = ""
    for key, value in gold.items():
        if key in made:
            shared += 1
            other = made[key]
            if value == other if type(value) is type(other) and type(value) in ATOMS else json_equal(value, other):
                equal += 1
            elif explain and len(said) < _LONGEST:
                said += f"; value differs: {key}: expected {value_text(value)}, got {value_text(other)}"
        elif explain and len(said) < _LONGEST:
            said += f"; missing parameter: {key}"
    if explain and shared < len(made):
        for key in made:
            if key not in gold:
                said += f"; unexpected parameter: {key[:_LONGEST]}"
                if len(said) > _LONGEST:
                    break
    return shared, equal, said[2:] if len(said) < _LONGEST else cut(said[2:])


def cut(text: str) -> str:
    """At most 160 characters of ``text``."""
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."


def value_text(value: Any, depth: int = 0) -> str:
    """A value in a few dozen characters, whatever its size and depth."""
    if type(value) is str:
        return repr(value) if len(value) <= 40 else repr(value[:37]) + "..."
    if isinstance(value, int) and value.bit_length() > 200:  # Python refuses to print very large ones
        return f"an integer of {value.bit_length()} bits"
    if isinstance(value, dict):
        some = islice(value.items(), 3 if depth < 2 else 0)
        shown = [f"{str(key)[:40]!r}: {value_text(item, depth + 1)}" for key, item in some]
        return "{" + ", ".join(shown + ["..."] * (len(value) > len(shown))) + "}"
    if isinstance(value, (list, tuple)):
        shown = [value_text(item, depth + 1) for item in value[: 3 if depth < 2 else 0]]
        return "[" + ", ".join(shown + ["..."] * (len(value) > len(shown))) + "]"
    return repr(value)[:60]
