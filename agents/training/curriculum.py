"""A curriculum by solve rate: more of the strata and tasks that the policy solves sometimes.

A group teaches nothing if all its episodes succeed, or all fail. So strata and tasks with a solve rate of 20 to 80 %
have weight 1; towards 0 and 100 % the weight falls to ``FLOOR``. It is never 0: what is too hard now is tried again
later, and what was learnt is not forgotten. Kimi k1.5 (arXiv 2501.12599, section 2.3.4) draws each problem in
proportion to its failures; ToolSample (arXiv 2509.14718) weighs tool tasks by the mean and variance of their rewards.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .collect import Rollout
from .metrics import mean
from .strata import Stratum

LOW, HIGH = 0.2, 0.8
"""Solve rates with weight 1, both included."""
FLOOR = 0.1
"""The weight of solve rates 0 and 1."""
START = 0.5
"""The solve rate of a stratum or task that was not played yet."""
STRATUM_RATE, TASK_RATE = 0.1, 0.5
"""Part of the way that one group moves the estimate of its stratum, and of its task."""


class Curriculum:
    """Running estimates of the solve rate, by stratum and by task.

    Tasks of suites that make them on demand hardly come back: they have no estimate of their own.
    """

    def __init__(self) -> None:
        self.strata: dict[str, float] = {}
        """Name of a stratum -> its solve rate."""
        self.tasks: dict[int, dict[str, float]] = {}
        """Suite -> id of a task -> its solve rate."""

    def record(self, stratum: Stratum, task_id: str, rate: float) -> None:
        """Take note of the solve rate of one group."""
        _move(self.strata, stratum.name, rate, STRATUM_RATE)
        if stratum.complete:
            _move(self.tasks.setdefault(stratum.suite, {}), task_id, rate, TASK_RATE)

    def shares(self, strata: Sequence[Stratum]) -> list[float]:
        """Of each stratum: its own share times its weight, all divided by their sum."""
        weighted = [stratum.share * weight(self.strata.get(stratum.name, START)) for stratum in strata]
        return [share / sum(weighted) for share in weighted]

    def weight_of_task(self, suite: int, task_id: str) -> float:
        """The probability that a task that was drawn is played."""
        return weight(self.tasks.get(suite, {}).get(task_id, START))

    def metrics(self, strata: Sequence[Stratum]) -> dict[str, float]:
        """``solve_rate/NAME`` and ``share/NAME``, the share in the next step, of each stratum."""
        rates = {f"solve_rate/{stratum.name}": self.strata.get(stratum.name, START) for stratum in strata}
        shares = zip(strata, self.shares(strata), strict=True)
        return rates | {f"share/{stratum.name}": share for stratum, share in shares}

    def state_dict(self) -> dict[str, Any]:
        return {"strata": dict(self.strata), "tasks": {suite: dict(rates) for suite, rates in self.tasks.items()}}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.strata, self.tasks = state["strata"], state["tasks"]


def weight(rate: float) -> float:
    """1 from LOW to HIGH; falls in proportion to the distance, to FLOOR at 0 and 1."""
    inside = min(1.0, rate / LOW, (1 - rate) / (1 - HIGH))
    return FLOOR + (1 - FLOOR) * inside


def solve_rate(group: Sequence[Rollout]) -> float | None:
    """The share of the valid episodes that succeeded; None without a valid episode."""
    solved = [float(bool(rollout.trajectory.success)) for rollout in group if rollout.valid]
    return mean(solved) if solved else None


def _move(rates: dict[str, float], name: str, rate: float, part: float) -> None:
    before = rates.get(name, START)
    rates[name] = before + part * (rate - before)
