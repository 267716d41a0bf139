"""Python source in which the parser finds nothing to warn about, and which means the same.

``ast.parse`` warns of unknown escapes ("\\d") and of numbers glued to a word (1if). Such a warning is printed, or
raised where warnings are errors, so that the outcome would depend on the process; and silencing warnings changes
a setting that all threads share. Models write "\\d" often. Left alone are numbers inside f-strings.
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
    """``source``, rewritten, and where its characters stood before."""

    def __init__(self, source: str):
        self.source = source
        self._at: list[int] = []
        self._shift = [0]
        if _MAYBE.search(source):
            self._rewrite()

    def original(self, position: int) -> int:
        """Where a character of the new source stood in the old one."""
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
    """(start, end, replacement) of each change."""
    for token in _TOKEN.finditer(source):
        if token["word"] is not None and source[token.start() : token.end() + 1] != "0o":  # the start of 0o7
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
