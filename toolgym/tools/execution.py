"""Runs tool calls on worker threads and one event loop, so that a tool that hangs does not hang the caller.

Python cannot stop a thread. A call that exceeds its time limit is abandoned. Its worker is a daemon thread,
so neither the episode nor the exit of the interpreter waits for it.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    import asyncio

Result = TypeVar("Result")
MAX_ABANDONED = 1000
"""Abandoned calls that may still run in one process; with more, a call that needs a thread raises RuntimeError."""


class Workers:
    """A pool of threads: a thread is started when no thread is idle, and kept for later calls."""

    def __init__(self) -> None:
        self.idle: list[_Worker] = []  # append and pop are atomic
        self.abandoned = 0
        self.lock = threading.Lock()
        """Held to change ``abandoned``."""

    def submit(self, call: Callable[[], Result], done: Callable[[Result], None]) -> Callable[[], None]:
        """Run ``call`` on a thread of the pool, which hands the result to ``done``. ``call`` must not raise.

        Returns a function that abandons the call: its result is dropped.
        """
        ended = dropped = False

        def job() -> None:
            nonlocal ended
            try:
                result = call()
                if not dropped:
                    done(result)
            finally:
                with self.lock:
                    ended = True
                    self.abandoned -= dropped

        def abandon() -> None:
            nonlocal dropped
            with self.lock:
                self.abandoned += not (ended or dropped)
                dropped = True

        self._begin(job)
        return abandon

    def _begin(self, job: Callable[[], None]) -> None:
        try:
            worker = self.idle.pop()
        except IndexError:
            if self.abandoned > MAX_ABANDONED:
                raise RuntimeError(
                    f"more than {MAX_ABANDONED} tool calls hang in this process; "
                    "give the tools that block a time limit of their own"
                ) from None
            worker = _Worker(self)
            worker.start()
        worker.jobs.put(job)


class _Worker(threading.Thread):
    def __init__(self, pool: Workers) -> None:
        super().__init__(name="toolgym-tool", daemon=True)
        self.jobs: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self.pool = pool

    def run(self) -> None:
        while True:
            job = self.jobs.get()
            with suppress(BaseException):
                job()  # an abandoned call blocks here; its worker becomes idle when the call ends after all
            del job  # with the arguments and the state of the call
            self.pool.idle.append(self)


class Loop:
    """One event loop on a daemon thread for all async tools. A loop that a tool blocks is replaced."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._lock = threading.Lock()

    def get(self) -> asyncio.AbstractEventLoop:
        import asyncio  # slow to import (a sixth of toolgym's time), and most programs have no async tools

        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                threading.Thread(target=self._loop.run_forever, name="toolgym-loop", daemon=True).start()
            return self._loop

    def submit(self, coroutine: Coroutine[Any, Any, None]) -> Callable[[], None]:
        """Start ``coroutine``; returns a function that cancels it."""
        loop = self.get()
        task: asyncio.Task[None] | None = None  # a strong reference: the loop keeps only a weak one

        def begin() -> None:
            nonlocal task
            task = loop.create_task(coroutine)

        def end(alive: threading.Event) -> None:
            if task is not None:
                task.cancel()
            alive.set()

        loop.call_soon_threadsafe(begin)  # the loop runs on another thread

        def cancel() -> None:
            alive = threading.Event()
            loop.call_soon_threadsafe(end, alive)
            if not alive.wait(0.25):  # `end` did not run: a coroutine blocks the loop without awaiting
                with self._lock:
                    if self._loop is loop:
                        self._loop = None

        return cancel


workers = Workers()
loop = Loop()


def _reset() -> None:
    """Called in the child after a fork: the threads of the parent do not exist there."""
    global workers, loop
    workers, loop = Workers(), Loop()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_reset)
