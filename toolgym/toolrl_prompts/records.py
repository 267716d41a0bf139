"""Reads the dialogue in a ToolRL prompt into messages.

**Dialogue Records History**
<user> .. </user>

<think> .. </think>
<tool_call>
{"name": .., "parameters": {..}}
</tool_call>
<obs> results of the calls </obs>

<response> .. </response>
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import msgspec

from toolgym.dialects import Dialect
from toolgym.types import CallRecord, Completion, Message, ToolCall, ToolResult, message

_HEAD = re.compile(r"\s*\*{2,3}Dialogue Records History\*\*\s*")
_RECORD = re.compile(r"<(user|think|tool_call|response|obs)>(.*?)</\1>\s*", re.DOTALL)


class _Line(msgspec.Struct):
    name: str
    parameters: dict[str, Any]


_line = msgspec.json.Decoder(_Line).decode


def read_calls(block: str) -> tuple[ToolCall, ...]:
    """The calls of a ``<tool_call>`` block, one per line. Raises ValueError for a line that is not a call."""
    calls = []
    for line in block.strip().split("\n"):
        try:
            call = _line(line)
        except msgspec.DecodeError as error:
            raise ValueError(f"not a call: {line[:200]!r}: {error}") from None
        if not call.name:
            raise ValueError(f"a call without a name: {line[:200]!r}")
        calls.append(ToolCall(call.name, call.parameters))
    return tuple(calls)


def read_messages(
    history: str, dialect: Dialect, rename: Callable[[ToolCall], ToolCall] | None = None
) -> tuple[Message, ...]:
    """The dialogue as chat messages; a dialect writes the turns of the assistant and the results of tools.

    ``rename`` maps each call to the call that is written.

    If the user, or the assistant, speaks twice in a row, the texts become one message. A dialogue that does not
    consist of records, or whose calls cannot be read, becomes one user message.
    """
    header = _HEAD.match(history)
    start = header.end() if header else 0
    records = []
    position = start
    while found := _RECORD.match(history, position):
        records.append((found[1], found[2].strip()))
        position = found.end()
    if position == len(history) and records:
        try:
            return _messages(records, dialect, rename)
        except ValueError:
            pass
    return (message("user", history[start:].strip()),)


def _messages(
    records: list[tuple[str, str]], dialect: Dialect, rename: Callable[[ToolCall], ToolCall] | None
) -> tuple[Message, ...]:
    """Records as messages. Raises ValueError for results without calls, and for calls that cannot be read."""
    out: list[Message] = []
    said = Completion("")  # the turn of the assistant that is being collected

    def flush() -> None:
        nonlocal said
        if said != Completion(""):
            out.append(message("assistant", dialect.render(said)))
            said = Completion("")

    for kind, text in records:
        if kind == "user":
            flush()
            if out and out[-1]["role"] == "user":
                text = f"{out.pop()['content']}\n\n{text}"
            out.append(message("user", text))
        elif kind == "obs":
            calls = said.calls
            if not calls:
                raise ValueError("results without calls")
            flush()
            out += dialect.results(_results(calls, text))
        elif kind == "think":
            if said.calls or said.response is not None:
                flush()
            said = msgspec.structs.replace(said, think=text)
        elif kind == "tool_call":
            calls = read_calls(text)
            if rename is not None:
                calls = tuple(map(rename, calls))
            said = msgspec.structs.replace(said, calls=said.calls + calls)
        else:
            before = "" if said.response is None else f"{said.response}\n"
            said = msgspec.structs.replace(said, response=before + text)
    flush()
    return tuple(out)


def _results(calls: tuple[ToolCall, ...], text: str) -> list[CallRecord]:
    """The result of each call: an item of ToolRL's ``[{"name": .., "results": ..}]``; other text for the first call."""
    try:
        items = json.loads(text)
    except ValueError:
        items = None
    if isinstance(items, list) and len(items) == len(calls):
        pairs = zip(calls, items, strict=True)
        if all(isinstance(item, dict) and item.keys() == {"name", "results"} for item in items):
            return [CallRecord(call, ToolResult(_shown(item["results"]))) for call, item in pairs]
    return [CallRecord(calls[0], ToolResult(text)), *[CallRecord(call) for call in calls[1:]]]


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
