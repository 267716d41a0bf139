"""Random values that satisfy a JSON Schema."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any

from toolgym.tools.references import expanded
from toolgym.tools.schema import Validator

_WORDS = ("alpha", "blue", "Paris", "42", "two words", "x", "report.txt", "2024-05-17", "naïve", "")
_DEEPEST = 6
_TRIES = 20


def random_arguments(parameters: Mapping[str, Any], source: Random) -> dict[str, Any]:
    """Arguments for a function with these parameters: all required ones, and a random part of the optional ones.

    String patterns and formats, and schemas that exclude each other, are satisfied only by luck. After 20 tries the
    last arguments are returned, valid or not.
    """
    validator = Validator(dict(parameters))
    parameters = expanded(parameters)
    arguments: dict[str, Any] = {}
    for _ in range(_TRIES):
        arguments = _object(parameters, source, 0)
        if validator.is_valid(arguments):
            break
    return arguments


def _value(schema: Mapping[str, Any], source: Random, depth: int) -> Any:
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return source.choice(schema["enum"])
    for part in schema.get("allOf", ()):
        schema = {**schema, **part}
    options = schema.get("anyOf") or schema.get("oneOf")
    if options:
        chosen = source.choice(options)
        return _value(
            {**{key: schema[key] for key in schema if key not in ("anyOf", "oneOf")}, **chosen}, source, depth
        )
    kind = schema.get("type") or _implied(schema, source)
    if not isinstance(kind, str):
        kind = source.choice(kind)
    match kind:
        case "object":
            return _object(schema, source, depth)
        case "array":
            return _array(schema, source, depth)
        case "string":
            return _string(schema, source)
        case "integer" | "number":
            return _number(schema, source, whole=kind == "integer")
        case "boolean":
            return source.random() < 0.5
        case _:
            return None


def _implied(schema: Mapping[str, Any], source: Random) -> str:
    """A type for a schema without ``type``: guessed from its other keywords, else random."""
    if "properties" in schema:
        return "object"
    if "items" in schema:
        return "array"
    if any(word.startswith(("minimum", "maximum", "exclusive", "multiple")) for word in schema):
        return "number"
    return source.choice(("string", "integer", "boolean"))


def _object(schema: Mapping[str, Any], source: Random, depth: int) -> dict[str, Any]:
    properties = schema.get("properties", {})
    required = schema.get("required", ())
    extra = schema.get("additionalProperties")
    out = {}
    for name in dict.fromkeys((*properties, *required)):
        if name in required or (depth < _DEEPEST and source.random() < 0.5):
            out[name] = _value(properties.get(name, {}), source, depth + 1)
    if isinstance(extra, Mapping) and depth < _DEEPEST:
        for i in range(source.randrange(3)):
            out.setdefault(f"key{i + 1}", _value(extra, source, depth + 1))
    return out


def _array(schema: Mapping[str, Any], source: Random, depth: int) -> list[Any]:
    first, items = schema.get("prefixItems", ()), schema.get("items", {})
    if isinstance(items, (list, tuple)):  # as older drafts write prefixItems
        first, items = items, {}
    fewest = max(int(schema.get("minItems", 0)), len(first))  # 2.0 is allowed in a schema
    most = min(int(schema.get("maxItems", fewest + 3)), fewest + 3)
    length = fewest if depth >= _DEEPEST else source.randint(fewest, max(fewest, most))
    out: list[Any] = []
    for i in range(length):
        item = _value(first[i] if i < len(first) else items, source, depth + 1)
        if not (schema.get("uniqueItems") and item in out):
            out.append(item)
    return out


def _string(schema: Mapping[str, Any], source: Random) -> str:
    text = source.choice(_WORDS)
    fewest = int(schema.get("minLength", 0))
    if len(text) < fewest:
        text = (text + "abc" * fewest)[:fewest]
    return text[: int(schema.get("maxLength", len(text)))]


def _number(schema: Mapping[str, Any], source: Random, *, whole: bool) -> int | float:
    low = max((schema[word] for word in ("minimum", "exclusiveMinimum") if word in schema), default=None)
    high = min((schema[word] for word in ("maximum", "exclusiveMaximum") if word in schema), default=None)
    if low is None:
        low = min(0, high - 100) if high is not None else 0
    if high is None:
        high = max(100, low + 100)
    step = schema.get("multipleOf")
    if step is None and not whole:
        number = round(source.uniform(low, high), 2)
        return number if low <= number <= high else source.uniform(low, high)
    step = step or 1
    first, last = int(-(-low // step)), int(high // step)
    number = source.randint(first, max(first, last)) * step
    return int(number) if whole else number
