"""Calls in processes of their own, which a time limit ends: the kernel ends what Python's threads cannot.

A process is started anew (spawn), so that it shares no lock with the threads of this one. It is kept for later calls,
and killed when a call exceeds its limit. At most as many run as the machine has processors; further calls wait.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

START_SECONDS = 120.0
"""Seconds that a process may take to start, which includes importing the caller's main module."""
_UNGUARDED = (
    "the process of a tool does not start: it imports the main module, so the program's own lines belong under "
    '`if __name__ == "__main__":`'
)
_GRACE = 5.0
"""Seconds after its limit in which a call is ended from outside, before its process ends itself."""


class ProcessLost(Exception):
    """The process of a call ended by itself. The message says how."""

    def __init__(self, code: int | None):
        super().__init__(f"the process ended with exit code {code}")
        self.code = code


class CannotStart(Exception):
    """No process can be started. The message says why."""


class _Process:
    """A process that runs one call after the other."""

    def __init__(self) -> None:
        import multiprocessing  # slow to import, and most programs have no such tools

        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(theirs,), name="toolgym-tool", daemon=True)
        try:
            self.process.start()
        except RuntimeError:  # this is such a process, which imports the main module
            raise CannotStart(_UNGUARDED) from None
        except (AssertionError, OSError) as error:  # a daemonic process has no children
            raise CannotStart(f"a process for a tool cannot be started: {error}") from None
        finally:
            theirs.close()
        try:
            started = self.connection.poll(START_SECONDS) and self.connection.recv()
        except (EOFError, OSError):
            started = False
        if not started:
            self.kill()
            raise CannotStart(_UNGUARDED)

    def call(self, function: Callable[..., Any], arguments: tuple[Any, ...], seconds: float) -> Any:
        try:
            self.connection.send((function, arguments, seconds))
            if not self.connection.poll(seconds):
                self.process.kill()
                self.kill()
                raise TimeoutError
            return self.connection.recv()
        except (EOFError, ConnectionError):
            self.kill()
            raise ProcessLost(self.process.exitcode) from None

    def kill(self) -> None:
        self.process.join(0.1)  # leaves the exit code of a process that has ended by itself
        self.process.kill()
        self.process.join(5)
        self.connection.close()


class Processes:
    """A pool of processes: one is started when none is idle."""

    def __init__(self) -> None:
        self._idle: list[_Process] = []  # append and pop are atomic
        self._room = threading.BoundedSemaphore(max(2, os.cpu_count() or 1))

    def call(self, function: Callable[..., Any], *arguments: Any, seconds: float) -> Any:
        """The result of ``function(*arguments)`` in a process, which gets them by pickle. ``function`` must not raise.

        Raises TimeoutError after ``seconds``, without the time that a process takes to start; ProcessLost, CannotStart.
        """
        with self._room:
            try:
                process = self._idle.pop()
            except IndexError:
                process = _Process()
            if not process.process.is_alive():  # somebody else ended it
                process.kill()
                process = _Process()
            result = process.call(function, arguments, seconds)
            self._idle.append(process)
            return result


processes = Processes()


def _serve(connection: Connection) -> None:
    """What a process does: calls, until the other side is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the program, which ends its processes
    connection.send(True)
    with suppress(EOFError, OSError):
        while True:
            function, arguments, seconds = connection.recv()
            if hasattr(signal, "setitimer"):  # the kernel ends this process even if the program is gone meanwhile
                signal.setitimer(signal.ITIMER_REAL, seconds + _GRACE)
            result = function(*arguments)
            if hasattr(signal, "setitimer"):
                signal.setitimer(signal.ITIMER_REAL, 0)
            connection.send(result)


def _reset() -> None:
    """Called in the child after a fork: the processes are the parent's."""
    global processes
    processes = Processes()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_reset)
