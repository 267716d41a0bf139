"""Names in Python source: identifiers stand as they are, every other name in quotes.

A tool "get-weather" with a parameter "first name" is written ``'get-weather'(**{'first name': 'Ada'})``.
"""

from __future__ import annotations

import keyword
import unicodedata
from collections.abc import Iterable


def is_identifier(name: str) -> bool:
    """Whether a call may name a parameter so. Python reads other spellings of some letters as one: not those."""
    plain = name.isidentifier() and not keyword.iskeyword(name)
    return plain and (name.isascii() or unicodedata.normalize("NFKC", name) == name)


def callee(name: str) -> str:
    """The name of a tool in front of the brackets of a call; "math.factorial" stands as it is."""
    return name if all(map(is_identifier, name.split("."))) else repr(name)


def in_brackets(members: Iterable[tuple[str, str]], joint: str) -> str:
    """``a=1, **{'b c': 2}`` from names and the source of their values. ``joint`` stands between the two."""
    parts: list[str] = []
    quoted: list[str] = []

    def flush() -> None:
        if quoted:
            parts.append(f"**{{{', '.join(quoted)}}}")
            quoted.clear()

    for name, source in members:
        if is_identifier(name):
            flush()
            parts.append(f"{name}{joint}{source}")
        else:
            quoted.append(f"{name!r}: {source}")
    flush()
    return ", ".join(parts)
