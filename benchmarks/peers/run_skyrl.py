"""The workload in skyrl-gym: BaseTextEnv and ToolGroup, with threads for concurrency, as in its generator."""

from __future__ import annotations

import asyncio
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import skyrl_gym
from skyrl_gym.envs.base_text_env import BaseTextEnv, BaseTextEnvStepOutput
from skyrl_gym.tools.core import ToolGroup, tool
from workload import CALLS, EXPECTED, FINAL, SCRIPTS, TEXTS, WAIT, Store, parse, report, reward


class StoreTools(ToolGroup):
    def __init__(self) -> None:
        self.store = Store()
        super().__init__(name="store")

    @tool
    def put(self, key: str, value: int) -> str:
        return self.store.put(key, value)

    @tool
    def get(self, key: str) -> str:
        return self.store.get(key)

    @tool
    def add(self, a: int, b: int) -> str:
        return self.store.add(a, b)


class KeyValue(BaseTextEnv):
    def __init__(self, env_config: Any = None, extras: dict[str, Any] | None = None) -> None:
        super().__init__()
        self.expected = (extras or {})["expected"]
        self.max_turns = CALLS + 1
        self.init_tool_groups([StoreTools()])

    def step(self, action: str) -> Any:
        call = parse(action)
        self.turns += 1
        if call is None:
            return BaseTextEnvStepOutput(observations=[], reward=0.0, done=True, metadata={})
        group = self.tool_to_toolgroup[call["name"]]
        text = self._execute_tool(group, call["name"], list(call["arguments"].values()))
        value = reward(call, self.expected[self.turns - 1])
        message = {"role": "user", "content": text}
        return BaseTextEnvStepOutput(observations=[message], reward=value, done=False, metadata={"call": call})


skyrl_gym.register(id="workload", entry_point=KeyValue)


def make(number: int) -> Any:
    return skyrl_gym.make("workload", env_config=None, extras={"expected": EXPECTED[number % SCRIPTS]})


def single(episodes: int) -> None:
    began, total = time.perf_counter(), 0.0
    for episode in range(episodes):
        env = make(episode)
        env.init([{"role": "user", "content": "Use the tools."}])
        for text in TEXTS[episode % SCRIPTS]:
            total += env.step(text)["reward"]
        env.step(FINAL)
        env.close()
    report("skyrl-gym", "one env", episodes * (CALLS + 1), time.perf_counter() - began, total / episodes)


async def concurrent(size: int, episodes: int) -> None:
    loop, pool = asyncio.get_running_loop(), ThreadPoolExecutor(32)  # its default for max_env_workers

    async def play(number: int) -> float:
        total = 0.0
        for _ in range(episodes):
            env = make(number)
            await loop.run_in_executor(pool, env.init, [{"role": "user", "content": "Use the tools."}])
            for text in TEXTS[number % SCRIPTS]:
                total += (await loop.run_in_executor(pool, env.step, text))["reward"]
            await loop.run_in_executor(pool, env.step, FINAL)
        return total

    began = time.perf_counter()
    totals = await asyncio.gather(*[play(number) for number in range(size)])
    steps = size * episodes * (CALLS + 1)
    mode = f"{size} episodes" + (", waiting tools" if WAIT else "")
    report("skyrl-gym", mode, steps, time.perf_counter() - began, sum(totals) / episodes / size)


if __name__ == "__main__":
    n = int(sys.argv[1])
    if WAIT:
        asyncio.run(concurrent(64, n))
    else:
        single(n)
        asyncio.run(concurrent(64, max(1, n // 64)))
