"""``toolgym report``: evaluations, or training runs, side by side: in the terminal, as a page, as a picture."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from toolgym.commands.resolve import UserError

if TYPE_CHECKING:
    from rich.console import Console


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

    runs = load_runs(paths)
    print_report(runs, console)
    if html is not None:
        console.print(f"Wrote {write_page(runs, html)}", soft_wrap=True)


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
