"""Words of requests and names, and their vectors by signed feature hashing, the same in every process.

Each word adds +1 or -1, and each of its letter trigrams +0.3 or -0.3, to an entry of the vector. A checksum chooses
entry and sign (Weinberger et al. 2009, arXiv 0902.2206). The vector is then scaled to length 1.
"""

from __future__ import annotations

import re
from functools import lru_cache
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

_STOP = (
    "a an the of for to in on at by with and or is are be it its this that these those i me my you your we our us as "
    "from do does can could would will please what which who how when if not no so there any all one two have has "
    "want like need tell let thanks thank value type string number default e g etc given use used using get"
)
STOP = frozenset(_STOP.split())
"""Words that do not help to choose a tool."""

_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_a-zA-Z]+")
_ENDINGS = ("ings", "ing", "ies", "ers", "ed", "es", "s", "er", "e", "y")
_TRIPLE = 3
_TRIPLE_WEIGHT = 0.3


def words(text: str) -> list[str]:
    """The lower-case words of a text or of a name in any style: "getFreeSlot" is get, free, slot."""
    return [part.lower() for part in _PARTS.findall(text)]


@lru_cache(maxsize=50_000)
def stem(word: str) -> str:
    """A word without its ending, if at least three letters remain."""
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)]
    return word


def content(text: str) -> list[str]:
    """The stems of the words of a text, in order, without the words in ``STOP``."""
    return [stem(word) for word in words(text) if word not in STOP]


def hashed(stems: list[str], size: int) -> NDArray[np.float32]:
    """The hashed vector of the words: (size,), each entry in [-1, 1], of length 1 (0 if there are no words)."""
    vector = np.zeros(size, np.float32)
    for each in stems:
        for place, amount in _places(each, size):
            vector[place] += amount
    length = float(np.sqrt(np.dot(vector, vector)))
    return vector / np.float32(length) if length else vector


@lru_cache(maxsize=50_000)
def _places(word: str, size: int) -> tuple[tuple[int, float], ...]:
    marked = f"<{word}>"
    grams = [marked[i : i + _TRIPLE] for i in range(len(marked) - _TRIPLE + 1)]
    return (_place(f"w {word}", size, 1.0), *[_place(f"g {gram}", size, _TRIPLE_WEIGHT) for gram in grams])


def _place(key: str, size: int, weight: float) -> tuple[int, float]:
    code = crc32(key.encode("utf-8", "surrogatepass"))
    return (code >> 1) % size, weight if code & 1 else -weight
