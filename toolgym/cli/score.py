"""``toolgym score``: verdicts on answers that were recorded elsewhere, or in runs of ours; tables and a page."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from shlex import join, quote
from typing import Any

import msgspec
from rich.console import Console

from toolgym.cli.denominator import say_left_out
from toolgym.cli.next_command import print_command
from toolgym.cli.options import check_page, env_kwargs, env_options
from toolgym.cli.report import with_wanted
from toolgym.cli.resolve import UserError, make_env
from toolgym.report.headline import headline, print_headlines
from toolgym.report.leaderboard import leaderboard, print_leaderboard
from toolgym.report.page import write_page
from toolgym.report.results import write_results
from toolgym.report.screen import print_success
from toolgym.report.table import Run, load_runs, make_run, rows
from toolgym.report.text import plain
from toolgym.runlog import open_folder, write_run
from toolgym.scoring.inspect_log import Log, is_log, read_log, score_log

ABOUT = """\
Score answers that you have: result files of BFCL's official harness
(BFCL_v4_*_result.json: prompted, native, multi-turn), one or a folder of them;
logs of inspect in JSON; runs of `toolgym eval`. Prints the official verdicts
by category, and the leaderboard's scores. --out keeps the episodes, the
numbers and the page, for `toolgym report`."""
EXAMPLES = """\
  toolgym score result/my-model
  toolgym score result --html scores.html
  toolgym score logs/2026-11-30_task.json --env ToolGym-Office-v0
  toolgym score runs/mine runs/other"""
NEEDED = ("path", "out", "html", "env", "category")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The files, how they are read, and what is written."""
    parser.usage = "%(prog)s PATH... [--out DIR] [--html FILE] [OPTIONS]"
    parser.add_argument("path", metavar="PATH", nargs="+", help="result files, logs, runs, or folders of result files")
    parser.add_argument("--out", metavar="DIR", help="keep episodes, numbers and page in this folder")
    parser.add_argument("--html", metavar="FILE", help="write a page with every episode")
    parser.add_argument(
        "--read-as", choices=["prompted", "native", "tagged"],
        help="result files: how answers are read; found out if left out. prompted: text; native: [{name: arguments}]; "
        "tagged: text with <tool_call> blocks",
    )  # fmt: skip
    parser.add_argument("--env", metavar="ID", help="logs: the suite that their tasks are of, if the log does not say")
    env_options(parser)


def run(args: argparse.Namespace, console: Console) -> None:
    """Score every path; tables, then the leaderboard's scores."""
    check_page(args.html, "scores.html")
    paths = [Path(path) for path in args.path]
    if missing := [path for path in paths if not path.exists()]:
        raise UserError(f"there is no {missing[0]}")
    own = [path for path in paths if _is_run(path)]
    logs = [path for path in paths if path not in own and path.is_file() and is_log(path)]
    results = [path for path in paths if path not in own and path not in logs]
    _check_options(args, logs, results)
    with console.status("scoring ..."):
        found, notes = _results(results, args.read_as)
        for path in logs:
            found.append(_log(read_log(path), args))
        found += [with_wanted(each) for each in load_runs(own)] if own else []
    if args.out is not None:
        _write(found, Path(args.out))
    page = None if args.html is None else write_page(found, args.html)
    for note in notes:
        console.print(plain(note, "yellow"))
    for each in found:
        say_left_out(each.trajectories, console)
    print_success(found, [rows(each.trajectories) for each in found], console)
    print_leaderboard(leaderboard(found), console)
    print_headlines([headline(each) for each in found], console)
    if page is not None:
        console.print(f"Wrote {page}", soft_wrap=True)
    if args.out is not None:
        console.print(f"In {args.out}: episodes, numbers and page of each run", soft_wrap=True)
        print_command("Look at the episodes", f"toolgym view {quote(args.out)}", console)
    elif len(own) == len(paths):
        print_command("Look at the episodes", f"toolgym view {join(args.path)}", console)
    elif page is None:
        console.print("Nothing is kept: --out DIR keeps the episodes, the numbers and a page.", style="dim")


def _check_options(args: argparse.Namespace, logs: Sequence[Path], results: Sequence[Path]) -> None:
    """Raises UserError for an option that no path would obey."""
    about_env = ("env", "category", "dialect", "rubric", "demonstrations", "env_arg")
    if not logs and (given := next((name for name in about_env if getattr(args, name)), None)):
        raise UserError(
            f"--{given.replace('_', '-')} is for logs of inspect: leave it out. Result files and runs are scored as "
            "they were played"
        )
    if not results and args.read_as:
        raise UserError("--read-as is for result files: leave it out")


def _is_run(path: Path) -> bool:
    return (path / "episodes.jsonl").is_file() if path.is_dir() else path.name == "episodes.jsonl"


def _results(paths: Sequence[Path], form: str | None) -> tuple[list[Run], list[str]]:
    """A run for each model of result files, and what is to be said about the files."""
    if not paths:
        return [], []
    files: Any = import_module("toolgym.envs.bfcl.results.files")
    if lost := [path for path in paths if not files.result_files(path)]:
        raise UserError(
            f"{lost[0]} holds nothing to score: a result file is named BFCL_v4_CATEGORY_result.json, a log of inspect "
            'is JSON with "eval" and "samples", a run of ours is a folder with episodes.jsonl'
        )
    runs, notes = list[Run](), list[str]()
    for each in import_module("toolgym.envs.bfcl.results.scoring").score_results(paths, form):
        if not each.trajectories:
            raise UserError(f"{each.model} has no answer to a row of BFCL v4: {'; '.join(each.notes)}")
        notes += [f"{each.model}: {note}" for note in each.notes]
        settings = {"agent": each.model, "read_as": each.form, "underscore_to_dot": each.underscore_to_dot}
        runs.append(make_run(each.trajectories, each.model, settings=settings))
    return runs, notes


def _log(log: Log, args: argparse.Namespace) -> Run:
    """The run of a log of inspect."""
    given = env_kwargs(args)
    env_id, arguments = log.env(args.env, given)
    env = make_env(env_id, arguments)
    settings = {"agent": log.model, "env": env_id, "env_kwargs": arguments, "log": str(log.path)}
    return make_run(score_log(log, env, env_id), log.model, settings=settings)


def _write(found: Sequence[Run], folder: Path) -> None:
    """A folder for each run: the folder itself for a single one."""
    for each in found:
        place = folder if len(found) == 1 else folder / each.label.replace("/", "_")
        open_folder(place, place / "run.json")
        settings: dict[str, Any] = {"env": each.env_id, **each.settings}
        write_run(place, settings, each.trajectories)
        write_results(msgspec.structs.replace(each, settings=settings), place)
