"""Finds the mistakes in a JSON Schema that its author wrote, and says what to write instead."""

from __future__ import annotations

import json
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from toolgym.tools.schema import DEEPEST, TYPES
from toolgym.tools.standard import LISTS, MAPS, SCHEMAS

_ANY = frozenset({"any"})


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


def _check_type(kind: Any, where: str) -> None:
    kinds = kind if isinstance(kind, (list, tuple)) and kind else [kind]
    for each in kinds:
        if _known(each) is None:
            known = ["string", "integer", "number", "boolean", "object", "array", "null"]
            close = get_close_matches(str(each), known, 1)
            hint = f"did you mean {close[0]!r}?" if close else f"write one of {', '.join(known)}"
            raise ValueError(f"{where} is {each!r}, which is not a type; {hint}")
