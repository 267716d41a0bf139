"""References inside a schema: followed, and written out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import unquote, urljoin

_HEAD = "#/$defs/"
_MOST = 5_000
"""Values that may be written out; a larger schema keeps its references."""


def written_out(schema: Any, definitions: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
    """The schema with references replaced by the schemas they name, and the definitions that it still needs."""
    kept = {name for name in definitions if name in _reached(definitions[name], definitions)}
    try:
        out, left = _inline(schema, definitions, kept, [_MOST]), kept
        rest = {name: _inline(definitions[name], definitions, kept, [_MOST]) for name in kept}
    except OverflowError:
        out, rest, left = schema, dict(definitions), set(definitions)
    needed = _reached(out, rest)
    return out, {name: rest[name] for name in definitions if name in left and name in needed}


def renamed(schema: Any, names: Mapping[str, str]) -> Any:
    """The schema with its references renamed."""
    if isinstance(schema, dict):
        return {
            key: _HEAD + names.get(value[len(_HEAD) :], value[len(_HEAD) :])
            if key == "$ref" and isinstance(value, str) and value.startswith(_HEAD)
            else renamed(value, names)
            for key, value in schema.items()
        }
    return [renamed(value, names) for value in schema] if isinstance(schema, list) else schema


def expanded(schema: Mapping[str, Any], levels: int = 6) -> dict[str, Any]:
    """The schema with all references written out, for readers that follow none.

    A schema that contains itself is written out ``levels`` times; then it allows any value.
    """
    out: dict[str, Any] = _expand(schema, schema, levels, [_MOST])
    return out


def _expand(node: Any, root: Mapping[str, Any], levels: int, budget: list[int]) -> Any:
    budget[0] -= 1
    if isinstance(node, (list, tuple)):
        return [_expand(value, root, levels, budget) for value in node]
    if not isinstance(node, Mapping):
        return node
    if not isinstance(node.get("$ref"), str):
        return {key: _expand(value, root, levels, budget) for key, value in node.items()}
    found = target(node["$ref"], root) if levels > 0 and budget[0] > 0 else None
    beside = {key: value for key, value in node.items() if key != "$ref"}
    whole = {**found, **beside} if isinstance(found, Mapping) else beside
    return _expand(whole, root, levels - 1, budget)


def target(reference: Any, root: Mapping[str, Any]) -> Any:
    """The schema that a reference such as "#/$defs/name" or "#anchor" points to; None if it cannot be found."""
    if not isinstance(reference, str):
        return None
    if not reference.startswith("#/"):
        return root if reference == "#" else _anchored(reference, root)
    here: Any = root
    for step in unquote(reference[2:]).split("/"):
        step = step.replace("~1", "/").replace("~0", "~")
        if isinstance(here, Mapping):
            here = here.get(step)
        elif isinstance(here, (list, tuple)) and step.isdigit() and int(step) < len(here):
            here = here[int(step)]
        else:
            return None
    return here


def _anchored(reference: str, node: Any) -> Any:
    """The schema that calls itself by this name."""
    if isinstance(node, Mapping):
        names = [f"#{node[word]}" for word in ("$anchor", "$dynamicAnchor") if word in node]
        if reference in [*names, node.get("$id")]:
            return node
        node = tuple(node.values())
    if isinstance(node, (list, tuple)):
        return next((found for each in node if (found := _anchored(reference, each)) is not None), None)
    return None


def follower(root: Mapping[str, Any]) -> Callable[[Mapping[str, Any], str], Any]:
    """From a schema inside ``root`` and its word for a reference to the schema named; None if it cannot be found.

    References are relative to the nearest ``$id`` around them.
    """
    bases: dict[int, str] = {}
    whole: dict[str, Any] = {}

    def visit(node: Any, base: str) -> None:
        if isinstance(node, Mapping):
            if isinstance(name := node.get("$id"), str) and not name.startswith("#"):
                base = urljoin(base, name).removesuffix("#")
                whole.setdefault(base, node)
            bases[id(node)] = base
            node = tuple(node.values())
        if isinstance(node, (list, tuple)):
            for each in node:
                visit(each, base)

    def follow(schema: Mapping[str, Any], word: str) -> Any:
        reference = schema[word]
        if not isinstance(reference, str):
            return None
        base = bases.get(id(schema), "")
        place, _, part = reference.partition("#")
        address = urljoin(base, place) if place else base
        inner = whole.get(address, None if place else root)
        found = None if inner is None else target(f"#{part}", inner)
        return target(reference, root) if found is None else found

    if "$id" in str(root):
        visit(root, "")
    return follow


def _names(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"].removeprefix(_HEAD)
        for value in node.values():
            yield from _names(value)
    elif isinstance(node, list):
        for value in node:
            yield from _names(value)


def _reached(node: Any, definitions: Mapping[str, Any]) -> set[str]:
    """The definitions that a schema refers to, also through other definitions."""
    seen: set[str] = set()
    waiting = list(_names(node))
    while waiting:
        name = waiting.pop()
        if name not in seen and name in definitions:
            seen.add(name)
            waiting.extend(_names(definitions[name]))
    return seen


def _inline(node: Any, definitions: Mapping[str, Any], kept: set[str], budget: list[int]) -> Any:
    budget[0] -= 1
    if budget[0] < 0:
        raise OverflowError
    if isinstance(node, list):
        return [_inline(value, definitions, kept, budget) for value in node]
    if not isinstance(node, dict):
        return node
    if isinstance(node.get("discriminator"), dict):  # its mapping names references
        node = {**node, "discriminator": {"propertyName": node["discriminator"].get("propertyName")}}
    name = node["$ref"].removeprefix(_HEAD) if isinstance(node.get("$ref"), str) else None
    if name is None or name in kept or name not in definitions:
        return {key: _inline(value, definitions, kept, budget) for key, value in node.items()}
    beside = {key: value for key, value in node.items() if key != "$ref"}
    return {**_inline(definitions[name], definitions, kept, budget), **_inline(beside, definitions, kept, budget)}
