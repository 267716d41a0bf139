"""Running a tool where it cannot hang or flood the caller: worker threads, one event loop, limits.

Python cannot stop a thread. A call that outlives its time limit is abandoned: its worker is a
daemon thread that is never used again, so neither the episode nor the interpreter's exit waits for it.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Coroutine
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import asyncio

MAX_ABANDONED = 1000
"""Hung calls tolerated in one process; past that, starting another raises RuntimeError."""


class _Worker(threading.Thread):
    def __init__(self, pool: Workers) -> None:
        super().__init__(name="toolgym-tool", daemon=True)
        self.jobs: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self.pool = pool

    def run(self) -> None:
        while True:
            self.jobs.get()()
            self.pool.idle.append(self)


class Workers:
    """Threads that are made when needed and kept for the next call."""

    def __init__(self) -> None:
        self.idle: list[_Worker] = []
        self.abandoned = 0

    def submit(self, job: Callable[[], None]) -> None:
        """Run ``job`` on some thread. ``job`` must not raise."""
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


class Loop:
    """One event loop on a daemon thread, replaced if something blocks it."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._lock = threading.Lock()

    def get(self) -> asyncio.AbstractEventLoop:
        import asyncio  # a sixth of the time to import toolgym, and most programs have no async tools

        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                threading.Thread(target=self._loop.run_forever, name="toolgym-loop", daemon=True).start()
            return self._loop

    def submit(self, coroutine: Coroutine[Any, Any, None]) -> Callable[[], None]:
        """Start ``coroutine``; returns a function that cancels it."""
        loop = self.get()
        task: asyncio.Task[None] | None = None  # also keeps it alive: a loop holds its tasks only weakly

        def begin() -> None:
            nonlocal task
            task = loop.create_task(coroutine)

        def end(alive: threading.Event) -> None:
            if task is not None:
                task.cancel()
            alive.set()

        loop.call_soon_threadsafe(begin)

        def cancel() -> None:
            alive = threading.Event()
            loop.call_soon_threadsafe(end, alive)
            if not alive.wait(0.25):  # a coroutine blocks the loop without awaiting
                with self._lock:
                    if self._loop is loop:
                        self._loop = None

        return cancel


workers = Workers()
loop = Loop()


def _reset() -> None:
    """After a fork: the parent's threads do not exist in the child."""
    global workers, loop
    workers, loop = Workers(), Loop()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_reset)
