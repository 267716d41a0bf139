"""Rewrites Python source so that the parser has nothing to warn about; the meaning stays the same.

``ast.parse`` warns of unknown escapes ("\\d"), which models often write, and of numbers glued to a word (1if). If
warnings are errors, such a warning is raised, so the result would depend on the process. Silencing warnings would
change a setting that all threads share. Numbers inside f-strings are not rewritten.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator

_MAYBE = re.compile(r"\\|[\d._jJ](?:and|else|for|if|in|is|not|or)|0[xX]")
_TOKEN = re.compile(
    r"""\#[^\n\r]*
    |(?P<prefix>[rRbBuUfF]{0,2})(?P<string>
        \"{3}[^"\\]*(?:(?:\\.|"(?!""))[^"\\]*)*(?:\"{3})?
        |'{3}[^'\\]*(?:(?:\\.|'(?!''))[^'\\]*)*(?:'{3})?
        |"[^"\\\n\r]*(?:\\(?:\r\n|.)[^"\\\n\r]*)*"?
        |'[^'\\\n\r]*(?:\\(?:\r\n|.)[^'\\\n\r]*)*'?)
    |[^\W\d]\w*
    |(?P<number>(?>0[xX][\da-fA-F_]+|0[oO][0-7_]+|0[bB][01_]+
        |(?:\d[\d_]*+(?:\.[\d_]*+)?|\.\d[\d_]*+)(?:[eE][+-]?\d[\d_]*+)?[jJ]?))
        (?P<word>(?=and|else|for|if|in|is|not|or))?""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(r"\\(?:([0-7]{1,3})|(.))", re.DOTALL)
_KNOWN = "\n\r\\'\"abfnrtvx"


class Warnless:
    """The rewritten ``source``, and the original position of each of its characters."""

    def __init__(self, source: str):
        self.source = source
        self._at: list[int] = []  # positions in the new source after each edit, ascending
        self._shift = [0]  # after i edits, a character has moved by _shift[i]
        if _MAYBE.search(source):
            self._rewrite()

    def original(self, position: int) -> int:
        """The position in the old source of a character of the new source."""
        return position - self._shift[bisect_right(self._at, position)]

    def _rewrite(self) -> None:
        old, pieces, done, size = self.source, [], 0, 0
        for start, end, new in _edits(old):
            pieces += [old[done:start], new]
            size += start - done + len(new)
            done = end
            self._at.append(size)
            self._shift.append(size - done)
        self.source = "".join([*pieces, old[done:]])


def _edits(source: str) -> Iterator[tuple[int, int, str]]:
    """(start, end, replacement) of each edit, in order."""
    for token in _TOKEN.finditer(source):
        if token["word"] is not None and source[token.start() : token.end() + 1] != "0o":  # "0o" starts an octal number
            yield token.end(), token.end(), " "
        elif token["string"] and "\\" in token["string"] and "r" not in token["prefix"].lower():
            is_bytes = "b" in token["prefix"].lower()
            for escape in _ESCAPE.finditer(source, *token.span("string")):
                octal, char = escape.groups()
                if octal is None and char not in _KNOWN and (is_bytes or char not in "NuU"):
                    yield escape.start(), escape.start(), "\\"
                elif octal is not None and int(octal, 8) > 255:
                    value = int(octal, 8)
                    yield escape.start(), escape.end(), f"\\x{value & 255:02x}" if is_bytes else f"\\u{value:04x}"
