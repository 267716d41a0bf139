"""Random draws from (seed, split, index), and the split of a problem."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import TypeVar

from toolgym.tasks.stream import Stream as Draws

T = TypeVar("T")

SPLITS = ("train", "val", "test")
_INDEX_BITS = 40


class Stream(Draws):
    """The random draws for one problem."""

    __slots__ = ()

    def __init__(self, seed: int, split: str, index: int):
        super().__init__((seed * len(SPLITS) + SPLITS.index(split)) << _INDEX_BITS | index)

    def nonzero(self, size: int) -> int:
        """An integer from -size to size, except 0."""
        value = self.between(1, size)
        return value if self.random() < 0.5 else -value

    def sample(self, items: Sequence[T], n: int) -> list[T]:
        """``n`` different items."""
        out = list(items)
        for i in range(min(n, len(out))):
            j = i + int(self.random() * (len(out) - i))
            out[i], out[j] = out[j], out[i]
        return out[:n]


def split_of(key: str) -> str:
    """The split of a problem, by a hash of its key (not its wording): a tenth each for val and test, the rest train."""
    bucket = blake2b(key.encode(), digest_size=2).digest()
    share = (bucket[0] << 8 | bucket[1]) % 10
    return "val" if share == 0 else "test" if share == 1 else "train"
