"""The workload that every library runs: a private key-value store, eight calls, a final answer.

The actions are fixed texts, without a model: the time is the library's own work, which is to parse the text, run the
tool, reply and score. The reward of a call is 1 if name and arguments are as expected.

Environment variables: ``WAIT``, seconds that each call waits (an I/O-bound tool); default 0.
"""

from __future__ import annotations

import json
import os
import re
import time
from typing import Any

CALLS = 8
SCRIPTS = 64
WAIT = float(os.environ.get("WAIT", "0"))
FINAL = "<think>done</think>\nAll done."
_TAG = re.compile(r"<tool_call>(.*?)</tool_call>", re.DOTALL)


class Store:
    """The tools, as plain methods that return JSON text."""

    def __init__(self) -> None:
        self.data: dict[str, int] = {}

    def put(self, key: str, value: int) -> str:
        if WAIT:
            time.sleep(WAIT)
        self.data[key] = value
        return json.dumps({"ok": True, "size": len(self.data)})

    def get(self, key: str) -> str:
        if WAIT:
            time.sleep(WAIT)
        return json.dumps({"value": self.data.get(key)})

    def add(self, a: int, b: int) -> str:
        if WAIT:
            time.sleep(WAIT)
        return json.dumps({"sum": a + b})


def script(number: int) -> list[dict[str, Any]]:
    """The calls of one episode: put, get, add, put, ..."""
    calls: list[dict[str, Any]] = []
    for i in range(CALLS):
        if i % 3 == 0:
            calls.append({"name": "put", "arguments": {"key": f"k{number % 7}_{i}", "value": number + i}})
        elif i % 3 == 1:
            calls.append({"name": "get", "arguments": {"key": f"k{number % 7}_{i - 1}"}})
        else:
            calls.append({"name": "add", "arguments": {"a": number, "b": i}})
    return calls


EXPECTED = [script(number) for number in range(SCRIPTS)]
TEXTS = [
    [f"<think>step</think>\n<tool_call>\n{json.dumps(call)}\n</tool_call>" for call in calls] for calls in EXPECTED
]


def parse(text: str) -> dict[str, Any] | None:
    """The parser for libraries that do not have one."""
    found = _TAG.search(text)
    if not found:
        return None
    try:
        call = json.loads(found.group(1))
    except json.JSONDecodeError:
        return None
    return call if isinstance(call, dict) and isinstance(call.get("arguments"), dict) else None


def reward(call: dict[str, Any], expected: dict[str, Any]) -> float:
    return float(call["name"] == expected["name"] and call["arguments"] == expected["arguments"])


def report(library: str, mode: str, steps: int, seconds: float, mean_return: float) -> None:
    """Print one JSON line for env_speed.py. ``mean_return`` must be CALLS: it shows that the work was done."""
    row = {"library": library, "mode": mode, "steps": steps, "steps_per_s": round(steps / seconds)}
    print(json.dumps({**row, "return": mean_return}), flush=True)
