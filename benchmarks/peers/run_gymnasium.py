"""The workload in a plain gymnasium.Env: it parses, runs and scores calls, without records."""

from __future__ import annotations

import string
import sys
import time
import warnings
from typing import Any

import gymnasium as gym
from workload import EXPECTED, FINAL, SCRIPTS, TEXTS, Store, parse, report, reward

warnings.filterwarnings("ignore")


class KeyValue(gym.Env):
    def __init__(self) -> None:
        text = gym.spaces.Text(max_length=4096, charset=string.printable)
        self.observation_space = self.action_space = text
        self.episode = -1

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        self.episode += 1
        self.store, self.expected, self.turn = Store(), EXPECTED[self.episode % SCRIPTS], 0
        return "Use the tools.", {}

    def step(self, action: str) -> Any:
        call = parse(action)
        if call is None:
            return "", 0.0, True, False, {}
        text = getattr(self.store, call["name"])(**call["arguments"])
        value = reward(call, self.expected[self.turn])
        self.turn += 1
        return text, value, False, False, {"calls": [call]}


gym.register("KeyValue-v0", entry_point=KeyValue)


def main(episodes: int) -> None:
    env = gym.make("KeyValue-v0")
    began, steps, total = time.perf_counter(), 0, 0.0
    for episode in range(episodes):
        env.reset()
        for text in TEXTS[episode % SCRIPTS]:
            total += env.step(text)[1]
            steps += 1
        env.step(FINAL)
        steps += 1
    report("gymnasium", "one env", steps, time.perf_counter() - began, total / episodes)


if __name__ == "__main__":
    main(int(sys.argv[1]))
