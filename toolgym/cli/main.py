"""The ``toolgym`` command: picks the command, turns exceptions into messages and exit codes.

Each command is a file beside this one, named as the command (_ for -). It has ``ABOUT`` and ``EXAMPLES`` (its help),
``add_arguments(parser)``, and ``run(args, console)``, which returns the exit code (None counts as 0).
A new command is one such file and one line in ``COMMANDS``. Only the command that was asked for is imported.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

COMMANDS = {
    "list": "the suites, and the data they need",
    "show": "a suite, or one of its tasks",
    "play": "be the model: act in the terminal, see every score",
    "data": "what is in a file of your own conversations, and what is wrong with it",
    "eval": "let an agent play, and report how it did",
    "compare": "several agents on several suites, in one table",
    "robustness": "an agent under perturbations and faults, beside clean tasks",
    "train": "teach a model with SFT, GRPO or PPO",
    "serve-sampler": "a vLLM server that samples for train and eval",
    "export": "a trained model as a folder of its own",
    "report": "runs side by side, as tables and a page",
    "view": "runs in the browser, episode by episode",
    "score": "answers that you have: official result files, inspect logs, runs",
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
        return _run(parser.parse_args(words))
    except SystemExit as stop:  # argparse has printed the message
        return int(stop.code or 0)
    except KeyboardInterrupt:  # while the command was still being imported
        sys.stderr.write("\nstopped\n")
        return 130


def _parser(words: Sequence[str]) -> argparse.ArgumentParser:
    """The parser, with the arguments of the commands that ``words`` name."""
    layout: dict[str, Any] = {"formatter_class": argparse.RawDescriptionHelpFormatter, "allow_abbrev": False}
    parser = argparse.ArgumentParser(
        prog="toolgym",
        description="Gymnasium environments for tool use by language models.",
        epilog="Begin with `toolgym list`, then `toolgym play ToolGym-Office-v0`.\n"
        "`toolgym COMMAND --help` explains a command, with examples.",
        **layout,
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name, summary in COMMANDS.items():
        added = commands.add_parser(name, help=summary, **layout)
        if name in words:
            command: Any = import_module(f"toolgym.cli.{name.replace('-', '_')}")
            added.description = command.ABOUT
            added.epilog = f"examples:\n{command.EXAMPLES}"
            command.add_arguments(added)
            added.set_defaults(command=command.run, usage_error=added.error)
    return parser


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

    sys.stderr.write(f"{printable(trace)}error: {printable(without_secrets(message))}\n")
    return 1
