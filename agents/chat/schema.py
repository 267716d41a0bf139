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
    for word in ("dependentRequired", "dependentSchemas", "dependencies"):
        if isinstance(schema.get(word), Mapping):
            out[word] = {
                names.get(key, key): [names.get(each, each) for each in then]
                if isinstance(then, (list, tuple))
                else then
                for key, then in out[word].items()
            }
    return out


def with_keys(value: Any, schema: Any, names: Mapping[str, str], *, back: bool = False) -> Any:
    """A value with the names of its properties as in ``with_properties(schema, names)``; ``back``: the other way round.

    A key that is not a property of its object in the schema stays as it is: objects may have free keys.
    """
    mapping = {sent: own for own, sent in names.items()} if back else names

    def visit(at: Any, schemas: list[Mapping[str, Any]]) -> Any:
        if isinstance(at, (list, tuple)):
            items = [each.get("items") for each in schemas]
            first = [each["prefixItems"] for each in schemas if isinstance(each.get("prefixItems"), (list, tuple))]
            own = (
                [[*items, *(list_[i] for list_ in first if i < len(list_))] for i in range(len(at))] if first else None
            )
            inside = [] if own else _branches(items, schema)
            return [visit(item, _branches(own[i], schema) if own else inside) for i, item in enumerate(at)]
        if not isinstance(at, Mapping):
            return at
        known: dict[str, list[Any]] = {}
        for each in schemas:
            for key, inner in (each["properties"] if isinstance(each.get("properties"), Mapping) else {}).items():
                known.setdefault(key, []).append(inner)
        free = [each.get("additionalProperties") for each in schemas]
        out = {}
        for key, item in at.items():
            new = mapping.get(key, key)
            inner = known.get(new if back else key)
            out[key if inner is None else new] = visit(item, _branches(free if inner is None else inner, schema))
        return out

    return visit(value, _branches([schema], schema))


def _branches(schemas: list[Any], root: Any) -> list[Mapping[str, Any]]:
    """The schemas that may hold for one value: these, and the branches and references in them."""
    out: list[Mapping[str, Any]] = []
    seen: set[int] = set()
    left = list(schemas)
    while left:
        at = left.pop()
        if not isinstance(at, Mapping) or id(at) in seen:
            continue
        seen.add(id(at))
        out.append(at)
        for word in ("anyOf", "oneOf", "allOf"):
            left += at[word] if isinstance(at.get(word), (list, tuple)) else []
        left += [at.get(word) for word in ("if", "then", "else")]
        if isinstance(at.get("$ref"), str):
            left.append(_referred(at["$ref"], root))
    return out


def _referred(reference: str, root: Any) -> Any:
    if not reference.startswith("#"):
        return None
    for step in reference[1:].split("/")[1:]:
        root = root.get(step.replace("~1", "/").replace("~0", "~")) if isinstance(root, Mapping) else None
    return root
