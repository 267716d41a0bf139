"""pass@k: the chance that at least one of k episodes of a task passes, estimated without bias from n episodes."""

from __future__ import annotations

from collections.abc import Iterable
from math import comb, fsum

import msgspec

from toolgym.report.table import wilson


class Estimate(msgspec.Struct, frozen=True):
    """A mean over tasks, with its interval."""

    mean: float | None
    """In [0, 1]; None if no task has enough episodes."""
    interval: tuple[float, float]
    """95 % interval over the draw of tasks: see ``estimate``."""
    tasks: int
    """The number of tasks of the mean."""


def pass_at_k(episodes: int, passed: int, k: int) -> float:
    """The share of all sets of ``k`` out of ``episodes`` with at least one pass: 1 - C(n - c, k) / C(n, k).

    The unbiased estimator of Chen et al. 2021 (arXiv 2107.03374, section 2.1); for k = 1 the share that passed.
    Raises ValueError unless 0 <= passed <= episodes and 1 <= k <= episodes.
    """
    if not (0 <= passed <= episodes and 1 <= k <= episodes):
        raise ValueError(f"need 0 <= passed <= episodes and 1 <= k <= episodes; got {passed=}, {episodes=}, {k=}")
    every = comb(episodes, k)
    return (every - comb(episodes - passed, k)) / every


def estimate(counts: Iterable[tuple[int, int]], k: int = 1) -> Estimate:
    """Mean pass@k over tasks, given as (episodes, passed). Tasks with fewer than ``k`` episodes are left out.

    The interval is Wilson's, with n the number of tasks. With one episode per task it is the interval of a
    proportion. With more episodes it is conservative: a task's value in [0, 1] varies at most as much as a coin with
    the same mean. Repeats of a task do not count as further tasks.
    """
    values = [pass_at_k(episodes, passed, k) for episodes, passed in counts if episodes >= k]
    if not values:
        return Estimate(None, wilson(0, 0), 0)
    total = fsum(values)
    return Estimate(total / len(values), wilson(total, len(values)), len(values))
