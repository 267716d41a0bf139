"""``toolgym train`` and ``toolgym export``: the trainer under a progress bar, and what comes of it."""

from __future__ import annotations

import argparse
import signal
import sys
from functools import partial
from importlib import import_module
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any

from toolgym.cli.progress import say_what_next, under_progress_bar
from toolgym.cli.resolve import UserError, make_env
from toolgym.runlog import read_metrics

if TYPE_CHECKING:
    from rich.console import Console


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The settings of the trainers, and ``--resume``."""
    sb3 = import_module("toolgym.agents.sb3.config")
    import_module("toolgym.agents.config").add_arguments(parser, more_algos=sb3.ALGOS)
    sb3.add_arguments(parser)
    parser.add_argument("--resume", action="store_true", help="go on with the run in --out")


def train(args: argparse.Namespace, console: Console) -> int:
    """Run the trainer that the algorithm needs; 130 after Ctrl-C."""
    sb3 = import_module("toolgym.agents.sb3.config")
    if _algorithm(args) in sb3.ALGOS:
        return import_module("toolgym.cli.train_sb3").train(args, console)  # type: ignore[no-any-return]
    own = sb3.own_options(vars(args))
    if own:
        raise UserError(f"{own[0]} is only for {', '.join(sb3.ALGOS)}")
    try:
        config = import_module("toolgym.agents.config").from_arguments(args)
    except ValueError as error:
        raise UserError(str(error)) from None
    if args.resume and not (Path(config.out) / "config.json").is_file():
        raise UserError(f"{config.out} holds no run to go on with; leave out --resume to start one")
    for name, arguments in config.suites():
        make_env(name, arguments)
    held_out = {**config.env_kwargs, **config.eval_kwargs}
    try:
        make_env(config.env, held_out)
    except UserError as error:
        raise UserError(
            f"{error} (the env that evaluates gets --eval-kwargs, {config.eval_kwargs}; "
            "for the tasks that are trained on, --eval-kwargs '{}')"
        ) from None
    try:
        last = train_with_progress(config, console, resume=args.resume)
    except KeyboardInterrupt as stopped:
        sys.stderr.write(f"{stopped}; go on with --resume\n")
        return 128 + signal.SIGINT
    warning = nothing_learnt(config)
    console.print(f"The model is in {last}", soft_wrap=True)
    say_what_next(console, config, held_out, f"--agent policy --model {quote(str(last))}")
    if warning:
        console.print(f"Warning: nothing was learnt: {warning}.", style="yellow")
    return 0


def nothing_learnt(config: Any) -> str:
    """Why no step of a run has changed the model; "" where one has.

    Raises UserError where there was nothing to learn from: no token was sampled in the whole run.
    """
    steps = [row for row in read_metrics(Path(config.out)) if row["step"] > 0]
    if any(row.get("grad_norm") for row in steps):
        return ""
    if not any(row.get("completion_length") for row in steps):
        why = "no token was sampled in any step"
        if all(row.get("truncated") == 1 for row in steps):
            why += (
                f", for no prompt left room for an answer within max_tokens ({config.max_tokens}). Begin a run in "
                "another folder with a larger one"
            )
        raise UserError(f"nothing was learnt: {why}.")
    if all(row.get("frac_reward_zero_std") == 1 for row in steps):
        return "in every step all episodes of a group got the same reward, so none could be preferred"
    return "the gradient was 0 in every step"


def _algorithm(args: argparse.Namespace) -> Any:
    """What ``--algo`` or the ``--config`` file says."""
    if hasattr(args, "algo") or not args.config:
        return getattr(args, "algo", None)
    try:
        return import_module("toolgym.agents.config").read_settings(Path(args.config)).get("algo")
    except ValueError as error:
        raise UserError(str(error)) from None


def train_with_progress(config: Any, console: Console, *, resume: bool) -> Path:
    """``Trainer.run`` with a progress bar; the last checkpoint.

    Raises UserError where training cannot go on, KeyboardInterrupt after Ctrl-C, which says what is saved.
    """
    module: Any = import_module("toolgym.agents.training.trainer")
    with under_progress_bar(partial(module.Trainer, config, resume=resume), config, console) as trainer:
        try:
            trainer.run()
        except KeyboardInterrupt:
            raise KeyboardInterrupt(f"stopped at step {trainer.step}, which is saved in {config.out}") from None
        except module.TrainingStopped as error:
            raise UserError(str(error)) from None
    return sorted((Path(config.out) / "checkpoints").glob("step-*"))[-1]


def export(args: argparse.Namespace, console: Console) -> None:
    """Write a run's model to a folder of its own."""
    with console.status(f"writing {args.out} ..."):
        folder = import_module("toolgym.agents.export").export(args.run, args.out)
    size = sum(path.stat().st_size for path in folder.iterdir()) / 1e6
    console.print(f"{folder}: {size:,.1f} MB, to be loaded with transformers' from_pretrained", soft_wrap=True)
