"""The settings of ``toolgym train --algo sb3-ppo | sb3-a2c | sb3-dqn``. Imports no torch: ``--help`` imports this."""

from __future__ import annotations

import argparse
import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..config import json_of, read_settings

ALGOS = ("sb3-ppo", "sb3-a2c", "sb3-dqn")
"""The algorithms of stable-baselines3 that ``toolgym train`` runs."""
_WHOLE = {"steps": 1, "eval_every": 0, "eval_tasks": 1, "save_every": 1}
_OWN = ("held_out", "discrete_kwargs", "sb3_kwargs")


@dataclass(kw_only=True, frozen=True)
class SB3Config:
    """Settings of a run of stable-baselines3. Settings shared with ``TrainConfig`` have the same names."""

    algo: str = "sb3-ppo"
    """One of ``ALGOS``."""
    env: str = "ToolGym-Office-v0"
    """Gymnasium id of the suite."""
    env_kwargs: dict[str, Any] = field(default_factory=dict)
    """Arguments of ``env``."""
    eval_kwargs: dict[str, Any] = field(default_factory=lambda: {"split": "val"})
    """Arguments of the env for evaluations, added to env_kwargs; not used with held_out."""
    held_out: float = 0.0
    """Share of the tasks held out for evaluation, for suites with only one split; 0 holds out nothing."""
    out: str = "runs/train"
    """Folder of the run."""
    steps: int = 20_000
    """Number of actions in training."""
    learning_rate: float = 1e-3
    """Learning rate, constant."""
    eval_every: int = 5_000
    """Actions between greedy evaluations; 0 for no evaluations."""
    eval_tasks: int = 200
    """Number of tasks in an evaluation: always the same tasks."""
    save_every: int = 5_000
    """Actions between checkpoints; the last two are kept."""
    seed: int = 0
    """Seed of the initial weights, the tasks drawn and the actions sampled."""
    discrete_kwargs: dict[str, Any] = field(default_factory=dict)
    """Arguments of ``DiscreteTools``: max_candidates, fillings, features."""
    sb3_kwargs: dict[str, Any] = field(default_factory=dict)
    """Arguments of the algorithm; they override ToolGym's defaults."""

    def __post_init__(self) -> None:
        if self.algo not in ALGOS:
            raise ValueError(f"algo must be one of {', '.join(ALGOS)}; got {self.algo!r}")
        for name, least in _WHOLE.items():
            value = getattr(self, name)
            if type(value) is not int or value < least:
                raise ValueError(f"{name} must be a whole number from {least}, got {value!r}")
        if type(self.seed) is not int or not 0 <= self.seed < 2**31:
            raise ValueError(f"seed must be a whole number from 0 to 2**31 - 1, got {self.seed!r}")
        if not (isinstance(self.learning_rate, (int, float)) and 0 < self.learning_rate < math.inf):
            raise ValueError(f"learning_rate must be a number above 0, got {self.learning_rate!r}")
        if not (isinstance(self.held_out, (int, float)) and 0 <= self.held_out < 1):
            raise ValueError(f"held_out must be a share from 0 to below 1, got {self.held_out!r}")
        for name in ("env_kwargs", "eval_kwargs", "discrete_kwargs", "sb3_kwargs"):
            if not isinstance(getattr(self, name), dict):
                raise ValueError(f"{name} must be a mapping, got {getattr(self, name)!r}")
        taken = {"policy", "env", "seed", "learning_rate", "policy_kwargs"} & set(self.sb3_kwargs)
        if taken or self.discrete_kwargs.get("multi"):
            what = f"sb3_kwargs: {sorted(taken)[0]}" if taken else "discrete_kwargs: multi"
            raise ValueError(f"{what} cannot be set here; write a loop of your own with DiscreteTools for it")


NAMES = tuple(each.name for each in dataclasses.fields(SB3Config))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``toolgym train`` that only these algorithms have."""
    group = parser.add_argument_group(f"only for {', '.join(ALGOS)}")
    for name, text in (
        ("discrete_kwargs", "the menu, as JSON: max_candidates, fillings, features"),
        ("sb3_kwargs", 'arguments of the algorithm, as JSON: {"n_steps": 128}'),
    ):
        flag = "--" + name.replace("_", "-")
        group.add_argument(flag, type=json_of(dict), metavar="JSON", default=argparse.SUPPRESS, help=text)
    share = "share of the tasks held out for evaluation, for suites with only one split"
    group.add_argument("--held-out", type=float, metavar="X", default=argparse.SUPPRESS, help=share)


def from_arguments(options: Mapping[str, Any], foreign: set[str]) -> SB3Config:
    """The config from a parsed command line and its ``--config`` file.

    ``foreign``: names of the settings of language models. Raises ValueError with the name of a given setting that is
    foreign or unknown.
    """
    given = read_settings(Path(options["config"])) if options.get("config") else {}
    given |= {name: options[name] for name in (*NAMES, *foreign) if name in options}
    for name in given:
        if name not in NAMES:
            kind = "is for language models" if name in foreign else "is not a setting"
            algo = given.get("algo", SB3Config.algo)
            raise ValueError(f"{name} {kind}; {algo} takes {', '.join(NAMES[1:])}")
    return SB3Config(**given)


def own_options(options: Mapping[str, Any]) -> list[str]:
    """The options given that only the algorithms of stable-baselines3 have."""
    return [name for name in _OWN if name in options]
