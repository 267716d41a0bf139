"""``toolgym eval``: an agent's episodes with a progress bar, then the numbers, the page and where they are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from toolgym.cli.resolve import UserError
from toolgym.env import ToolEnv, task_order
from toolgym.report.page import write_page
from toolgym.report.table import Run, rows, suite_summary
from toolgym.rollout import Agent, agent_name, evaluate, run_settings
from toolgym.runlog import RunLog, read_episodes, write_atomic
from toolgym.types import Trajectory


class Tally:
    """The running numbers beside a progress bar."""

    def __init__(self) -> None:
        self.valid = self.passed = self.invalid = 0
        self.reward = 0.0

    def add(self, trajectory: Trajectory) -> None:
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


def evaluate_with_progress(
    env_id: str,
    agent: Agent,
    console: Console,
    *,
    env: ToolEnv,
    env_kwargs: dict[str, Any],
    n: int | None = None,
    repeats: int = 1,
    seed: int = 0,
    out: str | Path | None = None,
    resume: bool = False,
    batch_size: int = 16,
    title: str = "",
) -> list[Trajectory]:
    """``evaluate`` with a progress bar. ``env`` is one that ``env_kwargs`` make, looked at for its tasks."""
    try:
        wanted = {(task_id, repeat) for task_id in task_order(env.tasks, n, seed) for repeat in range(repeats)}
    except ValueError as error:
        raise UserError(f"{env_id}: {error}") from None
    tally, before = Tally(), 0
    if out is not None:  # a folder that cannot be gone on with is refused before there is a bar
        log = RunLog(out, run_settings(env_id, agent, env_kwargs, n, repeats, seed), resume=resume)
        for each in log.episodes():
            if each.reward_valid and (each.task_id, each.repeat) in wanted:
                tally.add(each)
                before += 1
    columns = [
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=None),
        MofNCompleteColumn(),
        TextColumn("{task.fields[tally]}", markup=False),
        TimeRemainingColumn(compact=True),
    ]
    with Progress(*columns, console=console, expand=True) as progress:
        bar = progress.add_task(title or agent_name(agent), total=len(wanted), completed=before, tally=tally)

        def on_episode(trajectory: Trajectory) -> None:
            tally.add(trajectory)
            progress.update(bar, advance=1, tally=tally)

        return evaluate(
            env_id,
            agent,
            env_kwargs=env_kwargs,
            n=n,
            repeats=repeats,
            seed=seed,
            out=out,
            resume=resume,
            batch_size=batch_size,
            on_episode=on_episode,
        )


def saved(out: str | Path) -> list[Trajectory]:
    """The episodes that a run's folder holds; [] where it holds none yet."""
    path = Path(out) / "episodes.jsonl"
    return read_episodes(path) if path.is_file() else []


def write_results(run: Run, folder: Path) -> None:
    """Beside the episodes: ``summary.json``, the numbers of the table, and ``report.html``, the page."""
    numbers = {
        "run": run.label,
        "env": run.env_id,
        "settings": run.settings,
        "rows": [msgspec.to_builtins(row) for row in rows(run.trajectories)],
        "suite_summary": suite_summary(run),
    }
    write_atomic(folder / "summary.json", json.dumps(numbers, indent=2, default=str) + "\n")
    write_page([run], folder / "report.html")
