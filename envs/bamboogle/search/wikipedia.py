"""Wikipedia's own search; a snippet is the introduction of an article. It needs no key."""

from __future__ import annotations

from typing import Any

from .backend import SHOWN, SearchError, Snippet
from .fields import rows, text
from .http import Service

_ASKS = {
    "action": "query",
    "format": "json",
    "formatversion": "2",
    "generator": "search",
    "gsrlimit": str(SHOWN),
    "prop": "extracts",
    "exintro": "1",
    "explaintext": "1",
    "exlimit": "max",
}
_LONGEST_QUERY = 300
"""Maximum characters of a query in Wikipedia's search."""


class Wikipedia:
    """Asks Wikipedia's API, by default at most 100 times a minute.

    Args:
        language: the language code of the Wikipedia, such as "en".
        url: the api.php of another MediaWiki.
        contact: an address for Wikimedia to write to about your requests. It is sent in the User-Agent.
        **limits: timeout, max_retries, requests_per_minute; see ``Service``.
    """

    waits = True

    def __init__(self, language: str = "en", url: str | None = None, contact: str = "", **limits: Any):
        if not language.replace("-", "").isalnum():
            raise ValueError(f"language is a code such as 'en', got {language!r}")
        self.name = f"wikipedia-{language}"
        self._agent = f"toolgym ({contact})" if contact else "toolgym"
        limits = {"requests_per_minute": 100.0, **limits}
        self.service = Service(url or f"https://{language}.wikipedia.org/w/api.php", **limits)

    def __call__(self, query: str) -> list[Snippet]:
        params = {**_ASKS, "gsrsearch": query[:_LONGEST_QUERY]}
        found = self.service.ask("GET", params=params, headers={"User-Agent": self._agent})
        if isinstance(found, dict) and "error" in found:
            raise SearchError(f"{self.service.url}: {str(found['error'])[:300]}")
        pages = rows(found.get("query"), "pages") if isinstance(found, dict) else []
        pages.sort(key=lambda page: page["index"] if isinstance(page.get("index"), int) else SHOWN)
        return [Snippet(text(page, "title"), text(page, "extract")) for page in pages[:SHOWN]]
