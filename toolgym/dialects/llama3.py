"""The JSON syntax of Llama 3.1 and later: a text is one call, several calls, or a response."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from toolgym.dialects.base import Dialect
from toolgym.dialects.json.calls import decode_json, one_call, read_calls, tool_lines, write_call
from toolgym.dialects.json.stray import STRAY, split_thought, stray_calls
from toolgym.dialects.think import write_think
from toolgym.types import Completion, ToolCall

if TYPE_CHECKING:
    from toolgym.tools import Tool

_PYTHON_TAG = "<|python_tag|>"
_ENDS = ("<|eom_id|>", "<|eot_id|>")
_LIKE_A_CALL = re.compile(r'[\[\s]{0,9}\{\s{0,99}"(?:name|parameters|arguments|function|type)"')

_INSTRUCTIONS = """\
You can call these tools, described by one JSON object per line:
{tools}

To call a tool, answer with a JSON object and nothing else:
{{"name": "the tool", "parameters": {{"a parameter": "its value"}}}}
Put "; " between several calls. What the tools return comes in the next message. Where no tool is needed, answer in \
plain text."""


class Llama3(Dialect):
    """A text of JSON objects, separated by ";" or line ends, is calls; text without a call is a response.

    Calls beside words or in a code fence are read too (json/stray.py), and the layout is wrong.

    ``<think>..</think>`` and ``<|python_tag|>`` before and ``<|eom_id|>`` or ``<|eot_id|>`` after it are allowed. JSON
    without "parameters" is a response; text that begins like a call but is not JSON is a malformed call. Results are
    "tool" messages, which Llama's chat template shows as "ipython". ``render`` leaves out a response beside calls, and
    white space around a response is not kept.
    """

    name: ClassVar[str] = "llama3"

    def instructions(self, tools: Sequence[Tool]) -> str:
        return _INSTRUCTIONS.format(tools=tool_lines(tools))

    def parse(self, text: str) -> Completion:
        if text[:1] == "{":
            call = one_call(text, "parameters", 0)
            if call is not None:
                return Completion(text, (call,))
        return _read(text)

    def render(self, completion: Completion) -> str:
        calls = "; ".join([write_call(call, "parameters") for call in completion.calls])
        return write_think(completion.think) + (calls or completion.response or "")


def _read(text: str) -> Completion:
    """Parse any text: the slow path."""
    think, problem = None, None
    start, end = _trim(text, 0)
    if not text.startswith(("{", "[", _PYTHON_TAG), start):
        think, start, problem = split_thought(text, _PYTHON_TAG, "parameters")
        start, end = _trim(text, start)
    tagged = text.startswith(_PYTHON_TAG, start)
    if tagged:
        start, end = _trim(text, start + len(_PYTHON_TAG))
    body = text[start:end]
    calls = read_calls(body, "parameters", start) if tagged or _attempts(body) else []
    if calls and all(call.error is None for call in calls):
        return Completion(text, tuple(calls), think, None, problem)
    found = stray_calls(text, start, end, "parameters")
    if not calls and not found:
        return Completion(text, (), think, body or None, problem)
    # words between calls were read as malformed calls: they become a layout problem instead
    kept = [call for call in calls if call.error is None or text.startswith(("{", "[", '"'), call.start)]
    if _good(found) > _good(kept) or not calls:
        return Completion(text, tuple(found), think, None, problem or STRAY, misplaced=True)
    if kept and len(kept) < len(calls):
        calls, problem = kept, problem or STRAY
    return Completion(text, tuple(calls), think, None, problem)


def _good(calls: Sequence[ToolCall]) -> int:
    return sum([call.error is None for call in calls])


def _attempts(body: str) -> bool:
    """Whether a text is meant as calls: it begins like a call, and is not JSON without arguments."""
    if not _LIKE_A_CALL.match(body):
        return False
    if '"parameters"' in body or '"arguments"' in body:
        return True
    try:
        decode_json(body)
    except ValueError:
        return True
    return False


def _trim(text: str, start: int) -> tuple[int, int]:
    """The start and end of ``text[start:]`` without surrounding white space and end tokens."""
    end = len(text)
    while end > start:
        if text[end - 1].isspace():
            end -= 1
        elif text.endswith(_ENDS, start, end):
            end -= len(_ENDS[0])  # both tokens have the same length
        else:
            break
    while start < end and text[start].isspace():
        start += 1
    return start, end
