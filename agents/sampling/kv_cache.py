"""What a model has read: keys and values of a prompt that many answers share, and of what came after it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True, slots=True, eq=False)
class Prefix:
    """A prompt's keys and values, each (layers, heads, tokens, width)."""

    keys: Tensor
    values: Tensor

    def __len__(self) -> int:
        return self.keys.shape[2]


@dataclass(frozen=True, slots=True, eq=False)
class Past:
    """What was read of one conversation: a prefix that others may share, and tokens of its own in the same form."""

    prefix: Prefix
    keys: Tensor
    values: Tensor

    def __len__(self) -> int:
        return len(self.prefix) + self.keys.shape[2]

    def cut(self, length: int) -> Past:
        """The first ``length`` tokens of it, all of the prefix among them. Nothing is copied."""
        own = length - len(self.prefix)
        return Past(self.prefix, self.keys[:, :, :own], self.values[:, :, :own])


class Pasts:
    """Conversations that were read, by their tokens, so that what continues them need not be read from the start.

    Args:
        limit: bytes to keep; the longest unused go first.
    """

    def __init__(self, limit: int = 2 << 30):
        self.limit = limit
        self._kept: dict[tuple[int, ...], Past] = {}

    def __len__(self) -> int:
        return len(self._kept)

    def add(self, tokens: Sequence[int], past: Past) -> None:
        """Keep ``past``, in which ``tokens`` were read."""
        self._kept.pop(tuple(tokens), None)
        self._kept[tuple(tokens)] = past

    def longest(self, tokens: tuple[int, ...]) -> Past | None:
        """The past with the most of these tokens, but not all: the last has to be read for its logits."""
        for length in sorted({len(past) for past in self._kept.values()}, reverse=True):
            if length < len(tokens) and (past := self._kept.get(tokens[:length])) is not None:
                return past
        return None

    def branch(self, tokens: tuple[int, ...], length: int) -> None:
        """Keep what was read of the first ``length`` of these tokens, if it was, for others that begin with them."""
        past = self.longest(tokens)
        known = length - 1  # the last is read again, for its logits
        if past is not None and len(past.prefix) <= known <= len(past):
            self.add(tokens[:known], past.cut(known))

    def drop(self, pasts: Sequence[Past]) -> None:
        """Forget these: something longer was kept in their place."""
        gone = {id(past) for past in pasts}
        self._kept = {tokens: past for tokens, past in self._kept.items() if id(past) not in gone}

    def trim(self) -> None:
        """Keep within the limit."""
        used, prefixes = 0, set()
        for i, (tokens, past) in enumerate(reversed(list(self._kept.items()))):
            used += 2 * past.keys.nbytes
            if id(past.prefix) not in prefixes:
                prefixes.add(id(past.prefix))
                used += 2 * past.prefix.keys.nbytes
            if used > self.limit and i:
                del self._kept[tokens]

    def clear(self) -> None:
        self._kept.clear()
