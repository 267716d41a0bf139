"""Editing, history and completion of the lines that a person types, where Python has readline.

The history is of one ``play``: nothing is written to a file.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from toolgym.cli.written_call import quoted
from toolgym.tools import Tool

COMMANDS = (":call", ":drop", ":gold", ":help", ":prompt", ":quit", ":say", ":think", ":tool", ":tools")


def edit_lines(tools: Callable[[], Sequence[Tool]]) -> None:
    """Give ``input`` line editing, a history, and completion by Tab of commands, tools, parameters and values."""
    try:
        import readline
    except ImportError:
        return
    found: list[str] = []

    def complete(word: str, number: int) -> str | None:
        if number == 0:
            found[:] = completions(readline.get_line_buffer()[: readline.get_begidx()], word, tools())
        return found[number] if number < len(found) else None

    readline.set_completer_delims(" \t")
    readline.set_completer(complete)
    libedit = "libedit" in (readline.__doc__ or "")
    readline.parse_and_bind("bind ^I rl_complete" if libedit else "tab: complete")


def completions(before: str, word: str, tools: Sequence[Tool]) -> list[str]:
    """What ``word`` may become, after the text ``before`` of its line.

    A command at the beginning; then a tool's name; in a call its parameters that are not given yet, and after ``=`` the
    values that the schema lists.
    """
    words = before.split()
    if not words:
        return [f"{each} " for each in COMMANDS if each.startswith(word)]
    if words[0] not in (":call", ":tool"):
        return []
    names = {quoted(tool.name): tool for tool in tools}
    if len(words) == 1:
        return [f"{name} " for name in names if name.startswith(word)]
    if words[0] == ":tool" or words[1] not in names:
        return []
    properties: dict[str, Any] = names[words[1]].schema["function"]["parameters"].get("properties", {})
    key, equals, start = word.partition("=")
    if equals:
        return [f"{key}={value} " for value in _values(properties.get(key)) if value.startswith(start)]
    given = {each.partition("=")[0] for each in words[2:]}
    return [f"{name}=" for name in map(quoted, properties) if name.startswith(word) and name not in given]


def _values(about: Any) -> list[str]:
    """The values that a parameter's schema lists."""
    if not isinstance(about, dict):
        return []
    listed = about.get("enum")
    values = listed if isinstance(listed, (list, tuple)) else [True, False] if about.get("type") == "boolean" else []
    return [quoted(each) if isinstance(each, str) else json.dumps(each) for each in values]
