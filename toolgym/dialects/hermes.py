"""The syntax of Hermes and Qwen models: free text, then one ``<tool_call>`` block per call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from toolgym.dialects.base import Dialect
from toolgym.dialects.json.blocks import CLOSE, FENCED, OPEN, read_block
from toolgym.dialects.json.calls import MAX_CALLS, one_call, too_many, tool_lines, write_call
from toolgym.dialects.json.stray import STRAY, around_tag, split_thought, stray_calls
from toolgym.dialects.think import write_think
from toolgym.types import Completion, ToolCall

if TYPE_CHECKING:
    from toolgym.tools import Tool

_INSTRUCTIONS = """\
You can call these tools, described by one JSON object per line:
{tools}

Write each call as a JSON object in a block of its own:
<tool_call>
{{"name": "the tool", "arguments": {{"a parameter": "its value"}}}}
</tool_call>
What the tools return comes in the next message. Where no tool is needed, answer in plain text."""


class Hermes(Dialect):
    """An optional ``<think>..</think>``, then text and ``<tool_call>`` blocks; text outside the blocks is the response.

    In a text without blocks, calls are read wherever they stand (json/stray.py), and the layout is wrong.
    Results are "tool" messages, which the chat templates of Qwen and Hermes models render themselves. ``render``
    cannot write ``</think>`` in a thought, ``</think>`` in a response without a thought, or ``<tool_call>`` in a
    response. White space around the response is not kept.
    """

    name: ClassVar[str] = "hermes"

    def instructions(self, tools: Sequence[Tool]) -> str:
        return _INSTRUCTIONS.format(tools=tool_lines(tools))

    def parse(self, text: str) -> Completion:
        if text[-13:] == "\n</tool_call>":  # fast path: an optional thought and one call
            at, think = text.find("<tool_call>\n"), None
            if text[:7] == "<think>" and text.find("</think>") == at - 9 and text[at - 1] == "\n":
                think = text[7 : at - 9]
            if at == 0 or think is not None:
                call = one_call(text[at + 12 : -13], "arguments", at + 12)
                if call is not None:
                    return Completion(text, (call,), think)
        return _read(text)

    def render(self, completion: Completion) -> str:
        lines = [write_think(completion.think)]
        if completion.response:
            lines.append(f"{completion.response}\n")
        lines += [f"{OPEN}\n{write_call(call, 'arguments')}\n{CLOSE}\n" for call in completion.calls]
        return "".join(lines)[:-1]


def _read(text: str) -> Completion:
    """Parse any text: the slow path."""
    think, position, problem = split_thought(text, OPEN, "arguments")
    calls: list[ToolCall] = []
    outside: list[tuple[int, int]] = []
    fenced = False
    at = text.find(OPEN, position)
    stray = around_tag(text, position, at, "arguments")
    if stray:
        return Completion(text, tuple(stray), think, None, problem or STRAY, misplaced=True)
    while at >= 0:
        outside.append((position, at))
        found, position, in_fence = read_block(text, at, "arguments")
        fenced |= in_fence
        calls += found
        if len(calls) > MAX_CALLS:  # one malformed call replaces the rest of the text
            calls[MAX_CALLS:], position = [too_many(calls[MAX_CALLS].start, len(text))], len(text)
        at = text.find(OPEN, position)
    outside.append((position, len(text)))
    if not calls:
        calls = stray_calls(text, position, len(text), "arguments")
        if calls:
            return Completion(text, tuple(calls), think, None, problem or STRAY, misplaced=True)
    response = "\n".join([part for begin, end in outside if (part := text[begin:end].strip())]) or None
    if problem is None and fenced:
        problem = FENCED
    if problem is None and response is not None and CLOSE in response:
        problem = f"{CLOSE} stands outside of a block"
    return Completion(text, tuple(calls), think, response, problem)
