"""The workload in ToolGym: with a full record of every call, validated arguments and ToolRL's reward.

ToolRL's reward is 4 for a perfect action, so the return is divided by 4 for the comparison.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import Any

import gymnasium as gym
from workload import EXPECTED, FINAL, SCRIPTS, TEXTS, WAIT, Store, report

from toolgym import Task, ToolCall, ToolEnv, register, tool, tools_of

trusted = tool(timeout=None)  # runs inline, like the tools of the other libraries
limited = tool(timeout=30.0)  # runs on a worker thread under a time limit


class Inline(Store):
    put, get, add = trusted(Store.put), trusted(Store.get), trusted(Store.add)


class Limited(Store):
    put, get, add = limited(Store.put), limited(Store.get), limited(Store.add)


class Async(Store):
    """The same waiting tools written as coroutines."""

    @tool
    async def put(self, key: str, value: int) -> str:
        await asyncio.sleep(WAIT)
        self.data[key] = value
        return json.dumps({"ok": True, "size": len(self.data)})

    @tool
    async def get(self, key: str) -> str:
        await asyncio.sleep(WAIT)
        return json.dumps({"value": self.data.get(key)})

    @tool
    async def add(self, a: int, b: int) -> str:
        await asyncio.sleep(WAIT)
        return json.dumps({"sum": a + b})


def make(store: type[Store] = Inline, **kwargs: Any) -> ToolEnv:
    tools = tools_of(store)
    tasks = [
        Task.of(f"script-{i}", "Use the tools.", tools, [[ToolCall(**call)] for call in calls])
        for i, calls in enumerate(EXPECTED)
    ]
    return ToolEnv(tasks, dialect="hermes", state=store, **kwargs)


register("KeyValue-v0", make)


def single(episodes: int) -> None:
    env = gym.make("KeyValue-v0")
    names = [{"task_id": f"script-{i}"} for i in range(SCRIPTS)]
    began, steps, total = time.perf_counter(), 0, 0.0
    for episode in range(episodes):
        env.reset(options=names[episode % SCRIPTS])
        for text in TEXTS[episode % SCRIPTS]:
            total += env.step(text)[1]
            steps += 1
        env.step(FINAL)
        steps += 1
    report("toolgym", "one env", steps, time.perf_counter() - began, (total / 4) / episodes)


def vector(size: int, episodes: int, store: type[Store], library: str) -> None:
    # Every library resets once per episode. Here reset is called below, to name the script.
    env: Any = gym.make_vec("KeyValue-v0", num_envs=size, store=store, autoreset_mode="Disabled")
    began, steps, total = time.perf_counter(), 0, 0.0
    for _ in range(episodes):
        env.reset(options={"task_id": "script-0"})
        for text in TEXTS[0]:
            total += float(env.step([text] * size)[1].sum())
            steps += size
        env.step([FINAL] * size)
        steps += size
    mode = f"{size} episodes" + (", waiting tools" if WAIT else "")
    report(library, mode, steps, time.perf_counter() - began, (total / 4) / episodes / size)


if __name__ == "__main__":
    n = int(sys.argv[1])
    if WAIT:
        vector(64, n, Limited, "toolgym")
        vector(64, n, Async, "toolgym (async tools)")
    else:
        single(n)
        vector(64, max(1, n // 64), Inline, "toolgym")
