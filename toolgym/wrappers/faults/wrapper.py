"""Faulty: a Gymnasium wrapper that injects faults into the calls of a suite that is built already."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
from gymnasium.utils import RecordConstructorArgs

from toolgym.env import ToolEnv
from toolgym.types import Observation
from toolgym.wrappers.faults.kinds import Kinds
from toolgym.wrappers.faults.plan import Rate


class Faulty(gym.Wrapper[Observation, str, Observation, str], RecordConstructorArgs):
    """Does to a built env what ``gym.make(..., faults=kinds, fault_rate=rate, fault_seed=seed)`` does.

        env = Faulty(gym.make("ToolGym-Office-v0"), kinds="timeout,http_5xx", rate=0.3)

    The ToolEnv inside injects the faults, so its snapshots, forks and gold have them too. Raises TypeError if there is
    no ToolEnv inside, and the errors of ``ToolEnv.inject``.
    """

    def __init__(self, env: gym.Env[Any, Any], kinds: Kinds = "all", rate: Rate = 0.3, seed: int = 0):
        RecordConstructorArgs.__init__(self, kinds=kinds, rate=rate, seed=seed)
        super().__init__(env)
        base = env.unwrapped
        if not isinstance(base, ToolEnv):
            raise TypeError(f"Faulty wraps ToolEnvs, got {type(base).__name__}")
        base.inject(kinds, rate, seed)
