"""The encoder of memory_vector: the official sentence model, a substitute of ours, or an object of your own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from zlib import crc32

import numpy as np

from toolgym.assets import fetch

from ..apis.vectors import Embeddings, Encoder
from .minilm import minilm, words

_SIZE = 512
_LETTERS = 3
_SHARE_OF_WORDS = 2.0


class Hashed:
    """Counts words and their parts, hashed into 512 numbers: finds shared words, not meanings. Needs no download."""

    name = "hashed"

    def encode(self, texts: list[str]) -> np.ndarray:
        """Vectors of shape (texts, 512), the same on every machine."""
        found = np.zeros((len(texts), _SIZE), dtype=np.float32)
        for row, text in zip(found, texts, strict=True):
            for feature, weight in _features(text):
                code = crc32(feature.encode("utf-8", "surrogatepass"))
                row[code % _SIZE] += weight if code & 0x80000000 else -weight
        return found


class _Official:
    """The official model, loaded at the first use."""

    name = ""

    def encode(self, texts: list[str]) -> np.ndarray:
        return minilm().encode(texts)


def get_encoder(encoder: Any, *, needed: bool) -> Embeddings:
    """The Embeddings of "minilm" (the official model), "hashed", or an object with ``encode`` (see Encoder).

    ``needed``: whether the model will be used; then it is downloaded now, so that a failure is seen at once. Raises
    AssetError if that fails, ValueError for another name, TypeError for another object.
    """
    if encoder == "minilm":
        if needed:
            fetch("minilm")
        return _official
    if encoder == "hashed":
        return Embeddings(Hashed())
    if isinstance(encoder, str):
        raise ValueError(f"no encoder {encoder!r}: there are minilm (the official model) and hashed, or give an object")
    if not callable(getattr(encoder, "encode", None)):
        raise TypeError(
            f'encoder must be "minilm", "hashed", or an object with encode(texts); got {type(encoder).__name__}'
        )
    found: Encoder = encoder
    return Embeddings(found)


_official = Embeddings(_Official())
"""One for all environments, so that each text is computed once per process."""


def _features(text: str) -> Iterator[tuple[str, float]]:
    for word in words(text):
        yield word, _SHARE_OF_WORDS
        padded = f" {word} "
        for start in range(len(padded) - _LETTERS + 1):
            yield padded[start : start + _LETTERS], 1.0
