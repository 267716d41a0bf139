"""``toolgym train`` and ``toolgym export``: the trainer under a progress bar, and what comes of it."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from toolgym.commands.resolve import UserError, make_env

if TYPE_CHECKING:
    from rich.console import Console

SHOWN = {"reward": "reward", "nll": "nll", "success": "ok", "completion_length": "length", "entropy": "entropy",
         "tokens_per_second": "tok/s", "eval/success": "held-out ok"}  # fmt: skip
"""Metrics beside the bar, and what they are called there."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The settings of the trainers, and ``--resume``."""
    sb3 = import_module("toolgym.agents.sb3_config")
    import_module("toolgym.agents.config").add_arguments(parser, more_algos=sb3.ALGOS)
    sb3.add_arguments(parser)
    parser.add_argument("--resume", action="store_true", help="go on with the run in --out")


def train(args: argparse.Namespace, console: Console) -> int:
    """Run the trainer that the algorithm needs; 130 after Ctrl-C."""
    sb3 = import_module("toolgym.agents.sb3_config")
    if _algorithm(args) in sb3.ALGOS:
        return import_module("toolgym.commands.training_sb3").train(args, console)  # type: ignore[no-any-return]
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
    try:
        make_env(config.env, {**config.env_kwargs, **config.eval_kwargs})
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
    console.print(f"The model is in {last}", soft_wrap=True)
    console.print(f"How it learnt: toolgym report {config.out}", soft_wrap=True)
    console.print(f"Try it: toolgym eval --env {config.env} --agent policy --model {last} -n 40", soft_wrap=True)
    return 0


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
    module: Any = import_module("toolgym.agents.train")
    with under_progress_bar(partial(module.Trainer, config, resume=resume), config, console) as trainer:
        try:
            trainer.run()
        except KeyboardInterrupt:
            raise KeyboardInterrupt(f"stopped at step {trainer.step}, which is saved in {config.out}") from None
        except module.TrainingStopped as error:
            raise UserError(str(error)) from None
    return sorted((Path(config.out) / "checkpoints").glob("step-*"))[-1]


@contextmanager
def under_progress_bar(make: Callable[..., Any], config: Any, console: Console) -> Iterator[Any]:
    """The trainer that ``make(on_step=...)`` gives, under a bar that shows each of its steps."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, TextColumn("{task.fields[shown]}"), console=console) as progress:
        bar = progress.add_task(config.algo, total=config.steps, shown="loading the model")
        latest: dict[str, float] = {}

        def show(row: dict[str, float]) -> None:
            latest.update(row)
            shown = "  ".join(f"{label} {latest[name]:.3g}" for name, label in SHOWN.items() if name in latest)
            progress.update(bar, completed=min(row["step"], config.steps), shown=shown)

        trainer = make(on_step=show)
        progress.update(bar, completed=trainer.step, shown="first evaluation" if config.eval_every else "")
        yield trainer


def export(args: argparse.Namespace, console: Console) -> None:
    """Write a run's model to a folder of its own."""
    with console.status(f"writing {args.out} ..."):
        folder = import_module("toolgym.agents.export").export(args.run, args.out)
    size = sum(path.stat().st_size for path in folder.iterdir()) / 1e6
    console.print(f"{folder}: {size:,.1f} MB, to be loaded with transformers' from_pretrained", soft_wrap=True)
