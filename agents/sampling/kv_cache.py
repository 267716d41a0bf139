"""KV cache: one shared prefix per prompt, plus the tokens that each conversation added; and a pool of KV caches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True, slots=True, eq=False)
class Prefix:
    """A prompt's keys and values, each (layers, kv_heads, tokens, width)."""

    keys: Tensor
    values: Tensor

    def __len__(self) -> int:
        return self.keys.shape[2]


@dataclass(frozen=True, slots=True, eq=False)
class KVCache:
    """The KV cache of one conversation: a prefix, shared by all answers to a prompt, and the tokens after the prefix.

    ``keys`` and ``values`` hold only the tokens after the prefix, each (layers, kv_heads, tokens, width).
    """

    prefix: Prefix
    keys: Tensor
    values: Tensor

    def __len__(self) -> int:
        # tokens of the whole conversation, the prefix included: also the position of the next token
        return len(self.prefix) + self.keys.shape[2]

    def cut(self, length: int) -> KVCache:
        """The first ``length`` tokens, at least the whole prefix. Nothing is copied."""
        own = length - len(self.prefix)
        return KVCache(self.prefix, self.keys[:, :, :own], self.values[:, :, :own])


class CachePool:
    """The KV caches of earlier conversations, by their token ids: a longer prompt prefills only its new tokens.

    Args:
        limit: bytes to keep; the oldest KV caches are freed first.
    """

    def __init__(self, limit: int = 2 << 30):
        self.limit = limit
        self._caches: dict[tuple[int, ...], KVCache] = {}

    def __len__(self) -> int:
        return len(self._caches)

    def add(self, tokens: Sequence[int], cache: KVCache) -> None:
        """Keep ``cache``, the KV cache of ``tokens``."""
        # a dict keeps its order of insertion, so the newest KV cache has to be inserted again, at the end
        self._caches.pop(tuple(tokens), None)
        self._caches[tuple(tokens)] = cache

    def longest_match(self, tokens: tuple[int, ...]) -> KVCache | None:
        """The longest KV cache of a prefix of ``tokens``, or None. It is shorter than ``tokens``: the model must run
        on at least the last token, to give logits."""
        # one lookup for each different length: much cheaper than comparing with the tokens of every KV cache
        for length in sorted({len(cache) for cache in self._caches.values()}, reverse=True):
            if length < len(tokens) and (cache := self._caches.get(tokens[:length])) is not None:
                return cache
        return None

    def branch(self, tokens: tuple[int, ...], length: int) -> None:
        """Keep the KV cache of the first ``length`` of these tokens for further conversations that begin with them.

        Does nothing if no KV cache of ``tokens`` reaches that far.
        """
        cache = self.longest_match(tokens)
        cached = length - 1  # the last token is prefilled again, for its logits
        # a prefix is shared, so it cannot be cut
        if cache is not None and len(cache.prefix) <= cached <= len(cache):
            self.add(tokens[:cached], cache.cut(cached))

    def drop(self, caches: Sequence[KVCache]) -> None:
        """Remove these KV caches, because longer ones replace them."""
        gone = {id(cache) for cache in caches}
        self._caches = {tokens: cache for tokens, cache in self._caches.items() if id(cache) not in gone}

    def trim(self) -> None:
        """Free the oldest KV caches until the rest fits the limit. The newest KV cache always stays."""
        used, prefixes = 0, set()
        for i, (tokens, cache) in enumerate(reversed(list(self._caches.items()))):  # newest first
            used += 2 * cache.keys.nbytes  # 2: keys and values are of one size
            if id(cache.prefix) not in prefixes:  # a shared prefix takes its memory once
                prefixes.add(id(cache.prefix))
                used += 2 * cache.prefix.keys.nbytes
            if used > self.limit and i:
                del self._caches[tokens]

    def clear(self) -> None:
        self._caches.clear()
