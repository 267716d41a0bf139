"""Reads the signature and docstring of a function: its description, the schema of its parameters, their types."""

from __future__ import annotations

import copy
import inspect
import json
import types
import typing
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, NamedTuple

from docstring_parser import parse as parse_docstring

from toolgym.tools.annotations import TYPES, NoSchema, Typed, field_of, typed
from toolgym.tools.arguments import Arguments
from toolgym.tools.references import renamed, written_out

_SCALARS = (str, int, float, bool, type(None))
_UNCHANGING = (str, int, float, bool, type(None), bytes)


class Signature(NamedTuple):
    """The parts of a function that make it a tool."""

    description: str
    parameters: dict[str, Any]
    """JSON Schema; ``$ref`` only in types that contain themselves."""
    stateful: bool
    """Whether the first parameter is ``self``."""
    arguments: Arguments
    """From JSON arguments to typed arguments."""


_OPTIONAL: Any = object()


class _Parameter(NamedTuple):
    name: str
    kind: Any
    default: Any = ...
    """``...`` if it is required; _OPTIONAL if a call may leave it out, and there is no default."""
    make: Callable[[], Any] | None = None
    """Makes the default anew for each call, if a call could change it."""


def signature_of(function: Callable[..., Any], name: str) -> Signature:
    """Read a function; errors call the tool ``name``.

    Raises TypeError if the signature cannot be read, if the docstring describes a parameter that does not exist, and
    for a parameter that has no type, a type without a JSON Schema, or a default of another type.
    """
    try:
        parameters = dict(inspect.signature(function).parameters)
    except (NameError, TypeError, ValueError) as error:
        raise TypeError(f"tool {name!r}: its signature cannot be read: {error}; wrap it in a function") from None
    hints = _hints(function, name, parameters)
    stateful = next(iter(parameters), None) == "self"
    named: list[_Parameter] = []
    before: list[str] = []  # parameters that are passed by position
    rest: Any = None
    others_name, others = "", None
    for key, parameter in list(parameters.items())[stateful:]:
        if parameter.kind is parameter.VAR_KEYWORD:
            others_name, others = key, hints.get(key, Any)
        elif key not in hints:
            raise TypeError(f"tool {name!r}: parameter {key!r} has no type; write {key}: str, say")
        elif parameter.kind is parameter.VAR_POSITIONAL:
            rest = key
            before = [each.name for each in named]
            named.append(_Parameter(key, types.GenericAlias(list, (hints[key],)), _OPTIONAL))
        else:
            named.append(_parameter(name, key, hints[key], parameter.default))
            if parameter.kind is parameter.POSITIONAL_ONLY:
                before.append(key)
    if others is not None and typing.get_origin(others) is typing.Unpack:
        named += _unpacked(name, typing.get_args(others)[0], {each.name for each in named})
        others = None
    doc = parse_docstring(inspect.getdoc(function) or "")
    about = {
        each.arg_name.lstrip("*"): (each.description or "").strip() for each in doc.params if each.args[0] == "param"
    }
    surplus = [key for key in about if key not in parameters and key not in {each.name for each in named}]
    if surplus and others is None:
        has = ", ".join(key for key in parameters if key != "self") or "none"
        raise TypeError(
            f"tool {name!r}: its docstring describes {surplus[0]!r}, which is not one of its parameters ({has}); "
            "a description goes on in a line that is indented further"
        )
    read = {each.name: _typed(name, each.name, each.kind) for each in named}
    extra = None if others is None else _typed(name, others_name, others)
    schema = _schema(name, named, read, extra, about)
    scalars = extra is None and not before and rest is None and all(each.kind in _SCALARS for each in named)
    arguments = Arguments(
        {each.name: read[each.name].read for each in named},
        tuple([(each.name, _WRONG[each.kind]) for each in named if each.kind in _WRONG]) if scalars else None,
        {each.name: each.make for each in named if each.make is not None},
        tuple([(each.name, each.default) for each in named if each.name in before]),
        rest,
        None if extra is None else extra.read,
        all(each.fits for each in read.values()) and (extra is None or extra.fits),
    )
    return Signature((doc.description or "").strip(), schema, stateful, arguments)


_WRONG = {int: float, float: int}


def _parameter(name: str, key: str, kind: Any, default: Any) -> _Parameter:
    if default is inspect.Parameter.empty:
        return _Parameter(key, kind)
    field = field_of(default)
    if field is not None:
        kind = typing.Annotated[kind, field]
        if field.is_required():
            return _Parameter(key, kind)
        make = partial(field.get_default, call_default_factory=True)
        return _Parameter(key, kind, make(), make)
    if isinstance(default, _UNCHANGING) or default == ():
        return _Parameter(key, kind, default)
    try:
        copy.deepcopy(default)
    except Exception as error:
        raise TypeError(
            f"tool {name!r}: the default of parameter {key!r} cannot be copied ({error}); make it None"
        ) from None
    return _Parameter(key, kind, default, partial(copy.deepcopy, default))


def _unpacked(name: str, kind: Any, taken: set[str]) -> list[_Parameter]:
    """The parameters of ``**kwargs: Unpack[SomeTypedDict]``."""
    if not typing.is_typeddict(kind):
        raise TypeError(f"tool {name!r}: Unpack takes a TypedDict, got {inspect.formatannotation(kind)}")
    found = []
    for key, hint in typing.get_type_hints(kind, include_extras=True).items():
        if typing.get_origin(hint) in (typing.Required, typing.NotRequired):
            (hint,) = typing.get_args(hint)
        found.append(_Parameter(key, hint, ... if key in kind.__required_keys__ else _OPTIONAL))
    return [each for each in found if each.name not in taken]


def _hints(function: Callable[..., Any], name: str, parameters: Iterable[str]) -> Mapping[str, Any]:
    """The types of the parameters. The return type is not used, so it may be undefined."""
    try:
        return typing.get_type_hints(function, include_extras=True)
    except Exception:  # anything: a type in quotes is evaluated. Below, each parameter is tried on its own
        pass
    inner = inspect.unwrap(function)
    written = getattr(inner, "__annotations__", {})
    hints = {}
    for key in parameters:
        if key not in written:
            continue
        try:
            one = _annotated(key, written[key])
            hints[key] = typing.get_type_hints(one, getattr(inner, "__globals__", {}), include_extras=True)[key]
        except Exception as error:
            raise TypeError(
                f"tool {name!r}: the type of parameter {key!r}, {written[key]}, cannot be resolved: {error}; "
                "define or import it at module level"
            ) from None
    return hints


def _annotated(key: str, kind: Any) -> Callable[[], None]:
    def one() -> None: ...

    one.__annotations__ = {key: kind}
    return one


def _typed(name: str, key: str, kind: Any) -> Typed:
    try:
        return typed(kind)
    except NoSchema as error:
        shown, why = inspect.formatannotation(kind), f" ({error})" if str(error) else ""
        raise TypeError(
            f"tool {name!r}: parameter {key!r} has no JSON Schema for its type {shown}{why}; use {TYPES}"
        ) from None


def _schema(
    name: str, named: list[_Parameter], read: Mapping[str, Typed], extra: Typed | None, about: Mapping[str, str]
) -> dict[str, Any]:
    definitions: dict[str, Any] = {}
    properties = {}
    for each in named:
        node = _placed(read[each.name], each.name, definitions)
        if each.default is not ... and each.default is not _OPTIONAL:
            default = _default(name, each, read[each.name])
            if _finite(default):
                node["default"] = default
        if about.get(each.name):
            node["description"] = about[each.name]
        properties[each.name] = node
    out: dict[str, Any] = {
        "type": "object",
        "properties": properties,
        "required": [each.name for each in named if each.default is ...],
        "additionalProperties": False if extra is None else _placed(extra, "kwargs", definitions) or True,
    }
    if definitions:
        out["$defs"] = definitions
    return out


def _placed(read: Typed, key: str, definitions: dict[str, Any]) -> dict[str, Any]:
    """The schema of a parameter. The definitions that it needs join ``definitions``, under names of their own."""
    schema, own = written_out(read.schema, read.definitions)
    names = {each: f"{each}_{key}" for each, about in own.items() if definitions.get(each, about) != about}
    definitions.update({names.get(each, each): renamed(about, names) for each, about in own.items()})
    return dict(renamed(schema, names))


def _default(name: str, each: _Parameter, read: Typed) -> Any:
    """The default as a JSON value."""
    try:
        written = read.write(each.default)
        read.check(written)
        return written
    except Exception as error:
        kind = inspect.formatannotation(each.kind)
        write = f"write {each.name}: {kind} | None" if each.default is None else "give one that is"
        raise TypeError(
            f"tool {name!r}: the default of parameter {each.name!r}, {each.default!r}, is not of its type: {error}; "
            f"{write}"
        ) from None


def _finite(value: Any) -> bool:
    """Whether JSON has the value: NaN and infinite numbers are not in JSON."""
    try:
        json.dumps(value, allow_nan=False)
    except ValueError:
        return False
    return True
