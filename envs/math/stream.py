"""Randomness from (seed, split, index): the same numbers on every machine and Python version."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from random import Random
from typing import TypeVar

T = TypeVar("T")

SPLITS = ("train", "val", "test")
_INDEX_BITS = 40


class Stream:
    """Draws that rest on ``Random.random`` alone, which Python promises never to change."""

    __slots__ = ("random",)

    def __init__(self, seed: int, split: str, index: int):
        self.random = Random((seed * len(SPLITS) + SPLITS.index(split)) << _INDEX_BITS | index).random

    def between(self, low: int, high: int) -> int:
        """An integer from low to high, both included."""
        return low + int(self.random() * (high - low + 1))

    def nonzero(self, size: int) -> int:
        """An integer from -size to size, but not 0."""
        value = self.between(1, size)
        return value if self.random() < 0.5 else -value

    def chance(self, p: float) -> bool:
        return self.random() < p

    def pick(self, items: Sequence[T]) -> T:
        return items[int(self.random() * len(items))]

    def sample(self, items: Sequence[T], n: int) -> list[T]:
        """``n`` different items."""
        out = list(items)
        for i in range(min(n, len(out))):
            j = i + int(self.random() * (len(out) - i))
            out[i], out[j] = out[j], out[i]
        return out[:n]


def split_of(key: str) -> str:
    """The one split that a problem belongs to, by what it asks and not by how: a tenth each to val and test."""
    bucket = blake2b(key.encode(), digest_size=2).digest()
    share = (bucket[0] << 8 | bucket[1]) % 10
    return "val" if share == 0 else "test" if share == 1 else "train"
