"""``<tool_call>`` blocks: one or several calls as JSON between tags."""

from __future__ import annotations

import re

from toolgym.dialects.json.calls import malformed, read_calls
from toolgym.dialects.json.stray import extent
from toolgym.types import ToolCall

OPEN, CLOSE = "<tool_call>", "</tool_call>"
FENCED = "a code fence stands around the calls"
"""The layout problem of a block whose calls stand in a code fence."""

_GAP = re.compile(r"[\s,;]*+")
_FENCE = re.compile(r"\s*+(?:`{3,9}|~{3,9}|`)[a-z_]{0,20}+[ \t]*+\n?")


def read_block(text: str, at: int, key: str) -> tuple[list[ToolCall], int, bool]:
    """The calls of the block whose opening tag is at ``at`` (at least one), and the end of the block.

    The third value says whether a code fence stands around the calls. A tag inside a JSON string is text. A block that
    is not closed was cut off: it becomes one malformed call.
    """
    start = at + len(OPEN)
    begin, fenced = unfenced(text, start)
    position = _values_end(text, begin)
    close = text.find(CLOSE, position)
    if close < 0:
        return [malformed(text[at:], f"the {OPEN} block is not closed", at)], len(text), False
    body = text[begin:close]
    if fenced:
        body = body.rstrip().rstrip("`~")
    body = body.strip()
    return read_calls(body, key, text.find(body, begin)), close + len(CLOSE), fenced


def unfenced(text: str, start: int) -> tuple[int, bool]:
    """The position after a code fence that opens at ``start``, and whether there is one."""
    found = _FENCE.match(text, start)
    return (start, False) if found is None else (found.end(), True)


def _values_end(text: str, start: int) -> int:
    """The end of the JSON values that begin at ``start``; the position of the first that is not closed."""
    end = len(text)
    while True:
        found = _GAP.match(text, start)
        position = found.end() if found else start
        if text[position : position + 1] not in ("{", "["):
            return position
        stop, closed, _ = extent(text, position, end)
        if not closed:
            return position
        start = stop
