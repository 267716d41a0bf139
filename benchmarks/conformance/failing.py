"""A suite whose tools fail: ``gym.make("failing:Failing-v0")`` with this folder on the path."""

from __future__ import annotations

import time
from typing import Any

from toolgym import Task, ToolCall, ToolEnv, ToolUnavailable, register, tool


@tool(timeout=2)
def stock(item: str) -> int:
    """How many of an item are there."""
    if item == "bolt":
        raise ToolUnavailable("the warehouse does not answer")
    if item == "nail":
        time.sleep(4)
    return len(item)


class Failing(ToolEnv):
    """Questions about a warehouse. The item "bolt" brings it down, and it takes too long to count a "nail"."""

    def __init__(self, **kwargs: Any):
        items = [["screw"], ["bolt"], ["nail"], ["screw", "bolt"]]
        tasks = [
            Task.of(
                f"stock-{'-'.join(wanted)}",
                f"How many of each are there: {', '.join(wanted)}?",
                [stock],
                [[ToolCall("stock", {"item": item})] for item in wanted],
            )
            for wanted in items
        ]
        super().__init__(tasks, **kwargs)


register("Failing-v0", Failing)
