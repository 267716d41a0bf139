"""Means over seeds, and what they say: 95 % intervals by Student's t, differences paired by seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import sqrt
from statistics import fmean, stdev

import msgspec

T95 = (0.0, 12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262)
"""The quantile 0.975 of Student's t, by degrees of freedom."""


class Interval(msgspec.Struct, frozen=True):
    mean: float
    half: float | None
    """Half the width; None for a single seed."""

    @property
    def verdict(self) -> str:
        """What it says of a claim that the mean is above 0."""
        if self.half is None:
            return "one seed: nothing to say"
        if self.mean - self.half > 0:
            return "holds"
        return "the opposite holds" if self.mean + self.half < 0 else "undecided"


def interval(values: Sequence[float]) -> Interval:
    """Of the mean of values, one per seed. Raises ValueError where there are none."""
    if not values:
        raise ValueError("no values to take the mean of")
    if len(values) == 1:
        return Interval(values[0], None)
    t = T95[len(values) - 1] if len(values) <= len(T95) else 2.0
    return Interval(fmean(values), t * stdev(values) / sqrt(len(values)))


def paired(one: Mapping[int, float], other: Mapping[int, float]) -> Interval:
    """Of the difference, over the seeds that both have. Raises ValueError where there is none."""
    return interval([one[seed] - other[seed] for seed in sorted(one.keys() & other.keys())])
