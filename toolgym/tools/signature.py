"""Reads the signature and docstring of a function: its description, and the JSON Schema of its parameters."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import msgspec
from docstring_parser import parse as parse_docstring

_TYPES = "str, int, float, bool, list, dict, Literal, an Enum, a dataclass or unions of them"


class Signature(NamedTuple):
    """The parts of a function that make it a tool."""

    description: str
    parameters: dict[str, Any]
    """JSON Schema without ``$ref``."""
    stateful: bool
    """Whether the first parameter is ``self``."""


def signature_of(function: Callable[..., Any], name: str) -> Signature:
    """Read a function; errors call the tool ``name``.

    Raises TypeError if the signature cannot be read, if the docstring describes a parameter that does not exist, and
    for a parameter that has no type, or a type without a JSON Schema; that has a default of another type, or a
    mutable default; or that cannot be passed by name.
    """
    try:
        parameters = dict(inspect.signature(function).parameters)
    except (NameError, TypeError, ValueError) as error:
        raise TypeError(f"tool {name!r}: its signature cannot be read: {error}; wrap it in a function") from None
    fields: list[Any] = []
    stateful = open_ended = False
    hints = _hints(function, name, parameters)
    for position, (key, parameter) in enumerate(parameters.items()):
        if position == 0 and key == "self":
            stateful = True
        elif parameter.kind is parameter.VAR_KEYWORD:
            open_ended = True
        elif parameter.kind in (parameter.VAR_POSITIONAL, parameter.POSITIONAL_ONLY):
            raise TypeError(f"tool {name!r}: parameter {key!r} cannot be passed by name")
        elif key not in hints:
            raise TypeError(f"tool {name!r}: parameter {key!r} has no type; write {key}: str, say")
        elif parameter.default is parameter.empty:
            fields.append((key, hints[key]))
        else:
            fields.append((key, hints[key], parameter.default))
    doc = parse_docstring(inspect.getdoc(function) or "")
    about = {each.arg_name: (each.description or "").strip() for each in doc.params if each.args[0] == "param"}
    surplus = [key for key in about if key.lstrip("*") not in parameters]
    if surplus and not open_ended:
        has = ", ".join(key for key in parameters if key != "self") or "none"
        raise TypeError(
            f"tool {name!r}: its docstring describes {surplus[0]!r}, which is not one of its parameters ({has}); "
            "a description goes on in a line that is indented further"
        )
    return Signature((doc.description or "").strip(), _schema(name, fields, about, open_ended), stateful)


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


def _schema(name: str, fields: list[Any], about: Mapping[str, str], open_ended: bool) -> dict[str, Any]:
    try:
        model = msgspec.defstruct("Arguments", fields, kw_only=True)
        (reference,), components = msgspec.json.schema_components([model])
    except (TypeError, ValueError) as error:
        raise _blamed(name, fields, error) from None
    for key, kind, *default in fields:
        if default:
            _check_default(name, key, kind, default[0])
    out = dict(_inline(reference, components))
    out.pop("title", None)
    out["additionalProperties"] = open_ended
    out["properties"] = {
        key: {**value, "description": about[key]} if about.get(key) else value
        for key, value in out.get("properties", {}).items()
    }
    return out


def _blamed(name: str, fields: list[Any], error: Exception) -> TypeError:
    """The error, naming the parameter for which the schema failed."""
    for key, kind, *default in fields:
        try:
            msgspec.json.schema_components([kind])
        except (TypeError, ValueError):
            shown = inspect.formatannotation(kind)
            return TypeError(f"tool {name!r}: parameter {key!r} has no JSON Schema for its type {shown}; use {_TYPES}")
        try:
            msgspec.defstruct("Arguments", [(key, kind, *default)])
        except (TypeError, ValueError):
            shown = f"{key}={default[0]!r}" if default else key
            return TypeError(
                f"tool {name!r}: the default of parameter {key!r} ({shown}) can be changed by a call and seen by the "
                "next; make it None, or a tuple"
            )
        if default:
            _check_default(name, key, kind, default[0])
    return TypeError(f"tool {name!r}: its parameters have no JSON Schema: {error}")


def _check_default(name: str, key: str, kind: Any, default: Any) -> None:
    try:
        msgspec.convert(msgspec.to_builtins(default), kind)
    except (msgspec.ValidationError, TypeError) as error:
        write = f"write {key}: {inspect.formatannotation(kind)} | None" if default is None else "give one that is"
        raise TypeError(
            f"tool {name!r}: the default of parameter {key!r}, {default!r}, is not of its type: {error}; {write}"
        ) from None


def _inline(node: Any, components: Mapping[str, Any], depth: int = 0) -> Any:
    """Replace each ``$ref`` by the schema it names. A type that contains itself ends in {} (any value)."""
    if isinstance(node, dict):
        if "$ref" in node:
            return _inline(components[node["$ref"].rsplit("/", 1)[-1]], components, depth + 1) if depth < 8 else {}
        return {key: _inline(value, components, depth) for key, value in node.items()}
    if isinstance(node, list):
        return [_inline(value, components, depth) for value in node]
    return node
