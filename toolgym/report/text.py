"""Untrusted text made safe to show: a model's text must not control a terminal or break a page."""

from __future__ import annotations

import json
import re
from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.text import Text

# Control characters (these begin escape sequences), lone surrogates, and marks that reverse the direction of text,
# which can disguise it. Line ends and tabs are kept.
_UNSHOWABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069\ufeff]")


def printable(text: str) -> str:
    """``text`` with each unshowable character replaced by one visible character: offsets stay valid."""
    return _UNSHOWABLE.sub(_stand_in, text)


def in_html(text: str) -> str:
    """``text`` escaped for HTML, for an element or a quoted attribute."""
    return escape(printable(text))


def shorten(text: str, limit: int) -> str:
    """The first ``limit`` characters of ``text``; if it is longer, with a note of its length."""
    return text if len(text) <= limit else f"{text[:limit]}\n[... {limit:,} of {len(text):,} characters shown]"


def one_line(text: str, limit: int) -> str:
    """``text`` on one line of at most ``limit`` characters."""
    line = " ".join(printable(text[: 4 * limit]).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def as_json(value: Any) -> str:
    """A value as JSON; "(cannot be shown)" if it is nested too deeply or circular."""
    try:
        return json.dumps(value, ensure_ascii=False, default=str)
    except (RecursionError, ValueError, TypeError):
        return "(cannot be shown)"


def _stand_in(match: re.Match[str]) -> str:
    code = ord(match.group())
    return chr(0x2400 + code) if code < 0x20 else "\N{REPLACEMENT CHARACTER}"


def plain(text: str, style: str = "") -> Text:
    """Untrusted text for rich, safe to show."""
    from rich.text import Text

    return Text(printable(text), style=style)
