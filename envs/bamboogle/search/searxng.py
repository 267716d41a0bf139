"""Search through your own SearXNG server."""

from __future__ import annotations

import os
from typing import Any

from toolgym.web import below

from .backend import SHOWN, SearchError, Snippet
from .fields import rows, text
from .http import Service

URL_ENV = "SEARXNG_URL"


class SearXNG:
    """Asks a SearXNG server. The server's settings must allow the format "json".

    Args:
        url: the server's URL. If None, it is read from the environment variable ``SEARXNG_URL`` at the first search.
        **limits: timeout, max_retries, requests_per_minute; see ``Service``.
    """

    name = "searxng"
    waits = True

    def __init__(self, url: str | None = None, **limits: Any):
        self._limits = limits
        self._service = None if url is None else self._at(url)

    def __call__(self, query: str) -> list[Snippet]:
        if self._service is None:
            url = os.environ.get(URL_ENV, "").strip()
            if not url:
                raise SearchError(f"no SearXNG server: set the environment variable {URL_ENV}, or give its url")
            self._service = self._at(url)
        found = self._service.ask("GET", params={"q": query, "format": "json"})
        results = rows(found, "results")[:SHOWN]
        return [Snippet(text(row, "title"), text(row, "content"), text(row, "url")) for row in results]

    def _at(self, url: str) -> Service:
        return Service(below(url, "/search"), **self._limits)
