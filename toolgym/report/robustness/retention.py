"""Retention: the share of an agent's clean success that is left when tasks are perturbed, with an interval."""

from __future__ import annotations

from collections.abc import Iterable
from math import fsum, sqrt

import msgspec

from toolgym.report.table import wilson

Z = 1.959964
"""Standard errors to each side of a 95 % interval."""


class Retention(msgspec.Struct, frozen=True):
    """Success on the same tasks, clean and perturbed. Shares are in [0, 1]; None without a task."""

    tasks: int
    clean: float | None
    under: float | None
    under_interval: tuple[float, float]
    """Wilson's 95 % interval of ``under``, n the number of tasks."""
    kept: float | None
    """``under / clean``; above 1 if more succeeds perturbed. None if nothing succeeds clean."""
    kept_interval: tuple[float, float] | None
    """95 % interval of ``kept`` over the draw of tasks: see ``ratio_interval``."""


def retention(pairs: Iterable[tuple[float, float]]) -> Retention:
    """The retention over tasks, given as (clean, under): each the share of a task's episodes that succeeded.

    A task counts once, however many episodes or kinds stand behind its shares. So the intervals are at most too wide.
    """
    found = list(pairs)
    n = len(found)
    if not n:
        return Retention(0, None, None, wilson(0, 0), None, None)
    clean, under = (fsum(each) for each in zip(*found, strict=True))
    both = fsum(one * other for one, other in found)
    interval = ratio_interval(both, clean - both, under - both) if clean else None
    return Retention(n, clean / n, under / n, wilson(under, n), under / clean if clean else None, interval)


def ratio_interval(both: float, lost: float, gained: float) -> tuple[float, float]:
    """The 95 % interval of a ratio of paired proportions, (both + gained) / (both + lost).

    Bonett and Price (Statistics in Medicine 25, 2006, p. 3039): Wilson intervals of both proportions among the tasks
    that succeeded at least once, narrowed so that their quotient has the right width. It has a width even if no task
    changed. Raises ValueError if nothing succeeded before, because there is no ratio.

    Args:
        both: tasks that succeeded both times.
        lost: tasks that succeeded only before.
        gained: tasks that succeeded only after.
    """
    n, before, after = both + lost + gained, both + lost, both + gained
    if before <= 0:
        raise ValueError("a ratio needs a task that succeeded before")

    def spread(count: float) -> float:
        share = (count + 1) / (n + 2)
        return sqrt((1 - share) / ((n + 2) * share))

    whole = sqrt((max(0.0, lost + gained) + 2) / ((after + 1) * (before + 1)))
    z = Z * whole / (spread(after) + spread(before))
    (low, high), (least, most) = wilson(after, n, z), wilson(before, n, z)
    return low / most, high / least
