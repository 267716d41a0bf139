"""``toolgym report``: evaluations, or training runs, side by side: in the terminal, as a page, as a picture."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from toolgym.cli.resolve import UserError, make_env

if TYPE_CHECKING:
    from rich.console import Console

    from toolgym.report.table import Run


def report(args: argparse.Namespace, console: Console) -> None:
    """Tell training runs from evaluations by their folders, and report on either."""
    from toolgym.report.training import is_training

    if args.html is not None and Path(args.html).is_dir():
        raise UserError(f"--html {args.html} is a folder: name a file, such as {Path(args.html) / 'report.html'}")
    training = [path for path in args.run if is_training(path)]
    if not training:
        _evaluations(args.run, args.html, console)
    elif len(training) == len(args.run):
        _training(args.run, args.html, console)
    else:
        other = next(path for path in args.run if path not in training)
        raise UserError(
            f"{training[0]} is a training run and {other} is not: report on them one after the other. The "
            f"evaluations within a training run are in {training[0]}/evaluations"
        )


def _evaluations(paths: Sequence[str], html: str | None, console: Console) -> None:
    from toolgym.report.page import write_page
    from toolgym.report.screen import print_report
    from toolgym.report.table import load_runs
    from toolgym.report.text import plain

    runs = [with_wanted(run) for run in load_runs(paths)]
    print_report(runs, console)
    for run in runs:
        if run.unfinished:
            console.print(plain(f"{run.label}: {run.unfinished}; toolgym eval ... --resume goes on", "yellow"))
    if html is not None:
        console.print(f"Wrote {write_page(runs, html)}", soft_wrap=True)


def with_wanted(run: Run) -> Run:
    """The run, with how many episodes were asked for where that is more than it has.

    One whose numbers are written is over. For others the env says how many tasks it has; where it cannot be made,
    nothing is known.
    """
    from toolgym.assets import AssetError
    from toolgym.tasks import task_order

    settings = run.settings
    folder = Path(run.folder) if Path(run.folder).is_dir() else Path(run.folder).parent
    if (folder / "summary.json").is_file() or not {"env", "env_kwargs", "n", "repeats"} <= set(settings):
        return run
    try:
        tasks = task_order(make_env(settings["env"], settings["env_kwargs"]).tasks, settings["n"], 0)
    except (UserError, AssetError, ImportError, ValueError):
        return run
    wanted = len(tasks) * settings["repeats"]
    return msgspec.structs.replace(run, wanted=wanted) if wanted > len(run.trajectories) else run


def _training(paths: Sequence[str], html: str | None, console: Console) -> None:
    from toolgym.report.document import write_document
    from toolgym.report.png import write_png
    from toolgym.report.screen import print_training
    from toolgym.report.training import load_training_runs
    from toolgym.report.training_page import training_page

    runs = load_training_runs(paths)
    print_training(runs, console)
    target = Path(html) if html is not None else runs[0].folder / ("report.html" if len(runs) == 1 else "compare.html")
    console.print(f"Wrote {write_document(training_page(runs), target)}", soft_wrap=True)
    try:
        picture = write_png(runs, target.with_suffix(".png"))
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "matplotlib":
            raise
        console.print("For the curves as PNG: pip install 'toolgym[report]'", markup=False)
    else:
        if picture is not None:
            console.print(f"Wrote {picture}", soft_wrap=True)
