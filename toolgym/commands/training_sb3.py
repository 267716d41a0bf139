"""``toolgym train --algo sb3-...``: stable-baselines3 under a progress bar."""

from __future__ import annotations

import argparse
import dataclasses
import json
import signal
import sys
from functools import partial
from importlib import import_module
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any

from toolgym.commands.resolve import UserError, make_env
from toolgym.commands.training import under_progress_bar

if TYPE_CHECKING:
    from rich.console import Console


def train(args: argparse.Namespace, console: Console) -> int:
    """Train a small network to pick from the menu of calls; 130 after Ctrl-C."""
    settings: Any = import_module("toolgym.agents.sb3_config")
    language: Any = import_module("toolgym.agents.config")
    others = {field.name for field in dataclasses.fields(language.TrainConfig)} - set(settings.NAMES)
    try:
        config = settings.from_arguments(vars(args), others)
    except ValueError as error:
        raise UserError(str(error)) from None
    folder = Path(config.out)
    if args.resume and not (folder / "config.json").is_file():
        raise UserError(f"{folder} holds no run to go on with; leave out --resume to start one")
    make_env(config.env, config.env_kwargs)
    if config.eval_every and not config.held_out:
        try:
            make_env(config.env, {**config.env_kwargs, **config.eval_kwargs})
        except UserError as error:
            hint = (
                f"the env that evaluates gets --eval-kwargs, {config.eval_kwargs}; a suite with one split: --held-out"
            )
            raise UserError(f"{error} ({hint})") from None
    try:
        _train(config, console, resume=args.resume)
    except KeyboardInterrupt as stopped:
        sys.stderr.write(f"{stopped}\n")
        return 128 + signal.SIGINT
    console.print(f"How it learnt: toolgym report {config.out}", soft_wrap=True)
    given = [f"--env-arg {quote(f'{name}={json.dumps(value)}')} " for name, value in config.env_kwargs.items()]
    tried = f"toolgym eval --env {config.env} {''.join(given)}--agent sb3 --model {config.out} -n 40"
    console.print(f"Try it: {tried}", soft_wrap=True, markup=False)
    return 0


def _train(config: Any, console: Console, *, resume: bool) -> None:
    """Raises KeyboardInterrupt after Ctrl-C, which says what is saved."""
    make = partial(import_module("toolgym.agents.sb3").SB3Trainer, config, resume=resume)
    with under_progress_bar(make, config, console) as trainer:
        try:
            trainer.run()
        except KeyboardInterrupt:
            saved = import_module("toolgym.agents.sb3_agent").checkpoints(Path(config.out))
            kept = (
                f"{saved[-1].name} is saved in {config.out}; go on with --resume" if saved else "nothing is saved yet"
            )
            raise KeyboardInterrupt(f"stopped; {kept}") from None
