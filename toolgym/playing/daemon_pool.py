"""Threads that nobody waits for: neither Ctrl-C nor the exit of the interpreter waits for a job that hangs."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from queue import SimpleQueue
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class DaemonPool(ThreadPoolExecutor):
    """``ThreadPoolExecutor`` with daemon threads; an event loop accepts it as its default executor.

    Args:
        size: the number of threads; each is started when a job finds no idle thread.
        name: the name of the threads.
    """

    def __init__(self, size: int, name: str):
        super().__init__(size)
        self._size, self._name = size, name
        self._jobs: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._started = self._busy = 0

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Run ``fn`` on a thread of the pool."""
        future: Future[T] = Future()

        def job() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                result = fn(*args, **kwargs)
            except BaseException as error:
                future.set_exception(error)
            else:
                future.set_result(result)

        with self._lock:
            self._busy += 1
            if self._started < min(self._busy, self._size):
                self._started += 1
                threading.Thread(target=self._work, name=self._name, daemon=True).start()
        self._jobs.put(job)
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the idle threads. Never waits: a job that hangs is left alone."""
        with self._lock:
            for _ in range(self._started):
                self._jobs.put(None)
            self._started = 0

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()
            del job  # it holds the arguments
            with self._lock:
                self._busy -= 1


def in_a_daemon(function: Callable[[], T], name: str) -> Future[T]:
    """Run ``function`` on a daemon thread of its own."""
    pool = DaemonPool(1, name)
    future = pool.submit(function)
    pool.shutdown()
    return future


class Ended(RuntimeError):
    """Stands for an exception that ends an event loop; ``error`` is to be raised in its place."""

    def __init__(self, error: BaseException):
        super().__init__(f"{type(error).__name__} in a coroutine: {error}")
        self.error = error


class LoopThread:
    """An event loop on a daemon thread of its own.

    Args:
        threads: how many blocking calls (``asyncio.to_thread``, look-ups of names) may run at once.
    """

    def __init__(self, threads: int = 32):
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve(threads)), daemon=True)
        self._thread.name = "toolgym-loop"
        self._thread.start()
        self._ready.wait()

    async def _serve(self, threads: int) -> None:
        self.loop = asyncio.get_running_loop()
        self.loop.set_default_executor(DaemonPool(threads, "toolgym-blocking"))
        self._over = asyncio.Event()
        self._ready.set()
        await self._over.wait()  # then asyncio.run cancels what is left, and closes the loop's generators

    def submit(self, coroutine: Coroutine[Any, Any, T]) -> Future[T]:
        """Run ``coroutine`` on the loop. Cancelling the future cancels the coroutine."""
        return asyncio.run_coroutine_threadsafe(guarded(coroutine), self.loop)

    def close(self, patience: float) -> None:
        """Cancel all coroutines and end the loop. Waits ``patience`` seconds at most for coroutines that go on."""
        self.loop.call_soon_threadsafe(self._over.set)
        self._thread.join(patience)


async def guarded(coroutine: Coroutine[Any, Any, T]) -> T:
    try:
        return await coroutine
    except (KeyboardInterrupt, SystemExit, GeneratorExit) as error:  # these would end the event loop
        raise Ended(error) from error
