"""The process that computes: one for all envs, started when first needed, started anew when it takes too long.

sympy can take for ever on short input, and no thread can be stopped: hence a process. It ends by itself when its
input ends, so it does not outlive this one, whatever ends this one.
"""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import sys
import threading
from collections import OrderedDict
from collections.abc import Mapping
from contextlib import suppress
from importlib.util import find_spec
from queue import Empty, SimpleQueue
from typing import Any

CPU_SECONDS = 2.0
"""Processor time that a request may take."""
WALL_SECONDS = 20.0
"""Time by the clock that it may take: reached only where the machine is overloaded, or has no processor limits."""
START_SECONDS = 120.0
MEMORY = 2 << 30
REMEMBERED = 5_000
"""Results that are kept."""

_SOURCE = """\
import sys, json
sys.path[:] = json.loads(sys.argv[1])
import toolgym
from {module} import serve
serve({seconds}, {memory})
"""


class ComputeError(ValueError):
    """The request has no result; the message is for the one who asked."""


class TooLong(ComputeError):
    """It took longer than it may."""


class WorkerError(RuntimeError):
    """The process cannot be had: a failure of ours."""


class Worker:
    """Runs the operations of compute.py, one at a time. May be called from several threads."""

    def __init__(self, cpu_seconds: float = CPU_SECONDS, wall_seconds: float = WALL_SECONDS):
        self.cpu_seconds = cpu_seconds
        self.wall_seconds = wall_seconds
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None
        self._inherited: list[subprocess.Popen[str]] = []
        self._replies: SimpleQueue[str] = SimpleQueue()
        self._kept: OrderedDict[str, dict[str, str]] = OrderedDict()

    def run(self, operation: str, arguments: Mapping[str, Any]) -> str:
        """The result. Raises ComputeError, TooLong, or WorkerError where the process cannot be had."""
        request = json.dumps({"run": operation, "with": arguments})
        with self._lock:
            reply = self._kept.get(request)
            if reply is None:
                reply = self._ask(request)
                self._kept[request] = reply
                if len(self._kept) > REMEMBERED:
                    self._kept.popitem(last=False)
        if "ok" in reply:
            return reply["ok"]
        raise ComputeError(reply["error"])

    def close(self) -> None:
        """End the process; a further request starts another."""
        with self._lock:
            self._end()

    @property
    def pid(self) -> int | None:
        """Of the process, where there is one."""
        return None if self._process is None else self._process.pid

    def _ask(self, request: str) -> dict[str, str]:
        if self._process is None or self._process.poll() is not None:
            self._end()
            self._start()
        try:
            self._write(request)
            line = self._replies.get(timeout=self.wall_seconds)
        except (Empty, OSError):
            line = ""
        if not line:  # it was ended by the kernel, or has to be by us
            self._end()
            raise TooLong(f"this takes longer than {self.cpu_seconds:g} seconds")
        reply: dict[str, str] = json.loads(line)
        return reply

    def _write(self, request: str) -> None:
        pipe: Any = self._process and self._process.stdin
        pipe.write(request + "\n")
        pipe.flush()

    def _start(self) -> None:
        module = f"{__package__}.compute"
        source = _SOURCE.format(module=module, seconds=self.cpu_seconds, memory=MEMORY)
        try:
            process = subprocess.Popen(
                [sys.executable, "-c", source, json.dumps(sys.path)],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, encoding="utf-8",
                env={**os.environ, "PYTHONHASHSEED": "0"},  # the order of sets decides how sympy writes some results
            )  # fmt: skip
        except OSError as error:
            raise WorkerError(f"the process that computes cannot be started: {error}") from error
        self._process, self._replies = process, SimpleQueue()
        threading.Thread(target=_listen, args=(process.stdout, self._replies.put), daemon=True).start()
        try:
            ready = self._replies.get(timeout=START_SECONDS)
        except Empty:
            ready = ""
        if ready.strip() != "ready":
            self._end()
            raise WorkerError("the process that computes does not start; is sympy whole? pip install 'toolgym[math]'")

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    with suppress(OSError):  # what was left to write has no reader any more
                        pipe.close()

    def _forget(self) -> None:
        """After a fork: the process is the parent's."""
        self._lock = threading.Lock()
        if self._process is not None:
            self._process.returncode = 0  # so that nobody here waits for it
            self._inherited.append(self._process)  # its pipes stay open: closing them may wait for the parent's threads
            self._process = None


def _listen(pipe: Any, put: Any) -> None:
    with suppress(ValueError):  # closed meanwhile
        for line in pipe:
            put(line)
    put("")


def needs_sympy() -> None:
    """Raises ImportError where sympy is missing. Does not load it: only the worker does."""
    if find_spec("sympy") is None:
        raise ImportError("the math suite computes with sympy: pip install 'toolgym[math]'")


worker = Worker()
"""The one that all envs use."""
atexit.register(worker.close)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=worker._forget)
