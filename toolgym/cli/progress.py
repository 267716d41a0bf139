"""Progress bars: over the episodes of an evaluation, and over the steps of a trainer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from shlex import quote
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Column

from toolgym.cli.next_command import print_command
from toolgym.cli.resolve import UserError, env_argument
from toolgym.report.headline import print_headlines, training_headline
from toolgym.report.trackers import TRACKERS, Trackers
from toolgym.report.training import load_training_runs
from toolgym.types import Trajectory

SHOWN = {"reward": "reward", "nll": "nll", "success": "ok", "eval/success": "held-out ok", "eval/nll": "held-out nll",
         "completion_length": "length", "entropy": "entropy", "tokens_per_second": "tok/s"}  # fmt: skip
"""Metric -> its label beside a trainer's bar; the last ones are left out if they have no room."""


class Tally:
    """Counts of the episodes so far, shown beside a progress bar."""

    def __init__(self) -> None:
        self.valid = self.passed = self.invalid = 0
        self.reward = 0.0

    def add(self, trajectory: Trajectory) -> None:
        """Count one episode."""
        if not trajectory.reward_valid:
            self.invalid += 1
            return
        self.valid += 1
        self.passed += trajectory.success is True
        self.reward += trajectory.reward

    def __str__(self) -> str:
        if not self.valid:
            return f"{self.invalid} invalid" if self.invalid else "starting"
        numbers = f"{100 * self.passed / self.valid:.0f}% ok, reward {self.reward / self.valid:+.2f}"
        return f"{numbers}, {self.invalid} invalid" if self.invalid else numbers


def episodes_progress(console: Console) -> Progress:
    """A bar over episodes. Its tasks need a field ``tally``."""
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=None),
        MofNCompleteColumn(),
        TextColumn("{task.fields[tally]}", markup=False),
        TimeRemainingColumn(compact=True),
        console=console,
        expand=True,
    )


@contextmanager
def trainer_progress(
    make: Callable[..., Any], config: Any, console: Console, trackers: Trackers | None = None
) -> Iterator[Any]:
    """Yields the trainer that ``make(on_step=...)`` returns, under a bar that advances with each of its steps."""
    digits, bar_width = 2 * len(str(config.steps)) + 1, 40 if console.width >= 120 else 15
    room = console.width - len(config.algo) - bar_width - digits - 7 - 4
    count = MofNCompleteColumn(table_column=Column(no_wrap=True, min_width=digits))
    left = TimeRemainingColumn(table_column=Column(no_wrap=True, min_width=7))
    columns = (TextColumn("{task.description}"), BarColumn(bar_width), count, left)
    with Progress(*columns, TextColumn("{task.fields[shown]}"), console=console) as progress:
        bar = progress.add_task(config.algo, total=config.steps, shown="loading the model")
        latest: dict[str, float] = {}

        def show(row: dict[str, float]) -> None:
            latest.update(row)
            shown = ""
            for name, label in SHOWN.items():
                more = f"{shown}  {label} {latest[name]:.3g}".strip() if name in latest else shown
                shown = more if len(more) <= room else shown
            progress.update(bar, completed=min(row["step"], config.steps), shown=shown)
            if trackers is not None:
                trackers(row)

        try:
            trainer = make(on_step=show)
        except BaseException:
            progress.remove_task(bar)  # the trainer was not made, so there is no progress to show
            raise
        shown = "first evaluation" if config.eval_every and not trainer.step else ""
        progress.update(bar, completed=min(trainer.step, config.steps), shown=shown)
        try:
            yield trainer
        finally:
            if trackers is not None:
                trackers.close()


def trackers_option(options: Any) -> None:
    """``--report-to``."""
    options.add_argument(
        "--report-to", action="append", metavar="NAME", choices=list(TRACKERS),
        help=f"send the metrics to a tracker too: {', '.join(TRACKERS)}; may be repeated",
    )  # fmt: skip


def make_trackers(names: Sequence[str] | None, config: Any) -> Trackers | None:
    """The trackers of ``--report-to``. Raises UserError for a package that is not installed."""
    try:
        return Trackers(names, config) if names else None
    except ModuleNotFoundError as error:
        raise UserError(str(error)) from None


def say_what_was_learnt(console: Console, config: Any) -> None:
    """Print a training run's first and last held-out success, and the command that reports on it."""
    print_headlines([training_headline(run) for run in load_training_runs([config.out])], console)
    print_command("How it learnt", f"toolgym report {quote(config.out)}", console)


def say_what_next(console: Console, config: Any, held_out: Mapping[str, Any], agent: str) -> None:
    """Print the command that plays a training run's held-out tasks."""
    given = "".join(f"--env-arg {quote(env_argument(name, value))} " for name, value in held_out.items())
    print_command("Try it", f"toolgym eval --env {config.env} {given}{agent} -n 40", console)
