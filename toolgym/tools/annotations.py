"""Types of Python as parameters of a tool: the JSON Schema of a type, and the typed value of a JSON value.

msgspec reads a type if it can; pydantic, if installed, reads its own models and limits, and what msgspec cannot.
"""

from __future__ import annotations

import collections.abc
import dataclasses
import datetime
import enum
import json
import types
import typing
from collections.abc import Callable, Iterator
from functools import partial, reduce
from operator import or_
from pathlib import PurePath
from typing import Annotated, Any, NamedTuple

import msgspec

from toolgym.tools.members import leftmost, member_first, set_problem, with_keys

TYPES = "str, int, float, bool, list, dict, Literal, an Enum, a dataclass, a date, pydantic models or unions of them"
"""For messages: types that a parameter may have."""
_PYDANTICS = frozenset({"pydantic", "pydantic_core", "pydantic_extra_types", "annotated_types"})
_FORMATS: dict[Any, str] = {datetime.datetime: "date-time", datetime.time: "time"}
"""Formats that msgspec leaves out. Values without a time zone are accepted."""
_NOT_JSON = (type, complex, collections.abc.Callable, collections.abc.Iterator, collections.abc.Generator,
             collections.abc.AsyncIterable, collections.abc.Awaitable)  # fmt: skip
"""Types that pydantic gives a schema, or reads, without a JSON value that could be such a value."""
_EITHER = ([{"type": "integer"}, {"type": "number"}], [{"type": "number"}, {"type": "integer"}])
_MOST_FLAGS = 32
_SIZED = (str, bytes, bytearray, list, tuple, set, frozenset, dict, collections.abc.Sequence, collections.abc.Mapping)
_LIMITS: dict[str, tuple[Any, ...]] = {
    **dict.fromkeys(("gt", "ge", "lt", "le", "multiple_of"), (int, float)),
    **dict.fromkeys(("min_length", "max_length"), _SIZED),
    "pattern": (str,),
    "tz": (datetime.datetime, datetime.time),
}
"""Limit of msgspec.Meta -> the types that can have it."""
_TOLD = ("title", "description", "examples", "extra_json_schema", "extra")
"""Parts of msgspec.Meta that limit nothing."""


class NoSchema(TypeError):
    """A type has no JSON Schema; the message says why, or is empty."""


class Typed(NamedTuple):
    """A type, read."""

    schema: dict[str, Any]
    definitions: dict[str, Any]
    """Name -> the schemas that ``#/$defs/name`` in ``schema`` means."""
    read: Callable[[Any], Any] | None
    """From a valid JSON value to the typed value; None if the JSON value is the value. Raises any exception."""
    fits: bool
    """Whether ``read`` takes each value that satisfies the schema."""
    check: Callable[[Any], Any]
    """As ``read``, for a JSON value that the schema has not seen."""
    write: Callable[[Any], Any]
    """From a value of the type to a JSON value."""


def typed(kind: Any) -> Typed:
    """Read a type. Raises NoSchema."""
    kind = _rewritten(kind)
    parts = list(_parts(kind))
    for part in parts:
        if (typing.get_origin(part) or part) in _NOT_JSON:
            raise NoSchema("")
        if isinstance(part, type) and issubclass(part, enum.Enum):
            _check_enum(part)
        if problem := set_problem(part):
            raise NoSchema(problem)
    if any(map(_of_pydantic, parts)):
        return _pydantic(kind)
    try:
        return _msgspec(kind, parts)
    except Exception as error:  # TypeError, or anything that a forward reference raises
        reason = "" if "schema_hook" in str(error) else str(error)
    try:
        return _pydantic(kind)
    except NoSchema as error:
        raise NoSchema(str(error) if "pip install" in str(error) else reason) from None


# Types --------------------------------------------------------------------------------------------


def _rewritten(kind: Any, within: tuple[Any, ...] = ()) -> Any:
    """The type with aliases resolved, texts in Annotated as descriptions, and object as Any; Iterable is a list."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is None and hasattr(kind, "__value__") and hasattr(kind, "__type_params__"):  # TypeAliasType
        again = kind in within or isinstance(kind.__value__, str)  # it contains itself: left to pydantic
        return kind if again else _rewritten(kind.__value__, (*within, kind))
    if kind is object:
        return Any
    if kind is typing.LiteralString:
        return str
    if kind in _FORMATS:
        return Annotated[kind, msgspec.Meta(extra_json_schema={"format": _FORMATS[kind]})]
    if kind in (collections.abc.Iterable, typing.Iterable):
        return list
    if origin is typing.Literal and any(isinstance(each, enum.Enum) for each in arguments):
        return _members(arguments)
    if origin is None or origin is typing.Literal:
        return kind
    if origin is Annotated:
        inner = _rewritten(arguments[0], within)
        for note in arguments[1:]:
            text = note if isinstance(note, str) else getattr(note, "documentation", None)
            note = msgspec.Meta(description=text) if isinstance(text, str) else note
            members = typing.get_args(inner) if typing.get_origin(inner) in (typing.Union, types.UnionType) else ()
            inner = _limited(members, note) if members and isinstance(note, msgspec.Meta) else Annotated[inner, note]
        return inner
    new = tuple([argument if isinstance(argument, list) else _rewritten(argument, within) for argument in arguments])
    if origin in (typing.Union, types.UnionType):
        union: Any = typing.Union[new]  # noqa: UP007  the members are not known here
        first = member_first(kinds) if (kinds := leftmost(new)) else None
        return union if first is None else Annotated[union, first]
    if origin is collections.abc.Iterable:
        return list[new]  # type: ignore[valid-type]
    if origin is typing.Required or origin is typing.NotRequired or new == arguments:
        return with_keys(kind)
    try:
        return with_keys(kind.copy_with(new) if hasattr(kind, "copy_with") else origin[new])
    except TypeError:
        return kind


def _limited(members: tuple[Any, ...], note: msgspec.Meta) -> Any:
    """A union with the limits of ``note`` on the members that can have them, as JSON Schema means limits.

    Raises NoSchema for a limit that fits no member.
    """
    limits = _limits_of(note)
    told = {name: value for name in _TOLD if (value := getattr(note, name)) is not None}
    found, left = [], set(limits)
    for member in members:
        base = typing.get_args(member)[0] if typing.get_origin(member) is Annotated else member
        base = typing.get_origin(base) or base
        fitting = {name: value for name, value in limits.items() if base in _LIMITS[name]}
        left -= fitting.keys()
        found.append(Annotated[member, msgspec.Meta(**fitting)] if fitting else member)
    if left:
        raise NoSchema(f"the limit {min(left)} fits none of the types in the union")
    union: Any = typing.Union[tuple(found)]  # noqa: UP007  the members are not known here
    return Annotated[union, msgspec.Meta(**told)] if told else union


def _members(values: tuple[Any, ...]) -> Any:
    """``Literal[Mode.FAST]``, written so that pydantic reads the member from its value."""
    try:
        from pydantic import AfterValidator, WithJsonSchema
    except ImportError:
        raise NoSchema("it needs pydantic 2: pip install pydantic, or write Literal of the values") from None
    kinds: list[Any] = [typing.Literal[value] for value in values if not isinstance(value, enum.Enum)]
    for kind in dict.fromkeys(type(value) for value in values if isinstance(value, enum.Enum)):
        chosen = [value for value in values if type(value) is kind]
        shown = WithJsonSchema({"enum": [value.value for value in chosen]})
        kinds.append(Annotated[kind, AfterValidator(partial(_one_of, chosen)), shown])
    return typing.Union[tuple(kinds)]  # noqa: UP007


def _one_of(members: list[Any], value: Any) -> Any:
    if value not in members:
        raise ValueError(f"must be one of {[member.value for member in members]}")
    return value


def _parts(kind: Any, seen: set[int] | None = None) -> Iterator[Any]:
    """Every type and every annotation that a type consists of."""
    seen = set() if seen is None else seen
    if id(kind) in seen:
        return
    seen.add(id(kind))
    yield kind
    inner: list[Any] = [each for each in typing.get_args(kind) if not isinstance(each, (str, int, bytes))]
    inner += getattr(kind, "__metadata__", ())
    for name in ("__supertype__", "__value__"):  # NewType, TypeAliasType
        if not isinstance(kind, type) and hasattr(kind, name):
            inner.append(getattr(kind, name))
    owner = typing.get_origin(kind) or kind
    if isinstance(owner, type) and owner.__module__ != "builtins" and hasattr(owner, "__annotations__"):
        if not issubclass(owner, enum.Enum):
            try:
                inner += typing.get_type_hints(owner, include_extras=True).values()
            except Exception:  # the library that reads the type says what is wrong
                inner += [each for each in vars(owner).get("__annotations__", {}).values() if not isinstance(each, str)]
        if dataclasses.is_dataclass(owner):
            inner += [field.default for field in dataclasses.fields(owner) if _of_pydantic(field.default)]
        if owner is not kind:
            inner.append(owner)
    for each in inner:
        yield from _parts(each, seen)


def _of_pydantic(part: Any) -> bool:
    """Whether only pydantic can read this type or annotation."""
    if isinstance(part, type) and (hasattr(part, "__pydantic_fields__") or hasattr(part, "model_fields")):
        return True
    if type(part).__module__.partition(".")[0] in _PYDANTICS:
        return True
    return hasattr(part, "__get_pydantic_core_schema__") and not isinstance(part, (typing.TypeVar,))


def _check_enum(kind: type[enum.Enum]) -> None:
    values = [member.value for member in kind]
    if not values or not all(value is None or isinstance(value, (str, int, float)) for value in values):
        raise NoSchema(f"the members of {kind.__name__} need values that are text or numbers")


# msgspec ------------------------------------------------------------------------------------------


def _msgspec(kind: Any, parts: list[Any]) -> Typed:
    (schema,), definitions = msgspec.json.schema_components(
        [kind], schema_hook=_schema_of, ref_template="#/$defs/{name}"
    )
    for part in parts:
        if isinstance(part, type) and issubclass(part, enum.Enum) and isinstance(next(iter(part)).value, int):
            _explain(part, definitions)
    fill = any(isinstance(part, type) and dataclasses.is_dataclass(part) for part in parts)
    check = partial(_by_msgspec, kind, fill)
    read = None if _is_plain(kind) else _NUMBERS.get(kind, check)
    definitions = {key: _numbers_once(each) for key, each in definitions.items()}
    return Typed(_numbers_once(schema), definitions, read, read is not check, check, _written)


def _numbers_once(schema: Any) -> Any:
    """The schema with ``int | float`` as a number: integers are numbers."""
    if isinstance(schema, dict):
        out = {key: _numbers_once(value) for key, value in schema.items()}
        if out.get("anyOf") in _EITHER:
            del out["anyOf"]
            out = {"type": "number", **out}
        return out
    return [_numbers_once(value) for value in schema] if isinstance(schema, list) else schema


def _explain(kind: type[enum.Enum], definitions: dict[str, Any]) -> None:
    """Say what the numbers of an Enum mean; list or bound the sums of a Flag."""
    names = ", ".join(f"{member.value} = {name}" for name, member in kind.__members__.items())
    for about in definitions.values():
        if about.get("title") == kind.__name__ and "enum" in about:
            if issubclass(kind, enum.Flag):
                most = reduce(or_, [member.value for member in kind])
                del about["enum"]
                if most < _MOST_FLAGS:
                    about["enum"] = [n for n in range(most + 1) if n & ~most == 0]
                else:
                    about.update(type="integer", minimum=0, maximum=most)
                names = f"{names}; add the numbers to combine"
            about.setdefault("description", names)


def _schema_of(kind: Any) -> dict[str, Any]:
    if kind is object:
        return {}
    if isinstance(kind, type) and issubclass(kind, PurePath):
        return {"type": "string", "format": "path"}
    raise NotImplementedError


def _custom(kind: Any, value: Any) -> Any:
    if kind is object:
        return value
    if not isinstance(value, str):
        raise TypeError(f"Expected `str`, got `{type(value).__name__}`")
    return kind(value)


def _by_msgspec(kind: Any, fill: bool, value: Any) -> Any:
    try:
        found = msgspec.convert(value, kind, str_keys=True, dec_hook=_custom)
    except msgspec.ValidationError:
        whole = _with_ints(value)  # 3.0 is the integer 3 in JSON Schema, and in msgspec a float
        if repr(whole) == repr(value):
            raise
        found = msgspec.convert(whole, kind, str_keys=True, dec_hook=_custom)
    if fill:
        _fill(found)
    return found


def _fill(value: Any) -> None:
    """Set the defaults of dataclasses, which msgspec leaves to the class, in the instances: ``vars`` shows all."""
    if isinstance(value, dict):
        for item in value.values():
            _fill(item)
    elif isinstance(value, (list, tuple, set, frozenset)):
        for item in value:
            _fill(item)
    elif isinstance(value, msgspec.Struct):
        for name in value.__struct_fields__:
            _fill(getattr(value, name))
    elif dataclasses.is_dataclass(value):
        for name in value.__dataclass_fields__:
            item = getattr(value, name, None)
            if hasattr(value, "__dict__") and name not in vars(value):
                object.__setattr__(value, name, item)
            _fill(item)


def _with_ints(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {key: _with_ints(item) for key, item in value.items()}
    return [_with_ints(item) for item in value] if isinstance(value, (list, tuple)) else value


def _written(value: Any) -> Any:
    return msgspec.to_builtins(value, str_keys=True, enc_hook=str)


def _int(value: Any) -> Any:
    return int(value) if type(value) is float else value


def _float(value: Any) -> Any:
    return float(value) if type(value) is int else value


_NUMBERS: dict[Any, Callable[[Any], Any]] = {int: _int, float: _float}


def _is_plain(kind: Any) -> bool:
    """Whether the JSON values of a type are its values."""
    if kind in (str, bool, Any, None, type(None), list, dict):
        return True
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is Annotated:
        return _is_plain(arguments[0])
    if origin is typing.Literal:
        return all(isinstance(value, (str, bool, type(None))) for value in arguments)
    if origin is dict:
        return arguments[0] is str and _is_plain(arguments[1])
    return origin in (list, typing.Union, types.UnionType) and all(map(_is_plain, arguments))


# pydantic -----------------------------------------------------------------------------------------


def _pydantic(kind: Any) -> Typed:
    try:
        from pydantic import ConfigDict, PydanticUserError, TypeAdapter
    except ImportError:
        raise NoSchema("it needs pydantic 2: pip install pydantic, or write limits as msgspec.Meta(ge=0)") from None
    kind = _with_fields(kind)
    if any(isinstance(part, msgspec.Meta) and _limits_of(part) for part in _parts(kind)):
        raise NoSchema("pydantic reads it, so its limits have to be pydantic's: Field(ge=1) in place of Meta(ge=1)")
    config = ConfigDict(val_json_bytes="base64", ser_json_bytes="base64")
    try:
        try:
            adapter = TypeAdapter(kind, config=config)
        except PydanticUserError:  # a model has a configuration of its own
            adapter = TypeAdapter(kind)
        schema = adapter.json_schema()
    except Exception as error:
        raise NoSchema(str(error).split("\n", 1)[0]) from None
    definitions = schema.pop("$defs", {})
    read = partial(_by_pydantic, adapter)
    return Typed(schema, definitions, read, False, read, partial(_dumped, adapter))


def _with_fields(kind: Any) -> Any:
    """The type with pydantic's Field in place of msgspec's Meta, which pydantic would ignore."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is Annotated:
        inner = _with_fields(arguments[0])
        for note in arguments[1:]:
            inner = Annotated[inner, _field(note) if isinstance(note, msgspec.Meta) else note]
        return inner
    if origin is None or origin is typing.Literal:
        return kind
    new = tuple([each if isinstance(each, list) else _with_fields(each) for each in arguments])
    if origin in (typing.Union, types.UnionType):
        return typing.Union[new]  # noqa: UP007  the members are not known here
    try:
        return kind.copy_with(new) if hasattr(kind, "copy_with") else origin[new]
    except TypeError:
        return kind


def _field(note: msgspec.Meta) -> Any:
    from pydantic import Field

    limits = _limits_of(note)
    if "tz" in limits:
        raise NoSchema("tz is a limit of msgspec.Meta only")
    told = {name: value for name in ("title", "description", "examples") if (value := getattr(note, name)) is not None}
    return Field(**limits, **told, json_schema_extra=note.extra_json_schema)


def _limits_of(note: msgspec.Meta) -> dict[str, Any]:
    return {name: value for name in _LIMITS if (value := getattr(note, name)) is not None}


def _by_pydantic(adapter: Any, value: Any) -> Any:
    try:
        return adapter.validate_json(json.dumps(value, allow_nan=False))
    except ValueError:
        whole = _with_ints(value)  # a strict int refuses 3.0
        if repr(whole) == repr(value):
            raise
        return adapter.validate_json(json.dumps(whole))


def _dumped(adapter: Any, value: Any) -> Any:
    return adapter.dump_python(value, mode="json", warnings=False)


def field_of(default: Any) -> Any:
    """pydantic's ``Field(...)`` that stands in the place of a default, or None."""
    kind = type(default)
    return default if kind.__name__ == "FieldInfo" and kind.__module__.partition(".")[0] == "pydantic" else None
