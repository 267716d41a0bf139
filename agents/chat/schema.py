"""JSON schemas of tools as strict servers take them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def completed(schema: Any, *, top: bool = True) -> Any:
    """The schema with what OpenAI's API wants: the ``items`` of each array, ``type`` and ``properties`` at the top.

    Items and properties are added empty, so the schema still accepts the same values.
    """
    if isinstance(schema, (list, tuple)):
        return [completed(item, top=False) for item in schema]
    if not isinstance(schema, Mapping):
        return schema
    out = {key: completed(value, top=False) for key, value in schema.items()}
    kind = schema.get("type")
    if (kind == "array" or (isinstance(kind, (list, tuple)) and "array" in kind)) and "prefixItems" not in schema:
        out.setdefault("items", {})
    if top:
        out.setdefault("type", "object")
        out.setdefault("properties", {})
    return out


def properties_of(schema: Any) -> list[str]:
    """The names of all properties in a schema, at any depth, in order and each once."""
    found: dict[str, None] = {}

    def visit(at: Any) -> None:
        if isinstance(at, Mapping):
            if isinstance(at.get("properties"), Mapping):
                found.update(dict.fromkeys(at["properties"]))
            for inner in at.values():
                visit(inner)
        elif isinstance(at, (list, tuple)):
            for inner in at:
                visit(inner)

    visit(schema)
    return list(found)


def with_properties(schema: Any, names: Mapping[str, str]) -> Any:
    """The schema with its properties renamed, at any depth; a property that ``names`` lacks keeps its name."""
    if isinstance(schema, (list, tuple)):
        return [with_properties(item, names) for item in schema]
    if not isinstance(schema, Mapping):
        return schema
    out = {key: with_properties(value, names) for key, value in schema.items()}
    if isinstance(schema.get("properties"), Mapping):
        out["properties"] = {names.get(key, key): value for key, value in out["properties"].items()}
    if isinstance(schema.get("required"), (list, tuple)):
        out["required"] = [names.get(key, key) for key in schema["required"]]
    return out
