"""Command-line options that several commands have, and how options are read."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from toolgym.cli.resolve import UserError, category_name, env_arguments
from toolgym.dialects import DIALECTS
from toolgym.rewards import NAMED

ROWS = "ToolGym-Rows-v0"


def data_option(parser: Any) -> None:
    """``--data FILE``: the user's own conversations, in place of a suite. ``parser`` may be any with add_argument."""
    parser.add_argument(
        "--data", metavar="FILE", default=argparse.SUPPRESS,
        help="your own conversations in place of a suite; see `toolgym data FILE`",
    )  # fmt: skip


def with_data(args: argparse.Namespace, given: dict[str, Any]) -> dict[str, Any]:
    """The env's arguments with the path of ``--data``; then ``args.env`` is the suite that plays files.

    Raises UserError if another env is given beside the file, or a second path.
    """
    if "data" not in args:
        return given
    if getattr(args, "env", None) not in (None, ROWS):
        raise UserError(f"--data plays a file with {ROWS}: leave out --env {args.env}")
    if "path" in given:
        raise UserError("the file is given twice: leave out --data or path")
    args.env = ROWS
    return {"path": args.data, **given}


def env_options(parser: argparse.ArgumentParser) -> None:
    """The options for the environment."""
    group = parser.add_argument_group("the environment")
    env_choices(group)
    group.add_argument(
        "--demonstrations", type=examples, metavar="K",
        help="worked examples before each request, from the suite's train split; K:ID from the suite ID's",
    )  # fmt: skip


def env_choices(group: Any) -> None:
    """The options for the environment that evaluation and training share."""
    group.add_argument(
        "--category",
        action="append",
        metavar="NAMES",
        help="only these categories, with commas between; may be repeated. A suite's levels are its categories",
    )
    first, *others = DIALECTS
    group.add_argument(
        "--dialect", metavar="NAME", help=f"how calls are written: {first} (default), {', '.join(others)}"
    )
    group.add_argument("--rubric", metavar="NAME", help=f"reward: {', '.join(NAMED)}; toolrl by default")
    group.add_argument(
        "--env-arg", metavar="K=V", action="append", default=[], help="any other argument of the env; may be repeated"
    )


def answer_length(parser: Any) -> None:
    """``--max-completion-length``, as in training; ``--max-new-tokens`` is its earlier name."""
    for flag in ("--max-completion-length", "--max-new-tokens"):
        text = "tokens of one answer" if flag == "--max-completion-length" else argparse.SUPPRESS
        parser.add_argument(flag, dest="max_completion_length", type=whole(1), metavar="N", help=text)


def template_kwarg_option(parser: Any) -> None:
    """``--template-kwarg``."""
    parser.add_argument(
        "--template-kwarg", metavar="K=V", action="append",
        help="policy: an argument of its chat template, e.g. enable_thinking=false; may be repeated",
    )  # fmt: skip


def env_kwargs(args: argparse.Namespace, env_id: str | None = None) -> dict[str, Any]:
    """The env's keyword arguments. Raises UserError for an empty category or an argument that is given twice."""
    found: dict[str, Any] = {}
    given_as: dict[str, str] = {}
    words = [name for word in args.category or () for name in word.split(",") if name]
    if words:
        name = category_name(env_id or (args.env if "env" in args else args.id))
        values = words if name == "category" else [env_arguments([f"{name}={word}"])[name] for word in words]
        found[name], given_as[name] = values[0] if len(values) == 1 else values, "category"
    elif args.category:
        raise UserError(f"--category {args.category[0]!r}: name a category, or several with commas between")
    for name in ("dialect", "rubric", "demonstrations"):
        if getattr(args, name, None) is not None:
            found[name], given_as[name] = getattr(args, name), name
    more = env_arguments(args.env_arg)
    twice = [name for name in more if name in found]
    if twice:
        raise UserError(f"{twice[0]} is given twice: leave out --{given_as[twice[0]]} or --env-arg {twice[0]}=...")
    return {**more, **found}


def check_page(html: str | None, example: str) -> None:
    """Raises UserError if ``--html`` names a folder; ``example`` is a name for the file in it."""
    if html is not None and Path(html).is_dir():
        raise UserError(f"--html {html} is a folder: name a file, such as {Path(html) / example}")


def tasks(text: str) -> int | None:
    """Reads a number of tasks: a whole number from 1, or "all" (None)."""
    return None if text == "all" else whole(1)(text)


def examples(text: str) -> int | dict[str, Any]:
    """Reads a number of demonstrations, "4", or "4:ToolGym-Functions-v0", from another suite."""
    number, colon, env_id = text.partition(":")
    count = whole(1)(number)
    return {"count": count, "env": env_id} if colon else count


def from_zero(text: str) -> float:
    """Reads a finite number from 0."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0")
    return value


def share(text: str) -> float:
    """Reads a number from 0 to 1."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a share from 0 to 1")
    return value


def whole(least: int) -> Callable[[str], int]:
    """A reader of whole numbers of ``least`` or more."""

    def read(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = least - 1
        if value < least:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {least}")
        return value

    return read
