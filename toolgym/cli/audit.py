"""``toolgym audit``: does a reward pay for what it should? Kept runs tell, or scripted adversaries."""

from __future__ import annotations

import argparse

import msgspec
from rich.console import Console

from toolgym.cli.resolve import UserError
from toolgym.cli.terminal import audit_view
from toolgym.report.headline import print_headlines
from toolgym.report.reward_parts import kept_episodes, reward_parts
from toolgym.report.reward_parts_screen import print_parts
from toolgym.rewards import NAMED
from toolgym.rewards.audit import audit
from toolgym.stored.strict_json import to_json

ABOUT = """\
Does a reward pay for success?

With RUNs (evaluations, or training runs with the episodes that they kept): how
well each part of the reward tells passed episodes from failed ones: the whole
reward, each term, and the rewards of early turns. A part that does not tell is
noise in the advantages, and gets a warning. Give runs with the same reward
together; the more episodes, the smaller the intervals. Several episodes of a
task (eval --repeats 8 --temperature 1) tell what GRPO sees within a group.

Without RUN: scripted adversaries (silence, junk calls, made-up parameters,
needless calls, ...) play against a rubric, and those are shown that earn more
than honest play. Exit status 1 if one does. Without --rubric, toolrl and
toolrl-reference are shown, and only the default (toolrl) decides."""
EXAMPLES = """\
  toolgym audit runs/smollm2
  toolgym audit runs/seed0 runs/seed1 --json
  toolgym audit --rubric toolrl-reference"""

RUBRICS = ("toolrl", "toolrl-reference")
"""The rubrics that are audited without ``--rubric``. The first is the default of every env and sets the exit code."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The runs or the rubrics."""
    parser.add_argument("run", metavar="RUN", nargs="*", help="a run's folder, or its episodes.jsonl")
    parser.add_argument("--rubric", metavar="NAME", action="append", help=f"{', '.join(NAMED)}; may be repeated")
    parser.add_argument("--json", action="store_true", help="print the numbers as JSON, a list, in place of tables")


def run(args: argparse.Namespace, console: Console) -> int:
    """Audit runs or rubrics. 1 if a rubric that decides has a hole.

    Raises UserError for an unknown rubric, for runs and a rubric together, and for runs in which nothing can be
    compared.
    """
    if args.run and args.rubric:
        raise UserError("give runs, or --rubric for scripted adversaries, not both: a run has its own reward")
    return _runs(args, console) if args.run else _rubrics(args, console)


def _runs(args: argparse.Namespace, console: Console) -> int:
    reports = reward_parts(kept_episodes(args.run))
    if not any(report.parts for report in reports):
        raise UserError("; ".join(report.problem for report in reports))
    if args.json:
        _print_json([msgspec.to_builtins(each) | {"warnings": each.warnings} for each in reports], console)
    else:
        print_parts(reports, console)
    return 0


def _rubrics(args: argparse.Namespace, console: Console) -> int:
    failed = False
    found, told = [], []
    for name in args.rubric or RUBRICS:
        try:
            report = audit(name)
        except ValueError as error:
            raise UserError(str(error)) from None
        found.append({"name": name, **msgspec.to_builtins(report)})
        if not args.json:
            console.print(audit_view(report, name))
        holes = f"{len(report.holes)} hole{'s' * (len(report.holes) > 1)}" if report.holes else "no hole found"
        decides = args.rubric is not None or name == RUBRICS[0]
        told.append(f"rubric {name}: {holes}{'' if decides else ' (to compare with; it does not decide)'}")
        failed |= not report.passed and decides
    if args.json:
        _print_json(found, console)
    else:
        print_headlines(told, console)
    return 1 if failed else 0


def _print_json(found: object, console: Console) -> None:
    console.print(to_json(found, indent=2), soft_wrap=True)
