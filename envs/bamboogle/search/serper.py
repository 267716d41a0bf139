"""Google's results, through serper.dev: the search that ToolRL's evaluation used."""

from __future__ import annotations

from typing import Any

from .backend import SHOWN, Snippet
from .fields import rows, text
from .http import Service


class Serper:
    """Asks serper.dev, with the key in ``SERPER_API_KEY``. If Google gives an answer box, it comes first.

    Args:
        url: the URL of the service.
        key_env: the environment variable that holds the key.
        **limits: timeout, max_retries, requests_per_minute; see ``Service``.
    """

    name = "serper"
    waits = True

    def __init__(self, url: str = "https://google.serper.dev/search", key_env: str = "SERPER_API_KEY", **limits: Any):
        self.service = Service(url, key_env, **limits)

    def __call__(self, query: str) -> list[Snippet]:
        headers = {"X-API-KEY": self.service.key}
        found = self.service.ask("POST", headers=headers, json={"q": query, "num": SHOWN})
        snippets = []
        for box in rows([found.get("answerBox")] if isinstance(found, dict) else None):
            if says := text(box, "answer") or text(box, "snippet"):
                snippets.append(Snippet(text(box, "title") or "Answer", says, text(box, "link")))
        for row in rows(found, "organic"):
            snippets.append(Snippet(text(row, "title"), text(row, "snippet"), text(row, "link")))
        return snippets[:SHOWN]
