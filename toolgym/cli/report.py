"""``toolgym report``: evaluations, or training runs, side by side: in the terminal, as a page, as a picture."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from shlex import join
from typing import Any

import msgspec
from rich.console import Console

from toolgym.assets import AssetError
from toolgym.cli.denominator import say_left_out
from toolgym.cli.next_command import print_command
from toolgym.cli.options import check_page
from toolgym.cli.resolve import UserError, make_env
from toolgym.disk import read_object
from toolgym.playing.left_out import endings, left_out
from toolgym.report.document import write_document
from toolgym.report.headline import headline, print_headlines, training_headline
from toolgym.report.page import write_page
from toolgym.report.png import write_png
from toolgym.report.screen import print_report, print_training
from toolgym.report.table import Run, load_runs
from toolgym.report.text import plain
from toolgym.report.training import is_training, load_training_runs
from toolgym.report.training_page import training_page
from toolgym.runlog import GROWING
from toolgym.stored.run_files import RunError
from toolgym.stored.trust import trusted_settings
from toolgym.tasks import task_order

ABOUT = """\
Compare runs that `toolgym eval --out` has saved: success by category with
Wilson 95 % intervals, mean reward and its terms, calls that were malformed
or against the tool's schema, the benchmark's own aggregates. --html writes a
single file with all episodes, the model's texts and the scores of each call.

Or training runs, also unfinished ones: first, last and best evaluation, and
a page (in the first RUN, or --html) with learning curves and the same tasks
before and after; the curves as PNG beside it. Runs that start from one
another's checkpoints, such as SFT and then GRPO, also share one chart."""
EXAMPLES = """\
  toolgym report runs/smollm2
  toolgym report runs/base runs/trained --html compare.html
  toolgym report runs/sft runs/grpo
  toolgym report runs/seed0 runs/seed1 --html seeds.html"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The runs, and the page."""
    parser.add_argument("run", metavar="RUN", nargs="+", help="a run's folder, or its episodes.jsonl")
    parser.add_argument("--html", metavar="FILE", help="write a page, with every episode of evaluations")


def run(args: argparse.Namespace, console: Console) -> None:
    """Report on evaluations or on training runs, told apart by their folders. Raises UserError for a mixture."""
    check_page(args.html, "report.html")
    training = [path for path in args.run if is_training(path)]
    if not training:
        _evaluations(args.run, args.html, console)
    elif len(training) == len(args.run):
        _training(args.run, args.html, console)
    else:
        other = next(path for path in args.run if path not in training)
        raise UserError(
            f"{training[0]} is a training run and {other} is not: report on them one after the other. The "
            f"evaluations within a training run are in {training[0]}/evaluations, a folder for each step"
        )


def _evaluations(paths: Sequence[str], html: str | None, console: Console) -> None:
    runs = [with_wanted(each) for each in load_runs(paths)]
    written = None if html is None else write_page(runs, html)
    print_report(runs, console)
    for each in runs:
        if len(runs) > 1 and (endings(each.trajectories) or left_out(each.trajectories)):
            console.print(plain(f"{each.label}:", "bold"))
        say_left_out(each.trajectories, console)
        if each.unfinished:
            console.print(plain(f"{each.label}: {each.unfinished}; toolgym eval ... --resume goes on", "yellow"))
    print_headlines([headline(each) for each in runs], console)
    if written is not None:
        console.print(f"Wrote {written}", soft_wrap=True)
    else:
        print_command("Look at the episodes", f"toolgym view {join(map(str, paths))}", console)


def with_wanted(evaluation: Run) -> Run:
    """The run, with ``wanted`` set if more episodes were asked for than it has.

    A run whose summary.json has the same numbers of tasks and repeats is finished. For another run the env tells its
    number of tasks; ``wanted`` stays None if the env cannot be made, or if its settings are not to be obeyed
    (``toolgym.stored.trust``).
    """
    settings, folder = evaluation.settings, Path(evaluation.folder)
    folder = folder if folder.is_dir() else folder.parent
    n, repeats = settings.get("n"), settings.get("repeats")
    if type(repeats) is not int or not (n is None or type(n) is int) or _finished(folder, settings):
        return evaluation
    try:
        env_id, arguments = trusted_settings(settings, str(folder / "run.json"))
        if ":" in env_id:
            return evaluation
        chosen = settings.get("task_ids")
        order = chosen if isinstance(chosen, list) else task_order(make_env(env_id, arguments).tasks, n, 0)
        wanted = len(order) * repeats
    except (UserError, RunError, AssetError, ImportError, ValueError, TypeError, OverflowError):
        return evaluation
    return msgspec.structs.replace(evaluation, wanted=wanted) if wanted > len(evaluation.trajectories) else evaluation


def _finished(folder: Path, settings: dict[str, Any]) -> bool:
    """Whether the folder has the summary of a run with these numbers of tasks and repeats."""
    path = folder / "summary.json"
    if not path.is_file():
        return False
    kept = read_object(path, "the summary of a run", RunError).get("settings")
    return not isinstance(kept, dict) or all(kept.get(name) == settings.get(name) for name in GROWING if name in kept)


def _training(paths: Sequence[str], html: str | None, console: Console) -> None:
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
    print_headlines([training_headline(each) for each in runs], console)
    print_command("Look at the episodes", f"toolgym view {join(map(str, paths))}", console)
