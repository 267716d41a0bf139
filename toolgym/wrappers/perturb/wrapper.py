"""Perturbed: the perturbations as a Gymnasium wrapper around any built suite."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
from gymnasium.utils import RecordConstructorArgs

from toolgym.env import ToolEnv
from toolgym.types import Observation
from toolgym.wrappers.perturb.perturbation import Perturbation
from toolgym.wrappers.perturb.view import Change, View


class Perturbed(gym.Wrapper[Observation, str, Observation, str], RecordConstructorArgs):
    """Shows a suite's tasks perturbed, as ``gym.make(..., perturb=kinds)`` does. Takes effect at the next reset.

    Args:
        env: any ToolEnv, with wrappers or without. ``env.unwrapped`` is perturbed itself.
        kinds: names of kinds and groups, as a list or with commas between (kinds.py).
        strength: from 0 to 1; or (low, high), between which it is drawn for each task; or a schedule (schedule.py).
        seed: other seeds perturb in other ways.
        draw: how many of the kinds are drawn for each task; None: all that apply.

    Raises TypeError for an env that is not a ToolEnv, ValueError for one that is perturbed already.
    """

    def __init__(
        self,
        env: gym.Env[Observation, str],
        kinds: Any = "all",
        strength: Any = 1.0,
        seed: int = 0,
        draw: int | None = None,
    ):
        RecordConstructorArgs.__init__(self, kinds=kinds, strength=strength, seed=seed, draw=draw)
        super().__init__(env)
        base = env.unwrapped
        if not isinstance(base, ToolEnv):
            raise TypeError(f"Perturbed wraps ToolEnvs, got {type(base).__name__}")
        Perturbation(kinds, strength, seed, draw).attach(base)


def changes(env: gym.Env[Any, Any], task_id: str | None = None) -> tuple[Change, ...]:
    """What exactly was changed in a task: one ``Change(kind, where, was, now)`` for each place, in order.

    ``task_id`` defaults to the current task. Returns () for an env that is not perturbed. Raises KeyError for an
    unknown id.
    """
    view = _view(env, task_id)
    return () if view is None else view.changes


def left_out(env: gym.Env[Any, Any], task_id: str | None = None) -> dict[str, str]:
    """Kind that was asked for and could not be applied to a task -> the reason. Arguments as for ``changes``."""
    view = _view(env, task_id)
    return {} if view is None else dict(view.left_out)


def _view(env: gym.Env[Any, Any], task_id: str | None) -> View | None:
    base = env.unwrapped
    if not isinstance(base, ToolEnv):
        raise TypeError(f"perturbations are those of a ToolEnv, got {type(base).__name__}")
    return base.view_of(base.task if task_id is None else base.find_task(task_id))
