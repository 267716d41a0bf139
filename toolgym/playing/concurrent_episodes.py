"""Plays episodes at once, on threads or as coroutines, so that Ctrl-C ends them all."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from concurrent.futures import Future, wait
from queue import SimpleQueue
from typing import Any, TypeVar

from toolgym.playing import stopping
from toolgym.playing.daemon_pool import DaemonPool, Ended, LoopThread

T = TypeVar("T")

PATIENCE = 1.0
"""Seconds that the end of an evaluation waits for episodes that were given up."""


class ConcurrentEpisodes:
    """Episodes that are played at once. If the ``with`` block ends by an exception, those under way are given up.

    Args:
        workers: the number of threads: for episodes, or for what coroutines do on threads.
        stop: set if episodes are given up.
    """

    def __init__(self, workers: int, stop: stopping.Stop):
        self._workers = workers
        self._stop = stop
        self._threads: DaemonPool | None = None
        self._loop: LoopThread | None = None
        self._playing: set[Future[Any]] = set()
        self._finished: SimpleQueue[Future[Any] | None] = SimpleQueue()  # None: stopped

    def on_a_thread(self, play: Callable[[], T]) -> Future[T]:
        """Play an episode by a function."""

        def run() -> T:
            stopping.playing_for(self._stop)
            return play()

        self._threads = self._threads or DaemonPool(self._workers, "toolgym-episode")
        return self._began(self._threads.submit(run))

    def on_the_loop(self, play: Coroutine[Any, Any, T]) -> Future[T]:
        """Play an episode by a coroutine; all coroutines share an event loop."""

        async def run() -> T:
            stopping.playing_for(self._stop)
            return await play

        self._loop = self._loop or LoopThread(self._workers)
        return self._began(self._loop.submit(run()))

    def next_finished(self) -> Future[Any] | None:
        """Wait for an episode that has ended, each one once. None if no other is under way, or if stopped."""
        future = self._finished.get() if self._playing else None
        if future is not None:
            self._playing.discard(future)
        return future

    def rest(self) -> list[Any]:
        """The results of those that have ended well by now, after ``next_finished`` gave None."""
        found = []
        while not self._finished.empty():
            future = self._finished.get()
            if future is not None and not future.cancelled() and future.exception() is None:
                found.append(future.result())
        return found

    def __enter__(self) -> ConcurrentEpisodes:
        self._waking = self._stop.calling(lambda: self._finished.put(None))
        self._waking.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, *exc: object) -> None:
        self._waking.__exit__(None, None, None)
        if kind is not None:
            self._stop.set()
        if self._loop is not None:
            self._loop.close(PATIENCE)
        if self._threads is not None:
            wait(self._playing, timeout=PATIENCE if kind is not None else None)
            self._threads.shutdown()

    def _began(self, future: Future[T]) -> Future[T]:
        self._playing.add(future)
        future.add_done_callback(self._finished.put)
        return future


def on_a_loop(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine on an event loop of its own, on another thread: this thread may have one that runs."""
    loop = LoopThread()
    try:
        return loop.submit(coroutine).result()
    except Ended as ended:
        raise ended.error from None
    finally:
        loop.close(PATIENCE)
