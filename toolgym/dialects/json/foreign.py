"""Calls in the special tokens and tags of other models, which a dialect's own syntax does not have.

Examples: ``[TOOL_CALLS]f{"a": 1}``, ``<function=f>{"a": 1}</function>`` and
``<|channel|>commentary to=functions.f <|constrain|>json<|message|>{"a": 1}<|call|>``. The name stands in the opening,
and JSON arguments follow it. An opening of which neither can be read is a malformed call.
"""

from __future__ import annotations

import json
import re

from toolgym.dialects.json.calls import MAX_CALLS, malformed, read_call, too_many
from toolgym.types import ToolCall

_ERROR = "it is written in the syntax of another model, and its arguments are not a JSON object"
_NAME = r"\s{0,9}(?:functions\.)?([\w.-]{1,200})(?::\d{1,9})?"
_FENCE = r"\s{0,9}(?:```json\s{0,9})?"
_NAMED = re.compile(
    "|".join(
        [
            rf"\[TOOL_CALLS\]{_NAME}\s{{0,9}}(?:\[CALL_ID\]\w{{1,99}})?(?:\[ARGS\])?\s{{0,9}}(?=[{{\[])",
            rf"<function={_NAME}\s{{0,9}}>{_FENCE}",
            rf"<\|channel\|>\w{{1,20}}\s{{1,9}}to={_NAME}[^{{\n]{{0,99}}<\|message\|>\s{{0,9}}",
            rf"<\|start\|>assistant\s{{1,9}}to={_NAME}[^{{\n]{{0,99}}<\|message\|>\s{{0,9}}",
            rf"<\|tool_call_begin\|>{_NAME}\s{{0,9}}<\|tool_call_argument_begin\|>\s{{0,9}}",
            rf"<｜tool▁call▁begin｜>(?:function<｜tool▁sep｜>)?{_NAME}(?:<｜tool▁sep｜>)?{_FENCE}",
        ]
    )
)
"""Openings with a name, of Mistral, Llama, gpt-oss (twice), Kimi and DeepSeek; arguments in JSON follow."""
_BARE = re.compile(
    r"(?:\A|(?<=[\n\r>])|(?<=[.!?:]\s)|(?<=[.!?:]))[ \t`*>-]{0,20}"
    r"(?:\[TOOL_CALLS?\]|<\|(?:python_tag|tool_call|tool_calls_section_begin|tool_call_begin)\|>"
    r"|<｜tool▁calls?▁begin｜>|<\|channel\|>commentary to=|</?function_calls?>|<tool_calls?>|<function=|functools\[)"
)
"""An opening at the beginning of a line or behind a sentence. In a sentence it is a mention."""
_TOKEN = re.compile(r"\[TOOL_CALL|<|functools")
_LAST = re.compile(r"\s{0,9}(?:</function>)?[ \t`*]{0,9}(?:[\n\r]|\Z)")
_scan = json.JSONDecoder().raw_decode


def foreign_calls(text: str, start: int, end: int, key: str, *, bare: bool) -> list[ToolCall]:
    """The calls in ``text[start:end]`` that stand behind an opening with a name, in order.

    ``bare``: if there are none, the first opening without a name is a malformed call. Takes linear time; never raises.
    """
    if not _TOKEN.search(text, start, end):
        return []
    calls: list[ToolCall] = []
    at = start
    while found := _NAMED.search(text, at, end):
        if len(calls) == MAX_CALLS:
            return [*calls, too_many(found.start(), end)]
        begin, at = found.span()
        name = found[found.lastindex or 0]
        try:
            value, at = _scan(text, at)
        except (ValueError, RecursionError):
            if text.startswith(("{", "["), at):
                calls.append(ToolCall(name, {}, _ERROR, begin, at))
        else:
            if text[begin + 1] != "f" or _begins(text, start, begin) or _LAST.match(text, at, end):
                calls.append(read_call({"name": name, "arguments": value}, key, begin, at))
    if not calls and bare and (found := _BARE.search(text, start, end)):
        calls.append(malformed(text[found.start() : end], _ERROR, found.start()))
    return calls


def _begins(text: str, start: int, at: int) -> bool:
    """Whether no words of a sentence stand before ``at``; a tag is easily mentioned, other than a special token."""
    before = text[max(start, at - 40) : at].rstrip(" \t`*-")
    return before[-1:] in ("", "\n", "\r", ".", "!", "?", ":", ">")
