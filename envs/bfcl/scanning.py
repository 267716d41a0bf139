"""Searching untrusted text in linear time, without the backtracking of regular expressions.

The patterns of the official type converters take quadratic or exponential time on hostile text. These functions find
the same matches in one pass.
"""

from __future__ import annotations

import re
from collections.abc import Iterator


class Next:
    """First occurrence of a substring at or after a position; ``len(text)`` if it does not occur.

    Positions must never decrease; all look-ups together then read the text once.
    """

    __slots__ = ("at", "substring", "text")

    def __init__(self, text: str, substring: str):
        self.text, self.substring, self.at = text, substring, -1

    def __call__(self, position: int) -> int:
        if self.at < position:
            found = self.text.find(self.substring, position)
            self.at = found if found >= 0 else len(self.text)
        return self.at


_SPACE = re.compile(r"\s*")


def after_space(text: str, position: int) -> int:
    """The first position from ``position`` on that is not whitespace; ``len(text)`` if all the rest is whitespace."""
    found = _SPACE.match(text, position)
    return found.end() if found else position


def enclosed(text: str, opening: re.Pattern[str], closing: str, least: int = 0) -> Iterator[str]:
    """The texts between ``opening`` and the next ``closing``, on one line, with at least ``least`` characters.

    The same matches as ``findall(opening + "(.{least,}?)" + closing)``: leftmost, shortest, not overlapping.
    Two matches of ``opening`` must not overlap.
    """
    close, newline = Next(text, closing), Next(text, "\n")
    position = 0
    while start := opening.search(text, position):
        begin = start.end()
        end = close(begin + least)
        if end >= len(text):
            return
        if newline(begin) >= end:
            yield text[begin:end]
            position = end + len(closing)
        else:  # "." does not match a line break: try the next opening
            position = begin
