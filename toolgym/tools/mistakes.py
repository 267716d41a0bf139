"""Finds the mistakes in a JSON Schema that its author wrote, and says what to write instead."""

from __future__ import annotations

import json
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from toolgym.tools.schema import DEEPEST, TYPES
from toolgym.tools.standard import LISTS, MAPS, SCHEMAS

_ANY = frozenset({"any"})
_CHECKED = sorted(
    {*MAPS, *LISTS, *SCHEMAS, "type", "enum", "const", "required", "minimum", "maximum", "exclusiveMinimum",
     "exclusiveMaximum", "multipleOf", "minLength", "maxLength", "pattern", "format", "minItems", "maxItems",
     "uniqueItems", "minContains", "maxContains", "minProperties", "maxProperties", "dependentRequired", "nullable",
     "contentEncoding", "contentMediaType", "$ref", "$dynamicRef", "$recursiveRef"} - {"$defs", "definitions"}
)  # fmt: skip
"""Words that a value is checked against."""
_LETTERS = {"".join(sorted(word)): word for word in _CHECKED}
_PLAIN = {word.lower().lstrip("$"): word for word in _CHECKED}
_OTHER_NAMES = {
    "min": "minimum", "max": "maximum", "minvalue": "minimum", "maxvalue": "maximum", "minsize": "minItems",
    "maxsize": "maxItems", "choices": "enum", "choice": "enum", "options": "enum", "oneofvalues": "enum",
    "allowedvalues": "enum", "allowed": "enum", "regex": "pattern", "regexp": "pattern", "ge": "minimum",
    "le": "maximum", "gt": "exclusiveMinimum", "lt": "exclusiveMaximum", "exclusivemin": "exclusiveMinimum",
    "exclusivemax": "exclusiveMaximum", "property": "properties", "props": "properties", "unique": "uniqueItems",
    "lessthan": "exclusiveMaximum", "greaterthan": "exclusiveMinimum",
}  # fmt: skip
"""Words of other languages, without capitals and strokes -> the word of JSON Schema."""
_TOLD = frozenset({
    "$schema", "$id", "id", "$anchor", "$dynamicAnchor", "$recursiveAnchor", "$comment", "$vocabulary", "$defs",
    "definitions", "title", "description", "default", "example", "examples", "deprecated", "readOnly", "writeOnly",
    "discriminator", "xml", "externalDocs", "optional", "order", "widget",
})  # fmt: skip
"""Words that say something without a check."""
_LIKE = 0.85
"""Likeness from which a word counts as misspelt."""


def check_schema(schema: Mapping[str, Any]) -> None:
    """Raises ValueError for parameters in which a word would have to be ignored, or means nothing.

    ``Validator`` finds further mistakes: patterns that do not compile, references to nothing.
    """
    kind = schema.get("type", "object")
    kinds = kind if isinstance(kind, (list, tuple)) else [kind]
    if isinstance(kind, (str, list, tuple)) and not any(_known(each) in ("object", "any") for each in kinds):
        raise ValueError(f'parameters describe an object, not {kind!r}: {{"type": "object", "properties": {{...}}}}')
    _check(schema, "parameters", 0)
    try:
        json.dumps(schema, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ValueError(f"parameters are not JSON: {error}") from None


def _known(kind: Any) -> str | None:
    name = kind.strip().lower() if isinstance(kind, str) else None
    return "any" if name in _ANY else TYPES.get(name) if name else None


def _check(schema: Any, where: str, depth: int) -> None:
    if isinstance(schema, bool):
        return
    if not isinstance(schema, Mapping):
        raise ValueError(f'{where} must be a schema such as {{"type": "string"}}, not {schema!r}')
    if depth > DEEPEST:
        raise ValueError(f"{where} is nested deeper than {DEEPEST}; use $defs and $ref")
    if "type" in schema:
        _check_type(schema["type"], f"{where}.type")
    if "required" in schema and not isinstance(schema["required"], (list, tuple)):
        raise ValueError(
            f"{where}.required must be a list of names beside properties, not {schema['required']!r}; "
            'write {"properties": {"x": {...}}, "required": ["x"]}'
        )
    if "enum" in schema and not (isinstance(schema["enum"], (list, tuple)) and schema["enum"]):
        raise ValueError(f"{where}.enum must be a list of at least one value, not {schema['enum']!r}")
    for word, value in schema.items():
        inner = f"{where}.{word}"
        if not isinstance(word, str):
            raise ValueError(f"{where} has a word that is not text: {word!r}")
        if (meant := _meant(word)) is not None:
            raise ValueError(f"{inner} is not a word of JSON Schema; did you mean {meant!r}?")
        if word in MAPS:
            if not isinstance(value, Mapping):
                raise ValueError(f"{inner} must map names to schemas, not {value!r}")
            for name, item in value.items():
                if word != "dependencies" or not isinstance(item, (list, tuple, str)):
                    _check(item, f"{inner}.{name}", depth + 1)
        elif word in LISTS or (word == "items" and isinstance(value, (list, tuple))):
            if not isinstance(value, (list, tuple)):
                raise ValueError(f"{inner} must be a list of schemas, not {value!r}")
            for i, item in enumerate(value):
                _check(item, f"{inner}[{i}]", depth + 1)
        elif word in SCHEMAS:
            _check(value, inner, depth + 1)


def _meant(word: str) -> str | None:
    """The word that an author meant who wrote an unknown one; None for a known word and for an annotation."""
    if word in _CHECKED or word in _TOLD or word.lower().startswith("x-") or len(word) > 40:
        return None
    plain = word.lower().replace("_", "").replace("-", "").lstrip("$")
    if (found := _PLAIN.get(plain) or _OTHER_NAMES.get(plain)) is not None:
        return found
    if len(word) < 4:
        return None
    same = _LETTERS.get("".join(sorted(word)))
    return same or next(iter(get_close_matches(word, _CHECKED, 1, _LIKE)), None)


def _check_type(kind: Any, where: str) -> None:
    kinds = kind if isinstance(kind, (list, tuple)) and kind else [kind]
    for each in kinds:
        if _known(each) is None:
            known = ["string", "integer", "number", "boolean", "object", "array", "null"]
            close = get_close_matches(str(each), known, 1)
            hint = f"did you mean {close[0]!r}?" if close else f"write one of {', '.join(known)}"
            raise ValueError(f"{where} is {each!r}, which is not a type; {hint}")
