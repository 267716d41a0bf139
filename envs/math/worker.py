"""The worker processes that compute with sympy: started when first needed, shared by all envs of this process.

sympy can run forever on short input, and a thread cannot be stopped, so sympy runs in processes. The limit that a
policy meets is a number of steps, however fast the machine is (see serving.py). Limits of time only guard the machine:
reaching one is a failure outside the policy. A worker exits when its input closes, so it never outlives this process.
"""

from __future__ import annotations

import atexit
import json
import os
import signal
import subprocess
import sys
import threading
from collections import OrderedDict
from collections.abc import Mapping
from contextlib import suppress
from importlib.util import find_spec
from queue import Empty, SimpleQueue
from typing import Any

STEPS = 5_000_000
"""Maximum steps of all calls of one action, and of grading one answer: about five seconds. The gold calls of one action
take up to 250,000."""
CPU_SECONDS = 100.0
"""Maximum processor time of a request; the steps run out before."""
WALL_SECONDS = 600.0
"""Maximum wall-clock time of a request."""
START_SECONDS = 120.0
"""Maximum seconds to start a worker."""
MEMORY = 2 << 30
"""Maximum bytes of a request's address space."""
MOST_WORKERS = 4
"""Maximum number of workers; never more than processor cores."""
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
    """The request needs more steps than are left."""


class WorkerError(RuntimeError):
    """The worker cannot be started, or ended without a reply: a failure outside the policy."""


class Budget:
    """The steps that are left for the requests of one action."""

    def __init__(self, steps: int = STEPS):
        self.left = self.most = steps

    def spend(self, steps: int) -> None:
        """Take steps away. Raises TooLong, and leaves none, if there are not as many."""
        if steps > self.left:
            self.left = 0
            raise TooLong(
                f"this takes too long: the calls of one answer may take {self.most:,} steps of computing in all"
            )
        self.left -= steps


class Worker:
    """One worker process. It computes one request at a time; not thread-safe."""

    def __init__(self, cpu_seconds: float = CPU_SECONDS, wall_seconds: float = WALL_SECONDS):
        self.cpu_seconds = cpu_seconds
        self.wall_seconds = wall_seconds
        self._process: subprocess.Popen[str] | None = None
        self._replies: SimpleQueue[str] = SimpleQueue()

    @property
    def pid(self) -> int | None:
        """The process id; None if no process runs."""
        return None if self._process is None else self._process.pid

    def ask(self, request: str) -> dict[str, Any]:
        """The reply to a request: see serving.answer. Raises WorkerError if there is none."""
        if self._process is None or self._process.poll() is not None:
            self.close()
            self._start()
        try:
            self._write(request)
            line = self._replies.get(timeout=self.wall_seconds)
        except (Empty, OSError):
            line = ""
        if not line:
            self.close()
            raise WorkerError("the process that computes ended, or did not answer in time")
        reply: dict[str, Any] = json.loads(line)
        if "lost" in reply:
            raise WorkerError(f"the process that computes ended without a result ({reply['lost']})")
        return reply

    def close(self) -> None:
        """End the process. The next request starts a new one."""
        process, self._process = self._process, None
        if process is not None:
            if hasattr(os, "killpg"):  # the fork that computes, too
                with suppress(ProcessLookupError, PermissionError):
                    os.killpg(process.pid, signal.SIGKILL)
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    with suppress(OSError):  # closing flushes, and the reader is gone
                        pipe.close()

    def _write(self, request: str) -> None:
        pipe: Any = self._process and self._process.stdin
        pipe.write(request + "\n")
        pipe.flush()

    def _start(self) -> None:
        source = _SOURCE.format(module=f"{__package__}.serving", seconds=self.cpu_seconds, memory=MEMORY)
        try:
            process = subprocess.Popen(
                [sys.executable, "-c", source, json.dumps(sys.path)],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, encoding="utf-8",
                env={**os.environ, "PYTHONHASHSEED": "0"},  # the form of some sympy results depends on set order
                process_group=0 if os.name == "posix" else None,
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
            self.close()
            raise WorkerError("the process that computes does not start; is sympy whole? pip install 'toolgym[math]'")


class Workers:
    """Runs requests on up to ``most`` workers, and caches the replies. Thread-safe."""

    def __init__(self, most: int | None = None):
        self.most = min(MOST_WORKERS, os.cpu_count() or 1) if most is None else most
        self._inherited: list[Worker] = []
        self._reset()

    def _reset(self) -> None:
        self._free = threading.Semaphore(self.most)
        self._lock = threading.Lock()
        self._idle: list[Worker] = []  # the one used last is used next, so others start only if they are needed
        self._kept: OrderedDict[str, dict[str, Any]] = OrderedDict()

    def run(self, operation: str, arguments: Mapping[str, Any], budget: Budget | None = None) -> str:
        """The result of an operation, whose steps are taken from ``budget``; by default from a new one.

        Raises ComputeError without a result, TooLong if the steps do not suffice, WorkerError for a failure
        outside the policy.
        """
        budget = Budget() if budget is None else budget
        if budget.left <= 0:
            budget.spend(1)
        key = json.dumps({"run": operation, "with": arguments})
        with self._lock:
            reply = self._kept.get(key)
        if reply is None or budget.left > reply.get("over", budget.left):
            reply = self._ask(json.dumps({"run": operation, "with": arguments, "steps": budget.left}))
            if "over" in reply:
                reply = {"over": budget.left}
            with self._lock:
                self._kept[key] = reply
                if len(self._kept) > REMEMBERED:
                    self._kept.popitem(last=False)
        budget.spend(
            reply.get("steps", budget.left + 1)
        )  # also if the reply was cached: the same calls fail everywhere
        if "ok" in reply:
            return str(reply["ok"])
        raise ComputeError(reply["error"])

    def close(self) -> None:
        """End the processes that compute nothing. The next request starts a new one."""
        with self._lock:
            idle, self._idle = self._idle, []
        for worker in idle:
            worker.close()

    def _ask(self, request: str) -> dict[str, Any]:
        with self._free:
            with self._lock:
                worker = self._idle.pop() if self._idle else Worker()
            try:
                return worker.ask(request)
            finally:
                with self._lock:
                    self._idle.append(worker)

    def _forget(self) -> None:
        """Called in the child after a fork: the worker processes belong to the parent."""
        # Kept, so that their pipes stay open: closing them may block on a lock that a thread of the parent held
        self._inherited += self._idle
        for worker in self._idle:
            if worker._process is not None:
                worker._process.returncode = 0  # marks it as ended: a child must not wait for the parent's process
        self._reset()  # the old locks may have been held at the fork


def _listen(pipe: Any, put: Any) -> None:
    with suppress(ValueError):  # the pipe was closed meanwhile
        for line in pipe:
            put(line)
    put("")  # end of output: wakes Worker.ask


def needs_sympy() -> None:
    """Raises ImportError if sympy is missing. Only the workers import sympy, not this process."""
    if find_spec("sympy") is None:
        raise ImportError("the math suite computes with sympy: pip install 'toolgym[math]'")


workers = Workers()
"""The Workers that all envs share."""
atexit.register(workers.close)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=workers._forget)
