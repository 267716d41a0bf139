"""Train on a part of a suite's tasks and hold out the rest, for suites that have only one split."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from zlib import crc32

import gymnasium as gym
import numpy as np
from gymnasium.utils import RecordConstructorArgs

from toolgym.tasks import Task, task_order
from toolgym.types import Observation


def split_tasks(tasks: Sequence[Task], held_out: float) -> tuple[list[str], list[str]]:
    """The ids to train on, and the held-out ids, a share ``held_out`` of all.

    A checksum of its id decides on each task, so tasks keep their part when tasks are added. Raises ValueError
    for a share that is not between 0 and 1, for an empty part, and for a suite of more than ``MOST_TASKS`` tasks.
    """
    if not 0 < held_out < 1:
        raise ValueError(f"the share held out must lie between 0 and 1, got {held_out}")
    parts: tuple[list[str], list[str]] = ([], [])
    for name in task_order(tasks, None, 0):
        parts[crc32(f"held out {name}".encode()) / 2**32 < held_out].append(name)
    if not all(parts):
        raise ValueError(f"{len(tasks)} tasks cannot be split with {held_out} of them held out")
    return parts


class OnlyTasks(gym.Wrapper[Observation, str, Observation, str], RecordConstructorArgs):
    """Draws tasks only from these ids. ``options["task_id"]`` can still name any task."""

    def __init__(self, env: gym.Env[Observation, str], task_ids: Sequence[str]):
        RecordConstructorArgs.__init__(self, task_ids=tuple(task_ids))
        super().__init__(env)
        if not task_ids:
            raise ValueError("OnlyTasks needs the id of a task at least")
        self.task_ids = tuple(task_ids)
        self._random = np.random.default_rng()

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        if seed is not None:
            self._random = np.random.default_rng(seed)
        if not (options or {}).get("task_id"):
            options = {**(options or {}), "task_id": self.task_ids[int(self._random.integers(len(self.task_ids)))]}
        return self.env.reset(seed=seed, options=options)
