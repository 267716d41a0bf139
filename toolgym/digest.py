"""Digests of Python values: equal values have equal digests, in every process and for every PYTHONHASHSEED.

Data (None, numbers, text, bytes, lists, tuples, dicts, sets, msgspec Structs) are digested by content. The order of
the keys of a dict counts, since tools may show it in results. Other objects are digested by their class and the state
that pickle keeps, and by identity: it counts whether two references point to one object. Functions and classes are
digested by name. Takes time linear in the number of distinct objects, also with cycles and shared parts.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from hashlib import blake2b
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import Any

import msgspec

from toolgym.types import FrozenDict

_SIZE = 16
_MANY = 32
"""A longer list or tuple of integers is digested as one text, for speed: the state of a random.Random has 625."""
_CODE = (type, FunctionType, BuiltinFunctionType)


def digest(value: Any) -> str:
    """The digest of a value, as 32 hexadecimal digits.

    Raises TypeError for a value that cannot be pickled (a lock, a socket, a generator), and RecursionError for data
    nested hundreds of levels deep.
    """
    return _Walk().digest(value).hex()


class _Walk:
    """One walk over a value and everything it refers to."""

    def __init__(self) -> None:
        self.numbers: dict[int, int] = {}
        """id -> order of the first visit, for objects and for containers that contain a reference or an object."""
        self.pure: dict[int, bytes] = {}
        """id -> digest, for containers of data only."""
        self.path: dict[int, int] = {}
        """id -> depth, for the containers that the walk is in."""
        self.alive: list[Any] = []
        """The results of ``__reduce_ex__``, kept alive so that their ids are not reused."""
        self.references = 0
        """The objects and references met so far; if it grows inside a container, the container is not pure data."""

    def digest(self, value: Any) -> bytes:
        kind = type(value)
        if kind is str:
            return _hash(b"s", [value.encode("utf-8", "surrogatepass")])
        if value is None or kind in (bool, int, float, complex):
            return f"{kind.__name__} {value!r}".encode()
        if kind in (bytes, bytearray):
            return _hash(b"b" if kind is bytes else b"a", [value])
        if isinstance(value, _CODE):
            return _hash(b"n", [_name(value).encode()])
        if isinstance(value, Enum):
            return _hash(b"e", [_name(kind).encode(), value.name.encode()])
        return self._known(value) or self._met(value, kind)

    def _known(self, value: Any) -> bytes | None:
        """For a value met before: its digest, or a reference to it; else None."""
        key = id(value)
        if key in self.pure:
            return self.pure[key]
        if key in self.numbers:
            self.references += 1
            return b"r%d" % self.numbers[key]
        if key in self.path:
            self.references += 1
            return b"p%d" % self.path[key]
        return None

    def _met(self, value: Any, kind: type) -> bytes:
        contents = self._data(value, kind)
        if contents is not None:
            return self._container(value, *contents)
        made, kept = self._reduced(value)
        if kept == (None, None, None):  # no state: a plain value, such as a date or a Decimal
            return self._container(value, b"v", made)
        self.references += 1
        self.numbers[id(value)] = len(self.numbers)
        return _hash(b"o", [self.digest(part) for part in (*made, *kept)])

    def _container(self, value: Any, tag: bytes, contents: Iterable[Any]) -> bytes:
        key, before = id(value), self.references
        self.path[key] = len(self.path)
        found = _hash(tag, [self.digest(item) for item in contents])
        del self.path[key]
        if self.references == before:
            self.pure[key] = found  # the digest does not depend on the walk: reused wherever the container occurs
        else:  # it contains an object or a reference, whose number holds only in this walk
            self.numbers[key] = len(self.numbers)
        return found

    def _data(self, value: Any, kind: type) -> tuple[bytes, Iterable[Any]] | None:
        """The tag and items of a container of data; None for any other object. The container keeps the items alive."""
        if kind is dict or kind is FrozenDict:
            return b"d", [part for item in value.items() for part in item]
        if (kind is list or kind is tuple) and len(value) > _MANY and set(map(type, value)) == {int}:
            return b"i" + kind.__name__.encode(), [repr(value)]
        if kind is list:
            return b"l", value
        if kind is tuple:
            return b"t", value
        if kind is set or kind is frozenset:  # each item in a walk of its own, since sets have no order
            return b"u", sorted([self._apart().digest(item) for item in value])
        if issubclass(kind, msgspec.Struct):
            return b"m", [kind, *[getattr(value, field) for field in kind.__struct_fields__]]
        return None

    def _apart(self) -> _Walk:
        walk = _Walk()
        walk.pure, walk.alive = self.pure, self.alive
        return walk

    def _reduced(self, value: Any) -> tuple[tuple[Any, Any], tuple[Any, Any, Any]]:
        """An object as pickle would keep it: (how to make it), (its state, list items and dict items)."""
        if type(value) is MethodType:
            return (value.__func__, value.__self__), (None, None, None)
        parts = value.__reduce_ex__(4)
        if isinstance(parts, str):
            return (parts, None), (None, None, None)
        make, args, state, items, pairs = (*parts, None, None, None)[:5]
        if type(state) is dict and all(type(name) is str for name in state):
            state = dict(sorted(state.items()))  # the order in which attributes were set does not count
        made = (make, args), (state, items and list(items), pairs and list(pairs))
        self.alive.append(made)
        return made


def _hash(tag: bytes, parts: Iterable[bytes]) -> bytes:
    found = blake2b(tag, digest_size=_SIZE)
    for part in parts:
        found.update(b"%d:" % len(part))
        found.update(part)
    return found.digest()


def _name(code: Any) -> str:
    return f"{code.__module__}.{code.__qualname__}"
