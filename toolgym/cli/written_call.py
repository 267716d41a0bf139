"""A call that a person writes on one line: ``add item="oat milk" quantity=2 tags=["a", "b"]``."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from toolgym.tools import Tool
from toolgym.types import ToolCall

_scan = json.JSONDecoder().raw_decode
_BARE_NAME = re.compile(r'[^\s="]+')
_BARE_VALUE = re.compile(r"\S*")
_MANY = 1000
_PYTHONS = {"True": True, "False": False, "None": None}


class WrittenWrong(ValueError):
    """A line that cannot be read as a call; the message says why, and what to write."""


def read_call(line: str, tools: Sequence[Tool]) -> tuple[ToolCall, tuple[str, ...]]:
    """The call of a line, and what the tool's schema objects to in it.

    A value in quotes, brackets or braces is JSON. Another value is JSON if it can be read so and the schema does not
    object to it more than to the same text; else it is text.

    Raises WrittenWrong for a tool that is not there, and for a line that cannot be read.
    """
    line = line.strip()
    name, at = _name(line, 0, "a tool's name")
    tool = next((each for each in tools if each.name == name), None)
    if tool is None:
        close = get_close_matches(name, [each.name for each in tools], 1)
        hint = f"Did you mean {close[0]}?" if close else ":tools shows them."
        raise WrittenWrong(f"there is no tool {name!r}. {hint}")
    arguments: dict[str, Any] = {}
    unsure: dict[str, str] = {}
    while at < len(line):
        key, at = _name(line, _after_space(line, at), "a parameter")
        if line[at : at + 1] != "=":
            raise WrittenWrong(f'{key!r}: write {key}=VALUE; a text with spaces in quotes, {key}="two words"')
        if key in arguments:
            raise WrittenWrong(f"{key} is given twice")
        arguments[key], text, at = _value(line, at + 1, key)
        if text is not None:
            unsure[key] = text
    for key, text in unsure.items():
        as_text = {**arguments, key: text}
        if len(tool.validator.problems(as_text, _MANY)) < len(tool.validator.problems(arguments, _MANY)):
            arguments = as_text
    return ToolCall(tool.name, arguments), tool.validator.problems(arguments)


def write_call(name: str, arguments: Mapping[str, Any]) -> str:
    """The line that ``read_call`` reads as this call."""
    pairs = [f"{quoted(key)}={json.dumps(value, ensure_ascii=False)}" for key, value in arguments.items()]
    return " ".join([quoted(name), *pairs])


def _name(line: str, at: int, what: str) -> tuple[str, int]:
    """A name, in quotes if it has spaces, and the place after it."""
    if line[at : at + 1] == '"':
        name, at = _json(line, at, what)
        return str(name), at
    match = _BARE_NAME.match(line, at)
    if match is None:
        raise WrittenWrong(f"{what} is missing{f' before {line[at:][:40]!r}' if line[at:] else ''}: NAME key=value ...")
    return match[0], match.end()


def _value(line: str, at: int, key: str) -> tuple[Any, str | None, int]:
    """A value, the text that may be meant in its place, and the place after it."""
    if line[at : at + 1] in ('"', "[", "{"):
        value, at = _json(line, at, key)
        return value, None, at
    if line[at : at + 1] == "'" and (end := line.find("'", at + 1)) > 0:
        _after_space(line, end + 1)
        return line[at + 1 : end], None, end + 1
    match = _BARE_VALUE.match(line, at)
    text = "" if match is None else match[0]
    try:
        value = _PYTHONS[text] if text in _PYTHONS else json.loads(text)
    except (ValueError, RecursionError):
        return text, None, at + len(text)
    return value, text, at + len(text)


def _json(line: str, at: int, what: str) -> tuple[Any, int]:
    try:
        value, end = _scan(line, at)
    except (ValueError, RecursionError) as error:
        why = f"{error.msg} at character {error.pos + 1}" if isinstance(error, json.JSONDecodeError) else "too deep"
        raise WrittenWrong(f"{what}: {line[at:][:40]} is not JSON: {why}") from None
    if line[end : end + 1] != "=":
        _after_space(line, end)
    return value, end


def _after_space(line: str, at: int) -> int:
    """The place after spaces, which must be there unless the line ends."""
    after = len(line) - len(line[at:].lstrip())
    if after == at < len(line):
        raise WrittenWrong(f"a space is missing before {line[at:][:40]!r}")
    return after


def quoted(name: str) -> str:
    """A name or text, in quotes unless it can be written without."""
    return name if _BARE_NAME.fullmatch(name) else json.dumps(name, ensure_ascii=False)
