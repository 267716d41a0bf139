"""Command-line options that more than one command has, and those of ``eval``. Light: ``--help`` loads this."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from typing import Any


def env_kwargs(args: argparse.Namespace) -> dict[str, Any]:
    """What the options say about the env, as keyword arguments."""
    from toolgym.cli.resolve import UserError, env_arguments

    found: dict[str, Any] = {}
    categories = [name for word in args.category or () for name in word.split(",") if name]
    if categories:
        found["category"] = categories[0] if len(categories) == 1 else categories
    elif args.category:
        raise UserError(f"--category {args.category[0]!r}: name a category, or several with commas between")
    for name in ("dialect", "rubric"):
        if getattr(args, name) is not None:
            found[name] = getattr(args, name)
    more = env_arguments(args.env_arg)
    twice = [name for name in more if name in found]
    if twice:
        raise UserError(f"{twice[0]} is given twice: leave out --{twice[0]} or --env-arg {twice[0]}=...")
    return {**more, **found}


def env_options(parser: argparse.ArgumentParser) -> None:
    """What may be said of the environment."""
    group = parser.add_argument_group("the environment")
    group.add_argument(
        "--category", action="append", metavar="NAMES", help="only these, with commas between; may be repeated"
    )
    group.add_argument("--dialect", help="toolrl (default), hermes, llama3, pythonic or openai")
    group.add_argument("--rubric", help="toolrl (default) or toolrl-reference")
    group.add_argument("--env-arg", metavar="K=V", action="append", default=[], help="any other argument of the env")


def eval_options(parser: argparse.ArgumentParser) -> None:
    """Who plays what, how, and where it is kept."""
    parser.add_argument("--env", metavar="ID", required=True, help="a suite's id, or module:Id for one of your own")
    parser.add_argument(
        "--agent", metavar="NAME", required=True,
        help="oracle, random, silent, replay, endpoint, policy, sb3, or module:Class for one of your own",
    )  # fmt: skip
    env_options(parser)
    how = parser.add_argument_group("how to play")
    how.add_argument("-n", type=tasks, metavar="N", help="this many tasks, drawn by the seed; all if left out")
    how.add_argument("--repeats", type=whole(1), default=1, metavar="R", help="episodes of each task (1)")
    how.add_argument("--seed", type=whole(0), default=0, help="draws the tasks, and what the agent samples (0)")
    how.add_argument("--batch-size", type=whole(1), default=16, metavar="B", help="episodes at once (16)")
    how.add_argument("--out", metavar="DIR", help="keep episodes, numbers and page in this folder")
    how.add_argument("--resume", action="store_true", help="go on with the run in --out")
    model = parser.add_argument_group("the agent (policy: a local model; endpoint: an OpenAI-compatible server)")
    model.add_argument("--model", help="policy: smollm2 (default), folder or hub name; endpoint: its name; sb3: a run")
    model.add_argument("--temperature", type=from_zero, help="of sampling; 0 is greedy")
    model.add_argument("--max-new-tokens", type=whole(1), metavar="T", help="tokens of one answer")
    model.add_argument("--stop", action="append", metavar="TEXT", help="policy: end an answer at this text")
    model.add_argument("--device", help="policy: auto (default), cpu, cuda, ...")
    model.add_argument("--base-url", metavar="URL", help="endpoint: where it is, up to /v1 (OpenAI's)")
    model.add_argument("--api-key-env", metavar="VAR", help="endpoint: the variable with its key, if any")
    model.add_argument("--tools", choices=["native", "prompt"], help="endpoint: how tools are offered to the model")
    model.add_argument("--replay", metavar="RUN", help="replay: the run whose texts are played again")


def tasks(text: str) -> int | None:
    """Reads how many: a whole number, or "all"."""
    return None if text == "all" else whole(1)(text)


def from_zero(text: str) -> float:
    """Reads a finite number from 0."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0")
    return value


def whole(least: int) -> Callable[[str], int]:
    """What reads an option's whole number, ``least`` or more."""

    def read(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = least - 1
        if value < least:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {least}")
        return value

    return read
