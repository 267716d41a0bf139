"""stable-baselines3 on discrete tool choice: PPO, A2C and DQN over ``DiscreteTools``. ``toolgym train`` runs it.

From one checkpoint to the next, training starts with new episodes and a random state made from (seed, step). So
resumed runs of PPO and A2C reach the same weights, byte for byte on a CPU. DQN's replay buffer is too large to save: a
resumed run fills a new one first.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
from stable_baselines3 import A2C, DQN, PPO
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.logger import Logger
from stable_baselines3.common.vec_env import DummyVecEnv

from toolgym.disk import atomic_folder, seal, write_atomic
from toolgym.rollout import rollout
from toolgym.runlog import check_same_run, hold_folder, open_folder
from toolgym.tasks import task_order
from toolgym.wrappers import DiscreteTools, OnlyTasks, split_tasks

from ..step_folders import all_of, begins_again, set_aside_after, step_of
from ..training.kept_episodes import eval_metrics, forget_after, keep_evaluation
from ..training.metrics import MetricsLog, mean
from .agent import SB3Agent, last_whole, read_config
from .config import SB3Config
from .policy import MenuPolicy, MenuQPolicy

__all__ = ["SB3Agent", "SB3Config", "SB3Trainer"]

ENVS = 8
"""Number of envs that are stepped together."""
KEPT = 2
"""Number of checkpoints kept."""
REWARD_SCALE = 0.25
"""Scales rewards from -3 to 4 to about -1 to 1, which the algorithms' usual settings need. Metrics are unscaled."""

_OURS: dict[str, tuple[Any, Any, dict[str, Any]]] = {
    "sb3-ppo": (PPO, MenuPolicy, {"n_steps": 64, "batch_size": 128, "n_epochs": 5, "gamma": 0.9, "ent_coef": 0.01}),
    "sb3-a2c": (A2C, MenuPolicy, {"n_steps": 8, "gamma": 0.9, "ent_coef": 0.01}),
    "sb3-dqn": (
        DQN,
        MenuQPolicy,
        {"buffer_size": 5_000, "learning_starts": 500, "batch_size": 64, "train_freq": 1, "gradient_steps": 2,
         "gamma": 0.9, "target_update_interval": 500, "exploration_fraction": 0.4},
    ),
}  # fmt: skip
"""The class, the policy and ToolGym's default arguments of each algorithm."""


class SB3Trainer:
    """One run in one folder: ``config.json``, ``metrics.jsonl``, ``tensorboard/``, ``checkpoints/`` (with a
    ``model.zip`` each) and ``evaluations/``. ``toolgym report`` shows the run, also while it is going on.

    Args:
        config: the settings.
        resume: continue the run in ``config.out``.
        on_step: called with each row of metrics, e.g. for a progress bar.

    Raises RunError if the folder has another run, and ValueError if the algorithm refuses a setting.
    """

    def __init__(
        self,
        config: SB3Config,
        *,
        resume: bool = False,
        on_step: Callable[[dict[str, float]], None] | None = None,
    ):
        self.config = config
        self.on_step = on_step
        self.folder = Path(config.out)
        saved = self._open(resume)
        self.step = step_of(saved) if saved is not None else 0
        self._learn_from, self._tested_on = self._tasks()
        algorithm, policy, ours = _OURS[config.algo]
        try:
            self.model: Any = algorithm(
                policy,
                self._envs(),
                learning_rate=config.learning_rate,
                seed=config.seed,
                device="cpu",
                **{**ours, **config.sb3_kwargs},
            )
        except (TypeError, AssertionError) as error:
            raise ValueError(f"sb3_kwargs: {error}") from error
        if saved is not None:
            self.model.set_parameters(str(saved / "model.zip"), device="cpu")
            self.model.num_timesteps = self.step
            if config.algo == "sb3-dqn":  # its new replay buffer is empty
                self.model.learning_starts += self.step
        self.model.set_logger(Logger(folder=None, output_formats=[]))
        write_atomic(self.folder / "config.json", json.dumps(asdict(config), indent=2) + "\n")
        self.log = MetricsLog(self.folder, -1 if saved is None else self.step)
        forget_after(self.folder, -1 if saved is None else self.step)

    def run(self) -> dict[str, float]:
        """Train, or resume, to the end; returns the last row of metrics. After Ctrl-C the last checkpoint remains."""
        config, row = self.config, {}
        watch = _Watch(self)
        begun = False
        if self.step == 0 and config.eval_every:
            row = self._log({"step": 0, **self.evaluate()})
        try:
            while self.step < config.steps:
                if not begun:
                    self._begin()
                    watch.begin(self.step)
                before, begun = self.step, True
                # learn() up to the next checkpoint, evaluation or end; it may overshoot by a part of a rollout
                ends = [_next(self.step, every) for every in (config.save_every, config.eval_every) if every]
                watch.until = min(config.steps, *ends)
                self.model.learn(watch.until - self.step, watch, 10**9, reset_num_timesteps=False)
                self.step = self.model.num_timesteps
                last = self.step >= config.steps
                row = watch.row()
                if config.eval_every and (last or self._due(config.eval_every, before)):
                    row |= self.evaluate()
                row = self._log(row)
                if last or self._due(config.save_every, before):
                    self.save()
                    begun = False
        finally:
            self.log.close()
        return row

    def evaluate(self) -> dict[str, float]:
        """Metrics of greedy episodes on the held-out tasks; some of the episodes are kept in ``evaluations/``."""
        config = self.config
        kwargs = {**config.env_kwargs, **({} if config.held_out else config.eval_kwargs)}
        env = gym.make(config.env, **kwargs)
        agent = SB3Agent(self.model, **config.discrete_kwargs)
        trajectories = [rollout(env, agent, task_id=task_id) for task_id in self._tested_on]
        keep_evaluation(self.folder, self.step, (config.env, kwargs), trajectories)
        return eval_metrics(trajectories)

    def save(self) -> Path:
        """Write a checkpoint, completely or not at all. Raises OSError if the disk refuses."""
        target = self.folder / "checkpoints" / f"step-{self.step:06d}"
        with atomic_folder(target) as temporary:
            self.model.save(str(temporary / "model.zip"), exclude=["replay_buffer", "env", "_last_obs"])
            seal(temporary)
        for old in all_of(self.folder)[:-KEPT]:
            shutil.rmtree(old)
        return target

    def _open(self, resume: bool) -> Path | None:
        """Create or check the folder; returns the checkpoint to resume from, or None."""
        about = self.folder / "config.json"
        if about.is_file():
            asked = asdict(self.config)
            check_same_run(
                self.folder, asked, lambda: asdict(read_config(self.folder)), resume=resume, free=("out", "steps")
            )
        open_folder(self.folder, about)
        hold_folder(self.folder, self)
        found = last_whole(self.folder) if resume else None
        if resume and found is None:
            begins_again(self.folder, self.config.save_every or self.config.steps)
        if found is not None:
            set_aside_after(self.folder, step_of(found))
        return found

    def _tasks(self) -> tuple[list[str], list[str]]:
        """Task ids for training ([] means all tasks) and for evaluation."""
        config = self.config
        if config.held_out:
            tasks: Any = gym.make(config.env, **config.env_kwargs).unwrapped.tasks  # type: ignore[attr-defined]
            learn, test = split_tasks(tasks, config.held_out)
            chosen = np.random.default_rng(0).permutation(len(test))[: config.eval_tasks]
            return learn, [test[i] for i in sorted(chosen)]
        if not config.eval_every:
            return [], []
        held_out: Any = gym.make(config.env, **{**config.env_kwargs, **config.eval_kwargs}).unwrapped
        return [], task_order(held_out.tasks, config.eval_tasks, 0)

    def _envs(self) -> DummyVecEnv:
        def make() -> gym.Env[Any, Any]:
            env: gym.Env[Any, Any] = gym.make(self.config.env, **self.config.env_kwargs)
            if self._learn_from:
                env = OnlyTasks(env, self._learn_from)
            try:
                env = DiscreteTools(env, **self.config.discrete_kwargs)
            except (TypeError, ValueError) as error:
                raise ValueError(f"discrete_kwargs {self.config.discrete_kwargs}: {error}") from error
            return gym.wrappers.TransformReward(env, lambda reward: REWARD_SCALE * float(reward))

        return DummyVecEnv([make] * ENVS)

    def _begin(self) -> None:
        """Start new episodes, with a random state made from the seed and the step."""
        self.model.set_env(self.model.get_env(), force_reset=True)
        self.model.set_random_seed(int(np.random.SeedSequence([self.config.seed, self.step]).generate_state(1)[0] >> 1))

    def _due(self, every: int, before: int) -> bool:
        """Whether a multiple of ``every`` was reached since ``before``."""
        return self.step // every > before // every

    def _log(self, row: dict[str, float]) -> dict[str, float]:
        row = self.log.append(row)
        if self.on_step is not None:
            self.on_step(row)
        return row


def _next(step: int, every: int) -> int:
    return (step // every + 1) * every


class _Watch(BaseCallback):
    """Collects metrics of the training episodes, and logs a row after every ``every`` actions or more."""

    def __init__(self, trainer: SB3Trainer):
        super().__init__()
        self.trainer = trainer
        self.every = max(32 * ENVS, trainer.config.steps // 100)
        self.until = 0
        self.begin(trainer.step)

    def begin(self, step: int) -> None:
        """Start over: all envs begin new episodes at ``step``."""
        self._rewards = [0.0] * ENVS
        self._clear(step)

    def _clear(self, step: int) -> None:
        self.began, self.first = time.perf_counter(), step
        self.done: list[dict[str, Any]] = []
        self.earned: list[float] = []
        self.steps = self.invalid = 0

    def _on_training_start(self) -> None:
        # DQN's exploration decreases over the whole run, not over each call of learn()
        self.model._total_timesteps = self.trainer.config.steps

    def _on_step(self) -> bool:
        infos, dones = self.locals["infos"], self.locals["dones"]
        for i, info in enumerate(infos):
            self.steps += 1
            self.invalid += bool(info["invalid_action"])
            self._rewards[i] += info["reward"].total
            if dones[i]:
                self.done.append(info)
                self.earned.append(self._rewards[i])
                self._rewards[i] = 0.0
        return True

    def _on_rollout_start(self) -> None:
        # no row here if fewer than every / 2 actions remain: the row after learn() takes them
        if min(self.num_timesteps - self.first, 2 * (self.until - self.num_timesteps)) >= self.every:
            self.trainer._log(self.row())

    def row(self) -> dict[str, float]:
        """The metrics since the last row."""
        said = {name: float(value) for name, value in self.model.logger.name_to_value.items()}
        scored = [(info, reward) for info, reward in zip(self.done, self.earned, strict=True) if info["reward_valid"]]
        row = {
            "step": float(self.num_timesteps),
            "reward": mean([reward for _, reward in scored]),
            "success": mean([float(info["success"]) for info, _ in scored]),
            "unscored": float(len(self.done) - len(scored)),
            "invalid_actions": self.invalid / self.steps if self.steps else float("nan"),
            "steps_per_second": self.steps / (time.perf_counter() - self.began),
            "entropy": -said.get("train/entropy_loss", float("nan")),
            "loss": said.get("train/loss", said.get("train/policy_loss", float("nan"))),
            "value_loss": said.get("train/value_loss", float("nan")),
        }
        self._clear(self.num_timesteps)
        return row
