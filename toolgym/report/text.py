"""Untrusted text made safe to show: a model's words must not steer a terminal or break a page."""

from __future__ import annotations

import json
import re
from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.text import Text

# Control characters (escape sequences among them), lone surrogates, and the marks that reverse the
# direction of text and so can make it read as something else. Line ends and tabs stay.
_UNSHOWABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069\ufeff]")


def printable(text: str) -> str:
    """``text`` with every unshowable character replaced by one visible character, so that offsets stay valid."""
    return _UNSHOWABLE.sub(_stand_in, text)


def in_html(text: str) -> str:
    """``text`` as it can stand in HTML, within an element or a quoted attribute."""
    return escape(printable(text))


def shorten(text: str, limit: int) -> str:
    """At most ``limit`` characters of ``text``, and a note of how many there were."""
    return text if len(text) <= limit else f"{text[:limit]}\n[... {limit:,} of {len(text):,} characters shown]"


def one_line(text: str, limit: int) -> str:
    """``text`` on one line of at most ``limit`` characters."""
    line = " ".join(printable(text[: 4 * limit]).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def as_json(value: Any) -> str:
    """A value as JSON; a word in its place where it is nested too deep for that."""
    try:
        return json.dumps(value, ensure_ascii=False, default=str)
    except (RecursionError, ValueError, TypeError):
        return "(cannot be shown)"


def _stand_in(match: re.Match[str]) -> str:
    code = ord(match.group())
    return chr(0x2400 + code) if code < 0x20 else "\N{REPLACEMENT CHARACTER}"


def plain(text: str, style: str = "") -> Text:
    """Untrusted text, safe to show."""
    from rich.text import Text

    return Text(printable(text), style=style)
