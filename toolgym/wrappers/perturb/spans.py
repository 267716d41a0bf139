"""The words of a request that a perturbation may change, and the words that it must leave as they are.

A word may change if it is of small letters alone, between spaces or marks of punctuation, outside of quotes, code and
tags, and does not occur in a value that the gold calls or the answer need. Numbers, names, quoted texts, addresses and
file names so stay as they are, and so do words that count, date or negate.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

_WORDS = re.compile(r"[^\W_]+")
_PLAIN = re.compile(r"(?<![^\s(])[a-z]+(?=[.,;:!?)]*(?:\s|$))")
_CLOSED = re.compile(
    r"\"[^\"\n]*\"|(?<!\w)'[^'\n]*'(?!\w)|“[^”\n]*”|‘[^’\n]*’(?!\w)|«[^»\n]*»|`[^`]*`|^.*[<>{}\[\]|\\=].*$",
    re.MULTILINE,
)
"""Quoted texts, code, and lines that look like code, JSON, tags or tables."""

_SAID = re.compile(r"(?<=<user>).*?(?=</user>)", re.DOTALL)
"""What the user said, in a message that holds a whole dialogue (ToolRL's prompts)."""

_KEPT = """
not no nor none never without except only unless neither nothing nobody cannot all both any each every zero one two
three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen
twenty thirty forty fifty sixty seventy eighty ninety hundred thousand million billion half quarter third once twice
double triple dozen first second fourth fifth sixth seventh eighth ninth tenth last next previous today tomorrow
yesterday tonight morning afternoon evening noon midnight night daily weekly monthly yearly annual hour hours minute
minutes seconds day days week weeks weekend month months year years less more least most fewer under over above below
before after between until since from than plus minus times
"""
KEPT = frozenset(_KEPT.split())
"""Words that count, date, compare or negate: a slip in one of them could change what is asked for."""


def leaves(value: Any) -> list[str]:
    """The texts and numbers in a JSON-like value, as text; of mappings the values alone."""
    found: list[str] = []
    todo = [value]
    while todo:
        each = todo.pop()
        if isinstance(each, str):
            found.append(each)
        elif isinstance(each, Mapping):
            todo.extend(each.values())
        elif isinstance(each, (list, tuple, set, frozenset)):
            todo.extend(each)
        elif each is not None and not isinstance(each, bool):
            found.append(str(each))
    return found


def words_in(values: Iterable[Any]) -> frozenset[str]:
    """The words, in small letters, of all texts in the values."""
    return frozenset(word for value in values for text in leaves(value) for word in _WORDS.findall(text.lower()))


class Request:
    """A text, and where it may change.

    Args:
        text: the text of a message.
        needed: words that must stay, in small letters (``words_in``).
    """

    def __init__(self, text: str, needed: frozenset[str]):
        self.text = text
        self._needed = needed
        said = [match.span() for match in _SAID.finditer(text)]
        self.whole = not said
        """Whether all of the text is a message of the user, and not a dialogue in one message."""
        self._closed = [
            (start + begin, start + end)
            for start, stop in said or [(0, len(text))]
            for begin, end in [match.span() for match in _CLOSED.finditer(text[start:stop])]
        ]
        if said:
            ends = [0, *[place for span in said for place in span], len(text)]
            self._closed += zip(ends[::2], ends[1::2], strict=True)

    def words(self) -> list[tuple[int, int]]:
        """The spans of all words that may change, from left to right."""
        return [match.span() for match in _PLAIN.finditer(self.text) if self.open(*match.span())]

    def open(self, start: int, end: int) -> bool:
        """Whether the text between two places may change."""
        text = self.text[start:end].lower()
        if any(word in self._needed or word in KEPT for word in _WORDS.findall(text)):
            return False
        return not any(begin < end and start < stop for begin, stop in self._closed)


_COMMON = """
the to of is are for my you please and what which how can could with it this that want need show get tell do does should
would be from have your we us given its
"""
_ENGLISH = frozenset(_COMMON.split())


def is_english(text: str, few: bool = False) -> bool:
    """Whether a text seems to be English: nearly all of its letters are ASCII, and one word in eight is a common
    English word. ``few``: a text of at most eight words needs no common word."""
    if not text.isascii():
        letters = sum(map(str.isalpha, text))
        if sum([char.isascii() and char.isalpha() for char in text]) < 0.9 * letters:
            return False
    words = _WORDS.findall(text.lower())
    common = sum(map(_ENGLISH.__contains__, words))
    return any(map(str.isalpha, words)) and (8 * common >= len(words) or (few and len(words) <= 8))
