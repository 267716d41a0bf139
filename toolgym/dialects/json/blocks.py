"""``<tool_call>`` blocks: one or several calls as JSON between tags."""

from __future__ import annotations

from toolgym.dialects.json.calls import malformed, read_calls
from toolgym.types import ToolCall

OPEN, CLOSE = "<tool_call>", "</tool_call>"


def read_block(text: str, at: int, key: str) -> tuple[list[ToolCall], int]:
    """The calls of the block whose opening tag is at ``at`` (at least one), and the end of the block.

    A block that is not closed was cut off: it becomes one malformed call.
    """
    start = at + len(OPEN)
    close = text.find(CLOSE, start)
    if close < 0:
        return [malformed(text[at:], f"the {OPEN} block is not closed", at)], len(text)
    body = text[start:close].strip()
    return read_calls(body, key, text.find(body, start)), close + len(CLOSE)
