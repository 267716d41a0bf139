"""Continued pre-training on plain text: documents as samples in which every token is trained.

A document is a start token, its text and an end token. It is cut into pieces of at most ``max_tokens``. A piece begins
with the last token of the piece before it, which is context there and is not trained twice:

    document             </s>  To  be  or  not  </s>
    pieces of 4 tokens   </s>  To  be  or               trained: To be or
                                       or  not  </s>    trained: not </s>

So an epoch trains each token once. It takes all pieces in an order that follows from (seed, epoch) alone.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from toolgym.runlog import RunError
from toolgym.types import Trajectory

from ..templates.text_tokens import TextTokens
from ..tokens import Sample
from .batch import Batch
from .collect import Rollout
from .forward import TrainingForward

CHUNK = 2**16
"""Characters that are encoded at once: a tokenizer's memory grows with the length of a text."""
SCORED = 16
"""Pieces that are scored at once."""


@dataclass(frozen=True)
class Documents:
    """The texts of a file."""

    path: Path
    texts: list[str]
    digest: str
    """SHA-256 of the file, to tell whether it has changed."""

    @classmethod
    def read(cls, path: str | Path) -> Documents:
        """The documents of a file with any text in them: ``.txt`` is one document; ``.jsonl`` has a document
        ``{"text": "..."}`` in each line.

        Raises RunError, which names the file and its first three bad lines.
        """
        path = Path(path)
        data = _read(path)
        return cls(path, _documents(path, data), hashlib.sha256(data).hexdigest())


class Texts:
    """The documents of a file as token ids, drawn in pieces.

    Args:
        documents: of ``Documents.read``.
        tokenizer: encodes control tokens that a text spells out as plain text. Without a beginning-of-sequence token of
            its own, a document begins with the end token, as if another one stood before it.
        max_tokens: of a piece.
        held_out: at least this many pieces are held out, but at most a tenth of all: whole documents, or, if each is
            longer than a tenth, single pieces.
        seed: of the order.

    Raises RunError if a piece should be held out and there is only one, or if the tokenizer has no end token.
    """

    def __init__(self, documents: Documents, tokenizer: Any, *, max_tokens: int, held_out: int = 0, seed: int = 0):
        self.path, self.digest, self.seed = documents.path, documents.digest, seed
        self._ids, ends = _encoded(documents.texts, tokenizer)
        # of each piece: its document, its first token in _ids, and one past its last
        pieces = [
            (document, at, min(at + max_tokens, end))
            for document, (start, end) in enumerate(pairwise(ends))
            for at in range(start, end - 1, max_tokens - 1)
        ]
        self.held_out = _held_out(pieces, held_out)
        left_out = set(self.held_out)
        self.trained = [piece for piece in pieces if piece not in left_out]
        if held_out and not (self.held_out and self.trained):
            raise RunError(
                f"{self.path} has {len(pieces)} piece of max_tokens ({max_tokens}), so none can be held out to "
                "evaluate on: give more text, a smaller max_tokens, or --eval-every 0"
            )
        self._order = lru_cache(maxsize=2)(self._shuffled)

    def of_step(self, step: int, n: int) -> list[Rollout]:
        """The step's ``n`` pieces (steps count from 0)."""
        drawn = []
        for place in range(step * n, (step + 1) * n):
            epoch, at = divmod(place, len(self.trained))
            piece = self.trained[self._order(epoch)[at]]
            about = Trajectory(self.path.name, f"document {piece[0] + 1}", ())
            drawn.append(Rollout(about, self._sample(piece)))
        return drawn

    def metrics(self, step: int, n: int) -> dict[str, float]:
        """``epoch``: how often every piece has been trained on after this step, so 0.5 for the first half."""
        return {"epoch": (step + 1) * n / len(self.trained)}

    def evaluate(self, forward: TrainingForward) -> dict[str, float]:
        """``eval/nll``, in nats per token of the held-out pieces, and ``eval/tokens``."""
        nll = tokens = 0.0
        for i in range(0, len(self.held_out), SCORED):
            batch = Batch.of([self._sample(piece) for piece in self.held_out[i : i + SCORED]])
            nll -= float(forward.score(batch, 1.0).double().sum())
            tokens += float(batch.mask.sum())
        return {"eval/nll": nll / tokens, "eval/tokens": tokens}

    def state_dict(self) -> dict[str, Any]:
        """For a checkpoint."""
        return {"text": self.digest}

    def check(self, state: dict[str, Any]) -> None:
        """Raises RunError if the checkpoint's run had another text."""
        if state.get("text") != self.digest:
            raise RunError(f"{self.path} has changed since the run began: put the file back, or begin a run elsewhere")

    def _sample(self, piece: tuple[int, int, int]) -> Sample:
        ids = self._ids[piece[1] : piece[2]].tolist()
        n = len(ids)
        return Sample(ids, [0] + [1] * (n - 1), [0.0] * n, [0.0] * n, prompt_length=1, turns=[(1, n)])

    def _shuffled(self, epoch: int) -> list[int]:
        order = list(range(len(self.trained)))
        random.Random(f"text {self.seed} {epoch}").shuffle(order)
        return order


def _held_out(pieces: Sequence[tuple[int, int, int]], wanted: int) -> list[tuple[int, int, int]]:
    """Random pieces to hold out, the same in every run: at least ``wanted``, at most a tenth."""
    stream, most = random.Random("evaluation"), max(1, len(pieces) // 10)
    wanted = min(wanted, most)
    sizes = Counter(document for document, _, _ in pieces)
    chosen: set[int] = set()
    held = 0
    for document in stream.sample(sorted(sizes), len(sizes)):
        if held < wanted and held + sizes[document] <= most:
            chosen.add(document)
            held += sizes[document]
    if chosen:
        return [piece for piece in pieces if piece[0] in chosen]
    return sorted(stream.sample(pieces, wanted))


# Reading and encoding ------------------------------------------------------------------------------------------------


def _read(path: Path) -> bytes:
    if path.suffix not in (".txt", ".jsonl"):
        raise RunError(f'text must be a .txt file, or a .jsonl file of {{"text": "..."}} lines; got {str(path)!r}')
    try:
        return path.read_bytes()
    except (OSError, ValueError) as error:  # a path with a null character is a ValueError
        raise RunError(f"cannot read {path}: {getattr(error, 'strerror', None) or error}") from None


def _documents(path: Path, data: bytes) -> list[str]:
    found: list[str] = []
    bad: list[str] = []
    lines = data.split(b"\n") if path.suffix == ".jsonl" else [data]
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            text = line.decode("utf-8-sig")
            if path.suffix == ".jsonl":
                text = _text_of(text)
        except UnicodeDecodeError as error:
            at = number + line.count(b"\n", 0, error.start)
            bad.append(f"line {at} is not UTF-8 text")
        except (ValueError, RecursionError) as error:
            bad.append(f"line {number} {error}")
        else:
            found += [text] if text.strip() else []
    if bad:
        more = f"; and {len(bad) - 3} more" if len(bad) > 3 else ""
        raise RunError(f"{path}: {'; '.join(bad[:3])}{more}")
    if not found:
        raise RunError(f"{path} holds no text")
    return found


def _text_of(line: str) -> str:
    """The text of a line of JSON. Raises ValueError, which says what the line is."""
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"is not JSON ({str(error)[:80]})") from None
    text = value.get("text") if isinstance(value, dict) else None
    if not isinstance(text, str):
        raise ValueError('has no text: expected {"text": "..."}')
    return text


def _encoded(documents: Sequence[str], tokenizer: Any) -> tuple[np.ndarray[Any, np.dtype[np.int32]], list[int]]:
    """The ids of all documents in one array, and the places between them: document i is from place i to i + 1."""
    template = tokenizer.chat_template
    tokens = TextTokens(tokenizer, template if isinstance(template, str) else "")
    end, bos = tokenizer.eos_token_id, tokenizer.bos_token_id
    if end is None:
        raise RunError("the tokenizer has no end-of-sequence token, which ends each document: set tokenizer.eos_token")
    start = bos if bos is not None and tokenizer("a").input_ids[:1] == [bos] else end
    parts, ends = [], [0]
    for document in documents:
        ids = [start]
        for chunk in _chunks(document):
            ids += tokens.encode_guarded(tokens.guard(chunk), goes_on=len(ids) > 1)
        parts.append(np.array([*ids, end], dtype=np.int32))
        ends.append(ends[-1] + len(parts[-1]))
    return np.concatenate(parts), ends


def _chunks(text: str) -> Iterator[str]:
    """The text in parts of at most ``CHUNK`` characters, cut after a line or before a word if possible."""
    start = 0
    while start < len(text):
        end = start + CHUNK
        if end < len(text):
            cut = text.rfind("\n", start, end) + 1 or text.rfind(" ", start, end)
            end = cut if cut > start else end
        yield text[start:end]
        start = end
