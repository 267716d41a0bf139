"""The search tool, and the state of an episode: the queries so far."""

from __future__ import annotations

import re

from toolgym.tools import Tool, tool
from toolgym.types import ToolCall

from .search.backend import Backend, shown

PATIENCE = 180.0
"""Seconds until a search times out, retries included."""
_LONGEST_QUERY = 2_000
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class Searches:
    """The state of an episode.

    Attributes:
        asked: the queries so far, normalised.
        rounds: actions so far with a search that counted.
        failure: why the backend failed, or None. The policy is not to blame for it.
    """

    def __init__(self, backend: Backend):
        self.backend = backend
        self.asked: tuple[str, ...] = ()
        self.rounds = 0
        self.failure: str | None = None

    def find(self, query: str) -> str:
        """The results as text. An exception of the backend is noted in ``failure`` and propagates."""
        query = _clean(query)
        if not query:
            return "Error: the query is empty."
        try:
            return shown(self.backend(query))
        except Exception as error:
            self.failure = f"the search could not be made: {error or type(error).__name__}"
            raise

    def fresh(self, calls: tuple[ToolCall, ...]) -> tuple[ToolCall, ...]:
        """The calls whose query is neither empty nor a repetition. Their queries are added to ``asked``."""
        found = []
        for call in calls:
            query = call.arguments.get("query")
            if call.error is not None or call.name != "search" or len(call.arguments) != 1 or type(query) is not str:
                continue
            wanted = _clean(query).casefold()
            if wanted and wanted not in self.asked:
                self.asked += (wanted,)
                found.append(call)
        return tuple(found)


def _clean(query: str) -> str:
    # what a service might refuse would leave the score, though the policy wrote it
    sendable = query[:_LONGEST_QUERY].encode("utf-8", "replace").decode()
    return " ".join(_CONTROL.sub(" ", sendable).split())


def _search(self: Searches, query: str) -> str:
    """Search for a fact. Returns the best results, a title and a snippet each.

    Args:
        query: What to look for, in a few words.
    """
    return self.find(query)


INLINE: Tool = tool(name="search", timeout=None, reads=True)(_search)
"""For a backend that answers at once: runs in the caller's thread, without a time limit."""
WAITING: Tool = tool(name="search", timeout=PATIENCE, reads=True)(_search)
"""For a backend that may take long: runs in a thread, and times out."""
