"""The workload in gem-llm: a custom Env and BaseTool through ToolEnvWrapper; vectors through make_vec."""

from __future__ import annotations

import contextlib
import io
import sys
import time
from typing import Any

import gem
from gem.core import Env
from gem.tools.base_tool import BaseTool
from gem.tools.tool_env_wrapper import ToolEnvWrapper
from workload import CALLS, EXPECTED, FINAL, SCRIPTS, TEXTS, WAIT, Store, parse, report, reward


class Task(Env):
    """Ends with the agent's answer; the tool does the rest."""

    def __init__(self, **_: Any) -> None:
        pass

    def reset(self, seed: int | None = None) -> Any:
        return "Use the tools.", {}

    def step(self, action: str) -> Any:
        return "", 0.0, True, True, {}


class StoreTool(BaseTool):
    tool_type = name = "store"

    def __init__(self) -> None:
        super().__init__()
        self.episode = -1
        self.begin()

    def begin(self) -> None:
        self.episode += 1
        self.store, self.turn = Store(), 0

    def instruction_string(self) -> str:
        return "Call tools with <tool_call>{json}</tool_call>."

    def execute_action(self, action: str) -> Any:
        call = parse(action)
        if call is None:
            return False, True, "", action
        text = getattr(self.store, call["name"])(**call["arguments"])
        self.turn += 1
        return True, False, text, action


class Wrapped(ToolEnvWrapper):
    """Resets the tool with the episode and scores each call: GEM leaves both to the user."""

    def __init__(self, env: Any) -> None:
        super().__init__(env, tools=[StoreTool()], max_tool_uses=CALLS + 1)

    def reset(self, seed: int | None = None, **kwargs: Any) -> Any:
        self.tools[0].begin()
        return super().reset(seed=seed, **kwargs)

    def step(self, action: str, verbose: bool = False) -> Any:
        tool = self.tools[0]
        turn = tool.turn
        observation, value, terminated, truncated, info = super().step(action, verbose)
        call = parse(action)
        if call is not None:
            value = reward(call, EXPECTED[(tool.episode - 1) % SCRIPTS][turn])
        return observation, value, terminated, truncated, info


gem.register("workload:Task", Task)


def single(episodes: int) -> None:
    env = Wrapped(gem.make("workload:Task"))
    began, steps, total = time.perf_counter(), 0, 0.0
    for episode in range(episodes):
        env.reset()
        for text in TEXTS[episode % SCRIPTS]:
            total += env.step(text)[1]
            steps += 1
        env.step(FINAL)
        steps += 1
    report("gem-llm", "one env", steps, time.perf_counter() - began, total / episodes)


def vector(size: int, episodes: int, threads: bool) -> None:
    with contextlib.redirect_stdout(io.StringIO()):
        env = gem.make_vec(["workload:Task"] * size, wrappers=[Wrapped], async_mode=threads)
    env.reset()
    began, steps, total = time.perf_counter(), 0, 0.0
    for episode in range(episodes):
        for text in TEXTS[episode % SCRIPTS]:
            total += float(env.step([text] * size)[1].sum())
            steps += size
        env.step([FINAL] * size)
        steps += size
    mode = f"{size} episodes" + (", waiting tools" if WAIT else "")
    report("gem-llm", mode, steps, time.perf_counter() - began, total / episodes / size)


if __name__ == "__main__":
    n = int(sys.argv[1])
    if WAIT:
        vector(64, n, threads=True)
    else:
        single(n)
        vector(64, max(1, n // 64), threads=False)
