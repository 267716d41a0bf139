"""Finds calls in the text of an answer, in the syntaxes of many models."""

from __future__ import annotations

import json
import re
from typing import Any

from toolgym.dialects.python.stray import stray_calls
from toolgym.dialects.think import split_think

from .names import Names

_MARKUP = re.compile(
    r"<\|?tool_calls?\b|<[|\uff5c]tool\u2581calls?|\[TOOL_CALLS\]|<\|python_tag\|>|<function[=_ ]|<invoke name="
    r"|```tool_code|<start_function_call>|to=functions\."
)
"""How models write a call in text. A server that is set up for the model takes it out of the text."""
_JSON = re.compile(r"^[ \t]*(?=\{|\[\s*\{)", re.MULTILINE)
_TRIED = 20
"""The number of places that are looked at, so that a text takes linear time."""
_ARGUMENTS = {"arguments", "parameters", "args", "input", "action_input", "kwargs"}
_NAMES = ("name", "function", "tool", "tool_name", "function_name", "action")


def has_call(text: str, names: Names) -> bool:
    """Whether a call of a tool stands in the text, because the server is not set up to read the model's calls."""
    text = text[split_think(text)[1] :]
    if _MARKUP.search(text) or any(names.offers(call.name) for call in stray_calls(text, 0)):
        return True
    places = [match.end() for _, match in zip(range(_TRIED), _JSON.finditer(text), strict=False)]
    return any(_is_call(_decoded(text, at), names) for at in places)


def _decoded(text: str, at: int) -> Any:
    try:
        return json.JSONDecoder().raw_decode(text, at)[0]
    except (ValueError, RecursionError):
        return None


def _is_call(value: Any, names: Names, depth: int = 3) -> bool:
    if isinstance(value, list):
        return any(_is_call(each, names, depth) for each in value[:_TRIED])
    if not isinstance(value, dict) or not depth:
        return False
    inner = [value.get(field) for field in ("function", "tool_calls", "tool_call", "function_call")]
    if any(_is_call(each, names, depth - 1) for each in inner if isinstance(each, (dict, list))):
        return True
    written = [value[field] for field in _NAMES if isinstance(value.get(field), str)]
    return bool(_ARGUMENTS & value.keys()) and any(map(names.offers, written))
