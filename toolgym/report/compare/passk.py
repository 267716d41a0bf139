"""pass@k: how likely one of k episodes of a task passes, from n of them, without bias."""

from __future__ import annotations

from collections.abc import Iterable
from math import comb, fsum

import msgspec

from toolgym.report.table import wilson


class Estimate(msgspec.Struct, frozen=True):
    """A mean over tasks, and how sure it is."""

    mean: float | None
    """In [0, 1]; None where no task has episodes enough."""
    interval: tuple[float, float]
    """95 %, over the draw of tasks: see ``estimate``."""
    tasks: int
    """How many tasks the mean is over."""


def pass_at_k(episodes: int, passed: int, k: int) -> float:
    """The share of all sets of ``k`` out of ``episodes`` in which one at least passed: 1 - C(n - c, k) / C(n, k).

    The unbiased estimator of Chen et al. 2021 (arXiv 2107.03374, section 2.1); for k = 1 the share that passed.
    Raises ValueError unless 0 <= passed <= episodes and 1 <= k <= episodes.
    """
    if not (0 <= passed <= episodes and 1 <= k <= episodes):
        raise ValueError(f"need 0 <= passed <= episodes and 1 <= k <= episodes; got {passed=}, {episodes=}, {k=}")
    every = comb(episodes, k)
    return (every - comb(episodes - passed, k)) / every


def estimate(counts: Iterable[tuple[int, int]], k: int = 1) -> Estimate:
    """Mean pass@k over tasks, each given as (episodes, passed); tasks with fewer than ``k`` episodes are left out.

    The interval is Wilson's, with the number of tasks for n. With one episode a task that is the interval of a
    proportion. With more, a task's value lies anywhere in [0, 1] and so varies no more than a coin with the same mean
    does: the interval is on the safe side, and repeats of a task do not count as further tasks.
    """
    values = [pass_at_k(episodes, passed, k) for episodes, passed in counts if episodes >= k]
    if not values:
        return Estimate(None, wilson(0, 0), 0)
    total = fsum(values)
    return Estimate(total / len(values), wilson(total, len(values)), len(values))
