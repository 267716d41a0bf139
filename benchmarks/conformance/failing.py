"""A suite whose tool can be down: ``gym.make("failing:Failing-v0")`` with this folder on the path."""

from __future__ import annotations

from typing import Any

from toolgym import Task, ToolCall, ToolEnv, ToolUnavailable, register, tool


@tool
def stock(item: str) -> int:
    """How many of an item are there."""
    if item == "bolt":
        raise ToolUnavailable("the warehouse does not answer")
    return len(item)


class Failing(ToolEnv):
    """Two questions about a warehouse; the item "bolt" brings it down."""

    def __init__(self, **kwargs: Any):
        tasks = [
            Task.of(f"stock-{item}", f"How many {item}s are there?", [stock], [[ToolCall("stock", {"item": item})]])
            for item in ("screw", "bolt")
        ]
        super().__init__(tasks, **kwargs)


register("Failing-v0", Failing)
