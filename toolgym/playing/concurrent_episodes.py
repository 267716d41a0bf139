"""Plays episodes at once, on threads or as coroutines, so that Ctrl-C ends them all."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Iterator
from concurrent.futures import Future, wait
from queue import SimpleQueue
from typing import Any, Generic, TypeVar, cast

from toolgym.playing import stopping
from toolgym.playing.daemon_pool import DaemonPool, Ended, LoopThread, guarded

K = TypeVar("K")
T = TypeVar("T")

PATIENCE = 1.0
"""Seconds that the end of an evaluation waits for episodes that were given up."""


class ConcurrentEpisodes(Generic[K, T]):
    """Workers that play the episodes of ``todo``, each worker one at a time. Iterating gives each episode as it ends.

    After an exception in a worker, no episode is begun; those under way are finished, and ``failed`` is the exception.
    If the ``with`` block ends by an exception, the episodes under way are given up.

    Args:
        todo: what the workers are given, in this order.
        workers: the number of threads: for episodes, or for what coroutines do on threads.
        stop: set if episodes are given up. Then the iteration ends at once.
    """

    def __init__(self, todo: Iterable[K], workers: int, stop: stopping.Stop):
        self.failed: BaseException | None = None
        self._todo = iter(todo)
        self._workers = workers
        self._stop = stop
        self._threads: DaemonPool | None = None
        self._loop: LoopThread | None = None
        self._working: list[Future[None]] = []
        self._ended: SimpleQueue[tuple[T] | None] = SimpleQueue()  # None: a worker has ended, or all are stopped

    def on_a_thread(self, play: Callable[[K], T]) -> None:
        """Start a worker on a thread of its own."""

        def work() -> None:
            stopping.playing_for(self._stop)
            try:
                while (key := self._next()) is not None:
                    self._ended.put((play(key),))
            except BaseException as error:
                self.failed = self.failed or error

        self._threads = self._threads or DaemonPool(self._workers, "toolgym-episode")
        self._began(self._threads.submit(work))

    def on_the_loop(self, play: Callable[[K], Coroutine[Any, Any, T]]) -> None:
        """Start a worker on the event loop that all such workers share. Each episode is a task of its own."""

        async def work() -> None:
            stopping.playing_for(self._stop)
            try:
                while (key := self._next()) is not None:
                    self._ended.put((await asyncio.create_task(guarded(play(key))),))
            except BaseException as error:
                if cast("asyncio.Task[Any]", asyncio.current_task()).cancelling():  # given up
                    raise
                self.failed = self.failed or (error.error if isinstance(error, Ended) else error)

        self._loop = self._loop or LoopThread(self._workers)
        self._began(self._loop.submit(work()))

    def __iter__(self) -> Iterator[T]:
        left = len(self._working)
        while (left and not self._stop.stopped) or not self._ended.empty():
            found = self._ended.get()
            if found is None:
                left -= 1
            else:
                yield found[0]

    def __enter__(self) -> ConcurrentEpisodes[K, T]:
        self._waking = self._stop.calling(lambda: self._ended.put(None))
        self._waking.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, *exc: object) -> None:
        self._waking.__exit__(None, None, None)
        if kind is not None:
            self._stop.set()
        if self._loop is not None:
            self._loop.close(PATIENCE)
        if self._threads is not None:
            wait(self._working, timeout=PATIENCE if kind is not None else None)
            self._threads.shutdown()

    def _next(self) -> K | None:
        return None if self.failed is not None or self._stop.stopped else next(self._todo, None)

    def _began(self, worker: Future[None]) -> None:
        self._working.append(worker)
        worker.add_done_callback(lambda _: self._ended.put(None))


def on_a_loop(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine on an event loop of its own, on another thread: this thread may have one that runs."""
    loop = LoopThread()
    try:
        return loop.submit(coroutine).result()
    except Ended as ended:
        raise ended.error from None
    finally:
        loop.close(PATIENCE)
