"""Random numbers from (seed, split, index, lane), the same on every machine and Python version."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import TypeVar

T = TypeVar("T")

SPLITS = ("train", "val", "test", "test_unseen")
_INDEX_BITS, _LANE_BITS = 40, 8


def key_of(seed: int, split: str, index: int) -> int:
    """A unique number for each (seed, split, index); its lowest bits are left for the lane."""
    return (((seed << 2) | SPLITS.index(split)) << _INDEX_BITS | index) << _LANE_BITS


class Stream:
    """A random number generator that uses only ``Random.random``, whose sequence Python promises not to change."""

    __slots__ = ("random",)

    def __init__(self, key: int, lane: int = 0):
        self.random = Random(key | lane).random

    def below(self, n: int) -> int:
        return int(self.random() * n)

    def between(self, low: int, high: int) -> int:
        """An integer from low to high, both included."""
        return low + int(self.random() * (high - low + 1))

    def chance(self, p: float) -> bool:
        return self.random() < p

    def pick(self, items: Sequence[T]) -> T:
        return items[int(self.random() * len(items))]

    def shuffled(self, items: Sequence[T]) -> list[T]:
        out = list(items)
        for i in range(len(out) - 1, 0, -1):
            j = int(self.random() * (i + 1))
            out[i], out[j] = out[j], out[i]
        return out

    def sample(self, items: Sequence[T], n: int) -> list[T]:
        """``n`` items without repetition; all items, in random order, if there are at most ``n``."""
        size = len(items)
        if n * 3 >= size:
            return self.shuffled(items)[:n]
        taken: set[int] = set()  # n is less than a third of size: collisions are rare
        while len(taken) < n:
            taken.add(int(self.random() * size))
        return [items[i] for i in sorted(taken)]
