"""Finds Python calls that stand beside other text: after words or in a code fence.

Read are a list of calls, ``[f(a=1), g()]``, that stands at the beginning or at the end of a line, and a call or a row
of calls, ``f(a=1), g(b=2)``, that has its lines for itself. Fences and list marks may stand around them, but no words
on both sides: a call inside a sentence is a mention. Calls with positional arguments are code, and not calls of tools;
but a list with such a call that has its lines for itself, or stands behind a colon, is read as if it stood alone.
"""

from __future__ import annotations

import re

from toolgym.dialects.json.calls import MAX_CALLS, malformed, too_many
from toolgym.dialects.python.python_source import MAX_CHARS, DecodeError, PositionalArguments, Written, locate
from toolgym.types import ToolCall

_NAME = r"[^\W\d][\w.]{0,200}"
_FREE_NAME = rf"""(?:{_NAME}|'[^'\\\n\r]{{1,200}}'|"[^"\\\n\r]{{1,200}}")"""


def _starts(name: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Patterns of the place before the first call, and of the place before a further call of a row."""
    first = rf"\[\s{{0,99}}(?={name}\()|^[ \t`~*>-]{{0,20}}(?={name}\()"
    return re.compile(first, re.MULTILINE), re.compile(rf"[ \t]*,\s{{0,99}}(?={name}\()")


_STARTS = {False: _starts(_NAME), True: _starts(_FREE_NAME)}
"""By whether names may be quoted."""
_RUN = re.compile(r"""(?:[^][(){}"'\#]++|"[^"\\\n\r]*+(?:\\.[^"\\\n\r]*+)*+"|'[^'\\\n\r]*+(?:\\.[^'\\\n\r]*+)*+')*+""")
"""The source between two brackets; strings are passed over."""
_BEFORE = re.compile(r"(?:[\s*>#|:.-]|[`~]{1,9}\w{0,20}|\d{1,3}[.)]|</?[^<>\n]{1,60}>)*+")
_AFTER = re.compile(r"(?:[\s`~*;]|</?[^<>\n]{1,60}>)*+")
_WORK = 4
"""Characters that may be looked at for each character of the text."""


def stray_calls(text: str, start: int, free_names: bool = False) -> list[ToolCall]:
    """The calls in ``text[start:]`` by the rule of this module, in order. Takes linear time; never raises.

    ``free_names``: see python_source.locate.
    At most MAX_CHARS characters of source are parsed; the rest of the text becomes one malformed call.
    """
    found: list[ToolCall] = []
    at, end, last = start, len(text), start
    work, source = _WORK * (end - start) + 10_000, MAX_CHARS
    first, further = _STARTS[free_names]
    while candidate := first.search(text, at, end):
        listed = text[candidate.start()] == "["
        at = candidate.start() if listed else candidate.end()
        stop = _extent(text, at, end, further)
        work -= _line_end(text, max(stop, at), end) - at
        source -= max(stop - at, 0)
        if work < 0 or source < 0:
            found.append(malformed(text[at:], "too much here begins like a call", at))
            break
        written = _decoded(text, at, stop, free_names) if stop > at else None
        calls, plain = written or ((), False)
        if (
            not calls
            or not (plain or listed)
            or not _alone(text, at, stop, last, start, end, both=not (listed and plain))
        ):
            at += 1
            continue
        for call in calls:
            if len(found) == MAX_CALLS:
                return [*found, too_many(call.start, end)]
            found.append(ToolCall(call.name, call.arguments, None, call.start, call.end))
        at = last = stop
    return found


def _decoded(text: str, at: int, stop: int, free_names: bool) -> tuple[list[Written], bool] | None:
    """The calls of ``text[at:stop]``, and whether all arguments have names; None if it is not made of calls."""
    plain = True
    try:
        calls = locate(text[at:stop], keywords_only=True, free_names=free_names)
    except PositionalArguments:
        plain = False
        calls = locate(text[at:stop], free_names=free_names)
    except DecodeError:
        return None
    if not calls or not all(call.name for call in calls):
        return None
    return [call._replace(start=at + max(call.start, 0), end=at + call.end) for call in calls], plain


def _alone(text: str, at: int, stop: int, last: int, start: int, end: int, *, both: bool) -> bool:
    """Whether no words stand before the calls on their first line, or behind them on their last; ``both``: and."""
    line = text.rfind("\n", last, at) + 1
    begins = bool(line) or last == start
    if begins:
        marks = _BEFORE.match(text, line or start, at)
        begins = marks is not None and marks.end() == at
    behind = _line_end(text, stop, end)
    marks = _AFTER.match(text, stop, behind)
    ends = marks is not None and marks.end() == behind
    begins = begins or (both and text[at] == "[" and text[max(start, at - 3) : at].rstrip().endswith(":"))
    return begins and ends if both else begins or ends


def _extent(text: str, at: int, end: int, further: re.Pattern[str]) -> int:
    """The end of the list or the row of calls that begins at ``at``, by brackets and strings alone; -1 if open."""
    depth = 0
    while at < end:
        found = _RUN.match(text, at, end)
        at = found.end() if found else end
        if at >= end:
            return -1
        if text[at] in "[({":
            depth += 1
        elif text[at] in "])}":
            depth -= 1
        else:
            return -1
        at += 1
        if depth <= 0:
            more = further.match(text, at, end) if text[at - 1] == ")" else None
            if more is None:
                return at if depth == 0 else -1
            at = more.end()
    return -1


def _line_end(text: str, at: int, end: int) -> int:
    found = text.find("\n", at, end)
    return end if found < 0 else found
