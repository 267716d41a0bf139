"""The parser of the command line: help in two tiers, and messages that are wrapped at words."""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Collection, Sequence
from difflib import get_close_matches
from textwrap import fill, wrap
from typing import Any, NoReturn

from toolgym.cli.pager import NO_PAGER, show

HELP_ALL = "--help-all"


class _Layout(argparse.RawDescriptionHelpFormatter):
    """Descriptions as they are, and the text of options wrapped at spaces only: names keep their hyphens."""

    def _split_lines(self, text: str, width: int) -> list[str]:
        return wrap(" ".join(text.split()), width, break_long_words=False, break_on_hyphens=False)


class Parser(argparse.ArgumentParser):
    """A parser whose ``--help`` fits a screen: ``--help-all`` has the options that only experts need."""

    def __init__(self, **options: Any):
        super().__init__(formatter_class=_Layout, allow_abbrev=False, add_help=False, **options)
        self.paged = True
        """Whether help that does not fit on the terminal is shown through a pager."""
        self.add_argument("-h", "--help", action="help", help=argparse.SUPPRESS)

    def print_help(self, file: Any = None) -> None:
        """Show the help, through a pager if it does not fit."""
        show(self.format_help(), file or sys.stdout, off=not self.paged or file not in (None, sys.stdout))

    def error(self, message: str) -> NoReturn:
        """Print how the command is used and what is wrong; exit code 2."""
        self.print_usage(sys.stderr)
        self.exit(2, wrapped(f"{self.prog}: error: {message}") + "\n")

    def options(self) -> dict[str, argparse.Action]:
        """The visible arguments by ``dest``, without help, and without other spellings of the same."""
        return {action.dest: action for action in self._actions if action.help != argparse.SUPPRESS}

    def add_common(self, needed: Collection[str], *, all_of_them: bool, no_pager: bool) -> None:
        """Add ``--help-all`` and ``--no-pager``, and hide what experts need unless all options are asked for.

        ``needed``: the ``dest`` of each option that ``--help`` shows; if empty, it shows all.
        """
        hidden = argparse.SUPPRESS
        rest = [] if all_of_them else [each for name, each in self.options().items() if needed and name not in needed]
        self.add_argument(HELP_ALL, action="help", help=hidden)  # the last line of the help tells of it
        self.add_argument(NO_PAGER, action="store_true", default=no_pager, help=hidden)
        if not rest:
            return
        for option in rest:
            option.help = hidden
        for group in self._action_groups:
            group.description = None  # without one, argparse leaves out a group that has nothing to show
        self.epilog = f"`{self.prog} {HELP_ALL}` shows {len(rest)} more options.\n\n{self.epilog}"

    def refuse(self, unknown: Sequence[str]) -> NoReturn:
        """End with an error about words that fit no option; it names what is alike: an argument of envs, an option."""
        names = [name for action in self._actions for name in action.option_strings]
        word = unknown[0].partition("=")[0]
        argument = word.removeprefix("--").replace("-", "_")
        close = get_close_matches(word, names, 1, 0.7)
        if "--env-arg" in names and argument in _arguments_of_envs():
            close = [f"--env-arg {argument}=..."]
        hint = f". Did you mean {close[0]}?" if close else f"; see {self.prog} {HELP_ALL}"
        self.error(f"unrecognized arguments: {' '.join(unknown)}{hint}")


def _arguments_of_envs() -> list[str]:
    from toolgym.checks import arguments_of  # only a mistake pays for these imports
    from toolgym.env import ToolEnv

    return arguments_of(ToolEnv)


def wrapped(message: str) -> str:
    """``message`` in lines of the terminal, cut between words; as it is if stderr is not a terminal."""
    if sys.stderr is None or not sys.stderr.isatty():
        return message
    width = shutil.get_terminal_size().columns
    return "\n".join(
        fill(line, width, break_long_words=False, break_on_hyphens=False) if len(line) > width else line
        for line in message.splitlines()
    )
