"""Ends the processes of servers when this program ends, also if it is killed.

A small process reads what it has to watch from a pipe. The pipe ends with this program, however that ends; then the
process groups that are left get SIGTERM and, a second later, SIGKILL.
"""

from __future__ import annotations

import atexit
import os
import subprocess
import sys
from contextlib import suppress
from threading import Lock

_WATCH = """
import os, signal, sys, time
groups = set()
for line in sys.stdin:
    (groups.add if line[0] == "+" else groups.discard)(int(line[1:]))
for number in (signal.SIGTERM, signal.SIGKILL):
    for group in groups:
        try:
            os.killpg(group, number)
        except OSError:
            pass
    if groups and number == signal.SIGTERM:
        time.sleep(1)
"""


class Guardian:
    """The process, started when the first server is."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._groups: set[int] = set()

    def watch(self) -> None:
        """Start the process if it is not there."""
        with self._lock:
            if self._process is not None and self._process.poll() is None:
                return
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", "-c", _WATCH],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
            for group in self._groups:
                self._say(f"+{group}")

    def add(self, group: int) -> None:
        """Watch a process group."""
        with self._lock:
            self._groups.add(group)
            self._say(f"+{group}")

    def remove(self, group: int) -> None:
        """Forget a process group, which has ended."""
        with self._lock:
            self._groups.discard(group)
            self._say(f"-{group}")

    def end(self) -> None:
        """End the servers that are left, and the process itself."""
        process, self._process = self._process, None
        if process is not None and process.stdin is not None:
            with suppress(OSError, subprocess.TimeoutExpired):
                process.stdin.close()
                process.wait(3)

    def _say(self, line: str) -> None:
        if self._process is not None and self._process.stdin is not None:
            with suppress(OSError):
                self._process.stdin.write(f"{line}\n".encode())
                self._process.stdin.flush()


guardian = Guardian()


@atexit.register
def _end() -> None:
    guardian.end()


def _reset() -> None:
    """Called in the child after a fork: the servers are the parent's."""
    global guardian
    guardian = Guardian()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_reset)
