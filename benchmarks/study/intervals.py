"""Means over seeds with 95 % intervals (Student's t), differences paired by seed, and verdicts on claims."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import sqrt
from statistics import fmean, stdev

import msgspec

T95 = (0.0, 12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262)
"""The 0.975 quantile of Student's t, by degrees of freedom."""


class Interval(msgspec.Struct, frozen=True):
    mean: float
    half: float | None
    """Half the width of the interval; None for a single seed."""

    @property
    def verdict(self) -> str:
        """The verdict on the claim that the mean is above 0."""
        if self.half is None:
            return "one seed: nothing to say"
        if self.mean - self.half > 0:
            return "holds"
        return "the opposite holds" if self.mean + self.half < 0 else "undecided"


def interval(values: Sequence[float]) -> Interval:
    """The mean of values, one per seed, with its interval. Raises ValueError for an empty list."""
    if not values:
        raise ValueError("no values to take the mean of")
    if len(values) == 1:
        return Interval(values[0], None)
    t = T95[len(values) - 1] if len(values) <= len(T95) else 2.0
    return Interval(fmean(values), t * stdev(values) / sqrt(len(values)))


def paired(one: Mapping[int, float], other: Mapping[int, float]) -> Interval:
    """The mean difference over the shared seeds, with its interval. Raises ValueError without a shared seed."""
    return interval([one[seed] - other[seed] for seed in sorted(one.keys() & other.keys())])


def over_tasks(one: Mapping[int, str], other: Mapping[int, str]) -> Interval | None:
    """The mean difference in points over tasks, each task's difference being its mean over the shared seeds.

    Args:
        one: seed -> outcomes of the same tasks in the same order: "1" passed, "0" failed, "-" not scored.

    The interval is over the draw of tasks: 1.96 standard errors. None without a shared seed, or if the numbers of tasks
    differ.
    """
    seeds = sorted(one.keys() & other.keys())
    if not seeds or len({len(by_seed[seed]) for by_seed in (one, other) for seed in seeds}) > 1:
        return None
    found = []
    for pairs in zip(*(zip(one[seed], other[seed], strict=True) for seed in seeds), strict=True):
        scored = [100.0 * (int(a) - int(b)) for a, b in pairs if "-" not in (a, b)]
        found += [fmean(scored)] if scored else []
    return Interval(fmean(found), 1.96 * stdev(found) / sqrt(len(found))) if len(found) > 1 else None
