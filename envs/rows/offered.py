"""The tools of a row: OpenAI's schemas, bare functions, Anthropic's, flat parameters, lists in a string."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import msgspec

from toolgym.tools import Tool

from .calls import decoded
from .problems import BadRow, described, in_json

_SCHEMAS = ("parameters", "input_schema", "inputSchema", "arguments", "params")
"""Keys under which layouts hold a tool's JSON Schema."""
_WORDS = ("$ref", "$defs", "anyOf", "oneOf", "allOf", "properties", "required", "additionalProperties")


def read_tools(given: Any, notes: list[tuple[str, str]]) -> tuple[Tool, ...]:
    """The tools, in order, each name once; what is left out is added to ``notes``. Raises BadRow.

    Rows with the same tools get the same objects.
    """
    if isinstance(given, str):
        given = decoded(given, "tools") if given.strip() else None
    if given is None or (isinstance(given, float) and given != given):
        return ()
    if isinstance(given, dict):
        given = _named(given)
    if not isinstance(given, list):
        raise BadRow("tools that are not a list", described(given))
    try:
        tools, noted = _tools(msgspec.json.encode(given))
    except BadRow:
        raise
    except (TypeError, ValueError, RecursionError, OverflowError) as error:
        raise BadRow("tools that are not JSON", str(error)[:100]) from None
    notes += noted
    return tools


def _named(given: dict[str, Any]) -> list[Any]:
    """One tool, or a mapping of names to tools, as a list."""
    if isinstance(given.get("name"), str) or isinstance(given.get("function"), dict):
        return [given]
    return [{"name": name, **about} if isinstance(about, dict) else about for name, about in given.items()]


@lru_cache(maxsize=4096)
def _tools(written: bytes) -> tuple[tuple[Tool, ...], tuple[tuple[str, str], ...]]:
    """The tools of a list in JSON, and the notes. Raises BadRow."""
    found: dict[str, Tool] = {}
    notes = []
    for i, given in enumerate(msgspec.json.decode(written)):
        try:
            if given is None:
                continue
            given = decoded(given, "tools") if isinstance(given, str) and given[:1] in "{[" else given
            kind = given.get("type") if isinstance(given, dict) else None
            if kind not in (None, "function", "custom") and not ({"function", *_SCHEMAS} & given.keys()):
                notes.append(("a tool of another type than function is not offered", in_json(kind)))
                continue
            tool = _tool(msgspec.json.encode(given))
        except BadRow as error:
            raise BadRow(error.kind, f"tools[{i}]{': ' if error.detail else ''}{error.detail}") from None
        if tool.name not in found:
            found[tool.name] = tool
        else:
            same = "the same tool twice" if found[tool.name].line == tool.line else "different tools of one name"
            notes.append((f"{same}: the first is offered", repr(tool.name)))
    return tuple(found.values()), tuple(notes)


@lru_cache(maxsize=65536)
def _tool(written: bytes) -> Tool:
    given = msgspec.json.decode(written)
    if not isinstance(given, dict):
        raise BadRow("a tool that is not an object", described(given))
    about = given["function"] if isinstance(given.get("function"), dict) else given
    name = about.get("name")
    if not isinstance(name, str) or not name.strip():
        raise BadRow("a tool without a name", f"it has {', '.join(list(map(str, about))[:5]) or 'nothing'}")
    text = about.get("description")
    key = next((key for key in _SCHEMAS if about.get(key)), "")
    parameters = _schema(about.get(key), name)
    try:
        tool = Tool(name, text if isinstance(text, str) else "", parameters, trusted=True)
        tool.validator  # noqa: B018  raises ValueError
    except (ValueError, TypeError, RecursionError) as error:
        raise BadRow("a tool whose parameters are no JSON Schema", f"{name!r}: {str(error)[:100]}") from None
    return tool


def _schema(given: Any, name: str) -> dict[str, Any]:
    """Parameters as a JSON Schema of an object. Flat ones, ``{"city": {"type": "str"}}``, become its properties."""
    if isinstance(given, str):
        given = decoded(given, "parameters", repr(name)) if given.strip() else None
    if given is None:
        return {"type": "object", "properties": {}}
    if not isinstance(given, dict):
        raise BadRow("parameters that are not an object", f"{name!r} has {described(given)}")
    flat = not any(word in given for word in _WORDS) and not isinstance(given.get("type"), str)
    schema = {"type": "object", "properties": given} if flat else dict(given)
    properties = schema.get("properties")
    properties = properties if isinstance(properties, dict) else {}
    # a table that was written as JSON has null for each parameter that only other tools have
    kept = {key: _parameter(value) for key, value in properties.items() if value is not None}
    return {**{key: value for key, value in schema.items() if value is not None}, "properties": kept}


def _parameter(given: Any) -> Any:
    if isinstance(given, str):  # {"city": "the city's name"}
        return {"description": given}
    if not isinstance(given, dict):
        return {}
    kept = {key: value for key, value in given.items() if value is not None}
    kind = kept.get("type")
    if isinstance(kind, str) and kind.endswith(", optional"):
        kept["type"] = kind.removesuffix(", optional")
    return kept
