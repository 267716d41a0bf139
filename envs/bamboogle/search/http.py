"""Asks a web service for JSON, with retries and limits (see toolgym.web). Failures become SearchErrors."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

from toolgym.secrets import url_secrets
from toolgym.web import Connections, Failure, Secrets, Tries, retry_after, shown_url, wait_for

from .backend import SearchError

LONGEST_WAIT = 30.0
"""Maximum seconds between two tries, even if the service asks for more."""
_RETRIED = {408, 425, 429}
_SHOWN = 300
_KEPT = 4000
_MOST_BYTES = 5_000_000


class Service:
    """A service that answers in JSON. May be asked from several threads.

    Args:
        url: the service's URL. ``user:password@`` is sent as basic authorization. Redirects are not followed.
        key_env: the environment variable that holds the key; None if the service needs no key. The key is read when it
            is sent. It is not stored, and error texts hide it.
        timeout: seconds for one answer, from the look-up of the name to the end of the body. An answer has at most
            5 MB.
        max_retries: tries after the first, for failures that may pass: time-outs, broken connections, 429, 5xx and
            answers that are not JSON.
        requests_per_minute: limit for all threads together, retries included; None means unlimited.
        first_wait: maximum seconds before the first retry; doubled for each further retry.
        sleep: called with the seconds to wait, in place of the service's own wait; tests do not wait.
    """

    def __init__(
        self,
        url: str,
        key_env: str | None = None,
        *,
        timeout: float = 20.0,
        max_retries: int = 3,
        requests_per_minute: float | None = None,
        first_wait: float = 1.0,
        sleep: Callable[[float], object] | None = None,
    ):
        if not url.startswith(("http://", "https://")):
            raise ValueError(f"url must start with http:// or https://, got {shown_url(url)!r}")
        if timeout <= 0 or max_retries < 0 or (requests_per_minute or 1) <= 0:
            raise ValueError("timeout and requests_per_minute must be positive, max_retries at least 0")
        self.url = shown_url(url)
        self._address = url
        self.key_env = key_env
        self.timeout = timeout
        self._tries = Tries(max_retries, requests_per_minute, first_wait, LONGEST_WAIT, sleep)
        self._connections = Connections()

    @property
    def key(self) -> str:
        """The service's key. Raises SearchError, which names the variable, if the variable is not set."""
        key = os.environ.get(self.key_env or "", "").strip()
        if not key:
            raise SearchError(f"no key for {self.url}: set the environment variable {self.key_env}")
        return key

    def ask(
        self,
        method: str,
        *,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, Any] | None = None,
        json: Any = None,
    ) -> Any:
        """The answer's JSON. ``params`` go into the query, ``json`` is the body. Raises SearchError."""
        sent = {"User-Agent": "toolgym", **(headers or {})}
        try:
            return wait_for(self._tries.run(lambda: self._once(method, sent, params, json)))
        except Failure as failure:
            secrets = Secrets([os.environ.get(self.key_env or "", "").strip(), *url_secrets(self._address)])
            raise SearchError(f"{self.url}: {failure.told(secrets, _SHOWN)}") from None
        except ModuleNotFoundError as error:
            raise SearchError("searching the web needs aiohttp: pip install 'toolgym[endpoint]'") from error

    async def _once(
        self, method: str, headers: Mapping[str, str], params: Mapping[str, Any] | None, content: Any
    ) -> Any:
        answer = await self._connections.send(
            method, self._address, self.timeout, headers=headers, params=params, json=content, most_bytes=_MOST_BYTES
        )
        if answer.status != 200:
            status, place = answer.status, answer.headers.get("location", "")
            said = f"redirects to {place}" if place else answer.text.strip()[:_KEPT] or answer.reason
            raise Failure(f"HTTP {status}: {said}", status in _RETRIED or status >= 500, retry_after(answer.headers))
        try:
            return answer.json()
        except ValueError:
            raise Failure("the answer is not JSON", True) from None
