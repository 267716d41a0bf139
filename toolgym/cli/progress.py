"""A trainer under a progress bar, and what to do when it is done."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from shlex import quote
from typing import TYPE_CHECKING, Any

from toolgym.cli.resolve import env_argument

if TYPE_CHECKING:
    from rich.console import Console

SHOWN = {"reward": "reward", "nll": "nll", "success": "ok", "completion_length": "length", "entropy": "entropy",
         "tokens_per_second": "tok/s", "eval/success": "held-out ok"}  # fmt: skip
"""Metrics beside the bar, and what they are called there."""


def say_what_next(console: Console, config: Any, held_out: Mapping[str, Any], agent: str) -> None:
    """The commands that show how a run went and that play the held-out tasks."""
    given = "".join(f"--env-arg {quote(env_argument(name, value))} " for name, value in held_out.items())
    console.print(f"How it learnt: toolgym report {quote(config.out)}", soft_wrap=True)
    console.print(f"Try it: toolgym eval --env {config.env} {given}{agent} -n 40", soft_wrap=True)


@contextmanager
def under_progress_bar(make: Callable[..., Any], config: Any, console: Console) -> Iterator[Any]:
    """The trainer that ``make(on_step=...)`` gives, under a bar that shows each of its steps."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, TextColumn("{task.fields[shown]}"), console=console) as progress:
        bar = progress.add_task(config.algo, total=config.steps, shown="loading the model")
        latest: dict[str, float] = {}

        def show(row: dict[str, float]) -> None:
            latest.update(row)
            shown = "  ".join(f"{label} {latest[name]:.3g}" for name, label in SHOWN.items() if name in latest)
            progress.update(bar, completed=min(row["step"], config.steps), shown=shown)

        try:
            trainer = make(on_step=show)
        except BaseException:
            progress.remove_task(bar)  # there is nothing to show
            raise
        shown = "first evaluation" if config.eval_every and not trainer.step else ""
        progress.update(bar, completed=min(trainer.step, config.steps), shown=shown)
        yield trainer
