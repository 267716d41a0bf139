"""How well a number tells passed episodes from failed ones: correlation, AUC, and their 95 % intervals.

    values   (n,)  one part of the reward, summed over each episode
    passed   (n,)  the benchmark's verdict
    tasks    (n,)  the task of each episode: tasks are drawn independently, episodes of one task are not
    groups   (n,)  episodes that were sampled from one prompt by one policy: what GRPO compares

An interval is the percentile interval of a bootstrap that draws whole tasks with replacement (Field and Welsh 2007,
"Bootstrapping clustered data"), so repeats of a task do not pass for independent evidence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import msgspec
import numpy as np
from numpy.typing import ArrayLike, NDArray

SAMPLES = 1000
"""Resamples of the bootstrap."""
_AT_ONCE = 100_000
"""Numbers in one array of resamples, so that it stays in the processor's cache."""
_DIGITS = 12
"""Values are compared to this many digits of the largest one: 0.1 + 0.2 is 0.3."""

Floats: TypeAlias = NDArray[np.float64]
Labels: TypeAlias = NDArray[np.intp]
Statistic: TypeAlias = Callable[[Floats], Floats]
"""Takes (b, tasks) weights, how often each of b resamples has each task; returns (b,) values, NaN if not defined."""


class Interval(msgspec.Struct, frozen=True):
    """An estimate and its 95 % interval."""

    value: float
    low: float
    high: float


class Discrimination(msgspec.Struct, frozen=True):
    """How well values tell passed episodes from failed ones. None: not defined, as nothing varies."""

    correlation: Interval | None
    """Point-biserial correlation with success: Pearson's, with success as 0 or 1."""
    auc: Interval | None
    """The probability that a passed episode has a larger value than a failed one; ties count half."""
    varies: float
    """Share of the episodes whose value is not the most frequent value."""
    within_correlation: Interval | None
    """The same within groups: values and success are taken as differences from their means over the group."""
    within_auc: Interval | None
    """The same over pairs of a passed and a failed episode of one group."""
    mixed: int
    """Groups with passed and failed episodes."""
    groups: int
    """Groups of two or more episodes."""
    groups_vary: float | None
    """Share of ``groups`` in which the value varies; None without groups."""


def discrimination(
    values: ArrayLike,
    passed: ArrayLike,
    tasks: ArrayLike,
    groups: ArrayLike,
    *,
    samples: int = SAMPLES,
    seed: int = 0,
) -> Discrimination:
    """Measure how well ``values`` tell passed episodes from failed ones.

    Args:
        values: (n,) finite numbers.
        passed: (n,) truth values.
        tasks, groups: (n,) labels. A group lies within a task.
        samples: resamples of the bootstrap.
        seed: of the bootstrap. The same seed and episodes give the same intervals.

    Raises ValueError for arrays of different lengths, no episodes, or values that are not finite.
    """
    x, y = np.asarray(values, dtype=np.float64), np.asarray(passed, dtype=np.float64)
    task, group = (np.unique(np.asarray(labels), return_inverse=True)[1] for labels in (tasks, groups))
    if not (x.ndim == 1 and len(x) and x.shape == y.shape == task.shape == group.shape):
        raise ValueError(f"need one value, verdict, task and group per episode; got {x.shape}, {y.shape}")
    if not np.isfinite(x).all():
        raise ValueError("a value is not finite: leave its episode out")
    x = np.round(x / (float(np.abs(x).max()) or 1.0), _DIGITS)
    _, counts = np.unique(x, return_counts=True)
    x = x - float(x.mean())
    if len(counts) > 1:
        x = x / float(np.abs(x).max())  # variances far from 0, whatever the unit
    sizes = np.bincount(group)
    x_apart, y_apart = (each - (np.bincount(group, each) / sizes)[group] for each in (x, y))  # from the group's mean
    spread = np.bincount(group, np.abs(x_apart) > 1e-9) > 0
    mixed = np.bincount(group, y_apart != 0) > 0
    several = sizes > 1
    paired = np.flatnonzero(mixed[group])
    statistics = (
        _pearson(x, y, task),
        _auc(x, y, task),
        _without_means(x_apart * spread[group], y_apart, task),
        _auc_within(x[paired], y[paired] > 0, group[paired], task[paired], int(task.max()) + 1),
    )
    once = np.ones((1, int(task.max()) + 1))
    drawn = _resamples(once.size, len(x), samples, seed)
    resampled = np.concatenate([np.stack([each(weights) for each in statistics]) for weights in drawn], axis=1)
    correlation, auc, within_correlation, within_auc = (
        _interval(float(each(once)[0]), found) for each, found in zip(statistics, resampled, strict=True)
    )
    return Discrimination(
        correlation=correlation,
        auc=auc,
        varies=1 - int(counts.max()) / len(x),
        within_correlation=within_correlation,
        within_auc=within_auc,
        mixed=int(mixed.sum()),
        groups=int(several.sum()),
        groups_vary=float(spread[several].mean()) if several.any() else None,
    )


def _interval(value: float, resampled: Floats) -> Interval | None:
    """The percentile interval; None if the statistic is not defined. Resamples in which it is not are left out."""
    found = resampled[~np.isnan(resampled)]
    if np.isnan(value) or not found.size:
        return None
    low, high = np.quantile(found, (0.025, 0.975))
    return Interval(value, float(low), float(high))


def _resamples(tasks: int, episodes: int, samples: int, seed: int) -> Iterator[Floats]:
    """(b, tasks) arrays: how often each resample draws each task."""
    generator = np.random.default_rng(seed)
    at_once = max(1, _AT_ONCE // max(tasks, episodes))
    for first in range(0, samples, at_once):
        rows = min(at_once, samples - first)
        drawn = generator.integers(tasks, size=(rows, tasks)) + tasks * np.arange(rows)[:, None]
        yield np.bincount(drawn.ravel(), minlength=rows * tasks).reshape(rows, tasks).astype(np.float64)


def _sums(columns: list[Any], task: Labels) -> Floats:
    """(tasks, columns): each column's sum over the episodes of each task."""
    return np.stack([np.bincount(task, column) for column in columns], axis=1)


def _pearson(x: Floats, y: Floats, task: Labels) -> Statistic:
    sums = _sums([np.ones_like(x), x, y, x * x, x * y], task)

    def statistic(weights: Floats) -> Floats:
        n, sx, sy, sxx, sxy = (weights @ sums).T  # y is 0 or 1: its squares sum to sy
        return _ratio(n * sxy - sx * sy, n * sxx - sx * sx, n * sy - sy * sy, n * n)

    return statistic


def _without_means(x: Floats, y: Floats, task: Labels) -> Statistic:
    """The correlation of values from which the means of their groups have been taken."""
    sums = _sums([x * y, x * x, y * y], task)

    def statistic(weights: Floats) -> Floats:
        sxy, sxx, syy = (weights @ sums).T
        return _ratio(sxy, sxx, syy, np.ones_like(sxy))

    return statistic


def _ratio(sxy: Floats, sxx: Floats, syy: Floats, scale: Floats) -> Floats:
    """sxy / sqrt(sxx syy); NaN if a variance is 0 beside ``scale``."""
    defined = (sxx > 1e-12 * scale) & (syy > 1e-12 * scale)
    below = np.sqrt(np.where(defined, sxx * syy, 1.0))
    return np.where(defined, np.clip(sxy / below, -1.0, 1.0), np.nan)


def _auc(x: Floats, y: Floats, task: Labels) -> Statistic:
    order = np.argsort(x, kind="stable")
    starts = np.unique(x[order], return_index=True)[1]  # the first episode of each value
    owner, won = task[order], y[order]

    def statistic(weights: Floats) -> Floats:
        drawn = weights[:, owner]  # (b, n)
        passed = np.add.reduceat(drawn * won, starts, axis=1)  # (b, values)
        failed = np.add.reduceat(drawn * (1 - won), starts, axis=1)
        below = np.cumsum(failed, axis=1) - failed / 2
        return _share((passed * below).sum(axis=1), passed.sum(axis=1) * failed.sum(axis=1))

    return statistic


def _auc_within(x: Floats, won: NDArray[np.bool_], group: Labels, task: Labels, tasks: int) -> Statistic:
    wins, pairs = np.zeros(tasks), np.zeros(tasks)
    for label in np.unique(group):
        here = group == label
        difference = x[here & won][:, None] - x[here & ~won]  # (passed, failed)
        owner = task[here][0]
        wins[owner] += (difference > 0).sum() + (difference == 0).sum() / 2
        pairs[owner] += difference.size

    def statistic(weights: Floats) -> Floats:
        return _share(weights @ wins, weights @ pairs)

    return statistic


def _share(wins: Floats, pairs: Floats) -> Floats:
    """wins / pairs; NaN without pairs."""
    return np.where(pairs > 0, wins / np.maximum(pairs, 1.0), np.nan)
