"""Results of tools as the text that a model reads."""

from __future__ import annotations

import json
from typing import Any

import msgspec

_SETS = frozenset({set, frozenset})
_NESTED = frozenset({dict, list, tuple}) | _SETS


def as_json(value: Any) -> str:
    """JSON text, the same in every process. Raises TypeError, ValueError, RecursionError or OverflowError."""
    if type(value) in _NESTED and _holds_set(value):
        value = _sets_sorted(value)
    try:
        return msgspec.json.encode(value, enc_hook=_plain).decode()
    except (UnicodeEncodeError, TypeError):  # a lone surrogate; None as a key
        return json.dumps(msgspec.to_builtins(value, enc_hook=_plain))


def _plain(value: Any) -> Any:
    """Converts a value that JSON lacks: numpy values to lists and numbers, other objects by their ``__str__``.

    Raises TypeError for a class without ``__str__``: the default shows an address, which differs from run to run.
    """
    if callable(tolist := getattr(value, "tolist", None)):
        return tolist()
    kind: Any = type(value)
    if kind.__str__ is object.__str__:
        raise TypeError(f"{kind.__name__} has no __str__ of its own; return text, numbers, lists or dicts")
    return str(value)


def _holds_set(value: Any) -> bool:
    kind = type(value)
    if kind in _SETS:
        return True
    for item in value.values() if kind is dict else value:  # noqa: SIM110  half the time of any()
        if type(item) in _NESTED and _holds_set(item):
            return True
    return False


def _sets_sorted(value: Any) -> Any:
    """The value with sorted lists instead of sets, since the order of a set differs between processes."""
    kind = type(value)
    if kind is dict:
        return {key: _sets_sorted(item) if type(item) in _NESTED else item for key, item in value.items()}
    items = [_sets_sorted(item) if type(item) in _NESTED else item for item in value]
    return sorted(items, key=as_json) if kind in _SETS else items
