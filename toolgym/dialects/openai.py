"""The assistant message of OpenAI's chat API, as JSON. Tools and results use the fields of the API."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

from toolgym.dialects.assistant_message import call_ids, is_message, said, thought
from toolgym.dialects.base import Dialect
from toolgym.dialects.json.calls import (
    MAX_CALLS,
    decode_json,
    elements,
    malformed,
    members,
    read_call,
    too_many,
    write_json,
)
from toolgym.dialects.json.stray import split_thought, stray_calls
from toolgym.types import CallRecord, Completion, Message, ToolCall, message

if TYPE_CHECKING:
    from toolgym.tools import Tool

_NATIVE = re.compile('"(?:tool_calls|function_call)"')
_AS_TEXT = 'a call is written in the content, and not in "tool_calls"'


class OpenAI(Dialect):
    """``{"content": str or null, "tool_calls": [{"id", "type", "function": {"name", "arguments": "<JSON>"}}]}``.

    Any other text is a response. Without "tool_calls", the older field "function_call" is a call too. The fields that
    servers of reasoning models add (``reasoning_content``, ``reasoning``, ``reasoning_details``, ...) and thinking
    parts of the content are the thought.

    Arguments may be an object instead of a string that holds JSON. A call without an id gets the id
    "call_<position>", in texts and in results; ids that repeat stay as they are.

    A response may hold calls as text: servers that do not know a model's syntax return them so. These calls are read
    too (json/stray.py, json/foreign.py), and the layout is wrong.
    """

    name: ClassVar[str] = "openai"
    any_name: ClassVar[bool] = False

    def instructions(self, tools: Sequence[Tool]) -> str:
        """Returns "": the "tools" of the observation are passed to the API."""
        return ""

    def parse(self, text: str) -> Completion:
        start = len(text) - len(text.lstrip())
        if not text.startswith("{", start):
            return _said(text, text, None, None, 0, len(text))
        try:
            value = decode_json(text)
        except ValueError as error:
            found = _said(text, text, None, None, 0, len(text))
            if not _NATIVE.search(text) or (found.calls and all(call.error is None for call in found.calls)):
                return found
            return Completion(text, (malformed(text[start:], f"the message is not JSON: {error}", start),))
        if not is_message(value) and not isinstance(value.get("function_call"), dict):
            return _said(text, text, None, None, 0, len(text))
        content, think = value.get("content"), thought(value)
        known = content is None or isinstance(content, (str, list))
        problem = None if known else '"content" is neither a string, a list of parts nor null'
        try:
            calls = tuple(_calls(text, start, value))
        except RecursionError:
            calls = (malformed(text[start:], "the message is nested too deeply", start),)
        response = said(content)
        if calls or response is None:
            return Completion(text, calls, think, response, problem)
        return _said(text, response, think, problem, start, len(text))

    def render(self, completion: Completion) -> str:
        out: dict[str, Any] = {"role": "assistant", "content": completion.response}
        if completion.think is not None:
            out["reasoning_content"] = completion.think
        if completion.calls:
            out["tool_calls"] = [
                {
                    "id": id,
                    "type": "function",
                    "function": {"name": call.name, "arguments": write_json(call.arguments, call.name)},
                }
                for id, call in zip(_ids(completion.calls), completion.calls, strict=True)
            ]
        return write_json(out, "")

    def results(self, records: Sequence[CallRecord]) -> tuple[Message, ...]:
        """One "tool" message per call, with the id of the call."""
        return tuple(
            [
                message("tool", r.result.content, name=r.call.name, tool_call_id=id)
                for id, r in zip(_ids([r.call for r in records]), records, strict=True)
                if r.result is not None
            ]
        )


def _said(text: str, content: str, think: str | None, problem: str | None, start: int, end: int) -> Completion:
    """The completion of a message without "tool_calls". ``content`` is the action's ``text``, or stands inside it."""
    begin = split_thought(content, "", "arguments")[1]
    calls = stray_calls(content, begin, len(content), "arguments")
    if not calls:
        return Completion(text, (), think, content if content or content is not text else None, problem)
    if content is not text:  # a place in the decoded content has no place in the text
        calls = [ToolCall(call.name, call.arguments, call.error, start, end) for call in calls]
    return Completion(text, tuple(calls), think, content, problem or _AS_TEXT, misplaced=True)


def _ids(calls: Sequence[ToolCall]) -> list[str]:
    return call_ids([{"id": call.id} for call in calls])


def _calls(text: str, start: int, value: dict[str, Any]) -> Iterator[ToolCall]:
    """The calls of a message that begins at ``start``: "tool_calls", or else the older "function_call"."""
    written = value.get("tool_calls")
    if not written:
        if value.get("function_call"):
            at, end = members(text, start)["function_call"]
            yield msgspec.structs.replace(read_call(value["function_call"], "arguments", at, end), id="call_0")
        return
    at, end = members(text, start)["tool_calls"]
    if not isinstance(written, list):
        yield malformed(text[at:end], '"tool_calls" must be a list', at)
        return
    ids = call_ids(written[: MAX_CALLS + 1])
    for i, (value, (begin, stop)) in enumerate(zip(written, elements(text, at), strict=True)):
        if i == MAX_CALLS:
            yield msgspec.structs.replace(too_many(begin, end), id=ids[i])
            return
        yield msgspec.structs.replace(read_call(value, "arguments", begin, stop), id=ids[i])
