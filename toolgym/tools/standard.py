"""Any draft of JSON Schema, and OpenAPI's words, in the words of draft 2020-12."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

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
_ITEM = re.compile(r"/items/(?=\d+(/|$))")
_ANCHOR = "toolgym-recursive"
_DEEPEST = 100


def standard(schema: Any) -> Any:
    """``schema`` with the meaning that draft 2020-12 gives to its words.

    Translates lists in ``items``, ``additionalItems``, boolean ``exclusiveMinimum`` and ``exclusiveMaximum``,
    ``dependencies``, ``$recursiveRef``, ``id`` of draft 4 and ``nullable`` of OpenAPI. Raises ValueError if it is
    nested deeper than 100.
    """
    if not isinstance(schema, Mapping):
        return schema
    return _standard(
        schema, _Draft("draft-04" in str(schema.get("$schema", "")), schema.get("$recursiveAnchor") is True), 0
    )


class _Draft(NamedTuple):
    """What words of older drafts mean in a schema."""

    ids: bool
    """Whether ``id`` names a schema, as in draft 4; in later drafts it is not a word."""
    anchored: bool
    """Whether ``$recursiveRef`` goes to the outermost schema that has a ``$recursiveAnchor``, as in draft 2019-09."""


def _standard(schema: Any, draft: _Draft, depth: int) -> Any:
    if not isinstance(schema, Mapping):
        return _listed(schema)
    if depth > _DEEPEST:
        raise ValueError(f"it is nested deeper than {_DEEPEST}")

    def deeper(inner: Any) -> Any:
        return _standard(inner, draft, depth + 1)

    out = {str(word): within(word, value, deeper, _listed) for word, value in schema.items()}
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
        target = out.pop("$recursiveRef")
        followed = {"$dynamicRef": f"#{_ANCHOR}"} if draft.anchored and target == "#" else {"$ref": target}
        out["allOf"] = [followed, *out.get("allOf", ())]
    if out.pop("$recursiveAnchor", None) is True:
        out["$dynamicAnchor"] = _ANCHOR
    if isinstance(out.get("$ref"), str) and out["$ref"].startswith("#"):
        out["$ref"] = _ITEM.sub("/prefixItems/", out["$ref"])
    _name(out, draft)
    return _or_null(out) if out.pop("nullable", None) is True else out


def _or_null(out: dict[str, Any]) -> dict[str, Any]:
    if "type" not in out or not _CONSTANT.isdisjoint(out):
        return {"anyOf": [{"type": "null"}, out]}
    kinds = out["type"] if isinstance(out["type"], list) else [out["type"]]
    out["type"] = kinds if "null" in kinds else [*kinds, "null"]
    if isinstance(out.get("enum"), list) and None not in out["enum"]:
        out["enum"] = [*out["enum"], None]
    return out


def _name(out: dict[str, Any], draft: _Draft) -> None:
    """``id`` of draft 4 and ``$id`` of the form "#name" as 2020-12 writes them."""
    if draft.ids and isinstance(out.get("id"), str):
        out.setdefault("$id", out.pop("id"))
    name = out.get("$id")
    if isinstance(name, str) and name.startswith("#"):
        del out["$id"]
        if name != "#":
            out.setdefault("$anchor", name[1:])


def within(word: str, value: Any, change: Callable[[Any], Any], other: Callable[[Any], Any]) -> Any:
    """The value of a word, with ``change`` applied to each schema in it; ``other``, to a value without schemas."""
    if word in MAPS and isinstance(value, Mapping):
        return {str(name): change(item) for name, item in value.items()}
    if (word in LISTS or word == "items") and isinstance(value, (list, tuple)):
        return [change(item) for item in value]
    return change(value) if word in SCHEMAS else other(value)


def _listed(value: Any) -> Any:
    """Tuples, which frozen schemas have in place of lists, as lists."""
    if isinstance(value, Mapping):
        return {key: _listed(item) for key, item in value.items()}
    return [_listed(item) for item in value] if isinstance(value, (list, tuple)) else value
