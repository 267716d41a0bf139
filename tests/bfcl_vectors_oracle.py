"""Stand-ins for faiss and sentence_transformers, with which the official MemoryAPI_vector runs as an oracle.

The real faiss is used if it is installed. The encoder's numbers are multiples of 1/4, so that sums are exact in any
order, and many texts are equally similar.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any
from unittest import mock
from zlib import crc32

import numpy as np


class Exact:
    """An encoder of unit vectors whose products are exact: four of eight numbers are 1/2 or -1/2."""

    name = "exact"

    def encode(self, texts: list[str]) -> Any:
        rows = np.zeros((len(texts), 8), dtype=np.float32)
        for row, text in zip(rows, texts, strict=True):
            code = crc32(text.lower().encode())
            start = code % 3
            row[start : start + 4] = [0.5 if code >> i & 16 else -0.5 for i in range(4)]
        return rows


class _SentenceTransformer:
    def __init__(self, name: str, device: str):
        assert (name, device) == ("all-MiniLM-L6-v2", "cpu")

    def get_sentence_embedding_dimension(self) -> int:
        return 8

    def encode(self, texts: list[Any], normalize_embeddings: bool) -> Any:
        # as the real one: any value is written out, and the array of no texts has one dimension
        return Exact().encode([str(text).strip() for text in texts]) if texts else np.asarray([])


class _Index:
    """IndexIDMap(IndexFlatIP(..)), as faiss 1.15.1 behaves."""

    def __init__(self, inner: Any):
        self.ids: list[int] = []
        self.rows: list[Any] = []

    def add_with_ids(self, x: Any, ids: Any) -> None:
        n, _ = x.shape
        assert ids.shape == (n,), "not same nb of vectors as ids"
        self.ids += ids.tolist()
        self.rows += list(x)

    def remove_ids(self, ids: Any) -> None:
        kept = [i for i, key in enumerate(self.ids) if key not in ids]
        self.ids, self.rows = [self.ids[i] for i in kept], [self.rows[i] for i in kept]

    def reset(self) -> None:
        self.ids, self.rows = [], []

    def search(self, x: Any, k: Any) -> Any:
        n, _ = x.shape
        assert k > 0
        if isinstance(k, bool):
            raise TypeError("an integer is required")
        np.empty((n, k))
        found = [self._best(row, k) for row in x]
        return np.array([[score for score, _ in best] for best in found]), np.array(
            [[self.ids[position] for _, position in best] for best in found]
        )

    def _best(self, row: Any, k: int) -> list[tuple[float, int]]:
        best: list[tuple[float, int]] = []
        for position, other in enumerate(self.rows):
            score = float(row @ other)
            if len(best) < k:
                best.append((score, position))
            elif score > min(best)[0]:
                best[best.index(min(best))] = (score, position)
        return sorted(best, reverse=True)


def _faiss() -> ModuleType:
    try:
        import faiss
    except ImportError:
        faiss = ModuleType("faiss")
        faiss.IndexFlatIP = lambda dimensions: None
        faiss.IndexIDMap = _Index
    return faiss


def load() -> None:
    """Import the official module, so that the harness finds it. ``sys.modules`` keeps none of the stand-ins."""
    model = ModuleType("sentence_transformers")
    model.SentenceTransformer = _SentenceTransformer  # type: ignore[attr-defined]
    with mock.patch.dict(sys.modules, {"sentence_transformers": model, "faiss": _faiss()}):
        import bfcl_eval.eval_checker.multi_turn_eval.func_source_code.memory_vector as official
    sys.modules[official.__name__] = official
