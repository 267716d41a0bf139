"""Reads the listing of tools in a ToolRL prompt.

    1. Name: get_weather                                       1. QueryMeeting: Finds a meeting.
    Description: Returns the weather.                    or    Parameters: {...}
    Parameters: {"city": {"description": "..", "type": "str, optional", "default": ""}}

Parameters are written as JSON or as a Python dict. Their types are written in many ways: JSON Schema types, Python
annotations ("List[Union[int, float]]"), "int, optional". A listing does not say which parameters are required.
"""

from __future__ import annotations

import ast
import json
import re
from functools import cache
from typing import Any

from toolgym.tools import Tool

_HEAD = "In your response, you can use the following tools:\n"
_TAIL = "\n\n**Steps for Each Turn**"
_ENTRY = re.compile(
    r"^\d+\. (?:Name: (?P<name>.*)\nDescription: |(?P<short>[^:\n]+): )(?P<about>(?:(?!^Parameters: ).*\n)+)"
    r"Parameters: (?P<parameters>.*)$",
    re.MULTILINE,
)
_OPTIONAL = ", optional"
_UNREAD = {"additionalProperties": True}


def read_tools(prompt: str) -> tuple[Tool, ...]:
    """The tools that a system prompt lists, in order; () if it has no listing.

    If the parameters of a tool cannot be read, the tool accepts any, and its description quotes them. No parameter is
    required; a parameter that is listed as optional, or has a default, keeps this in its schema.
    """
    listing = prompt.partition(_HEAD)[2].partition(_TAIL)[0]
    return tuple(
        [_tool(found["name"] or found["short"], found["about"][:-1], found["parameters"])
         for found in _ENTRY.finditer(listing)]
    )  # fmt: skip


@cache
def _tool(name: str, about: str, written: str) -> Tool:
    parameters = _decoded(written)
    if not isinstance(parameters, dict):
        return Tool(name, f"{about}\nParameters: {written}", _UNREAD, trusted=True)
    properties = {str(key): _property(value) for key, value in parameters.items()}
    return Tool(name, about, {"type": "object", "properties": properties}, trusted=True)


def _decoded(written: str) -> Any:
    try:
        return json.loads(written)
    except ValueError:
        try:
            return ast.literal_eval(written)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            return None


def _property(written: Any) -> dict[str, Any]:
    """The schema of one parameter."""
    if not isinstance(written, dict):
        return {"description": str(written)}
    kind, about = written.get("type"), str(written.get("description", ""))
    if isinstance(kind, str) and kind.endswith(_OPTIONAL):
        kind = kind.removesuffix(_OPTIONAL)
        about = f"{about} (optional)".lstrip()
    out = {**_schema(kind), "description": about}
    if written.get("default") not in ("", None):  # both mean that there is no default
        out["default"] = written["default"]
    if isinstance(written.get("enum"), list):
        out["enum"] = written["enum"]
    return out


def _schema(kind: Any) -> dict[str, Any]:
    """A JSON Schema for a written type; toolgym.tools.schema translates the names of simple types."""
    if not isinstance(kind, str):
        return {} if kind is None else {"type": kind}
    head, bracket, rest = kind.strip().partition("[")
    head = head.strip().lower()
    if not bracket:
        return {"type": head}
    inner = [_schema(part) for part in _parts(rest.strip().removesuffix("]"))]
    if head == "union":
        return {"anyOf": inner}
    if head == "optional":
        return {"anyOf": [*inner, {"type": "null"}]}
    if head in ("list", "tuple", "set", "sequence", "array"):
        return {"type": "array", **({"items": inner[0]} if all(item == inner[0] for item in inner) else {})}
    return {"type": head}


def _parts(text: str) -> list[str]:
    """Split at the commas that are outside brackets."""
    parts, depth = [""], 0
    for letter in text:
        depth += (letter == "[") - (letter == "]")
        if letter == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    return parts
