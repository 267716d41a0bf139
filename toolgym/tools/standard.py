"""Any draft of JSON Schema, and OpenAPI's words, in the words of draft 2020-12."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MAPS = frozenset({"properties", "patternProperties", "$defs", "definitions", "dependentSchemas", "dependencies"})
"""Words whose value maps names to schemas."""
LISTS = frozenset({"anyOf", "oneOf", "allOf", "prefixItems"})
"""Words whose value is a list of schemas."""
SCHEMAS = frozenset({"items", "additionalItems", "unevaluatedItems", "contains", "additionalProperties",
                     "unevaluatedProperties", "propertyNames", "not", "if", "then", "else",
                     "contentSchema"})  # fmt: skip
"""Words whose value is a schema; ``items`` also has a list of schemas in older drafts."""
_CONSTANT = frozenset({"const", "not", "$ref", "$dynamicRef", "allOf", "anyOf", "oneOf", "if"})
"""Words that say something about null too."""
_DEEPEST = 100


def standard(schema: Any) -> Any:
    """``schema`` with the meaning that draft 2020-12 gives to its words.

    Translates lists in ``items``, ``additionalItems``, boolean ``exclusiveMinimum`` and ``exclusiveMaximum``,
    ``dependencies``, ``$recursiveRef``, ``id`` of draft 4 and ``nullable`` of OpenAPI. Raises ValueError if it is
    nested deeper than 100.
    """
    return _standard(schema, _named(schema), 0)


def _named(schema: Any) -> bool:
    """Whether ``id`` may name a schema, as in draft 4; in later drafts it is not a word."""
    return isinstance(schema, Mapping) and "draft-04" in str(schema.get("$schema", ""))


def _standard(schema: Any, named: bool, depth: int) -> Any:
    if not isinstance(schema, Mapping):
        return _listed(schema)
    if depth > _DEEPEST:
        raise ValueError(f"it is nested deeper than {_DEEPEST}")
    out = {str(word): _word(word, value, named, depth + 1) for word, value in schema.items()}
    out.pop("$schema", None)
    if isinstance(out.get("items"), list):
        rest = out.pop("additionalItems", None)
        out["prefixItems"] = out.pop("items")
        if rest is not None:
            out["items"] = rest
        if not out["prefixItems"]:
            del out["prefixItems"]
    else:
        out.pop("additionalItems", None)  # means nothing without a list
    for word, limit in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if isinstance(out.get(word), bool) and out.pop(word) and limit in out:
            out[word] = out.pop(limit)
    for name, needed in (out.pop("dependencies", None) or {}).items():
        word = "dependentRequired" if isinstance(needed, list) else "dependentSchemas"
        needed = [needed] if isinstance(needed, str) else needed
        word = "dependentRequired" if isinstance(needed, list) else word
        out[word] = {**out.get(word, {}), name: needed}
    if "$recursiveRef" in out:
        out["allOf"] = [{"$ref": out.pop("$recursiveRef")}, *out.get("allOf", ())]
    out.pop("$recursiveAnchor", None)
    _name(out, named)
    return _or_null(out) if out.pop("nullable", None) is True else out


def _or_null(out: dict[str, Any]) -> dict[str, Any]:
    if "type" not in out or not _CONSTANT.isdisjoint(out):
        return {"anyOf": [{"type": "null"}, out]}
    kinds = out["type"] if isinstance(out["type"], list) else [out["type"]]
    out["type"] = kinds if "null" in kinds else [*kinds, "null"]
    if isinstance(out.get("enum"), list) and None not in out["enum"]:
        out["enum"] = [*out["enum"], None]
    return out


def _name(out: dict[str, Any], named: bool) -> None:
    """``id`` of draft 4 and ``$id`` of the form "#name" as 2020-12 writes them."""
    if named and isinstance(out.get("id"), str):
        out.setdefault("$id", out.pop("id"))
    name = out.get("$id")
    if isinstance(name, str) and name.startswith("#"):
        del out["$id"]
        if name != "#":
            out.setdefault("$anchor", name[1:])


def _word(word: str, value: Any, named: bool, depth: int) -> Any:
    if word in MAPS and isinstance(value, Mapping):
        return {str(name): _standard(item, named, depth) for name, item in value.items()}
    if (word in LISTS or word == "items") and isinstance(value, (list, tuple)):
        return [_standard(item, named, depth) for item in value]
    if word in SCHEMAS:
        return _standard(value, named, depth)
    return _listed(value)


def _listed(value: Any) -> Any:
    """Tuples, which frozen schemas have in place of lists, as lists."""
    if isinstance(value, Mapping):
        return {key: _listed(item) for key, item in value.items()}
    return [_listed(item) for item in value] if isinstance(value, (list, tuple)) else value
