"""One event loop for all threads that ask servers: each thread waits for its own request."""

from __future__ import annotations

import asyncio
import atexit
import os
import threading
from collections.abc import Coroutine
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from typing import Any, TypeVar

from toolgym.playing import stopping
from toolgym.playing.daemon_pool import LoopThread

T = TypeVar("T")

_loop: LoopThread | None = None
_lock = threading.RLock()  # a finalizer may come here while the lock is held


def wait_for(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run ``coroutine`` on the shared event loop and wait for its result. Any thread may call this.

    Ctrl-C, and the end of the evaluation that this thread plays for, cancel the coroutine and raise KeyboardInterrupt.
    """
    try:
        stopping.check()
        future = _shared().submit(coroutine)
    except BaseException:
        coroutine.close()
        raise
    try:
        with stopping.current().calling(future.cancel):
            return future.result()
    except CancelledError:
        raise KeyboardInterrupt("the evaluation was stopped") from None
    finally:
        future.cancel()  # after an exception in this thread; a finished future stays as it is


def begin(coroutine: Coroutine[Any, Any, T]) -> Future[T]:
    """Start ``coroutine`` on the shared event loop. Cancelling the future cancels the coroutine."""
    return _shared().submit(coroutine)


def _shared() -> LoopThread:
    global _loop
    with _lock:
        if _loop is None:
            _loop = LoopThread()
        return _loop


@atexit.register
def _close() -> None:
    if _loop is not None:
        with suppress(Exception):  # closes connections, so that nothing is reported as left open
            asyncio.run_coroutine_threadsafe(_loop.loop.shutdown_asyncgens(), _loop.loop).result(1.0)


def _reset() -> None:
    """Called in the child after a fork: the threads of the parent do not exist there."""
    global _loop, _lock
    _loop, _lock = None, threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_reset)
