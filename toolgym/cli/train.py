"""``toolgym train``: a trainer under a progress bar. The stable-baselines3 trainers are in train_sb3.py."""

from __future__ import annotations

import argparse
import logging
import signal
import sys
from collections.abc import Sequence
from functools import partial
from importlib import import_module
from pathlib import Path
from shlex import quote
from typing import Any

from rich.console import Console

from toolgym.cli import train_options, train_sb3
from toolgym.cli.denominator import last_evaluation_code
from toolgym.cli.next_command import print_command
from toolgym.cli.progress import make_trackers, say_what_next, say_what_was_learnt, trainer_progress
from toolgym.cli.resolve import UserError, env_argument, make_env
from toolgym.cli.train_options import algorithm, check_used, take_data, take_shared_spelling
from toolgym.playing.left_out import MOST_LEFT_OUT
from toolgym.runlog import read_metrics

ABOUT = """\
Train a language model on a suite: sft imitates the gold actions, grpo and ppo
learn from rewards; pretrain continues pre-training on the text of a file. The
folder --out gets metrics.jsonl and checkpoints that transformers loads;
--resume continues a stopped run, to the same weights."""
EXAMPLES = """\
  toolgym train --algo sft --steps 200 --learning-rate 1.5e-4 --out runs/sft
  toolgym train --model runs/sft/checkpoints/step-000200 --out runs/grpo
  toolgym train --env ToolGym-BFCL-v0 --category multiple --eval-kwargs '{}' \\
      --model my-model --out runs/mine
  toolgym train --algo sft --data mine.jsonl --out runs/mine
  toolgym train --algo pretrain --text corpus.jsonl --out runs/text
  toolgym train --algo sb3-ppo --category choose --out runs/ppo"""
NEEDED = train_options.NEEDED


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The settings of the trainers."""
    parser.usage = "%(prog)s [--algo NAME] [--model MODEL] [--env ID] [OPTIONS]"
    train_options.add_arguments(parser)


def run(args: argparse.Namespace, console: Console) -> int:
    """Run the trainer of the algorithm; 130 after Ctrl-C."""
    take_shared_spelling(args)
    if "data" in args:
        if algorithm(args) == "pretrain":
            raise UserError("--data is for conversations, and pretrain reads plain text: give it with --text")
        take_data(args, console)
    sb3 = import_module("toolgym.agents.sb3.config")
    place = import_module("toolgym.agents.training.distributed.launch").place()
    if algorithm(args) in sb3.ALGOS:
        if place.size > 1:
            raise UserError(f"{algorithm(args)} trains in one process: start it without torchrun")
        return train_sb3.train(args, console)
    ranks: Any = None
    if place.size > 1:  # only then, for it imports torch: mistakes in the settings are told first
        ranks = import_module("toolgym.agents.training.distributed.ranks").join()
        if not ranks.first:
            return _follow(ranks, args.resume)
    checked = partial(_checked, args, sb3, console)
    config = checked() if ranks is None else ranks.from_first(checked)
    try:
        last = train_with_progress(config, console, resume=args.resume, report_to=args.report_to)
    except KeyboardInterrupt as stopped:
        sys.stderr.write(f"{stopped}; go on with --resume\n" if str(stopped) else "stopped before training began\n")
        return 128 + signal.SIGINT
    warning = nothing_learnt(config)
    rows = read_metrics(Path(config.out))
    if warning:
        console.print(f"Warning: nothing was learnt: {warning}.", style="yellow")
    code = max(training_code(config, rows, console), last_evaluation_code(rows, args.max_invalid, console))
    say_what_was_learnt(console, config)
    console.print(f"The model is in {last}", soft_wrap=True)
    if config.algo == "pretrain":
        print_command("Teach it to call tools", f"toolgym train --algo sft --model {quote(str(last))}", console)
    else:
        _say_what_next(config, last, console)
    return code


def _follow(ranks: Any, resume: bool) -> int:
    """Train as another rank than the first, which alone talks to the user."""
    logging.getLogger("toolgym").setLevel(logging.ERROR)
    module: Any = import_module("toolgym.agents.training.trainer")
    try:
        module.Trainer(ranks.from_first(None), resume=resume).run()
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except Exception as error:
        if isinstance(error, module.TrainingStopped) or not ranks.leave(error):
            return 1  # rank 0 raises the same, or tells of it
        raise
    return 0


def _checked(args: argparse.Namespace, sb3: Any, console: Console) -> Any:
    """The settings of a language model's trainer. Raises UserError if they cannot be."""
    own = sb3.own_options(vars(args))
    if own:
        raise UserError(f"{own[0]} is only for {', '.join(sb3.ALGOS)}")
    check_used(args, console)
    try:
        config = import_module("toolgym.agents.config").from_arguments(args)
    except ValueError as error:
        raise UserError(str(error)) from None
    if args.resume and not (Path(config.out) / "config.json").is_file():
        raise UserError(f"{config.out} holds no run to go on with; leave out --resume to start one")
    if config.algo != "pretrain":
        _check_envs(config)
    return config


def _say_what_next(config: Any, last: Path, console: Console) -> None:
    agent = [f"--agent policy --model {quote(str(last))}"]
    agent += [f"--template-kwarg {quote(env_argument(*each))}" for each in config.template_kwargs.items()]
    agent += ["--tools template"] if config.tools == "template" else []
    say_what_next(console, config, config.held_out(), " ".join(agent))


def _check_envs(config: Any) -> None:
    """Raises UserError for an env that cannot be made."""
    for name, arguments in config.suites():
        make_env(name, arguments)
    try:
        make_env(config.env, config.held_out())
    except UserError as error:
        raise UserError(
            f"{error} (the env that evaluates gets --eval-kwargs, {config.eval_kwargs}; "
            "for the tasks that are trained on, --eval-kwargs '{}')"
        ) from None


def training_code(config: Any, rows: list[dict[str, float]], console: Console) -> int:
    """Say how many training episodes were left out of the updates, if more than 1 %; 1 if all were, else 0."""
    each = config.prompts_per_step * (config.num_generations if config.plays else 1)
    played = each * sum(row["step"] > 0 for row in rows)
    lost = int(sum(row.get("unscored", 0.0) for row in rows))
    if lost > MOST_LEFT_OUT * played:
        told = f"{lost} of {played} training episodes were left out of the updates; the log says why."
        console.print(told, style="yellow", soft_wrap=True)
    return int(0 < played <= lost)


def nothing_learnt(config: Any) -> str:
    """The reason that no step changed the model; "" if a step did.

    Raises UserError if no token was sampled in the whole run, so that there was nothing to learn from.
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


def train_with_progress(config: Any, console: Console, *, resume: bool, report_to: Sequence[str] | None = None) -> Path:
    """``Trainer.run`` with a progress bar; returns the last checkpoint. ``report_to``: names of trackers.

    Raises UserError if training cannot continue, and KeyboardInterrupt, with the saved step, after Ctrl-C.
    """
    module: Any = import_module("toolgym.agents.training.trainer")
    trackers = make_trackers(report_to, config)
    with trainer_progress(partial(module.Trainer, config, resume=resume), config, console, trackers) as trainer:
        try:
            trainer.run()
        except KeyboardInterrupt:
            raise KeyboardInterrupt(f"stopped at step {trainer.step}, which is saved in {config.out}") from None
        except module.TrainingStopped as error:
            raise UserError(str(error)) from None
    return sorted((Path(config.out) / "checkpoints").glob("step-*"))[-1]
