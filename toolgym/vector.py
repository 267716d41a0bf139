"""ToolVectorEnv: many episodes in one process; tools that wait overlap.

A tool that runs inline is called at once. A tool that may wait (with a time limit, or ``async def``) is started, and
the next episode is stepped in the meantime. An episode is settled as soon as all its calls have returned. The calls
of one action still run one after the other, since a later call may depend on an earlier call.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from math import inf
from queue import Empty, SimpleQueue
from time import monotonic
from typing import Any, TypeAlias, cast

import gymnasium as gym
import numpy as np
from gymnasium.error import ResetNeeded
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from toolgym.env import ToolEnv
from toolgym.playing.wrapped import settled, steps_directly
from toolgym.tools import Tool
from toolgym.types import Observation, ToolResult

LONGEST_WAIT = 3600.0
"""Maximum seconds to wait for results before checking deadlines, if no call has a deadline."""

StepResult: TypeAlias = tuple[Observation, float, bool, bool, dict[str, Any]]


class _Step:
    """A step of one episode in progress: read the action, run its calls one by one, settle."""

    __slots__ = ("cancel", "completion", "deadline", "env", "index", "problems", "results", "token", "tool")

    def __init__(self, index: int, env: ToolEnv, action: str):
        self.index = index
        self.env = env
        self.completion = env.read(action)
        self.results: list[ToolResult | None] = []
        self.problems: list[tuple[str, ...]] = []
        self.token = 0
        self.deadline = inf
        self.cancel: Callable[[], None]
        self.tool: Tool

    def answer(self, arrived: SimpleQueue[tuple[_Step, int, ToolResult]]) -> Callable[[ToolResult], None]:
        """A callback for the result of the next call. A new token marks the results of earlier calls as late."""
        self.token += 1
        token = self.token  # bound now: the lambda runs later, on the thread of the tool
        return lambda result: arrived.put((self, token, result))

    def advance(self, arrived: SimpleQueue[tuple[_Step, int, ToolResult]]) -> StepResult | None:
        """Run calls until one has to wait (returns None) or all have returned (returns the result of the step)."""
        calls = self.completion.calls
        while len(self.results) < len(calls):
            call = calls[len(self.results)]
            tool, problems, result = self.env.begin_call(self.completion, len(self.results))
            self.problems.append(problems)
            if tool is not None and not tool.inline:
                self.deadline = inf if tool.patience is None else monotonic() + tool.patience
                self.tool = tool
                self.cancel = tool.start(call.arguments, self.env.state, self.answer(arrived))
                return None
            if tool is not None:
                result = tool.run(call.arguments, self.env.state)
                self.env.after_call(tool, result)
            self.results.append(result)
        return self.env.settle(self.completion, self.results, self.problems)


def step_together(envs: Sequence[ToolEnv], actions: Sequence[str]) -> list[StepResult]:
    """Step each of ``envs`` with its action; tools that wait overlap. No env may occur twice.

    Raises TypeError if an action is not a str, and ResetNeeded if an env needs a reset; then nothing has run.
    """
    _check_running(envs)
    for _, action in zip(envs, actions, strict=True):
        if not isinstance(action, str):
            raise TypeError(f"an action is the assistant's text (str), got {type(action).__name__}")
    out: list[Any] = [None] * len(envs)
    arrived: SimpleQueue[tuple[_Step, int, ToolResult]] = SimpleQueue()  # filled by the threads of tools
    waiting: dict[int, _Step] = {}  # index of an env -> its step, which waits for a call
    for i, (env, action) in enumerate(zip(envs, actions, strict=True)):
        if env.runs_inline:  # fast path: nothing to wait for
            out[i] = env.step(action)
            continue
        step = _Step(i, env, action)
        out[i] = step.advance(arrived)
        if out[i] is None:
            waiting[i] = step
    # never later than the nearest deadline. It may be earlier; then it is computed anew, so that a result costs O(1)
    wake = 0.0
    while waiting:
        try:
            step, token, result = arrived.get(timeout=max(0.0, wake - monotonic()))
        except Empty:
            now = monotonic()
            for late in [step for step in waiting.values() if step.deadline <= now]:
                late.cancel()
                late.answer(arrived)(late.tool.timed_out())  # a new token: the result of the abandoned call is ignored
                late.deadline = inf
            wake = min(min(step.deadline for step in waiting.values()), now + LONGEST_WAIT)
            continue
        if token != step.token or step.index not in waiting:  # the late result of an abandoned call
            continue
        step.env.after_call(step.tool, result)
        step.results.append(result)
        settled = step.advance(arrived)
        wake = min(wake, step.deadline)  # `advance` may have started the next call
        if settled is not None:
            out[step.index] = settled
            del waiting[step.index]
    return out


def _check_running(envs: Sequence[ToolEnv]) -> None:
    if any(env.over for env in envs):
        raise ResetNeeded("an env of the batch has no episode to step: reset it first")


def step_wrapped(outer: Sequence[gym.Env[Any, Any]], actions: Sequence[str]) -> list[StepResult]:
    """Step envs through the wrappers around them; tools that wait overlap, on a thread per episode."""
    bases = [cast(ToolEnv, env.unwrapped) for env in outer]

    def step(i: int) -> StepResult:
        return settled(bases[i], outer[i].step(actions[i]))

    waiting = [i for i, base in enumerate(bases) if not base.runs_inline]
    if len(waiting) < 2:
        return [step(i) for i in range(len(outer))]
    with ThreadPoolExecutor(len(waiting), thread_name_prefix="toolgym-step") as pool:
        started = {i: pool.submit(step, i) for i in waiting}
        return [started[i].result() if i in started else step(i) for i in range(len(outer))]


class ToolVectorEnv(VectorEnv[tuple[Observation, ...], Any, Any]):
    """A Gymnasium VectorEnv over ToolEnvs in this process.

    ``gym.make_vec(id, num_envs=64)`` makes one. Observations and actions are tuples with an entry per
    episode. With ``AutoresetMode.SAME_STEP`` (the default) an episode that ends is reset in the same step;
    its last observation and info are in ``infos["final_obs"][i]`` and ``infos["final_info"]``. With
    ``AutoresetMode.DISABLED`` the caller resets, with ``reset(options={"reset_mask": mask})`` or ``reset_some``.

    ``step_some`` steps a subset of the episodes and returns a result per episode.

    Wrappers around the envs apply. An episode that a wrapper ends is settled as at ``max_turns``.
    """

    def __init__(
        self, envs: Sequence[gym.Env[Any, Any]], *, autoreset_mode: AutoresetMode | str = AutoresetMode.SAME_STEP
    ):
        if not envs:
            raise ValueError("ToolVectorEnv needs at least one env")
        self.envs: list[ToolEnv] = []
        for env in envs:
            if not isinstance(env.unwrapped, ToolEnv):
                raise TypeError(f"ToolVectorEnv holds ToolEnvs, got {type(env.unwrapped).__name__}")
            self.envs.append(env.unwrapped)
        self.wrapped = list(envs)
        """The envs with their wrappers."""
        self._direct = all(steps_directly(env) for env in envs)
        self._seen: list[Any] = [None] * len(envs)
        if len({id(env) for env in self.envs}) != len(self.envs):
            raise ValueError("ToolVectorEnv: the same env was given twice; each episode needs its own")
        self.autoreset_mode = AutoresetMode(autoreset_mode)
        if self.autoreset_mode is AutoresetMode.NEXT_STEP:
            raise ValueError("ToolVectorEnv resets in the SAME_STEP or not at all (DISABLED); NEXT_STEP wastes a text")
        self.num_envs = len(self.envs)
        first = envs[0]
        self.metadata = {**first.metadata, "autoreset_mode": self.autoreset_mode}
        self.render_mode = first.render_mode
        self.single_observation_space = first.observation_space
        self.single_action_space = first.action_space
        self.observation_space = batch_space(first.observation_space, self.num_envs)
        self.action_space = batch_space(first.action_space, self.num_envs)

    @classmethod
    def of_suite(
        cls,
        env_id: str,
        num_envs: int = 1,
        autoreset_mode: AutoresetMode | str = AutoresetMode.SAME_STEP,
        **kwargs: Any,
    ) -> ToolVectorEnv:
        """``num_envs`` copies of a registered id; what ``gym.make_vec`` calls."""
        if num_envs < 1:
            raise ValueError(f"num_envs must be at least 1, got {num_envs}")
        return cls([gym.make(env_id, **kwargs) for _ in range(num_envs)], autoreset_mode=autoreset_mode)

    def reset(
        self, *, seed: int | Sequence[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[tuple[Observation, ...], dict[str, Any]]:
        """Reset all episodes, or only the episodes in ``options["reset_mask"]``. Episode i gets ``seed + i``."""
        options = dict(options or {})
        mask = options.pop("reset_mask", None)
        if seed is None or isinstance(seed, int):
            seeds: list[int | None] = [None if seed is None else seed + i for i in range(self.num_envs)]
        else:
            seeds = list(seed)
        if len(seeds) != self.num_envs:
            raise ValueError(f"{len(seeds)} seeds for {self.num_envs} episodes")
        if mask is None:
            started = [self._reset(i, seed=seed, options=options) for i, seed in enumerate(seeds)]
            return tuple([observation for observation, _ in started]), self._columns([info for _, info in started])
        infos: dict[str, Any] = {}
        for i in np.flatnonzero(mask):
            _, info = self._reset(int(i), seed=seeds[i], options=options)
            infos = self._add_info(infos, info, int(i))
        observations = [env.observe() for env in self.envs] if self._direct else self._seen
        return tuple(observations), infos

    def step(
        self, actions: Sequence[str]
    ) -> tuple[tuple[Observation, ...], np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """Step all episodes, with one text each. Rewards are float64, ends are bool, all of shape ``(num_envs,)``."""
        if isinstance(actions, str):
            raise TypeError("step takes a sequence of texts, one per episode, not one text")
        if len(actions) != self.num_envs:
            raise ValueError(f"{len(actions)} actions for {self.num_envs} episodes")
        steps = self.step_some(range(self.num_envs), actions)
        observations, rewards, terminations, truncations, each = map(list, zip(*steps, strict=True))
        ended: dict[str, Any] = {}
        if self.autoreset_mode is AutoresetMode.SAME_STEP:
            for i in range(self.num_envs):
                if terminations[i] or truncations[i]:
                    final = {"final_obs": observations[i], "final_info": each[i]}
                    ended = self._add_info(ended, final, i)
                    observations[i], each[i] = self._reset(i)
        infos = self._columns(each)
        infos.update(ended)
        return tuple(observations), np.array(rewards), np.array(terminations), np.array(truncations), infos

    def step_some(self, indices: Sequence[int], actions: Sequence[str]) -> list[StepResult]:
        """Step only the episodes ``indices``; returns their results as ``env.step`` does. No episode is reset."""
        if self._direct:
            return step_together([self.envs[i] for i in indices], actions)
        _check_running([self.envs[i] for i in indices])
        steps = step_wrapped([self.wrapped[i] for i in indices], actions)
        for i, step in zip(indices, steps, strict=True):
            self._seen[i] = step[0]
        return steps

    def reset_some(
        self, indices: Sequence[int], *, task_ids: Sequence[str] | None = None
    ) -> list[tuple[Observation, dict[str, Any]]]:
        """Reset the episodes ``indices``; episode ``indices[k]`` gets the task ``task_ids[k]``, if given."""
        if task_ids is None:
            return [self._reset(i) for i in indices]
        return [self._reset(i, options={"task_id": t}) for i, t in zip(indices, task_ids, strict=True)]

    def close_extras(self, **kwargs: Any) -> None:
        for env in self.wrapped:
            env.close()

    def _reset(self, i: int, **how: Any) -> tuple[Observation, dict[str, Any]]:
        started = self.wrapped[i].reset(**how)
        self._seen[i] = started[0]
        return started

    def _columns(self, each: list[dict[str, Any]]) -> dict[str, Any]:
        """Infos of all episodes as Gymnasium's arrays with masks; fast if all infos have the same keys."""
        infos: dict[str, Any] = {}
        keys = each[0].keys()
        if not all(info.keys() == keys for info in each):  # slow path: an episode that ends has more keys
            for i, info in enumerate(each):
                infos = self._add_info(infos, info, i)
            return infos
        everywhere = np.ones(self.num_envs, dtype=bool)
        for key in keys:
            values = [info[key] for info in each]
            kind: Any = bool if type(values[0]) is bool else object
            infos[key] = np.fromiter(values, dtype=kind, count=self.num_envs)
            infos[f"_{key}"] = everywhere
        return infos
