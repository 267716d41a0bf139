"""Equality of JSON values, and differences between a call's arguments in a few words."""

from __future__ import annotations

from itertools import islice
from typing import Any

_LONGEST = 160
ATOMS = frozenset({str, int, bool, type(None)})
"""Types whose values are equal as JSON if they are of the same type and equal in Python."""


def json_equal(a: Any, b: Any) -> bool:
    """Equality of JSON values: 1 equals 1.0, True does not equal 1, NaN equals NaN, a tuple equals a list.

    Values of any depth are compared without recursion.
    """
    kind = type(a)
    if kind is type(b) and kind in ATOMS:
        return bool(a == b)
    todo = [(a, b)]
    while todo:
        a, b = todo.pop()
        if isinstance(a, dict):
            if not isinstance(b, dict) or len(a) != len(b):
                return False
            for key, value in a.items():
                if key not in b:
                    return False
                todo.append((value, b[key]))
        elif isinstance(a, (list, tuple)):
            if not isinstance(b, (list, tuple)) or len(a) != len(b):
                return False
            todo.extend(zip(a, b, strict=True))
        elif isinstance(a, bool) or isinstance(b, bool):
            if a is not b:
                return False
        elif a != b and not (a != a and b != b):
            return False
    return True


def same_arguments(gold: dict[str, Any], made: dict[str, Any]) -> bool:
    """``json_equal`` for two calls' arguments; faster where they are flat."""
    if len(gold) != len(made):
        return False
    for key, value in gold.items():
        if key not in made:
            return False
        other = made[key]
        if type(value) is type(other) and type(value) in ATOMS:
            if value != other:
                return False
        elif not json_equal(value, other):
            return False
    return True


def compare(gold: dict[str, Any], made: dict[str, Any], explain: bool) -> tuple[int, int, str]:
    """Two calls' arguments, the expected ones first.

    Returns the number of parameters that both have, the number of those whose values are equal, and,
    with ``explain``, what differs, in at most 160 characters; "" if nothing does.
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
