"""``toolgym replay``: plays a run's actions again and compares byte for byte, or scores them with another rubric."""

from __future__ import annotations

import argparse
from collections import Counter
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from toolgym.cli.resolve import UserError, env_arguments, here_first
from toolgym.replay import Replayed, StoredRun, check_tasks, replay_stored, rescore, stored_runs
from toolgym.report.results import write_results
from toolgym.report.screen import print_report
from toolgym.report.table import load_runs
from toolgym.report.text import plain
from toolgym.rewards import NAMED
from toolgym.stored.trust import trusted_settings

ABOUT = """\
Play the actions of a run's episodes through the environment again and report
every difference: messages, rewards, the record of a call, the verdict. Exit
status 1 if there is one. Episodes that were not valid cannot be replayed.
A run's settings may come from anybody: those that could import code, read
files or send keys to a server are refused, unless --trust names them.
With --rubric, the episodes get other rewards and make a new run, in --out."""
EXAMPLES = """\
  toolgym replay runs/smollm2
  toolgym replay runs/grpo
  toolgym replay runs/smollm2 --task simple_python_7
  toolgym replay runs/judged --trust judge --trust judge_options
  toolgym replay runs/smollm2 --rubric toolrl-reference --out runs/reference"""
NEEDED = ("run", "rubric", "out", "task")

SHOWN_EPISODES = 20
SHOWN_DIFFERENCES = 5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The run; another rubric and the folder of its new run."""
    parser.add_argument("run", metavar="RUN", help="a run's folder, or a training run's")
    parser.add_argument("--rubric", metavar="NAME", help=f"score with this rubric: {', '.join(NAMED)}")
    parser.add_argument("--out", metavar="DIR", help="with --rubric: the folder of the new run")
    parser.add_argument(
        "--trust", metavar="NAME", action="append", default=[],
        help="obey this setting of the run, though it may import code or open files and addresses; env for an env of "
        "your own, all for everything. For runs whose origin you know",
    )  # fmt: skip
    parser.add_argument("--task", metavar="ID", help="only the episodes of this task")
    parser.add_argument("--repeat", type=int, metavar="R", help="with --task: only this repeat of it")
    parser.add_argument("--env-arg", metavar="K=V", action="append", default=[], help="in place of the run's setting K")


def run(args: argparse.Namespace, console: Console) -> int:
    """Replay and print the differences. 0 if every episode that can be replayed is the same; else 1."""
    if (args.rubric is None) != (args.out is None):
        raise UserError("--rubric NAME and --out DIR go together: the new rewards make a new run")
    if args.task is not None and args.rubric is not None:
        raise UserError("--task plays single episodes; with --rubric all of them are scored")
    if args.repeat is not None and args.task is None:
        raise UserError("--repeat R chooses among the episodes of --task ID")
    runs = _only(stored_runs(args.run), args.task, args.repeat)
    given = env_arguments(args.env_arg)
    how: dict[str, Any] = {"make": None, "trust": args.trust, "env_kwargs": given}
    for stored in runs:
        env_id, _ = trusted_settings(stored.settings, str(stored.folder / "run.json"), args.trust, given)
        if ":" in env_id:
            here_first()
    found: list[Replayed] = []
    columns = (TextColumn("{task.description}"), BarColumn(bar_width=None), MofNCompleteColumn())
    with Progress(*columns, TimeRemainingColumn(compact=True), console=console, expand=True) as progress:
        bar = progress.add_task("replay", total=sum([len(stored.episodes) for stored in runs]))

        def note(each: Replayed) -> None:
            found.append(each)
            progress.update(bar, advance=1)

        if args.rubric is None:
            for stored in runs:
                for each in replay_stored(stored, **how):
                    note(each)
        else:
            scored = rescore(args.run, args.rubric, args.out, on_episode=note, **how)
    check_tasks(found, args.run)
    if args.rubric is not None:
        _written(scored, args, console)
    return _reported(found, console)


def _only(runs: list[StoredRun], task: str | None, repeat: int | None) -> list[StoredRun]:
    """The runs with the episodes of one task, or of one repeat of it. Raises UserError if there are none."""
    if task is None:
        return runs
    found = []
    for stored in runs:
        episodes = [e for e in stored.episodes if e.task_id == task and repeat in (None, e.repeat)]
        if episodes:
            found.append(StoredRun(stored.folder, stored.settings, episodes))
    if not found:
        which = f"{task!r}" if repeat is None else f"{task!r}, repeat {repeat}"
        raise UserError(f"{runs[0].folder} has no episode of {which}: toolgym view shows which it has")
    return found


def _reported(found: list[Replayed], console: Console) -> int:
    different = [each for each in found if each.status == "different"]
    for each in different[:SHOWN_EPISODES]:
        console.print(plain(_name(each), "bold"))
        for line in each.differences[:SHOWN_DIFFERENCES]:
            console.print(plain(f"  {line}"))
        if len(each.differences) > SHOWN_DIFFERENCES:
            console.print(f"  ... and {len(each.differences) - SHOWN_DIFFERENCES} more differences")
    if len(different) > SHOWN_EPISODES:
        console.print(f"... and {len(different) - SHOWN_EPISODES} more episodes that differ")
    if elsewhere := sum([each.elsewhere for each in found]):
        console.print(f"{elsewhere} of these tasks are not what they were: data, version or settings differ")
    broken = [each for each in found if each.reason]
    if broken:
        console.print(f"{len(broken)} episodes are not replayable: they were not valid. The first:")
        console.print(plain(f"  {_name(broken[0])}: {broken[0].reason}", "yellow"))
    counts = Counter(each.status for each in found)
    console.print(", ".join(f"{counts[status]} {status}" for status in ("same", "different", "not replayable")))
    if not counts["same"] and not different:
        console.print("nothing was replayed")
        return 1
    return 1 if different else 0


def _written(scored: list[Any], args: argparse.Namespace, console: Console) -> None:
    (made,) = load_runs([args.out])
    print_report([made], console)
    write_results(made, args.out)
    console.print(f"In {args.out}: {len(scored)} episodes, summary.json, report.html", soft_wrap=True)


def _name(each: Replayed) -> str:
    return f"{each.episode.task_id} (repeat {each.episode.repeat})" if each.episode.repeat else each.episode.task_id
