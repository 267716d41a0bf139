"""Whole numbers written as 3.0: JSON Schema says that they are integers, so a tool gets the int 3."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import isfinite
from typing import Any

from toolgym.tools.references import target

_SCALARS = ("string", "integer", "number", "boolean", "null")
_BRANCHES = ("allOf", "anyOf", "oneOf")
_MOST = 100
"""References and branches that are followed at one place of a value."""


def integer_reader(schema: Mapping[str, Any]) -> Callable[[Any], Any] | None:
    """A function from a value to the value with ints at each place that ``schema`` gives to integers only.

    The value itself is not changed. None if the schema does not speak of integers.
    """
    if "integer" not in str(schema):
        return None
    properties = schema.get("properties")
    if schema.get("additionalProperties") is False and isinstance(properties, Mapping):
        kinds = {name: isinstance(about, Mapping) and about.get("type") for name, about in properties.items()}
        if all(kind in _SCALARS for kind in kinds.values()):
            return _flat(tuple([name for name, kind in kinds.items() if kind == "integer"]))
    return lambda value: _read(value, [schema], schema)


def _flat(names: tuple[str, ...]) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """As ``integer_reader``, for arguments that are scalars."""

    def read(given: dict[str, Any]) -> dict[str, Any]:
        for name in names:
            if type(given.get(name)) is float:
                return {key: int(value) if key in names else value for key, value in given.items()}
        return given

    return read


def _read(value: Any, schemas: list[Any], root: Mapping[str, Any]) -> Any:
    kind = type(value)
    if kind is float:
        return int(value) if value.is_integer() and isfinite(value) and _whole(schemas, root) else value
    if not isinstance(value, (dict, list, tuple)):
        return value
    here = _at(schemas, root)
    if isinstance(value, dict):
        return {key: _read(item, _of_property(here, key), root) for key, item in value.items()}
    return kind([_read(item, _of_item(here, i), root) for i, item in enumerate(value)])


def _at(schemas: list[Any], root: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The schemas of one place, with references and branches followed."""
    found: list[Mapping[str, Any]] = []
    waiting = list(schemas)
    while waiting and len(found) < _MOST:
        schema = waiting.pop()
        if not isinstance(schema, Mapping) or any(schema is other for other in found):
            continue
        found.append(schema)
        for word in _BRANCHES:
            if isinstance(schema.get(word), (list, tuple)):
                waiting.extend(schema[word])
        waiting.extend(schema[word] for word in ("then", "else") if word in schema)
        waiting.extend(target(schema[word], root) for word in ("$ref", "$dynamicRef") if word in schema)
    return found


def _whole(schemas: list[Any], root: Mapping[str, Any]) -> bool:
    """Whether a number here must be an integer, or may be one and need not be any other number."""
    kinds: set[str] = set()
    for schema in _at(schemas, root):
        kind = schema.get("type")
        kinds.update([kind] if isinstance(kind, str) else kind or ())
    return "integer" in kinds and "number" not in kinds


def _of_property(schemas: list[Mapping[str, Any]], key: str) -> list[Any]:
    found = []
    for schema in schemas:
        properties = schema.get("properties")
        if isinstance(properties, Mapping) and key in properties:
            found.append(properties[key])
        else:
            found.append(schema.get("additionalProperties"))
            found.extend((schema.get("patternProperties") or {}).values())
    return found


def _of_item(schemas: list[Mapping[str, Any]], position: int) -> list[Any]:
    found = []
    for schema in schemas:
        first = schema.get("prefixItems") or ()
        found.append(first[position] if position < len(first) else schema.get("items"))
    return found
