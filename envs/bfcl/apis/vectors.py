"""Stand-ins for the modules that the official MemoryAPI_vector imports: numpy, faiss and sentence_transformers.

The class keeps texts in an index of vectors. Here the index keeps the texts themselves, and a text is turned into a
vector only when a search needs it. So the state of an episode is plain data, and no sentence model is loaded before
it is used. The encoder is that of the ``Embeddings`` in use (``embedding``).

A search is exact: the inner product of unit vectors, as in faiss.IndexFlatIP, whose order of equal scores is kept.
"""

from __future__ import annotations

import heapq
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from operator import index
from typing import Any, Protocol

import numpy as np

from .limits import TooMuch, check_size
from .web import Unavailable

MAX_TEXT = 100_000
"""Maximum characters of a text to be compared. A text of the memory has at most 2,000."""
_MOST_KEPT = 2_000
_LONGEST_NAME = 60


class Encoder(Protocol):
    """Turns texts into vectors."""

    name: str
    """Suffix of the category in the scores; "" for the official model."""

    def encode(self, texts: list[str]) -> Any:
        """An array of shape (texts, dimensions). The vectors need not have length 1."""


class Embeddings:
    """The vectors of an encoder, the latest of which are kept. Threads may share it."""

    def __init__(self, encoder: Encoder):
        self.encoder = encoder
        # it becomes part of a category's name and of a folder's name
        self.name = re.sub(r"[^\w-]+", "_", str(getattr(encoder, "name", type(encoder).__name__)))[:_LONGEST_NAME]
        self._kept: dict[str, np.ndarray] = {}
        self._lock = threading.Lock()

    def vector(self, text: str) -> np.ndarray:
        """The unit vector of a text, float32. Raises Unavailable if the encoder fails."""
        with self._lock:
            found = self._kept.get(text)
            if found is None:
                found = self._encoded(text)
                if len(self._kept) >= _MOST_KEPT:
                    del self._kept[next(iter(self._kept))]
                self._kept[text] = found
            return found

    def _encoded(self, text: str) -> np.ndarray:
        try:
            rows = np.asarray(self.encoder.encode([text]), dtype=np.float32)
            if rows.ndim != 2 or len(rows) != 1 or not np.isfinite(rows).all():
                raise ValueError(
                    f"it must return an array of shape (1, dimensions) of finite numbers, got {rows.shape}"
                )
        except Exception as error:
            raise Unavailable(f"the encoder {self.name or 'of the memory'} failed: {error}") from error
        length = np.linalg.norm(rows[0])
        return np.asarray(rows[0] / length if length > 0 else rows[0], dtype=np.float32)


_in_use: ContextVar[Embeddings] = ContextVar("embeddings")


@contextmanager
def embedding(embeddings: Embeddings) -> Iterator[None]:
    """Make ``embeddings`` the Embeddings in use for the simulated API, in this thread."""
    token = _in_use.set(embeddings)
    try:
        yield
    finally:
        _in_use.reset(token)


class TextIndex:
    """faiss.IndexIDMap over faiss.IndexFlatIP. What the class takes for vectors are texts here."""

    def __init__(self, inner: Any = None):
        self.ids: list[int] = []
        self.texts: list[str] = []

    def copied(self) -> TextIndex:
        """A copy that shares only immutable values."""
        other = TextIndex()
        other.ids, other.texts = list(self.ids), list(self.texts)
        return other

    def reset(self) -> None:
        self.ids, self.texts = [], []

    def add_with_ids(self, texts: Sequence[str], ids: Sequence[int]) -> None:
        _check_shape(texts)
        if len(texts) != len(ids):
            raise AssertionError("not same nb of vectors as ids")
        self.ids += ids
        self.texts += texts

    def remove_ids(self, ids: Sequence[int]) -> None:
        kept = [(key, text) for key, text in zip(self.ids, self.texts, strict=True) if key not in ids]
        self.ids, self.texts = [key for key, _ in kept], [text for _, text in kept]

    def search(self, texts: Sequence[str], k: Any) -> tuple[list[list[float]], list[list[int]]]:
        """Scores and ids of the ``k`` most similar texts, for the first of ``texts``, which is all that is read."""
        _check_shape(texts)
        if not k > 0:
            raise AssertionError
        if type(k) is bool:
            raise TypeError("an integer is required")
        most, embeddings = index(k), _in_use.get()
        query = embeddings.vector(texts[0])
        best: list[tuple[float, int]] = []
        for position, text in enumerate(self.texts):
            score = float(np.dot(embeddings.vector(text), query))
            if len(best) < most:
                heapq.heappush(best, (score, position))
            elif score > best[0][0]:  # as in faiss: of equal scores the earlier text stays, unless it is pushed out
                heapq.heapreplace(best, (score, position))
        best.sort(reverse=True)
        return [[score for score, _ in best]], [[self.ids[position] for _, position in best]]


def _check_shape(texts: Sequence[str]) -> None:
    if not texts:  # the official array of no vectors has one dimension
        raise ValueError("not enough values to unpack (expected 2, got 1)")


class _SentenceTransformer:
    """The model, as far as the class uses it: texts stay texts."""

    def __init__(self, name: str, device: str):
        self.name = name

    def get_sentence_embedding_dimension(self) -> int:
        return 384

    def encode(self, texts: list[Any], normalize_embeddings: bool) -> list[str]:
        check_size(texts)  # calls inside calls can make huge values, and str() would write them out
        found = [str(text).strip() for text in texts]
        for text in found:
            if len(text) > MAX_TEXT:
                raise TooMuch(f"a text has at most {MAX_TEXT:,} characters")
            if not text.isascii() and any("\ud800" <= char <= "\udfff" for char in text):
                raise TypeError("TextEncodeInput must be Union[TextInputSequence, Tuple[InputSequence, InputSequence]]")
        return found


MODULES: dict[str, Mapping[str, Any]] = {
    "numpy": {
        "ndarray": np.ndarray,
        "float32": np.float32,
        "int64": np.int64,
        "asarray": lambda texts, dtype: texts,
        "array": lambda ids, dtype: [int(each) for each in ids],
    },
    "faiss": {"IndexFlatIP": lambda dimensions: None, "IndexIDMap": TextIndex},
    "sentence_transformers": {"SentenceTransformer": _SentenceTransformer},
}
"""Module -> its stand-in, for the one source file that imports it."""
