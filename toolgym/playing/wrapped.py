"""Gymnasium's wrappers around a ToolEnv: TimeLimit is a limit of turns, and any wrapper's end is settled."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import gymnasium as gym
from gymnasium.wrappers import OrderEnforcing, PassiveEnvChecker, RecordEpisodeStatistics, TimeLimit

if TYPE_CHECKING:
    from toolgym.env import ToolEnv

_PASSES_ON: set[Any] = {gym.Wrapper.step, TimeLimit.step, OrderEnforcing.step, PassiveEnvChecker.step}
"""Step methods that add nothing to the step of the ToolEnv inside, except TimeLimit's end."""
_ONE_TO_ONE: set[Any] = _PASSES_ON | {
    RecordEpisodeStatistics.step,
    gym.ActionWrapper.step,
    gym.ObservationWrapper.step,
    gym.RewardWrapper.step,
}
"""Step methods that make one step of the env inside."""


def time_limit_around(env: gym.Env[Any, Any]) -> int | None:
    """The steps that TimeLimit wrappers around ``env`` allow; None without one. To be called by ``env.reset`` itself.

    Gymnasium does not tell an env about its wrappers. A wrapper's reset calls the reset of the env inside, so the
    wrappers are in the calling frames. Wrappers outside of one that may take several steps at once are not looked at.
    """
    limits = []
    inside: Any = env
    frame = sys._getframe(2)  # the caller of ``env.reset``
    while frame is not None:
        owner = frame.f_locals.get("self")
        between = owner is None and frame.f_globals.get("__name__", "").startswith("gymnasium.")  # a wrapper's function
        if not between and owner is not inside:
            if not isinstance(owner, gym.Wrapper) or owner.env is not inside or not _steps_once(owner):
                break
            inside = owner
            if isinstance(owner, TimeLimit):
                limits.append(owner._max_episode_steps)
        frame = frame.f_back  # type: ignore[assignment]
    return min(limits, default=None)


def _steps_once(wrapper: gym.Wrapper[Any, Any, Any, Any]) -> bool:
    """Whether a step of the wrapper is one step of the env inside. A class says so with ``steps_once = True``."""
    return type(wrapper).step in _ONE_TO_ONE or getattr(type(wrapper), "steps_once", False)


def limited(env: gym.Env[Any, Any]) -> ToolEnv:
    """The ToolEnv inside ``env``, to be stepped without its wrappers. A TimeLimit among them lowers ``max_turns``."""
    base: Any = env.unwrapped
    while isinstance(env, gym.Wrapper):
        if isinstance(env, TimeLimit):
            base.max_turns = min(base.max_turns, env._max_episode_steps)
        env = env.env
    tool_env: ToolEnv = base
    return tool_env


def steps_directly(env: gym.Env[Any, Any]) -> bool:
    """Whether stepping the ToolEnv inside ``env`` does the same as stepping ``env``."""
    while isinstance(env, gym.Wrapper):
        if type(env).step not in _PASSES_ON:
            return False
        env = env.env
    return True


def settled(
    base: ToolEnv, step: tuple[Any, Any, bool, bool, dict[str, Any]]
) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
    """The result of a step, settled as at ``max_turns`` if a wrapper around ``base`` has ended the episode.

    Then the info has ``"cut_off": "wrapper"``, the success and the verdict.
    """
    observation, reward, terminated, truncated, info = step
    if not (terminated or truncated) or base.over or not base.turns:
        return step
    before = base.turns[-1].reward.total
    ended = base.cut_off("")
    total = ended["reward"].total
    reward = total if reward == before else reward + total - before
    return observation, reward, terminated, truncated, {**info, **ended, "cut_off": "wrapper"}
