"""Asks a web service for JSON, with retries (see toolgym.web). Failures become SearchErrors."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from typing import Any

from toolgym.web import Connections, Failure, Tries, retry_after

from .backend import SearchError

LONGEST_WAIT = 30.0
"""Maximum seconds between two tries, even if the service asks for more."""
_RETRIED = {408, 425, 429}
_SHOWN = 300
_MOST_BYTES = 5_000_000


class Service:
    """A service that answers in JSON. May be asked from several threads.

    Args:
        url: the service's URL.
        key_env: the environment variable that holds the key; None if the service needs no key. The key is read when it
            is sent. It is not stored, and error texts hide it.
        timeout: seconds to wait for an answer.
        max_retries: tries after the first, for failures that may pass: time-outs, broken connections, 429, 5xx and
            answers that are not JSON.
        requests_per_minute: limit for all threads together, retries included; None means unlimited.
        first_wait: maximum seconds before the first retry; doubled for each further retry.
        sleep: called with the seconds to wait; tests pass a function that does not wait.
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
        sleep: Callable[[float], None] = time.sleep,
    ):
        if not url.startswith(("http://", "https://")):
            raise ValueError(f"url must start with http:// or https://, got {url!r}")
        if timeout <= 0 or max_retries < 0 or (requests_per_minute or 1) <= 0:
            raise ValueError("timeout and requests_per_minute must be positive, max_retries at least 0")
        self.url = url
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

    def ask(self, method: str, *, headers: Mapping[str, str] | None = None, **arguments: Any) -> Any:
        """The answer's JSON. ``arguments`` go to ``requests``: params, json. Raises SearchError."""
        sent = {"User-Agent": "toolgym", **(headers or {})}
        try:
            return self._tries.run(lambda: self._once(method, headers=sent, **arguments))
        except Failure as failure:
            raise SearchError(f"{self.url}: {failure.told(self.key_env, _SHOWN)}") from None
        except ModuleNotFoundError as error:
            raise SearchError("searching the web needs requests: pip install 'toolgym[endpoint]'") from error

    def _once(self, method: str, **arguments: Any) -> Any:
        answer = self._connections.send(method, self.url, self.timeout, **arguments)
        if answer.status_code != 200:
            status = answer.status_code
            reason = f"HTTP {status}: {answer.text.strip()[:_SHOWN] or answer.reason}"
            raise Failure(reason, status in _RETRIED or status >= 500, retry_after(answer))
        if len(answer.content) > _MOST_BYTES:
            raise Failure(f"an answer of {len(answer.content)} bytes", False)
        try:
            return answer.json()
        except (ValueError, RecursionError):
            raise Failure("the answer is not JSON", True) from None
