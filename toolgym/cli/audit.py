"""``toolgym audit``: scripted adversaries play against a reward."""

from __future__ import annotations

import argparse

from rich.console import Console

from toolgym.cli.resolve import UserError
from toolgym.cli.terminal import audit_view
from toolgym.rewards.audit import audit

ABOUT = """\
Let scripted adversaries (silence, junk calls, made-up parameters, needless
calls, ...) play against a reward and show which of them earn more than honest
play. Exit status 1 if one does. Without --rubric both rubrics of ToolGym are
shown, and only the default (toolrl) decides."""
EXAMPLES = "  toolgym audit\n  toolgym audit --rubric toolrl-reference"

RUBRICS = ("toolrl", "toolrl-reference")
"""The rubrics that are audited without ``--rubric``. The first is the default of every env and sets the exit code."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """``--rubric``."""
    parser.add_argument("--rubric", metavar="NAME", action="append", help="toolrl or toolrl-reference; may be repeated")


def run(args: argparse.Namespace, console: Console) -> int:
    """Print an audit per rubric; 1 if a rubric that decides has a hole. Raises UserError for an unknown rubric."""
    failed = False
    for name in args.rubric or RUBRICS:
        try:
            report = audit(name)
        except ValueError as error:
            raise UserError(str(error)) from None
        console.print(audit_view(report, name))
        failed |= not report.passed and (args.rubric is not None or name == RUBRICS[0])
    return 1 if failed else 0
