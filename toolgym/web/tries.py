"""Repeats a request that failed: back-off, a limit on requests per minute."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from threading import Lock
from typing import TypeVar

from toolgym.secrets import Secrets

T = TypeVar("T")


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

    def told(self, secrets: Secrets, shown: int) -> str:
        """The first ``shown`` characters of the reason, without the secrets, which some servers repeat."""
        reason = self.reason.encode("utf-8", "replace").decode()  # headers may hold what no file can
        reason = " ".join(secrets.masked(reason).split())  # before the cut, which could leave half of a secret
        return f"{reason[:shown]} ({self.tries} {'try' if self.tries == 1 else 'tries'})"


class Tries:
    """Repeats a request until it succeeds. Threads and event loops may share an instance.

    Args:
        max_retries: the number of tries after the first.
        requests_per_minute: the limit for all requests together, retries included; None for no limit.
        first_wait: the maximum number of seconds before the first retry; doubled for each further retry.
        longest_wait: the maximum number of seconds between two tries, whatever the server asks for.
        sleep: a function that waits a number of seconds, in place of ``asyncio.sleep``. It runs on a thread.
    """

    def __init__(
        self,
        max_retries: int,
        requests_per_minute: float | None,
        first_wait: float,
        longest_wait: float,
        sleep: Callable[[float], object] | None = None,
    ):
        self.max_retries = max_retries
        self.first_wait = first_wait
        self.longest_wait = longest_wait
        self._spacing = 60.0 / requests_per_minute if requests_per_minute else 0.0
        self._sleep = sleep
        self._random = random.Random()
        self._next = 0.0
        self._lock = Lock()

    async def run(self, ask: Callable[[], Awaitable[T]]) -> T:
        """The result of ``ask``. Raises its last Failure if no tries are left or a retry is not worthwhile."""
        tries = 0
        while True:
            await self._take_turn()
            tries += 1
            try:
                return await ask()
            except Failure as failure:
                failure.tries = tries
                if not failure.worth_retrying or tries > self.max_retries:
                    raise
                wait = failure.wait
            # full jitter: requests that failed together are not retried together
            longest = min(self.longest_wait, self.first_wait * 2 ** min(tries - 1, 60))
            await self._wait(min(wait, self.longest_wait) if wait else self._random.uniform(0, longest))

    async def _take_turn(self) -> None:
        """Wait for the turn of this request; turns are spread evenly over time."""
        if not self._spacing:
            return
        with self._lock:
            now = time.monotonic()
            slot = max(now, self._next)  # reserved under the lock; the wait itself does not hold the lock
            self._next = slot + self._spacing
        if slot > now:
            await self._wait(slot - now)

    async def _wait(self, seconds: float) -> None:
        if self._sleep is None:
            await asyncio.sleep(seconds)
        else:
            await asyncio.to_thread(self._sleep, seconds)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait, from the header ``retry-after-ms`` or ``retry-after`` (seconds or a date); None without one."""
    milliseconds = _number(headers.get("retry-after-ms", ""))
    if milliseconds is not None:
        return milliseconds / 1000
    header = headers.get("retry-after", "")
    seconds = _number(header)
    if seconds is not None:
        return seconds
    try:
        later = (parsedate_to_datetime(header) - datetime.now(UTC)).total_seconds()
    except (ValueError, TypeError, OverflowError):
        return None
    return later if later >= 0 else None


def _number(text: str) -> float | None:
    """The number in a header, if it is at least 0."""
    try:
        found = float(text)
    except ValueError:
        return None
    return found if 0 <= found < float("inf") else None
