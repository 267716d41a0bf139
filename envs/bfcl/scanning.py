"""Finding things in untrusted text in linear time, where a regular expression would go back and forth.

The official type converters search with patterns whose time grows with the square, or exponentially, with
hostile text. These functions find the same matches in one pass.
"""

from __future__ import annotations

import re
from collections.abc import Iterator


class Next:
    """First occurrence of a substring at or after a position; for positions that never go back.

    All look-ups together read the text once. ``len(text)`` where there is none.
    """

    __slots__ = ("at", "text", "what")

    def __init__(self, text: str, what: str):
        self.text, self.what, self.at = text, what, -1

    def __call__(self, position: int) -> int:
        if self.at < position:
            found = self.text.find(self.what, position)
            self.at = found if found >= 0 else len(self.text)
        return self.at


_SPACE = re.compile(r"\s*")


def after_space(text: str, position: int) -> int:
    """The first position at or after this one that is not whitespace; ``len(text)`` if none is."""
    found = _SPACE.match(text, position)
    return found.end() if found else position


def enclosed(text: str, opening: re.Pattern[str], closing: str, least: int = 0) -> Iterator[str]:
    """What stands between ``opening`` and the next ``closing``, on one line, ``least`` characters or more.

    Leftmost, shortest and without overlap, as ``findall(opening + "(.{least,}?)" + closing)`` would give.
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
        else:
            position = begin
