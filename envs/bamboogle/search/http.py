"""Asking a web service for JSON: time limits, retries with back-off, a rate limit. Failures are SearchErrors."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Mapping
from threading import Lock, local
from typing import TYPE_CHECKING, Any

from .backend import SearchError

if TYPE_CHECKING:
    import requests

CONNECT_TIMEOUT = 10.0
LONGEST_WAIT = 30.0
"""Seconds between two tries at most, whatever the service asks for."""
_RETRIED = {408, 425, 429}
_SHOWN = 300
_MOST_BYTES = 5_000_000


class Service:
    """A service that answers in JSON. May be asked from several threads.

    Args:
        url: where it is.
        key_env: the environment variable that holds its key; None for one that wants none. The key is read when it
            is sent, and kept and shown nowhere.
        timeout: seconds to wait for an answer.
        max_retries: tries after the first, where that may help: time-outs, broken connections, 429, 5xx.
        requests_per_minute: of all threads together, retries included; None is no limit.
        first_wait: seconds, at most, before the first retry; doubled for each further one.
        sleep: waits that many seconds; a test may wait less.
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
        self.max_retries = max_retries
        self.first_wait = first_wait
        self._spacing = 60.0 / requests_per_minute if requests_per_minute else 0.0
        self._sleep = sleep
        self._random = random.Random()
        self._next = 0.0
        self._lock = Lock()
        self._local = local()

    @property
    def key(self) -> str:
        """The service's key. Raises SearchError, which names the variable, where it is not set."""
        key = os.environ.get(self.key_env or "", "").strip()
        if not key:
            raise SearchError(f"no key for {self.url}: set the environment variable {self.key_env}")
        return key

    def ask(self, method: str, *, headers: Mapping[str, str] | None = None, **arguments: Any) -> Any:
        """The answer's JSON. ``arguments`` are those of ``requests``: params, json. Raises SearchError."""
        tries = 0
        while True:
            self._take_turn()
            tries += 1
            try:
                return self._once(method, {"User-Agent": "toolgym", **(headers or {})}, arguments)
            except _Failure as failure:
                if not failure.worth_retrying or tries > self.max_retries:
                    why = self._redacted(failure.reason)[:_SHOWN]
                    raise SearchError(f"{self.url}: {why} ({tries} {'try' if tries == 1 else 'tries'})") from None
                # full jitter, so that threads do not come back together
                longest = min(LONGEST_WAIT, self.first_wait * 2 ** (tries - 1))
                self._sleep(self._random.uniform(0, longest) if failure.wait is None else failure.wait)

    def _once(self, method: str, headers: dict[str, str], arguments: dict[str, Any]) -> Any:
        import requests

        limits = (min(CONNECT_TIMEOUT, self.timeout), self.timeout)
        try:
            answer = self._session().request(method, self.url, headers=headers, timeout=limits, **arguments)
        except requests.Timeout:
            raise _Failure(f"no answer within {self.timeout:g} seconds", True) from None
        except (requests.ConnectionError, requests.exceptions.ChunkedEncodingError) as error:
            raise _Failure(f"no connection: {error}", True) from None
        except requests.RequestException as error:
            raise _Failure(f"the request cannot be sent: {error}", False) from None
        if answer.status_code != 200:
            status = answer.status_code
            reason = f"HTTP {status}: {answer.text.strip()[:_SHOWN] or answer.reason}"
            raise _Failure(reason, status in _RETRIED or status >= 500, _seconds(answer.headers.get("Retry-After")))
        if len(answer.content) > _MOST_BYTES:
            raise _Failure(f"an answer of {len(answer.content)} bytes", False)
        try:
            return answer.json()
        except (ValueError, RecursionError):
            raise _Failure("the answer is not JSON", True) from None

    def _session(self) -> requests.Session:
        """A connection that stays open, one per thread."""
        if not hasattr(self._local, "session"):
            try:
                import requests
            except ImportError as error:
                raise SearchError("searching the web needs requests: pip install 'toolgym[endpoint]'") from error
            self._local.session = requests.Session()
            self._local.session.trust_env = True
        found: requests.Session = self._local.session
        return found

    def _take_turn(self) -> None:
        if not self._spacing:
            return
        with self._lock:
            now = time.monotonic()
            slot = max(now, self._next)
            self._next = slot + self._spacing
        if slot > now:
            self._sleep(slot - now)

    def _redacted(self, text: str) -> str:
        """Without the key, which some services repeat in their errors."""
        key = os.environ.get(self.key_env or "", "").strip()
        return text.replace(key, "***") if key else text


class _Failure(Exception):
    """Why a try gave nothing."""

    def __init__(self, reason: str, worth_retrying: bool, wait: float | None = None):
        super().__init__(reason)
        self.reason = reason
        self.worth_retrying = worth_retrying
        self.wait = wait


def _seconds(header: str | None) -> float | None:
    """What a Retry-After header asks for, in seconds; None where it says nothing usable."""
    try:
        seconds = float(header or "")
    except ValueError:
        return None
    return min(seconds, LONGEST_WAIT) if seconds >= 0 else None
