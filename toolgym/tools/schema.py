"""JSON Schema for tool parameters: translates the schemas of benchmarks to the standard, and validates arguments.

Benchmarks write types as "dict", "float", "tuple", "any", or as types of Java and JavaScript. jsonschema-rs
validates.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jsonschema_rs

_TYPES = {
    # Python types (BFCL, ToolRL)
    "dict": "object", "object": "object", "map": "object",
    "list": "array", "array": "array", "tuple": "array", "set": "array",
    "str": "string", "string": "string", "char": "string", "character": "string",
    "int": "integer", "integer": "integer", "long": "integer", "short": "integer", "byte": "integer",
    "float": "number", "number": "number", "double": "number",
    "bool": "boolean", "boolean": "boolean",
    "null": "null", "none": "null",
    # Java and JavaScript
    "arraylist": "array", "queue": "array", "stack": "array",
    "hashmap": "object", "hashtable": "object",
    "bigint": "integer",
}  # fmt: skip

_KEPT = ("description", "enum", "const", "default", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum",
         "minLength", "maxLength", "minItems", "maxItems", "uniqueItems", "pattern", "format", "title",
         "multipleOf", "minProperties", "maxProperties")  # fmt: skip
_DEEPEST = 50


def normalise(schema: Any, _depth: int = 0) -> dict[str, Any]:
    """A standard JSON Schema with the same meaning as ``schema``, which may use the types of any benchmark.

    Unknown types and "any" do not constrain the value. Keywords that are not in the standard
    ("optional", a boolean "required") are dropped.
    """
    if not isinstance(schema, Mapping) or _depth > _DEEPEST:
        return {}
    out: dict[str, Any] = {key: schema[key] for key in _KEPT if key in schema}
    if "enum" in out and not (isinstance(out["enum"], (list, tuple)) and out["enum"]):
        del out["enum"]
    kinds = _type(schema.get("type"))
    if kinds is not None:
        out["type"] = kinds
    properties = schema.get("properties")
    if isinstance(properties, Mapping):
        out["properties"] = {str(name): normalise(value, _depth + 1) for name, value in properties.items()}
    required = schema.get("required")
    if isinstance(required, (list, tuple)) and required:
        out["required"] = [str(name) for name in required]
    items = schema.get("items")
    if isinstance(items, Mapping):
        out["items"] = normalise(items, _depth + 1)
    extra = schema.get("additionalProperties")
    if isinstance(extra, bool):
        out["additionalProperties"] = extra
    elif isinstance(extra, Mapping):
        out["additionalProperties"] = normalise(extra, _depth + 1)
    for word in ("anyOf", "oneOf", "allOf"):
        if isinstance(schema.get(word), (list, tuple)):
            out[word] = [normalise(option, _depth + 1) for option in schema[word]]
    return out


def _type(kind: Any) -> str | list[str] | None:
    if isinstance(kind, str):
        return _TYPES.get(kind.strip().lower())
    if isinstance(kind, (list, tuple)):
        found = [_type(each) for each in kind]
        if all(isinstance(each, str) for each in found):
            return [str(each) for each in found]
    return None


def parameters_schema(schema: Any) -> dict[str, Any]:
    """``normalise`` for the parameters of a function: always an object; unknown parameters are refused."""
    out = normalise(schema)
    out["type"] = "object"
    out.setdefault("properties", {})
    out.setdefault("additionalProperties", False)
    return out


class Validator:
    """Checks arguments against the parameters of a function.

    Built once per tool; a check takes about 0.2 microseconds. Raises ValueError for an unusable schema.
    """

    def __init__(self, schema: dict[str, Any]):
        try:
            self._check = jsonschema_rs.validator_for(schema)
        except jsonschema_rs.ValidationError as error:
            raise ValueError(f"not a usable JSON Schema: {error.message}") from None
        except ValueError as error:
            raise ValueError(f"not a usable JSON Schema: {error}") from None

    def is_valid(self, arguments: dict[str, Any]) -> bool:
        """Whether the arguments satisfy the schema."""
        return not self.problems(arguments, limit=1)

    def problems(self, arguments: dict[str, Any], limit: int = 5) -> tuple[str, ...]:
        """The errors in ``arguments``, as text, at most ``limit``; () if they are valid."""
        try:
            if self._check.is_valid(arguments):
                return ()
            found = []
            for error in self._check.iter_errors(arguments):
                where = ".".join(str(step) for step in error.instance_path)
                text = error.message if len(error.message) <= 200 else error.message[:200] + "..."
                found.append(f"{where}: {text}" if where else text)
                if len(found) == limit:
                    break
            return tuple(found)
        except (ValueError, TypeError, RecursionError, OverflowError) as error:  # not expressible as JSON
            return (f"arguments are not JSON: {error}",)
