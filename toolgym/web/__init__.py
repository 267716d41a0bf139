"""HTTP requests to servers that may be slow, busy, down or hostile: limits on time and size, retries, a rate limit."""

from __future__ import annotations

from toolgym.secrets import Secrets, shown_url
from toolgym.web.addresses import below, is_public
from toolgym.web.background import wait_for
from toolgym.web.connections import Connections, Response
from toolgym.web.tries import Failure, Tries, retry_after

__all__ = [
    "Connections",
    "Failure",
    "Response",
    "Secrets",
    "Tries",
    "below",
    "is_public",
    "retry_after",
    "shown_url",
    "wait_for",
]
