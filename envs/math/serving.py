"""Code of the worker process: answers requests, each in a fork of its own, and counts the steps that a request takes.

A step is a call of a function, or a return from one, as ``sys.setprofile`` reports it. The number does not depend on
the machine or its load. Each request starts from the same state, because the fork that computes it ends with it. So the
limit does not depend on the speed of the machine. For the same versions of sympy and Python, only the addresses of
objects, which decide the order of some sets, move the number, by about 1 %: a call that comes this close to the limit
may be answered in one process and refused in another.
"""

from __future__ import annotations

import gc
import json
import os
import sys
from collections.abc import Callable
from math import comb
from typing import Any

import sympy.core.random
from sympy.core.cache import clear_cache
from sympy.ntheory import multinomial

from .compute import OPERATIONS
from .expression import ExpressionError

_WARM = (
    ("calculate", {"expression": "sqrt(8)/3 + 0.5*sin(1) + 5!/7"}),
    ("simplify", {"expression": "(x^2 - 1)/(x - 1) + x*y"}),
    ("factor", {"expression": "6*x^3 - 5*x^2 - 2*x + 1"}),
    ("expand", {"expression": "(x + 2*y)^3*(x - 1)"}),
    ("solve", {"equations": ["2*x^2 + 3*x = 5"], "unknowns": ["x"]}),
    ("solve", {"equations": ["x + y = 3", "x - 2*y = 1"], "unknowns": ["x", "y"]}),
    ("integrate", {"expression": "x^2*sin(x) + 1/x", "variable": "x"}),
    ("integrate", {"expression": "x^2 + 1", "variable": "x", "lower": "0", "upper": "2"}),
    ("differentiate", {"expression": "x^2*cos(3*x)*exp(x)", "variable": "x"}),
    ("limit", {"expression": "sin(3*x)/x", "variable": "x", "point": "0"}),
    ("substitute", {"expression": "x^2 + y", "variable": "x", "value": "3/2"}),
    ("inverse", {"matrix": [[1, 2], [3, 5]]}),
    ("determinant", {"matrix": [[1, 2, 3], [0, "x", 5], [7, 8, 9]]}),
    ("factor_integer", {"n": 123456789012}),
    ("equivalent", {"first": "2*sin(x)*cos(x)", "second": "sin(2*x)"}),
    ("antiderivative", {"first": "x^3/3", "expression": "x^2", "variable": "x"}),
)
"""Computed once at the start, so that sympy's tables are made before the forks and not in each of them."""


def _spend(steps: int) -> None:
    """Take steps from the request's limit; ``answer`` puts its own function here."""


def _counted_powers() -> None:
    """Count the terms of a power of a sum: sympy makes them in a loop without calls, which could run for hours."""
    made = multinomial.multinomial_coefficients

    def counted(m: int, n: int) -> Any:
        _spend(comb(m + n - 1, n))
        return made(m, n)

    multinomial.multinomial_coefficients = counted


class _TooManySteps(BaseException):
    """The request is to take no further step. Not an Exception: sympy handles many of them."""


def answer(line: str) -> dict[str, Any]:
    """The reply to a request ``{"run": name, "with": arguments, "steps": limit}``.

    ``{"ok": text}`` or ``{"error": text}``, with the "steps" taken; or ``{"over": True}`` if they exceed the limit.
    """
    global _spend
    request = json.loads(line)
    left = limit = request["steps"]

    def step(frame: Any, event: str, argument: Any) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise _TooManySteps

    def spend(steps: int) -> None:
        nonlocal left
        left -= steps
        if left < 0:
            raise _TooManySteps

    _spend = spend
    sys.setprofile(step)
    try:
        reply = _computed(request["run"], request["with"])
    except _TooManySteps:
        reply = {}
    finally:
        sys.setprofile(None)
    # Also if sympy handled the exception: counting ended there
    return {"over": True} if left < 0 else {**reply, "steps": limit - left}


def _computed(operation: str, arguments: dict[str, Any]) -> dict[str, Any]:
    try:
        return {"ok": OPERATIONS[operation](**arguments)}
    except ExpressionError as error:
        return {"error": str(error)}
    except MemoryError:
        return {"error": "this needs too much memory"}
    except RecursionError:
        return {"error": "this is nested too deeply"}
    except Exception as error:  # sympy raises many kinds of errors on unusual input
        return {"error": f"cannot compute this ({type(error).__name__}: {str(error)[:200]})"}


def serve(seconds: float, most_bytes: int) -> None:
    """Answer requests, one JSON line each, until the input ends.

    ``seconds``: processor time per request, after which the kernel ends the fork. ``most_bytes``: memory limit. A fork
    that ends without a reply is reported as ``{"lost": reason}``.
    """
    replies, sys.stdout = sys.stdout, sys.stderr  # a print of a library must not mix with the replies
    timed = _limited(most_bytes)
    _prepare()
    replies.write("ready\n")
    replies.flush()
    for line in sys.stdin:
        replies.write((_forked(line, timed, seconds) if hasattr(os, "fork") else _cleared(line)) + "\n")
        replies.flush()


def _prepare() -> None:
    _counted_powers()
    for operation, arguments in _WARM:
        _computed(operation, arguments)
    sympy.core.random.seed(0)
    gc.collect()
    gc.freeze()  # the forks share the pages of these objects


def _forked(line: str, timed: Callable[[float], Any], seconds: float) -> str:
    """The reply, computed in a fork of this process, whose caches stay as they are."""
    reading, writing = os.pipe()
    pid = os.fork()
    if not pid:
        status = 1
        try:
            gc.disable()  # the step limit bounds the garbage
            timed(seconds)
            with os.fdopen(writing, "w", encoding="utf-8") as out:
                out.write(json.dumps(answer(line)))
            status = 0
        finally:
            os._exit(status)
    os.close(writing)
    with os.fdopen(reading, encoding="utf-8") as replies:
        reply = replies.read()
    _, status = os.waitpid(pid, 0)
    if status:
        signal = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
        reason = f"signal {signal}" if signal else f"exit code {os.waitstatus_to_exitcode(status)}"
        return json.dumps({"lost": reason})
    return reply


def _cleared(line: str) -> str:
    """The reply, without a fork: the caches are cleared before."""
    clear_cache()
    sympy.core.random.seed(0)
    return json.dumps(answer(line))


def _limited(most_bytes: int) -> Callable[[float], Any]:
    """Limit the memory. Returns a function that limits the processor time of the process that calls it.

    Without resource and signal (not POSIX) nothing is limited, and the function does nothing.
    """
    try:
        import resource
        import signal
    except ImportError:
        return lambda seconds: None
    resource.setrlimit(resource.RLIMIT_AS, (most_bytes, most_bytes))
    # the default action ends the process, even inside a long C function that would delay a Python handler
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C ends the parent, and that closes the input
    return lambda seconds: signal.setitimer(signal.ITIMER_PROF, seconds)
