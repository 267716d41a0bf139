"""Tools as Python signatures: ``name(a: int, b: str = 'x')``, with the descriptions on indented lines below."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_TYPES = {
    "integer": "int", "number": "float", "string": "str", "boolean": "bool", "array": "list", "object": "dict",
    "null": "None",
}  # fmt: skip
_LONG_ENUM = 12


def signatures(docs: Sequence[Mapping[str, Any]]) -> str:
    """The tools (name, description, parameters), one below the other."""
    return "\n".join([_signature(doc) for doc in docs])


def _signature(doc: Mapping[str, Any]) -> str:
    parameters = doc["parameters"]
    properties = parameters.get("properties", {})
    required = parameters.get("required", ())
    lines = [f"{doc['name']}({', '.join([_member(k, v, k in required) for k, v in properties.items()])})"]
    if doc["description"].strip():
        lines.append(f"  {doc['description'].strip()}")
    lines += [f"  {k}: {v['description'].strip()}" for k, v in properties.items() if v.get("description")]
    return "\n".join(lines)


def _member(name: str, schema: Mapping[str, Any], required: bool) -> str:
    default = "" if required else f" = {schema['default']!r}" if "default" in schema else " = ..."
    return f"{name}: {_type(schema)}{default}"


def _type(schema: Mapping[str, Any]) -> str:
    if "enum" in schema and len(schema["enum"]) <= _LONG_ENUM:
        return "|".join([repr(value) for value in schema["enum"]])
    kind = schema.get("type", "any")
    kind = kind if isinstance(kind, str) else kind[0]
    name = _TYPES.get(kind, kind)
    items = schema.get("items")
    return f"list[{_type(items)}]" if name == "list" and isinstance(items, Mapping) and "type" in items else name
