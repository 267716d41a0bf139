"""Tools for test_process_tools.py: their processes import this file."""

from __future__ import annotations

import enum
import os
import re
import time

from toolgym import ToolUnavailable, tool


class Mode(enum.Enum):
    FAST = "fast"


@tool(process=True, timeout=20)
def match(pattern: str, text: str) -> bool:
    """Match a text."""
    return re.match(pattern, text) is not None


short = tool(process=True, timeout=0.3, name="short")(match.function)


@tool(process=True)
def describe(mode: Mode, n: int, *rest: int) -> dict[str, object]:
    """Describe."""
    return {"mode": mode.name, "n": repr(n), "rest": rest, "pid": os.getpid()}


@tool(process=True)
def fail(how: str) -> object:
    """Fail."""
    if how == "exit":
        os._exit(3)
    if how == "killed":
        os.kill(os.getpid(), 9)
    if how == "system":
        raise SystemExit(2)
    if how == "server":
        raise ToolUnavailable("down")
    if how == "network":
        raise ConnectionError("no")
    if how == "odd":
        return object()
    raise ValueError(how)


@tool(process=True)
def wait(seconds: float) -> str:
    """Wait."""
    time.sleep(seconds)
    return "done"
