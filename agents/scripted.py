"""Agents without a model: baselines, and an oracle that shows that a suite can be solved.

Most of these agents need the env (its dialect, gold actions and task). ``rollout`` and ``evaluate`` pass the env by
``for_env``.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable
from copy import copy
from hashlib import blake2b
from itertools import cycle
from pathlib import Path
from threading import Lock
from typing import Any, Self

import gymnasium as gym

from toolgym.env import ToolEnv
from toolgym.grading import TOKENS_RAN_OUT
from toolgym.rollout import AgentError, ContextFull, Refused
from toolgym.runlog import read_episodes
from toolgym.types import Completion, Observation, ToolCall, Trajectory, Turn

from .random_json import random_arguments


class _Bound:
    """Base class of agents that need the env."""

    _env: ToolEnv | None = None

    def for_env(self, env: gym.Env[Any, Any]) -> Self:
        """A copy of this agent that plays in ``env``. Raises TypeError if ``env`` is not a ToolEnv."""
        base = env.unwrapped
        if not isinstance(base, ToolEnv):
            raise TypeError(f"{type(self).__name__} plays ToolEnvs, got {type(base).__name__}")
        bound = copy(self)
        bound._env = base
        return bound

    @property
    def env(self) -> ToolEnv:
        if self._env is None:
            raise TypeError(f"{type(self).__name__} has to know the env: use rollout(env, agent) or agent.for_env(env)")
        return self._env


class Oracle(_Bound):
    """Plays the gold actions. If the episode then waits for a turn without a call, it answers in words."""

    name = "oracle"

    def act(self, observation: Observation) -> str:
        """The gold action of the env's current turn."""
        env = self.env
        gold, turn = env.gold(env.task), len(env.turns)
        if turn < len(gold):
            return gold[turn]
        return env.dialect.render(Completion("", think="All is done.", response=env.task.response or "Done."))


class Random(_Bound):
    """Calls a random tool with random arguments that its schema allows, one call per turn.

    The text depends only on ``seed`` and the observation. String patterns are ignored: if a pattern makes all tries
    invalid, the last try is played.
    """

    name = "random"

    def __init__(self, seed: int = 0):
        self.seed = seed

    def act(self, observation: Observation) -> str:
        """A random call in the env's dialect, or an answer in words if the env offers no tools."""
        # ascii(), because messages may contain lone surrogates, which cannot be encoded
        digest = blake2b(ascii((observation["messages"], observation["tools"])).encode(), digest_size=16)
        source = random.Random(f"{self.seed} {digest.hexdigest()}")
        render = self.env.dialect.render
        if not observation["tools"]:
            return render(Completion("", think="There is no tool.", response="I cannot help with that."))
        function = source.choice(observation["tools"])["function"]
        call = ToolCall(function["name"], random_arguments(function["parameters"], source))
        return render(Completion("", (call,), think=f"Try {call.name}."))


class Replay(_Bound):
    """Plays recorded texts again, by task; e.g. to score stored episodes under another rubric.

    If a task was recorded several times, its episodes are played in the order of their ``repeat``, then from the
    first again.

    Args:
        path: an ``episodes.jsonl`` or a run's folder; or the trajectories themselves.
    """

    name = "replay"

    def __init__(self, path: str | Path | Iterable[Trajectory]):
        episodes = read_episodes(path) if isinstance(path, (str, Path)) else path
        recorded: dict[str, list[Trajectory]] = defaultdict(list)
        for episode in sorted(episodes, key=lambda episode: episode.repeat):
            recorded[episode.task_id].append(episode)
        self._rest = {task_id: cycle(each) for task_id, each in recorded.items()}
        self._lock = Lock()
        self._turns: list[Turn] | None = None
        self._episode: Trajectory

    def act(self, observation: Observation) -> str:
        """The text recorded for this turn. Raises AgentError if the task or the turn was not recorded, and what ended
        the recorded episode if the model's context or a refusal did."""
        turns, task = self.env.turns, self.env.task
        if self._turns is not turns:  # a new episode: the env makes a new list at every reset
            if task.id not in self._rest:
                raise AgentError(f"task {task.id!r} is not among the {len(self._rest)} tasks recorded")
            with self._lock:
                self._episode = next(self._rest[task.id])
            self._turns = turns
        recorded = self._episode.turns
        if len(turns) >= len(recorded):
            if self._episode.cut_off == "context":
                raise ContextFull(TOKENS_RAN_OUT)
            if self._episode.cut_off == "refused":
                raise Refused(self._episode.verdict)
            raise AgentError(
                f"task {task.id!r} was recorded with {len(recorded)} turns, "
                f"and the episode asks for turn {len(turns) + 1}"
            )
        return recorded[len(turns)].answer


class Silent:
    """Always answers with an empty text."""

    name = "silent"

    def act(self, observation: Observation) -> str:
        return ""
