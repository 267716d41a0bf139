"""Whole numbers written as 3.0: JSON Schema says that they are integers, so a tool gets the int 3."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import isfinite
from typing import Any, TypeAlias

from toolgym.tools.references import follower

_SCALARS = ("string", "integer", "number", "boolean", "null")
_BRANCHES = ("allOf", "anyOf", "oneOf")
_MOST = 100
"""References and branches that are followed at one place of a value."""
_Follow: TypeAlias = Callable[[Mapping[str, Any], str], Any]
"""From a schema and its word for a reference to the schema that it names."""


def integer_reader(schema: Mapping[str, Any]) -> Callable[[Any], Any] | None:
    """A function from a value to the value with ints at each place that ``schema`` gives to integers only.

    A whole number that ``const`` or ``enum`` lists as an integer is an int too.

    The value itself is not changed. None if the schema does not speak of integers.
    """
    if "integer" not in str(schema) and not _lists_integers(schema):
        return None
    properties = schema.get("properties")
    if schema.get("additionalProperties") is False and isinstance(properties, Mapping):
        kinds = {name: isinstance(about, Mapping) and about.get("type") for name, about in properties.items()}
        chosen = [name for name, kind in kinds.items() if kind == "number" and _lists_integers(properties[name])]
        if not chosen and all(kind in _SCALARS for kind in kinds.values()):
            return _flat(tuple([name for name, kind in kinds.items() if kind == "integer"]))
    follow = follower(schema)
    return lambda value: _read(value, [schema], follow)


def _lists_integers(node: Any, listed: bool = False) -> bool:
    """Whether a ``const`` or an ``enum`` of the schema lists an integer."""
    if isinstance(node, Mapping):
        return any(_lists_integers(value, listed or word in ("const", "enum")) for word, value in node.items())
    if isinstance(node, (list, tuple)):
        return any(_lists_integers(value, listed) for value in node)
    return listed and type(node) is int


def _flat(names: tuple[str, ...]) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """As ``integer_reader``, for arguments that are scalars."""

    def read(given: dict[str, Any]) -> dict[str, Any]:
        for name in names:
            if type(given.get(name)) is float:
                return {key: int(value) if key in names else value for key, value in given.items()}
        return given

    return read


def _read(value: Any, schemas: list[Any], follow: _Follow) -> Any:
    kind = type(value)
    if kind is float:
        return int(value) if value.is_integer() and isfinite(value) and _whole(value, schemas, follow) else value
    if not isinstance(value, (dict, list, tuple)):
        return value
    here = _at(schemas, follow)
    if isinstance(value, dict):
        return {key: _read(item, _of_property(here, key), follow) for key, item in value.items()}
    return kind([_read(item, _of_item(here, i), follow) for i, item in enumerate(value)])


def _at(schemas: list[Any], follow: _Follow) -> list[Mapping[str, Any]]:
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
        waiting.extend(follow(schema, word) for word in ("$ref", "$dynamicRef") if word in schema)
    return found


def _whole(value: float, schemas: list[Any], follow: _Follow) -> bool:
    """Whether a number here must be an integer, or may be one and need not be any other number."""
    kinds: set[str] = set()
    for schema in _at(schemas, follow):
        listed = _listed(schema)
        same = [type(each) for each in listed or () if isinstance(each, (int, float)) and each == value]
        if int in same or float in same:
            kinds.add("integer" if int in same else "number")
            continue
        if listed is not None:
            continue
        kind = schema.get("type")
        kinds.update([kind] if isinstance(kind, str) else kind or ())
    return "integer" in kinds and "number" not in kinds


def _listed(schema: Mapping[str, Any]) -> Any:
    """The values that ``const`` or ``enum`` lists; None without these words."""
    if "const" in schema:
        return (schema["const"],)
    listed = schema.get("enum")
    return listed if isinstance(listed, (list, tuple)) else None


def _of_property(schemas: list[Mapping[str, Any]], key: str) -> list[Any]:
    found: list[Any] = []
    for schema in schemas:
        inside = [each[key] for each in _listed(schema) or () if isinstance(each, Mapping) and key in each]
        if inside:
            found.append({"enum": inside})
            continue
        properties = schema.get("properties")
        if isinstance(properties, Mapping) and key in properties:
            found.append(properties[key])
        else:
            found.append(schema.get("additionalProperties"))
            found.extend((schema.get("patternProperties") or {}).values())
    return found


def _of_item(schemas: list[Mapping[str, Any]], position: int) -> list[Any]:
    found: list[Any] = []
    for schema in schemas:
        inside = [each[position] for each in _listed(schema) or () if _is_list(each) and position < len(each)]
        if inside:
            found.append({"enum": inside})
            continue
        first = schema.get("prefixItems") or ()
        found.append(first[position] if position < len(first) else schema.get("items"))
    return found


def _is_list(value: Any) -> bool:
    return isinstance(value, (list, tuple))
