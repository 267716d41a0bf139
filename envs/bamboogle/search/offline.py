"""The default backend: BM25 over a bundled index of short facts, not the web (see ``Offline``)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

from .backend import SHOWN, Snippet
from .facts import hop_facts, other_facts

_STOP = frozenset(
    re.findall(r"\w+", "a an and are as at by for from in is it of on or that the to was were who what when")
)
_LONGEST_QUERY = 2_000


class Offline:
    """Searches a bundled index of 1,372 sentences: two for each question, and 1,122 distractors.

    The sentences were written for this suite, so a good query finds its answer. Scores show whether a model searches
    twice and reads the results; they are higher than with the web. Needs ``pip install 'toolgym[search]'``.

    Args:
        facts: sentences to search instead of the bundled ones.
    """

    name = "offline"
    waits = False

    def __init__(self, facts: Iterable[str] | None = None):
        self._index = _bundled() if facts is None else _Index(tuple(facts))

    def __call__(self, query: str) -> list[Snippet]:
        return [Snippet(f"Fact {i + 1}", self._index.facts[i]) for i in self._index.best(query)]


def words(text: str) -> list[str]:
    """The words of a text for BM25: in lower case, without accents and stop words."""
    flat = "".join([c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c)])
    return [word for word in re.findall(r"\w+", flat) if word not in _STOP]


class _Index:
    """BM25 over sentences. Ties go to the earlier sentence, so every machine gives the same order."""

    def __init__(self, facts: Sequence[str]):
        try:
            import bm25s
        except ImportError as error:
            raise ImportError("the offline search needs bm25s: pip install 'toolgym[search]'") from error
        self.facts = tuple(facts)
        self._bm25: Any = bm25s.BM25()
        self._bm25.index([words(fact) or [""] for fact in self.facts], show_progress=False)

    def best(self, query: str) -> list[int]:
        """The positions of the best sentences, at most five. Each shares a word with the query."""
        known = [word for word in words(query[:_LONGEST_QUERY]) if word in self._bm25.vocab_dict]
        if not known:
            return []
        scores = [round(float(score), 4) for score in self._bm25.get_scores(known)]
        order = sorted(range(len(scores)), key=lambda i: (-scores[i], i))[:SHOWN]
        return [i for i in order if scores[i] > 0]


@cache
def _bundled() -> _Index:
    return _Index((*hop_facts(), *other_facts()))
