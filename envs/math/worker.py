"""The worker process that computes with sympy: one for all envs, started at first use, restarted after a timeout.

sympy can run forever on short input, and a thread cannot be stopped, so sympy runs in a process. The worker exits when
its input closes, so it never outlives the parent process.
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
"""Maximum processor time of a request."""
WALL_SECONDS = 20.0
"""Maximum wall-clock time of a request: reached only if the machine is overloaded or cannot limit processor time."""
START_SECONDS = 120.0
"""Maximum seconds to start the worker."""
MEMORY = 2 << 30
"""Maximum bytes of the worker's address space."""
REMEMBERED = 5_000
"""Maximum number of cached replies."""

_SOURCE = """\
import sys, json
sys.path[:] = json.loads(sys.argv[1])
import toolgym
from {module} import serve
serve({seconds}, {memory})
"""


class ComputeError(ValueError):
    """The request has no result. The model reads the message."""


class TooLong(ComputeError):
    """The request exceeded its time limit."""


class WorkerError(RuntimeError):
    """The worker process cannot be started: a failure outside the policy."""


class Worker:
    """Runs the operations of compute.py, one at a time. Thread-safe."""

    def __init__(self, cpu_seconds: float = CPU_SECONDS, wall_seconds: float = WALL_SECONDS):
        self.cpu_seconds = cpu_seconds
        self.wall_seconds = wall_seconds
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None
        self._inherited: list[subprocess.Popen[str]] = []
        self._replies: SimpleQueue[str] = SimpleQueue()
        self._kept: OrderedDict[str, dict[str, str]] = OrderedDict()

    def run(self, operation: str, arguments: Mapping[str, Any]) -> str:
        """The result of an operation. Raises ComputeError, TooLong, or WorkerError if the worker cannot be started."""
        request = json.dumps({"run": operation, "with": arguments})
        with self._lock:  # one pipe: a reply belongs to the request before it
            reply = self._kept.get(request)
            if reply is None:
                # TooLong is raised here and not cached: a timeout can depend on the machine's load
                reply = self._ask(request)
                self._kept[request] = reply
                if len(self._kept) > REMEMBERED:
                    self._kept.popitem(last=False)
        if "ok" in reply:
            return reply["ok"]
        raise ComputeError(reply["error"])

    def close(self) -> None:
        """End the process. The next request starts a new one."""
        with self._lock:
            self._end()

    @property
    def pid(self) -> int | None:
        """The process id; None if no process runs."""
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
        if not line:  # the kernel ended it (processor time), or the wall-clock limit passed: end it here
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
                env={**os.environ, "PYTHONHASHSEED": "0"},  # the form of some sympy results depends on set order
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
                    with suppress(OSError):  # closing flushes, and the reader is gone
                        pipe.close()

    def _forget(self) -> None:
        """Called in the child after a fork: the worker process belongs to the parent."""
        self._lock = threading.Lock()  # the old lock may have been held at the fork
        if self._process is not None:
            self._process.returncode = 0  # marks it as ended: a child must not wait for the parent's process
            # kept, so that its pipes stay open: closing them may block on a lock that a thread of the parent held
            self._inherited.append(self._process)
            self._process = None


def _listen(pipe: Any, put: Any) -> None:
    with suppress(ValueError):  # the pipe was closed meanwhile
        for line in pipe:
            put(line)
    put("")  # end of output: wakes _ask


def needs_sympy() -> None:
    """Raises ImportError if sympy is missing. Only the worker imports sympy, not this process."""
    if find_spec("sympy") is None:
        raise ImportError("the math suite computes with sympy: pip install 'toolgym[math]'")


worker = Worker()
"""The Worker that all envs share."""
atexit.register(worker.close)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=worker._forget)
