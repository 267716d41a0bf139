"""Results of tools as the text that a model reads."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import KeysView, Mapping, Sequence, ValuesView
from collections.abc import Set as AbstractSet
from enum import Enum
from typing import Any

import msgspec

_ATOMS = frozenset({str, int, float, bool, type(None)})
_SETS = frozenset({set, frozenset})
_NESTED = frozenset({dict, list, tuple}) | _SETS


def as_text(value: Any) -> str:
    """A text unchanged, any other value as JSON. Raises as ``as_json``."""
    if isinstance(value, str):
        return str(value.value if isinstance(value, Enum) else value)
    return as_json(value)


def as_json(value: Any) -> str:
    """JSON text, the same in every process. Raises TypeError, ValueError, RecursionError or OverflowError."""
    if type(value) not in _ATOMS and _holds_set(value):
        value = _sets_sorted(value)
    try:
        return msgspec.json.encode(value, enc_hook=_plain).decode()
    except (UnicodeEncodeError, TypeError):  # a lone surrogate; None as a key
        return json.dumps(msgspec.to_builtins(value, enc_hook=_plain))


def _plain(value: Any) -> Any:
    """Converts a value that JSON lacks: numpy values and other collections to lists, dicts and numbers, models of
    pydantic to dicts, other objects by their ``__str__``.

    Raises TypeError for a class without ``__str__``: the default shows an address, which differs from run to run.
    """
    if callable(tolist := getattr(value, "tolist", None)):
        return tolist()
    kind: Any = type(value)
    if kind in _NESTED:
        raise TypeError(f"keys must be str, int, float, bool or None, not {kind.__name__}")
    if hasattr(kind, "model_dump"):
        return _sets_sorted(value.model_dump()) if _holds_set(value) else value.model_dump(mode="json")
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, (Sequence, AbstractSet, KeysView, ValuesView, deque)):
        return list(value)
    if kind.__str__ is object.__str__:
        raise TypeError(f"{kind.__name__} has no __str__ of its own; return text, numbers, lists or dicts")
    return str(value)


def _holds_set(value: Any) -> bool:
    kind = type(value)
    if kind in _SETS:
        return True
    items: Any = value
    if kind is dict:
        items = value.values()
    elif kind not in _NESTED:
        items = _fields(value)
    for item in items:  # noqa: SIM110  half the time of any()
        if type(item) not in _ATOMS and _holds_set(item):
            return True
    return False


def _fields(value: Any) -> Any:
    """The values that an object or a collection is written with."""
    if isinstance(value, dict):
        return value.values()
    if isinstance(value, (list, tuple)):
        return value
    if isinstance(value, msgspec.Struct):
        return [getattr(value, name) for name in value.__struct_fields__]
    if hasattr(value, "__dataclass_fields__") or hasattr(value, "__attrs_attrs__") or hasattr(value, "model_dump"):
        return list(getattr(value, "__dict__", {}).values())
    return ()


def _sets_sorted(value: Any) -> Any:
    """The value with sorted lists instead of sets, since the order of a set differs between processes."""
    kind = type(value)
    if kind is dict:
        return {key: _sets_sorted(item) if type(item) not in _ATOMS else item for key, item in value.items()}
    if kind not in _NESTED:
        return msgspec.to_builtins(value, enc_hook=_plain, order="deterministic") if _holds_set(value) else value
    items = [_sets_sorted(item) if type(item) not in _ATOMS else item for item in value]
    return sorted(items, key=as_json) if kind in _SETS else items
