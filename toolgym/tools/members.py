"""Enums in the places of a type where no library reads them as a tool's author means them; sets of what has no hash."""

from __future__ import annotations

import dataclasses
import enum
import typing
from collections.abc import Callable, Mapping, MutableMapping, MutableSet, Set
from functools import partial
from typing import Annotated, Any

import msgspec

_MAPS = (dict, Mapping, MutableMapping)
_SETS = (set, frozenset, Set, MutableSet)


def with_keys(kind: Any) -> Any:
    """``dict[Color, int]`` with a schema that lists the allowed keys; other types as they are."""
    arguments = typing.get_args(kind)
    if typing.get_origin(kind) not in _MAPS or len(arguments) != 2:
        return kind
    key = typing.get_args(arguments[0])[0] if typing.get_origin(arguments[0]) is Annotated else arguments[0]
    if isinstance(key, type) and issubclass(key, enum.Enum) and not issubclass(key, enum.Flag):
        values = [member.value for member in key]
    elif typing.get_origin(key) is typing.Literal:
        values = [getattr(each, "value", each) for each in typing.get_args(key)]
    else:
        return kind
    if not all(isinstance(value, (str, int)) and not isinstance(value, bool) for value in values):
        return kind
    names = {
        "propertyNames": {"enum": [str(value.value if isinstance(value, enum.Enum) else value) for value in values]}
    }
    return Annotated[kind, msgspec.Meta(extra_json_schema=names)]


def leftmost(members: tuple[Any, ...]) -> list[type[enum.Enum]]:
    """The Enums of a union in front of a type, ``str`` or ``int``, that all of their values have too."""
    found = []
    for i, member in enumerate(members):
        if isinstance(member, type) and issubclass(member, enum.Enum):
            bases = [typing.get_args(each)[0] if typing.get_origin(each) is Annotated else each for each in members[i:]]
            if any(isinstance(each.value, base) for base in bases if base in (str, int, float) for each in member):
                found.append(member)
    return found


def member_or(kinds: list[type[enum.Enum]], value: Any, otherwise: Callable[[Any], Any]) -> Any:
    """The member with this value, or what is read otherwise."""
    value_of = int(value) if isinstance(value, float) and value.is_integer() else value
    for kind in kinds:
        for member in kind:
            if type(member.value) is type(value_of) and member.value == value_of:
                return member
    return otherwise(value)


def member_first(kinds: list[type[enum.Enum]]) -> Any:
    """The annotation with which pydantic reads a union's Enums before its texts and numbers; None without pydantic."""
    try:
        from pydantic import WrapValidator
    except ImportError:
        return None
    return WrapValidator(partial(member_or, kinds))


def unhashable(kind: Any, within: tuple[Any, ...] = ()) -> str:
    """The name of a type in ``kind`` whose values cannot be in a set; "" if there is none."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is Annotated:
        return unhashable(arguments[0], within)
    owner = origin or kind
    if any(owner is each for each in within):
        return ""
    if isinstance(owner, type):
        config = getattr(owner, "__struct_config__", None)
        changeable = config is not None and config.eq and not config.frozen
        if owner.__hash__ is None or typing.is_typeddict(owner) or (changeable and "__hash__" not in vars(owner)):
            return str(getattr(kind, "__name__", kind))
        if dataclasses.is_dataclass(owner) and owner.__dataclass_params__.eq:  # type: ignore[attr-defined]
            try:
                hints = typing.get_type_hints(owner, include_extras=True)
            except Exception:  # the library that reads the type says what is wrong
                hints = {}
            hashed = [f.name for f in dataclasses.fields(owner) if (f.compare if f.hash is None else f.hash)]
            arguments = tuple([hints[name] for name in hashed if name in hints])
    if origin is typing.Literal:
        return ""
    inner = [unhashable(each, (*within, owner)) for each in arguments if each is not ...]
    return next(filter(None, inner), "")


def set_problem(part: Any) -> str:
    """Why no value of a set's type can be made; "" if it can, or if ``part`` is not a set."""
    if typing.get_origin(part) not in _SETS:
        return ""
    name = next(filter(None, map(unhashable, typing.get_args(part))), "")
    if not name:
        return ""
    return (
        f"a set cannot hold {name}, which has no hash: make it frozen, such as @dataclass(frozen=True), or take a list"
    )
