"""Numbers of the study from the outcomes of its tests: success, what is kept, differences, gaps that are closed.

Outcomes are texts with a sign per task: "1" passed, "0" failed, "-" not scored, "." the condition changes nothing.
Every number is paired: a task counts if the condition changes it, and if all the episodes compared are scored. It
counts once, with its mean over conditions and seeds. What is kept has the interval of ``toolgym robustness``. Other
intervals over tasks are a bootstrap with a fixed seed: it draws tasks, and a task brings its episodes of all arms.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from math import fsum
from typing import Any, TypeAlias

import msgspec

from toolgym.report.robustness.retention import Retention, retention

from .sizes import Part, Size

DRAWS = 2000
Row: TypeAlias = tuple[float, ...]
"""The success in each of the columns that are compared."""


class Bootstrapped(msgspec.Struct, frozen=True):
    """A number over tasks."""

    value: float | None
    """None if it is not defined, as a share of nothing."""
    interval: tuple[float, float] | None
    """95 %, over the draw of tasks."""
    tasks: int


def rows(columns: Sequence[tuple[Mapping[int, Any], Part]], size: Size, groups: Sequence[str] = ()) -> list[Row]:
    """The success in each column, a row per task: the mean over seeds and the conditions of the last column's part.

    Args:
        columns: (seed -> result, part); a part "clean" is looked up for the same tasks. Only seeds that all columns
            have are used.
        groups: only these groups of kinds; all if empty.
    """
    seeds = sorted(set.intersection(*(set(by_seed) for by_seed, _ in columns)))
    under = columns[-1][1]
    clean_of = {test.env: test.name for test in size.tests if test.part == "clean"}
    found: dict[tuple[str, int], list[Row]] = {}
    for test in size.tests:
        if test.part != under or (groups and test.group not in groups):
            continue
        texts = []
        for by_seed, part in columns:
            name = clean_of[test.env] if part == "clean" else test.name
            texts += [[by_seed[seed]["tests"][name]["outcomes"] for seed in seeds]]
        for i, signs in enumerate(zip(*(text for column in texts for text in column), strict=True)):
            if "-" in signs or "." in signs:
                continue
            each = [int(sign) for sign in signs]
            k = len(seeds)
            row = tuple(fsum(each[j : j + k]) / k for j in range(0, len(each), k))
            found.setdefault((test.env, i), []).append(row)
    return [_means(each) for each in found.values()]


def bootstrapped(found: Sequence[Row], number: Callable[[Row], float | None]) -> Bootstrapped:
    """A number of the columns' means, with its interval over the draw of tasks.

    Args:
        number: the means of the columns -> the number; None if it is not defined.
    """
    if not found:
        return Bootstrapped(None, None, 0)
    value = number(_means(found))
    stream = random.Random("robustness")
    drawn = []
    for _ in range(DRAWS if value is not None else 0):
        again = number(_means(stream.choices(found, k=len(found))))
        if again is not None:
            drawn.append(again)
    drawn.sort()
    ends = (drawn[int(0.025 * len(drawn))], drawn[int(0.975 * len(drawn))]) if len(drawn) > DRAWS / 2 else None
    return Bootstrapped(value, ends, len(found))


def _means(found: Sequence[Row]) -> Row:
    """The columns' means."""
    return tuple(fsum(column) / len(found) for column in zip(*found, strict=True))


def retained(by_seed: Mapping[int, Any], part: Part, size: Size, groups: Sequence[str] = ()) -> Retention:
    """What an arm (seed -> result) keeps of its clean success under a part of the tests; ``groups`` as for ``rows``."""
    return retention(rows([(by_seed, "clean"), (by_seed, part)], size, groups))


def kept(means: Row) -> float | None:
    """(clean, under) -> under / clean."""
    return means[1] / means[0] if means[0] else None


def kept_more(means: Row) -> float | None:
    """(clean, under) of one arm, then of another -> the other's retention less that of the first."""
    one, other = kept(means[:2]), kept(means[2:])
    return None if one is None or other is None else other - one


def closed(means: Row) -> float | None:
    """(clean of one arm, under of the same arm, under of another) -> the share of the first arm's gap that the other
    closes. None without a gap."""
    gap = means[0] - means[1]
    return (means[2] - means[1]) / gap if gap > 0.01 else None


def gained(means: Row) -> float | None:
    """(one, other) -> the difference."""
    return means[1] - means[0]
