"""Two models on the same tasks: the difference of their success, with an interval that uses the pairing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from math import sqrt
from typing import Any

import msgspec

from toolgym.report.table import wilson
from toolgym.types import Trajectory


class Difference(msgspec.Struct, frozen=True):
    """The success of two models on the tasks that both have played. Shares are in [0, 1]."""

    tasks: int
    before: float
    after: float
    gained: int
    """Tasks that failed before and passed after."""
    lost: int
    """Tasks that passed before and failed after."""
    interval: tuple[float, float]
    """95 % interval of ``after - before`` over the draw of tasks; the two models are taken as they are."""

    @property
    def mean(self) -> float:
        """``after - before``."""
        return self.after - self.before

    @property
    def verdict(self) -> str:
        """``up`` or ``down`` if the interval leaves out 0, else ``unclear``."""
        low, high = self.interval
        return "up" if low > 0 else "down" if high < 0 else "unclear"


def outcomes(trajectories: Iterable[Trajectory]) -> dict[tuple[str, str, str], bool]:
    """(env, category, task) -> whether it passed, for the valid episodes. The last repeat of a task counts."""
    return {(t.env_id, t.category, t.task_id): t.success is True for t in trajectories if t.reward_valid}


def paired_difference(before: Mapping[Any, bool], after: Mapping[Any, bool]) -> Difference:
    """The difference over the tasks that are in both; see ``of_counts``."""
    counts = Counter((before[task], after[task]) for task in before if task in after)
    return of_counts(counts[True, True], counts[True, False], counts[False, True], counts[False, False])


def of_counts(both: int, lost: int, gained: int, neither: int) -> Difference:
    """The difference from the number of tasks that passed both times, only before, only after, never.

    The interval is Newcombe's for paired proportions (Statistics in Medicine 17, 1998, p. 2635, method 10): Wilson
    intervals of both shares, joined with the correlation of the pairs. It never leaves [-1, 1], and has a width also
    if all tasks have equal outcomes. Without a task the shares are 0, and the interval is [-1, 1].
    """
    n = both + lost + gained + neither
    if not n:
        return Difference(0, 0.0, 0.0, 0, 0, (-1.0, 1.0))
    one, other = (both + lost) / n, (both + gained) / n
    (low1, high1), (low2, high2) = wilson(both + lost, n), wilson(both + gained, n)
    product = (both + lost) * (gained + neither) * (both + gained) * (lost + neither)
    alike: float = both * neither - gained * lost
    if alike > 0:  # Newcombe's continuity correction
        alike = max(alike - n / 2, 0)
    phi = alike / sqrt(product) if product else 0.0

    def reach(of_other: float, of_one: float) -> float:
        return sqrt(max(0.0, of_other**2 - 2 * phi * of_other * of_one + of_one**2))

    difference = other - one
    interval = (difference - reach(other - low2, high1 - one), difference + reach(high2 - other, one - low1))
    return Difference(n, one, other, gained, lost, interval)


def pooled(found: Sequence[Difference]) -> Difference:
    """Several differences on different tasks as one, over all tasks together. Shares are weighted by tasks."""
    n, gained, lost = (sum(values) for values in zip(*((d.tasks, d.gained, d.lost) for d in found), strict=True))
    both = sum(round(d.before * d.tasks) - d.lost for d in found)
    return of_counts(both, lost, gained, n - both - gained - lost)
