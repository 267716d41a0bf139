"""Ends the waits and requests of an evaluation that is stopped by Ctrl-C or by an exception.

A thread that waits for a server cannot be interrupted from outside. So it asks its Stop: ``check`` before a request,
and ``Stop.calling`` while it waits.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any


class Stop:
    """Whether an evaluation has been stopped. Has no lock, so that a signal handler can set it."""

    def __init__(self) -> None:
        self.stopped = False
        self._waiting: set[Callable[[], object]] = set()

    def set(self) -> None:
        """Stop: call what waits. May be called several times."""
        self.stopped = True
        for wake in list(self._waiting):
            wake()

    @contextmanager
    def calling(self, wake: Callable[[], object]) -> Iterator[None]:
        """While the block runs, ``set`` calls ``wake``; at once if the evaluation is stopped already."""
        self._waiting.add(wake)
        try:
            if self.stopped:
                wake()
            yield
        finally:
            self._waiting.discard(wake)


_mine: ContextVar[Stop | None] = ContextVar("stop", default=None)
_process = Stop()
"""For threads that an agent or a tool has started itself: set by Ctrl-C until the evaluation has ended."""


def current() -> Stop:
    """The Stop of the evaluation that this thread or task plays for."""
    return _mine.get() or _process


def check() -> None:
    """Raises KeyboardInterrupt if the evaluation of this thread or task has been stopped."""
    if current().stopped:
        raise KeyboardInterrupt("the evaluation was stopped")


def playing_for(stop: Stop) -> None:
    """Say that this thread or task plays for the evaluation of ``stop``."""
    _mine.set(stop)


@contextmanager
def on_interrupt(stop: Stop, *, later: bool = False) -> Iterator[None]:
    """While the block runs in the main thread, Ctrl-C also sets ``stop`` and wakes all threads of the process.

    The handler before decides what Ctrl-C means: if it raises no exception (a trainer finishes its step), nothing is
    stopped. ``later``: the first Ctrl-C raises nothing here, because the block watches ``stop``; the second one does.
    """
    global _process
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield
        return

    def interrupted(number: int, frame: Any) -> None:
        try:
            before(number, frame)
        except BaseException as error:
            first = not stop.stopped
            stop.set()
            _process.set()
            if not (later and first and isinstance(error, KeyboardInterrupt)):
                raise

    signal.signal(signal.SIGINT, interrupted)
    try:
        yield
    finally:
        if signal.getsignal(signal.SIGINT) is interrupted:
            with suppress(ValueError):  # a generator that was left open, ended by another thread
                signal.signal(signal.SIGINT, before)
        if _process.stopped:
            _process = Stop()
