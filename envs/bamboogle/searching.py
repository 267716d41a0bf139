"""The search tool and what an episode remembers of its use."""

from __future__ import annotations

from toolgym.tools import Tool, tool
from toolgym.types import ToolCall

from .search.backend import Backend, shown

PATIENCE = 180.0
"""Seconds after which a search is given up, retries included."""
_LONGEST_QUERY = 2_000


class Searches:
    """The state of an episode.

    Attributes:
        asked: the queries so far, normalised.
        rounds: actions with a search that counted.
        failure: why a search could not be made, where that was no fault of the policy's.
    """

    def __init__(self, backend: Backend):
        self.backend = backend
        self.asked: tuple[str, ...] = ()
        self.rounds = 0
        self.failure: str | None = None

    def find(self, query: str) -> str:
        """The results as text. Raises whatever the backend does, and takes note of it."""
        query = _clean(query)
        if not query:
            return "Error: the query is empty."
        try:
            return shown(self.backend(query))
        except Exception as error:
            self.failure = f"the search could not be made: {error or type(error).__name__}"
            raise

    def fresh(self, calls: tuple[ToolCall, ...]) -> tuple[ToolCall, ...]:
        """Those of the calls that search for something, and for something new; they are not new any more then."""
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
    return " ".join(query[:_LONGEST_QUERY].encode("utf-8", "replace").decode().split())


def _search(self: Searches, query: str) -> str:
    """Search for a fact. Returns the best results, a title and a snippet each.

    Args:
        query: What to look for, in a few words.
    """
    return self.find(query)


INLINE: Tool = tool(name="search", timeout=None)(_search)
"""For a backend that answers at once."""
WAITING: Tool = tool(name="search", timeout=PATIENCE)(_search)
"""For one that may take long: run beside others, and given up in the end."""
