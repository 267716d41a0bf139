"""System messages that list tools between ``<tools>`` tags, as the templates of Hermes and Qwen write them."""

from __future__ import annotations

import re
from itertools import islice
from typing import Any

from .calls import decoded
from .problems import BadRow
from .values import scan, skip

_OPEN, _CLOSE = "<tools>", "</tools>"
_BEFORE = (
    "# Tools",
    "You are a function calling AI model",
    "You may call one or more functions",
    "You are provided with function signatures",
    "You have access to the following",
    "Here are the available",
)
"""How the part of a system message that offers tools begins."""
_LIST = re.compile(r"\[\s*\{\s*\"")
_TRIES = 4
"""Lists in a system message that are tried."""
_AFTER = re.compile(
    r"\s*(?:use the following pydantic model|for each function call|return (?:a )?json|for each tool call)",
    re.IGNORECASE,
)
"""How the part that teaches the syntax begins; it ends with the last ``</tool_call>`` of the message."""


def split_tools(system: str) -> tuple[str, list[Any] | None]:
    """The system message without its list of tools and the words around it, and the tools; None if it lists none."""
    begin = system.find(_OPEN)
    while begin >= 0:
        end = system.find(_CLOSE, begin)
        if end < 0:
            return system, None
        inner = system[begin + len(_OPEN) : end].strip()
        if inner[:1] in ("[", "{"):
            return _without(system, begin, end + len(_CLOSE)), _listed(inner)
        begin = system.find(_OPEN, begin + 1)  # "signatures within <tools></tools> XML tags"
    return _bare_list(system)


def _bare_list(system: str) -> tuple[str, list[Any] | None]:
    """The system message without a JSON list of functions that stands in it, as in ToolACE, and the list."""
    for found in islice(_LIST.finditer(system), _TRIES):
        try:
            tools, end = scan(system, found.start())
        except (ValueError, RecursionError):
            continue
        if all(isinstance(each, dict) and "name" in each and "parameters" in each for each in tools):
            return f"{system[: found.start()].rstrip()}\n{system[end:].lstrip()}".strip(), tools
    return system, None


def _listed(inner: str) -> list[Any]:
    """A JSON list, or JSON objects one after the other."""
    if inner.startswith("["):
        found = decoded(inner, "tools in the system message")
        return found if isinstance(found, list) else [found]
    tools, position = [], 0
    while position < len(inner):
        try:
            tool, end = scan(inner, position)
        except (ValueError, RecursionError) as error:
            raise BadRow("tools in the system message that are not JSON", str(error)[:80]) from None
        tools.append(tool)
        position = skip(inner, end)
    return tools


def _without(system: str, begin: int, end: int) -> str:
    before, after = system[:begin], system[end:]
    at = min((place for words in _BEFORE if (place := before.find(words)) >= 0), default=len(before))
    if _AFTER.match(after) and "</tool_call>" in after:
        after = after.rpartition("</tool_call>")[2]
    return f"{before[:at].strip()}\n\n{after.strip()}".strip()
