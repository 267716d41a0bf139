"""Stand-ins for the modules that the official memory classes import: the snapshot of a memory, and the ranking of keys.

Officially a memory is read from a snapshot file when a conversation begins, and written to a file when it ends. Here
the scenario of the class contains it: ``{"memory": the content of the file}``, or ``{}`` for an empty memory.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import log
from typing import Any


class _MemoryAPI:
    """Stands for the official base class."""

    def _prepare_snapshot(self, initial_config: dict[str, Any]) -> dict[str, Any] | None:
        return initial_config.get("memory")


class BM25Plus:
    """BM25+ with bit-exact scores of rank_bm25 0.2.2; the scores print as in the pinned numpy 1.26.

    Lv and Zhai 2011, "Lower-bounding term frequency normalization", with k1 1.5, b 0.75, delta 1. Raises
    ZeroDivisionError if there are no texts, like the original.
    """

    def __init__(self, texts: Sequence[Sequence[str]]):
        self.lengths = [len(text) for text in texts]
        self.mean = sum(self.lengths) / len(texts)
        self.counts = [Counter(text) for text in texts]
        self.found_in = Counter(word for counts in self.counts for word in counts)

    def get_scores(self, query: Sequence[str]) -> list[float]:
        """One score per text; a word that the query repeats counts repeatedly."""
        k1, b, delta = 1.5, 0.75, 1
        scores = [0.0] * len(self.counts)
        parts: dict[str, list[float]] = {}
        for word in query:
            if word not in self.found_in:
                continue
            if word not in parts:
                rarity = log((len(self.counts) + 1) / self.found_in[word])
                parts[word] = [
                    rarity * (delta + counts[word] * (k1 + 1) / (k1 * (1 - b + b * length / self.mean) + counts[word]))
                    for counts, length in zip(self.counts, self.lengths, strict=True)
                ]
            scores = [score + part for score, part in zip(scores, parts[word], strict=True)]
        return scores


BASE = {"MemoryAPI": _MemoryAPI}
RANKING = {"BM25Plus": BM25Plus}
