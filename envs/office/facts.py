"""Facts that a final answer must state, each in any of several wordings."""

from __future__ import annotations

import re
from datetime import date

from toolgym.tasks.english import MONTHS

from .slots import ordinal

Fact = tuple[str, ...]
"""The accepted wordings; the answer needs one of them."""

_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3})")
_SPACE = re.compile(r"\s+")


def clock_fact(value: str) -> Fact:
    """A time written HH:MM."""
    hour, minute = int(value[:2]), value[3:]
    twelve, half = (hour - 1) % 12 + 1, "am" if hour < 12 else "pm"
    texts = [value, f"{twelve}:{minute} {half}", f"{twelve}:{minute}{half}", f"{hour}:{minute}"]
    return tuple(texts + [f"{twelve} {half}", f"{twelve}{half}"] * (minute == "00"))


def date_fact(value: str) -> Fact:
    """A date written YYYY-MM-DD."""
    day = date.fromisoformat(value)
    month, nth = MONTHS[day.month - 1], ordinal(day.day)
    return value, f"{day.day} {month}", f"{month} {day.day}", f"{month} {nth}", f"{nth} of {month}", f"{nth} {month}"


def number_fact(value: float) -> Fact:
    """A number, with or without decimals."""
    return (
        (f"{value:g}", f"{value:.2f}", f"{value:.1f}")
        if value % 1
        else (f"{value:.0f}", f"{value:.2f}", f"{value:.1f}")
    )


def plain(text: str) -> str:
    """A text made ready for ``says``: case folded, without thousands separators, with single spaces."""
    return _SPACE.sub(" ", _THOUSANDS.sub("", text)).casefold()


def says(text: str, fact: Fact) -> bool:
    """Whether a plain text contains one of the wordings, but not as part of a longer word or number."""
    for wording in fact:
        wanted = plain(wording)
        at = text.find(wanted)
        while at >= 0:
            end = at + len(wanted)
            if not (_joins(text, at - 1, at) or _joins(text, end - 1, end)) and not _decimal(text, end):
                return True
            at = text.find(wanted, at + 1)
    return False


def _joins(text: str, left: int, right: int) -> bool:
    """Whether the characters at two neighbouring positions belong to one word."""
    return left >= 0 and right < len(text) and text[left].isalnum() and text[right].isalnum()


def _decimal(text: str, end: int) -> bool:
    """Whether a number continues after ``end``: "59.50" does not state "59"."""
    return text[end - 1].isdigit() and text[end : end + 1] in (".", ",") and text[end + 1 : end + 2].isdigit()
