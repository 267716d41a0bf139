"""HTTP requests to a server that may be slow, busy or down: time limits, retries with back-off, a rate limit."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from threading import Lock, local
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    import requests

T = TypeVar("T")

CONNECT_TIMEOUT = 10.0


class Failure(Exception):
    """The reason why a try failed.

    ``wait``: seconds until the server wants to be asked again; None if it does not say. ``tries``: the number of
    tries so far.
    """

    def __init__(self, reason: str, worth_retrying: bool, wait: float | None = None):
        super().__init__(reason)
        self.reason = reason
        self.worth_retrying = worth_retrying
        self.wait = wait
        self.tries = 1

    def told(self, key_env: str | None, shown: int) -> str:
        """The first ``shown`` characters of the reason, without the key, which some servers repeat in their errors."""
        key = os.environ.get(key_env or "", "").strip()
        reason = self.reason.replace(key, "***") if key else self.reason
        return f"{reason[:shown]} ({self.tries} {'try' if self.tries == 1 else 'tries'})"


class Tries:
    """Repeats a request until it succeeds. Threads may share an instance.

    Args:
        max_retries: the number of tries after the first.
        requests_per_minute: the limit for all threads together, retries included; None for no limit.
        first_wait: the maximum number of seconds before the first retry; doubled for each further retry.
        longest_wait: the maximum number of seconds between two tries, whatever the server asks for.
        sleep: a function that waits a number of seconds.
    """

    def __init__(
        self,
        max_retries: int,
        requests_per_minute: float | None,
        first_wait: float,
        longest_wait: float,
        sleep: Callable[[float], None],
    ):
        self.max_retries = max_retries
        self.first_wait = first_wait
        self.longest_wait = longest_wait
        self._spacing = 60.0 / requests_per_minute if requests_per_minute else 0.0
        self._sleep = sleep
        self._random = random.Random()
        self._next = 0.0
        self._lock = Lock()

    def run(self, ask: Callable[[], T]) -> T:
        """The result of ``ask``. Raises its last Failure if no tries are left or a retry is not worthwhile."""
        tries = 0
        while True:
            self._take_turn()
            tries += 1
            try:
                return ask()
            except Failure as failure:
                failure.tries = tries
                if not failure.worth_retrying or tries > self.max_retries:
                    raise
                wait = failure.wait
            # full jitter: threads that failed together do not retry together
            longest = min(self.longest_wait, self.first_wait * 2 ** (tries - 1))
            self._sleep(min(wait, self.longest_wait) if wait else self._random.uniform(0, longest))

    def _take_turn(self) -> None:
        """Wait for the turn of this request; turns are spread evenly over time."""
        if not self._spacing:
            return
        with self._lock:
            now = time.monotonic()
            slot = max(now, self._next)  # reserved under the lock; the wait itself does not hold the lock
            self._next = slot + self._spacing
        if slot > now:
            self._sleep(slot - now)


class Connections:
    """Persistent HTTP connections, one session per thread. Needs the package requests."""

    def __init__(self) -> None:
        self._local = local()

    def send(self, method: str, url: str, timeout: float, **arguments: Any) -> requests.Response:
        """The response of the server within ``timeout`` seconds; ``arguments`` are passed to ``requests``.

        Raises Failure if no response arrives.
        """
        import requests

        if not hasattr(self._local, "session"):
            self._local.session = requests.Session()
        session: requests.Session = self._local.session
        try:
            return session.request(method, url, timeout=(min(CONNECT_TIMEOUT, timeout), timeout), **arguments)
        except requests.Timeout:
            raise Failure(f"no answer within {timeout:g} seconds", True) from None
        except (requests.ConnectionError, requests.exceptions.ChunkedEncodingError) as error:
            raise Failure(f"no connection: {error}", True) from None
        except requests.RequestException as error:
            raise Failure(f"the request cannot be sent: {error}", False) from None


def retry_after(response: requests.Response) -> float | None:
    """Seconds to wait, from the Retry-After header (seconds or a date); None if it is missing or cannot be read."""
    header = response.headers.get("Retry-After")
    if not header:
        return None
    try:
        seconds = float(header)
    except ValueError:
        try:
            seconds = (parsedate_to_datetime(header) - datetime.now(UTC)).total_seconds()
        except (ValueError, TypeError):
            return None
    return seconds if seconds >= 0 else None
