"""A search backend is a function from a query to snippets; and the text of the snippets that a model reads."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any, Protocol, runtime_checkable

import msgspec

SHOWN = 5
"""Number of results that a model reads, as in ToolRL's loop."""
_LONGEST = 600
"""Characters of a title or a snippet that are shown."""

BACKENDS = {
    "offline": ".offline:Offline",
    "serper": ".serper:Serper",
    "searxng": ".searxng:SearXNG",
    "wikipedia": ".wikipedia:Wikipedia",
}


class SearchError(RuntimeError):
    """The search failed for a reason other than the query: no key, no network, a rate limit."""


class Snippet(msgspec.Struct, frozen=True):
    """One search result."""

    title: str
    text: str
    url: str = ""


@runtime_checkable
class Backend(Protocol):
    """The interface of a search. It may be called from several threads."""

    name: str
    """The source of the results. Recorded searches are stored under this name."""
    waits: bool
    """Whether a search may take long. Such searches run in threads."""

    def __call__(self, query: str) -> Sequence[Snippet]:
        """The results, the best one first. Raises SearchError."""


class Plain:
    """A plain function from a query to snippets, as a Backend."""

    def __init__(self, function: Callable[[str], Sequence[Snippet]]):
        self.function = function
        self.name = getattr(function, "__qualname__", type(function).__qualname__)
        self.waits = True

    def __call__(self, query: str) -> Sequence[Snippet]:
        return self.function(query)


def get_backend(
    search: str | Backend | Callable[[str], Sequence[Snippet]], options: Mapping[str, Any] | None
) -> Backend:
    """A backend. A name is looked up and called with ``options``; a Backend or a function is used as it is.

    Raises ValueError for an unknown name, and TypeError for options without a name.
    """
    if not isinstance(search, str):
        if options:
            raise TypeError("search_options are for a backend that is named; give them to your own yourself")
        if isinstance(search, Backend):
            return search
        if not callable(search):
            raise TypeError(f"search must be a name or a function of a query, got {type(search).__name__}")
        return Plain(search)
    if search not in BACKENDS:
        raise ValueError(f"no search backend {search!r}: there are {', '.join(BACKENDS)}")
    module, _, name = BACKENDS[search].partition(":")
    made: Backend = getattr(import_module(module, __package__), name)(**(options or {}))
    return made


def shown(snippets: Sequence[Snippet]) -> str:
    """The results as the model reads them: a numbered title and a snippet each."""
    if not snippets:
        return "No results."
    return "\n".join(
        [f"{i}. {_tame(each.title)}\n- Snippet: {_tame(each.text)}" for i, each in enumerate(snippets[:SHOWN], 1)]
    )


_TAG = re.compile(r"<(?=[/|!A-Za-z_])")
_BRACKET = re.compile(r"\[(?=/?[A-Z_]{2,}\])")
_INVISIBLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u200b-\u200f\u2028-\u202e\u2060-\u2064\ufeff\ud800-\udfff]")


def _tame(text: str) -> str:
    """Untrusted text on one line, without tags and control tokens of any chat format.

    A tokenizer would turn "<|im_end|>" or "[INST]" in a search result into control tokens. So "<" before a tag becomes
    "‹", and "[" before a bracketed word in capitals becomes "(".
    """
    text = _INVISIBLE.sub("", " ".join(text[: 4 * _LONGEST].split()))
    text = _BRACKET.sub("(", _TAG.sub("‹", text))
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
