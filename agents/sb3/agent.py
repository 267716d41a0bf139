"""A stable-baselines3 policy as an agent: it chooses from a menu, and the env's dialect renders the choice as text."""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping, Sequence
from copy import copy
from pathlib import Path
from typing import Any, Self
from zipfile import BadZipFile, is_zipfile

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from stable_baselines3.common.save_util import load_from_zip_file

from toolgym.dialects import Dialect
from toolgym.disk import damage
from toolgym.env import ToolEnv
from toolgym.runlog import RunError
from toolgym.types import Observation
from toolgym.wrappers.discrete.menu import MenuMaker

from ..step_folders import newest
from .config import NAMES, SB3Config
from .policy import MenuPolicy, MenuQPolicy


class SB3Agent:
    """Plays a policy that was trained on ``DiscreteTools``, greedily.

    Args:
        model: a run's folder of ``toolgym train --algo sb3-...``, or a folder of one of its checkpoints; or a model of
            stable-baselines3 (anything with ``predict``; MaskablePPO's gets the ``action_masks``). From a folder, only
            weights are loaded: nothing is unpickled.
        **discrete: the arguments of DiscreteTools that the model was trained with; a run's folder contains them.

    Raises RunError if the folder has no such run, ValueError if the model's actions do not fit the menu.
    """

    def __init__(self, model: str | Path | Any, **discrete: Any):
        self.model: Any
        if isinstance(model, (str, Path)):
            config, folder = _run_of(Path(model))
            discrete = {**config.discrete_kwargs, **discrete}
            self.name = f"{config.algo} {folder.parent.parent.name} {folder.name}"
            self.settings = {"model": str(model), "checkpoint": folder.name}
            self.maker = MenuMaker(**discrete)
            self.model = _load_policy(config, folder, self.maker)
        else:
            self.name = f"sb3 {type(model).__name__}"
            self.settings = {"model": type(model).__name__}
            self.maker = MenuMaker(**discrete)
            self.model = model
        wanted = spaces.Discrete(self.maker.max_candidates + 1)
        if getattr(self.model, "action_space", wanted) != wanted:
            raise ValueError(f"the model's actions are {self.model.action_space}, the menu's are {wanted}")
        self._masked = "action_masks" in inspect.signature(self.model.predict).parameters
        self._dialect: Dialect | None = None

    def for_env(self, env: gym.Env[Any, Any]) -> Self:
        """A copy of this agent that writes in the dialect of ``env``. Raises TypeError if ``env`` is not a ToolEnv."""
        base = env.unwrapped
        if not isinstance(base, ToolEnv):
            raise TypeError(f"SB3Agent plays ToolEnvs, got {type(base).__name__}")
        bound = copy(self)
        bound._dialect = base.dialect
        return bound

    def act(self, observation: Observation) -> str:
        """The text of the best choice in the menu."""
        return self.act_batch([observation])[0]

    def act_batch(self, observations: Sequence[Observation]) -> list[str]:
        """The text of the best choice for each of several episodes, in one forward pass."""
        dialect = self._dialect
        if dialect is None:
            raise TypeError("SB3Agent has to know the env: use rollout(env, agent) or agent.for_env(env)")
        menus = [self.maker.make(observation, dialect) for observation in observations]
        features = {name: np.stack([menu.features[name] for menu in menus]) for name in menus[0].features}
        masks = {"action_masks": features["mask"] > 0.5} if self._masked else {}
        choices, _ = self.model.predict(features, deterministic=True, **masks)
        return [dialect.render(menu.completion(int(choice))) for menu, choice in zip(menus, choices, strict=True)]


def last_whole(run: Path) -> Path | None:
    """A run's last checkpoint that is not damaged; None without a checkpoint. Raises RunError if all are damaged."""
    return newest(run, lambda folder: (None if (problem := _problem_of(folder)) else folder, problem))


def _problem_of(folder: Path) -> str:
    """What is wrong with a checkpoint, in words; "" if nothing is."""
    try:
        return damage(folder) if is_zipfile(folder / "model.zip") else "model.zip is missing or not a zip file"
    except OSError as error:
        return str(error)


def read_config(run: Path) -> SB3Config:
    """The settings of a run's folder. Raises RunError if it is not a run of stable-baselines3."""
    try:
        kept: Mapping[str, Any] = json.loads((run / "config.json").read_text("utf-8"))
        return SB3Config(**{name: kept[name] for name in NAMES if name in kept})
    except FileNotFoundError:
        raise RunError(f"{run} holds no run of stable-baselines3: it has no config.json") from None
    except (OSError, ValueError, TypeError) as error:
        raise RunError(f"{run} holds no run of stable-baselines3: {error}") from None


def _run_of(folder: Path) -> tuple[SB3Config, Path]:
    """The run's settings and a checkpoint's folder: ``folder`` itself, or the last checkpoint of the run ``folder``."""
    if (folder / "model.zip").is_file():
        return read_config(folder.parent.parent), folder
    config = read_config(folder)
    found = last_whole(folder)
    if found is None:
        raise RunError(f"{folder} has no checkpoint yet")
    return config, found


def _load_policy(config: SB3Config, folder: Path, maker: MenuMaker) -> Any:
    # the network is built from the run's settings, and only its weights come from model.zip: no pickle is loaded
    kind = MenuQPolicy if config.algo == "sb3-dqn" else MenuPolicy
    policy = kind(maker.space, spaces.Discrete(maker.max_candidates + 1), lambda _: 0.0)
    try:
        _, parameters, _ = load_from_zip_file(folder / "model.zip", load_data=False, device="cpu")
        policy.load_state_dict(parameters["policy"])  # type: ignore[arg-type]
    except (BadZipFile, KeyError, RuntimeError, ValueError) as error:
        raise RunError(f"{folder / 'model.zip'} does not fit the run's settings: {error}") from None
    policy.set_training_mode(False)
    return policy
