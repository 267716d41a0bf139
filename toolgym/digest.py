"""Digests of Python values: equal values have equal ones, in every process and whatever PYTHONHASHSEED is.

Data (None, numbers, text, bytes, lists, tuples, dicts, sets, msgspec Structs) count by what they hold; the order
of a dict's keys counts, since it shows in what a tool returns. Other objects count by their class and what pickle would
keep of them, and by which of them are one and the same. Functions and classes count by name. Time is linear in the
number of distinct objects, cycles and shared parts included.
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
"""Whole numbers in a row that are taken together: the state of a random.Random is 625."""
_CODE = (type, FunctionType, BuiltinFunctionType)


def digest(value: Any) -> str:
    """32 hexadecimal digits that say what a value is.

    Raises TypeError for what pickle cannot keep either (a lock, a socket, a generator) and RecursionError for data
    nested hundreds of levels deep.
    """
    return _Walk().digest(value).hex()


class _Walk:
    """One pass over a value and all that it refers to."""

    def __init__(self) -> None:
        self.numbers: dict[int, int] = {}
        """Objects, and what holds objects, by id -> the order in which they were met."""
        self.pure: dict[int, bytes] = {}
        """Containers of nothing but data, by id -> digest."""
        self.path: dict[int, int] = {}
        """Containers that the walk is inside of, by id -> depth."""
        self.alive: list[Any] = []
        """What pickle made for us: an id is an object's own only while it lives."""
        self.references = 0

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
        """The digest of what was met before, or a reference to it."""
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
        if kept == (None, None, None):  # a value, such as a date or a Decimal
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
            self.pure[key] = found
        else:
            self.numbers[key] = len(self.numbers)
        return found

    def _data(self, value: Any, kind: type) -> tuple[bytes, Iterable[Any]] | None:
        """What a container holds, where it is one of data; its items are alive as long as it is."""
        if kind is dict or kind is FrozenDict:
            return b"d", [part for item in value.items() for part in item]
        if (kind is list or kind is tuple) and len(value) > _MANY and set(map(type, value)) == {int}:
            return b"i" + kind.__name__.encode(), [repr(value)]
        if kind is list:
            return b"l", value
        if kind is tuple:
            return b"t", value
        if kind is set or kind is frozenset:  # each item on its own, so that their order does not matter
            return b"u", sorted([self._apart().digest(item) for item in value])
        if issubclass(kind, msgspec.Struct):
            return b"m", [kind, *[getattr(value, field) for field in kind.__struct_fields__]]
        return None

    def _apart(self) -> _Walk:
        walk = _Walk()
        walk.pure, walk.alive = self.pure, self.alive
        return walk

    def _reduced(self, value: Any) -> tuple[tuple[Any, Any], tuple[Any, Any, Any]]:
        """An object as pickle would keep it: how it is made, and what it is given then."""
        if type(value) is MethodType:
            return (value.__func__, value.__self__), (None, None, None)
        parts = value.__reduce_ex__(4)
        if isinstance(parts, str):
            return (parts, None), (None, None, None)
        make, args, state, items, pairs = (*parts, None, None, None)[:5]
        if type(state) is dict and all(type(name) is str for name in state):
            state = dict(sorted(state.items()))  # attributes have no order
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
