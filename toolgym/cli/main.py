"""The ``toolgym`` command: picks the command, turns exceptions into messages and exit codes.

Each command is a file beside this one, named as the command (_ for -). It has ``ABOUT`` and ``EXAMPLES`` (its help),
``add_arguments(parser)``, and ``run(args, console)``, which returns the exit code (None counts as 0). ``NEEDED`` names
the options that ``--help`` shows if there are more than a screen has room for; ``--help-all`` shows all.
A new command is one such file and one line in ``COMMANDS``. Only the command that was asked for is imported.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from importlib import import_module
from typing import TYPE_CHECKING, Any

from toolgym.cli.pager import NO_PAGER
from toolgym.cli.parser import HELP_ALL, Parser, wrapped

if TYPE_CHECKING:
    from rich.console import Console

COMMANDS = {
    "list": "the suites, and the data they need",
    "show": "a suite, or one of its tasks",
    "play": "be the model: act in the terminal, see every score",
    "data": "what is in a file of your own conversations, and its mistakes",
    "eval": "let an agent play, and report how it did",
    "compare": "several agents on several suites, in one table",
    "robustness": "an agent under perturbations and faults, beside clean tasks",
    "train": "teach a model with SFT, GRPO or PPO",
    "serve-sampler": "a vLLM server that samples for train and eval",
    "export": "a trained model as a folder of its own",
    "report": "runs side by side, as tables and a page",
    "view": "runs in the browser, episode by episode",
    "score": "answers that you have: result files, inspect logs, runs",
    "replay": "a run again: the same bytes, or another rubric",
    "audit": "does a reward pay for success: kept runs, or adversaries",
    "fetch": "download data and models into the cache",
}
"""Command -> its line in ``toolgym --help``."""

EXTRAS = {
    "torch": "train", "transformers": "train", "gguf": "train", "safetensors": "train", "tokenizers": "train",
    "peft": "lora", "stable_baselines3": "sb3", "matplotlib": "report", "aiohttp": "endpoint",
    "tree_sitter": "bfcl", "tree_sitter_java": "bfcl", "tree_sitter_javascript": "bfcl",
    "ray": "ray",
}  # fmt: skip
"""Module -> the extra of the package that installs it."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code: 0, 1 for an error, 2 for wrong usage, 130 for Ctrl-C."""
    words = sys.argv[1:] if argv is None else argv
    try:
        parser = _parser(words)
        if not words:
            parser.print_help(sys.stderr)
            return 2
        _check_command(parser, words)
        args, unknown = parser.parse_known_args(words)
        if unknown:
            args.parser.refuse(unknown)
        return _run(args)
    except SystemExit as stop:  # argparse has printed the message
        return int(stop.code or 0)
    except KeyboardInterrupt:  # while the command was still being imported
        sys.stderr.write("\nstopped\n")
        return 130


def _parser(words: Sequence[str]) -> Parser:
    """The parser, with the arguments of the commands that ``words`` name."""
    table = "\n".join(f"    {name:<15}{summary}" for name, summary in COMMANDS.items())
    parser = Parser(
        prog="toolgym",
        usage="%(prog)s [-h] COMMAND ...",
        description="Gymnasium environments for tool use by language models.",
        epilog=f"commands:\n{table}\n\n"
        "Begin with `toolgym list`, then `toolgym play ToolGym-Office-v0`.\n"
        "Each: `toolgym COMMAND --help`. Long output is paged, unless with --no-pager.",
    )
    no_pager = NO_PAGER in words
    parser.paged = not no_pager
    parser.add_argument(NO_PAGER, action="store_true", help=argparse.SUPPRESS)
    commands = parser.add_subparsers(prog="toolgym", metavar="COMMAND", required=True, help=argparse.SUPPRESS)
    for name in COMMANDS:
        added = commands.add_parser(name)
        if name in words:
            command: Any = import_module(f"toolgym.cli.{name.replace('-', '_')}")
            added.description = command.ABOUT
            added.epilog = f"examples:\n{command.EXAMPLES}"
            added.paged = not no_pager
            command.add_arguments(added)
            needed = getattr(command, "NEEDED", ())
            added.add_common(needed, all_of_them=HELP_ALL in words, no_pager=no_pager)
            added.set_defaults(command=command.run, usage_error=added.error, parser=added)
    return parser


def _check_command(parser: Parser, words: Sequence[str]) -> None:
    """End with an error about a command that does not exist; it names one that is alike."""
    word = next((word for word in words if not word.startswith("-")), None)
    if word is not None and word not in COMMANDS:
        close = get_close_matches(word, COMMANDS, 1)
        hint = f"Did you mean {close[0]}?" if close else f"There are {', '.join(COMMANDS)}."
        parser.error(f"no command {word!r}. {hint}")


def _run(args: argparse.Namespace) -> int:
    from toolgym.assets import AssetError
    from toolgym.cli import own_code
    from toolgym.cli.output import Output
    from toolgym.cli.resolve import UserError
    from toolgym.cli.terminal import screen
    from toolgym.cli.threads import spin_briefly
    from toolgym.rollout import AgentError, NotAnAgent
    from toolgym.runlog import RunError

    spin_briefly()
    command: Callable[[argparse.Namespace, Console], int | None] = args.command
    output = Output(sys.stdout)
    try:
        status = command(args, screen(output)) or 0
        if told := output.told():
            return _failed(told)
        return status
    except (UserError, AssetError, RunError, AgentError, NotAnAgent) as error:
        place = own_code.place(error, args)
        return _failed(str(error) if place in str(error) else f"{error}{place}")
    except Exception as error:
        missing = (error.name or "").partition(".")[0] if isinstance(error, ModuleNotFoundError) else ""
        if missing in EXTRAS:
            return _failed(f"this needs the module {missing}: pip install 'toolgym[{EXTRAS[missing]}]'")
        own = own_code.told(error, args)
        if own is not None:
            return _failed(own[1], own[0])
        if isinstance(error, OSError) and error.filename is not None and error.strerror:
            return _failed(f"{error.filename}: {error.strerror}")  # without the number of the error
        if not missing and isinstance(error, (OSError, ValueError, ImportError)):
            return _failed(str(error))
        raise


def _failed(message: str, trace: str = "") -> int:
    from toolgym.report.text import printable
    from toolgym.secrets import without_secrets

    told = wrapped(f"error: {printable(without_secrets(message))}")
    sys.stderr.write(f"{printable(trace)}{told}\n")
    return 1
