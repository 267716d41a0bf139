"""What a command found, in one line each: the last lines that it prints, so that they stay on the screen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from rich.console import Console

from toolgym.report.page import number, percent
from toolgym.report.table import ALL, Run, row_of
from toolgym.report.text import one_line, plain
from toolgym.report.training import TrainingRun

_MOST = 16
"""Lines of runs that leave room for the commands below them on a screen of 24 lines."""


def headline(run: Run) -> str:
    """``random on ToolGym-Math-v0: 3 of 40 passed, 7.5 % [2.6, 19.9], reward -1.64``."""
    row = row_of(ALL, run.trajectories)
    on = f" on {run.env_id}"
    name = one_line(run.label if on in run.label else run.label + on, 120)
    lost = f", {row.invalid} not valid" if row.invalid else ""
    if not row.episodes:
        return f"{name}: no score{lost}"
    low, high = map(percent, row.interval)
    passed = f"{row.successes:,} of {row.episodes:,} passed, {percent(row.success)} % [{low}, {high}]"
    return f"{name}: {passed}, reward {number(row.reward, '+.2f')}{lost}{_faults(run)}"


def _faults(run: Run) -> str:
    """``; faults met: 3 timeout, 1 http_auth; 2 of 3 recovered``, over the scored episodes; "" if calls met none.

    Recovered: of the faults that calls can overcome.
    """
    met = Counter(fault.kind for each in run.trajectories if each.reward_valid for fault in each.faults or ())
    if not met:
        return ""
    from toolgym.report.robustness.fault_counts import count_faults  # few runs need these imports

    counts = count_faults((each, None) for each in run.trajectories)
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in met.most_common())
    share = f"; {counts.recovered:,} of {counts.recoverable:,} recovered" if counts and counts.recoverable else ""
    return f"; faults met: {kinds}{share}"


def training_headline(run: TrainingRun) -> str:
    """``grpo on ToolGym-Office-v0, 100/100 steps: held-out success 12.5 to 34.4 % [23.9, 46.6]``."""
    config, done = run.config, run.evaluations()
    on = "" if config.get("algo") == "pretrain" else f" on {config.get('env')}"
    name = one_line(f"{config.get('algo')}{on}, {run.step}/{config.get('steps')} steps", 120)
    losses = [value for _, value in run.series("eval/nll")]
    if not done and losses:
        return f"{name}: held-out loss {losses[0]:.3f} to {losses[-1]:.3f}"
    if not done:
        return f"{name}, not evaluated"
    low, high = map(percent, done[-1].interval)
    before = f"{percent(done[0].success)} to " if len(done) > 1 else ""
    return f"{name}: held-out success {before}{percent(done[-1].success)} % [{low}, {high}]"


def print_headlines(lines: Sequence[str], console: Console) -> None:
    """The lines of a few runs, in bold; of many, the last ones."""
    if len(lines) > _MOST:
        console.print(f"({len(lines) - _MOST} further runs are in the tables above)", style="dim")
    for line in lines[-_MOST:]:
        console.print(plain(line, "bold"))
