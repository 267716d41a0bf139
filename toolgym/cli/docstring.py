"""Docstrings fitted to the width of a terminal: prose is wrapped again, literal blocks keep their lines."""

from __future__ import annotations

import re
from textwrap import wrap

import msgspec

_MARK = re.compile(r"(?:[-*]|\d+\.) +")
_CODE = re.compile(r"``(.+?)``")
_ENTRY = 4
"""How much further the second line of an argument's description is indented than its name."""


class _Block(msgspec.Struct):
    """Lines that are wrapped together."""

    indent: int
    hang: int
    """Indentation of all lines but the first."""
    words: list[str]
    listed: bool = False


def fitted(text: str, width: int) -> str:
    """The docstring ``text``, as ``inspect.getdoc`` gives it, in lines of ``width`` characters.

    Paragraphs, list items and arguments are wrapped, the latter two with hanging indents; double backticks are removed.
    Literal blocks, after ``::`` or an empty line, keep their lines, however long.
    """
    out: list[str] = []
    block: _Block | None = None
    literal: int | None = None  # lines that are indented further than this are literal
    section = False
    last = ""
    for line in text.splitlines():
        words = line.strip()
        indent = len(line) - len(line.lstrip())
        if literal is not None and (not words or indent > literal):
            out.append(line.rstrip())
            continue
        literal = None
        if not words:
            colons = block is not None and block.words[-1].endswith("::")
            literal = block.indent if block is not None and colons else None
            out += [*_filled(block, width), ""]
            block, last = None, ""
            continue
        if indent == 0:
            section = False
        elif last.endswith(":") and not last.startswith(" "):
            section = True
        mark = _MARK.match(words)
        if mark:
            out += _filled(block, width)
            block = _Block(indent, indent + mark.end(), [words], listed=True)
        elif block is not None and _continues(block, indent):
            block.words.append(words)
        elif block is None and indent and not section:
            literal = 0
            out.append(line.rstrip())
        else:
            out += _filled(block, width)
            block = _Block(indent, indent + _ENTRY if indent else 0, [words])
        last = line
    return "\n".join([*out, *_filled(block, width)])


def _continues(block: _Block, indent: int) -> bool:
    """Whether a line of this indent continues the block."""
    return indent > block.indent if block.listed or block.indent else indent == 0


def _filled(block: _Block | None, width: int) -> list[str]:
    if block is None:
        return []
    text = _CODE.sub(r"\1", re.sub("::$", ":", " ".join(block.words)))
    first, others = " " * block.indent, " " * block.hang
    return wrap(text, width, initial_indent=first, subsequent_indent=others, break_on_hyphens=False)
