"""JSON Schema for tool parameters: the schema as it is shown, and the check of arguments.

Benchmarks write types as "dict", "float", "tuple", "any", or as types of Java and JavaScript: these are translated.
Everything else that an author writes is shown as it is written and checked as it is meant (``standard.py`` translates
older drafts). jsonschema-rs validates.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from math import isfinite
from typing import Any, NoReturn

import jsonschema_rs

from toolgym.tools.formats import CHECKS, with_formats
from toolgym.tools.standard import LISTS, MAPS, SCHEMAS, standard

TYPES = {
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

_FIRST = ("description", "enum", "const", "default", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum",
          "minLength", "maxLength", "minItems", "maxItems", "uniqueItems", "pattern", "format", "title",
          "multipleOf", "minProperties", "maxProperties")  # fmt: skip
"""Words that are written first, in this order."""
_OWN = frozenset(
    {*_FIRST, "type", "properties", "required", "items", "additionalProperties", "anyOf", "oneOf", "allOf"}
)
_OPEN = frozenset({"$ref", "$dynamicRef", "$recursiveRef", "allOf", "anyOf", "oneOf", "if", "then", "else",
                   "dependentSchemas", "dependencies", "unevaluatedProperties"})  # fmt: skip
"""Words beside ``properties`` that may name properties."""
DEEPEST = 50
"""Levels of a schema that are read."""
_BACKTRACKS = 100_000
"""Steps back that a pattern may take on one string (some milliseconds). With more, the string does not match."""
_REGEX_BYTES = 10_000_000
_SCALARS = ("string", "integer", "number", "boolean", "null")
_CONTAINERS = (dict, list, tuple)
_OUTSIDE = re.compile(r"Resource '([^']*)' is not present")


def normalise(schema: Any, *, _depth: int = 0) -> dict[str, Any]:
    """``schema`` with the types that JSON Schema names; it may use the types of any benchmark.

    Unknown types and "any" do not constrain the value. The booleans become {} and {"not": {}}. Benchmarks write
    "optional" and a boolean "required" into a parameter, which repeat ``required``: they are dropped, as is an empty
    enum. All other words are kept.
    """
    if schema is False:
        return {"not": {}}
    if not isinstance(schema, Mapping) or _depth > DEEPEST:
        return {}
    deeper = _depth + 1
    out: dict[str, Any] = {key: schema[key] for key in _FIRST if key in schema}
    if "enum" in out and not (isinstance(out["enum"], (list, tuple)) and out["enum"]):
        del out["enum"]
    kinds = _type(schema.get("type"))
    if kinds is not None:
        out["type"] = kinds
    properties = schema.get("properties")
    if isinstance(properties, Mapping):
        out["properties"] = {str(name): normalise(value, _depth=deeper) for name, value in properties.items()}
    required = schema.get("required")
    if isinstance(required, (list, tuple)) and required:
        out["required"] = [str(name) for name in required]
    items = schema.get("items")
    if isinstance(items, (list, tuple)):
        out["items"] = [normalise(item, _depth=deeper) for item in items]
    elif isinstance(items, (Mapping, bool)):
        out["items"] = normalise(items, _depth=deeper)
    extra = schema.get("additionalProperties")
    if isinstance(extra, bool):
        out["additionalProperties"] = extra
    elif isinstance(extra, Mapping):
        out["additionalProperties"] = normalise(extra, _depth=deeper)
    for word in ("anyOf", "oneOf", "allOf"):
        if isinstance(schema.get(word), (list, tuple)):
            out[word] = [normalise(option, _depth=deeper) for option in schema[word]]
    for word in schema:
        if word not in _OWN and word != "optional":
            out[str(word)] = _kept(word, schema[word], deeper)
    return out


def _kept(word: str, value: Any, depth: int) -> Any:
    """The value of any other word, with the schemas in it normalised."""
    if word in MAPS and isinstance(value, Mapping):
        # the values of `dependencies` may be lists of names
        return {
            str(name): normalise(item, _depth=depth) if isinstance(item, (Mapping, bool)) else item
            for name, item in value.items()
        }
    if word in LISTS and isinstance(value, (list, tuple)):
        return [normalise(item, _depth=depth) for item in value]
    if word in SCHEMAS and isinstance(value, Mapping):
        return normalise(value, _depth=depth)
    return value


def _type(kind: Any) -> str | list[str] | None:
    if isinstance(kind, str):
        return TYPES.get(kind.strip().lower())
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
    if "additionalProperties" not in out and not _OPEN.isdisjoint(out):
        out.setdefault("unevaluatedProperties", False)
    else:
        out.setdefault("additionalProperties", False)
    return out


def _refused(uri: str) -> NoReturn:
    raise ValueError("references are not fetched")


class Validator:
    """Checks arguments against the parameters of a function.

    Built once per tool; a check takes about 0.2 microseconds. ``formats`` says whether "format" is checked, not only
    shown. ``further`` looks for problems in arguments that satisfy the schema. No reference is fetched.

    Raises ValueError for an unusable schema.
    """

    def __init__(
        self,
        schema: Mapping[str, Any],
        *,
        formats: bool = True,
        further: Callable[[dict[str, Any]], tuple[str, ...]] | None = None,
    ):
        try:
            self._check = jsonschema_rs.Draft202012Validator(
                with_formats(standard(schema)) if formats else standard(schema),
                validate_formats=formats,
                formats=CHECKS if formats else None,
                retriever=_refused,
                pattern_options=jsonschema_rs.FancyRegexOptions(
                    backtrack_limit=_BACKTRACKS, size_limit=_REGEX_BYTES, dfa_size_limit=_REGEX_BYTES
                ),
            )
        except jsonschema_rs.ValidationError as error:
            where = ".".join(str(step) for step in error.instance_path)
            text = error.message
            if outside := _OUTSIDE.match(text):
                text = f"{outside[1]!r} is outside of the schema, and is not fetched; write it into $defs"
            raise ValueError(f"not a usable JSON Schema: {f'{where}: ' if where else ''}{text}") from None
        except (ValueError, TypeError, RecursionError, OverflowError, jsonschema_rs.ReferencingError) as error:
            raise ValueError(f"not a usable JSON Schema: {error}") from None
        self.only_scalars = _only_scalars(schema)
        """Whether all parameters are known and have a type that is not a container."""
        self._only_typed = _only_typed(schema)
        self._further = further

    def is_valid(self, arguments: dict[str, Any]) -> bool:
        """Whether the arguments satisfy the schema."""
        return not self.problems(arguments, limit=1)

    def problems(self, arguments: dict[str, Any], limit: int = 5) -> tuple[str, ...]:
        """The errors in ``arguments``, as text, at most ``limit``; () if they are valid.

        A number that JSON lacks (NaN, infinite) is an error everywhere.
        """
        try:
            if self._check.is_valid(arguments) and (self._only_typed or not _endless(arguments)):
                return () if self._further is None else self._further(arguments)
            found = []
            for error in self._check.iter_errors(arguments):
                where = ".".join(str(step) for step in error.instance_path)
                text = error.message if len(error.message) <= 200 else error.message[:200] + "..."
                found.append(f"{where}: {text}" if where else text)
                if len(found) == limit:
                    break
            return tuple(found) or (f"{_endless(arguments)}: not a number in JSON",)
        except (ValueError, TypeError, RecursionError, OverflowError) as error:  # not expressible as JSON
            return (f"arguments are not JSON: {error}",)


def _only_scalars(schema: Mapping[str, Any]) -> bool:
    properties = schema.get("properties")
    return (
        schema.get("additionalProperties") is False
        and isinstance(properties, Mapping)
        and all(isinstance(about, Mapping) and about.get("type") in _SCALARS for about in properties.values())
    )


def _only_typed(schema: Any, depth: int = 10) -> bool:
    """Whether each number in a valid value is checked against a type, which refuses NaN and infinite numbers."""
    if not isinstance(schema, Mapping) or depth == 0:
        return schema is False
    kind = schema.get("type")
    if kind == "array":
        return _only_typed(schema.get("items"), depth - 1)
    if kind == "object":
        inner = [schema.get("additionalProperties"), *(schema.get("properties") or {}).values()]
        return "patternProperties" not in schema and all(_only_typed(each, depth - 1) for each in inner)
    return kind in _SCALARS


def _endless(value: Any) -> str:
    """Where ``value`` holds a number that is not finite, as a path; "" if it does not."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in pairs:
        if isinstance(item, float):
            if not isfinite(item):
                return str(key)
        elif isinstance(item, _CONTAINERS) and (inner := _endless(item)):
            return f"{key}.{inner}"
    return ""
