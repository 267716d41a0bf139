"""``toolgym train --algo sb3-...``: stable-baselines3 under a progress bar."""

from __future__ import annotations

import argparse
import dataclasses
import signal
import sys
from collections.abc import Sequence
from functools import partial
from importlib import import_module
from pathlib import Path
from shlex import quote
from typing import Any

from rich.console import Console

from toolgym.cli.denominator import last_evaluation_code
from toolgym.cli.progress import make_trackers, say_what_next, say_what_was_learnt, trainer_progress
from toolgym.cli.resolve import UserError, make_env
from toolgym.runlog import read_metrics


def train(args: argparse.Namespace, console: Console) -> int:
    """Train a small network to choose from the menu of calls; 130 after Ctrl-C."""
    settings: Any = import_module("toolgym.agents.sb3.config")
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
    held_out = config.env_kwargs if config.held_out else {**config.env_kwargs, **config.eval_kwargs}
    try:
        make_env(config.env, held_out)
    except UserError as error:
        if config.eval_every:
            hint = (
                f"the env that evaluates gets --eval-kwargs, {config.eval_kwargs}; a suite with one split: --held-out"
            )
            raise UserError(f"{error} ({hint})") from None
        held_out = config.env_kwargs
    try:
        steps = _train(config, console, resume=args.resume, report_to=args.report_to)
    except KeyboardInterrupt as stopped:
        sys.stderr.write(f"{stopped}\n")
        return 128 + signal.SIGINT
    if steps > config.steps:
        console.print(f"It took {steps} actions, not {config.steps}: {config.algo} learns from whole rollouts.")
    code = last_evaluation_code(read_metrics(folder), args.max_invalid, console)
    say_what_was_learnt(console, config)
    say_what_next(console, config, held_out, f"--agent sb3 --model {quote(config.out)}")
    return code


def _train(config: Any, console: Console, *, resume: bool, report_to: Sequence[str] | None) -> int:
    """The number of actions taken. Raises KeyboardInterrupt, with the saved checkpoint, after Ctrl-C."""
    make = partial(import_module("toolgym.agents.sb3.trainer").SB3Trainer, config, resume=resume)
    with trainer_progress(make, config, console, make_trackers(report_to, config)) as trainer:
        try:
            trainer.run()
        except KeyboardInterrupt:
            saved = import_module("toolgym.agents.step_folders").all_of(Path(config.out))
            kept = (
                f"{saved[-1].name} is saved in {config.out}; go on with --resume" if saved else "nothing is saved yet"
            )
            raise KeyboardInterrupt(f"stopped; {kept}") from None
    return int(trainer.step)
