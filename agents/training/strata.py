"""Strata: the kinds of tasks in the suites of a run, and which of them a step takes (systematic sampling).

The strata lie on a line, each as long as its share. A step of n tasks takes the strata at n points with equal
distances. So each stratum gets n times its share, rounded down or up, and so do suites and coarse kinds, because their
strata are neighbours. From step to step the points move on by the golden ratio, so that what was rounded evens out.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import TypeAlias

import msgspec

from toolgym.env import ToolEnv
from toolgym.tasks import Task

from .collect import Collector

Kind: TypeAlias = tuple[str, ...]
"""The result of ``kind_of``: what ``ToolEnv.stratum`` says of a task, and how strongly it is perturbed."""

COUNTED = 2_000
"""If a suite makes its tasks on demand, its strata are those of its first tasks, this many."""
GOLDEN = (math.sqrt(5) - 1) / 2


class Stratum(msgspec.Struct, frozen=True):
    """Tasks of one kind in one suite."""

    suite: int
    kind: Kind
    share: float
    """Of all tasks of the run."""
    places: Sequence[int]
    """Positions of its tasks, among the tasks of the suite that were counted."""
    complete: bool
    """Whether all tasks of the suite were counted."""

    @property
    def name(self) -> str:
        """For metrics: ``0/single/coined names``, the number being the suite's."""
        return "/".join((str(self.suite), *self.kind))


def strata_of(collector: Collector, shares: Sequence[float]) -> list[Stratum]:
    """The strata of all suites, in the order of the line.

    Args:
        shares: of each suite; any positive numbers, in proportion. A stratum has the share of its suite's tasks that
            are of its kind.
    """
    found = []
    for suite, share in enumerate(shares):
        env, tasks = collector.env(suite), collector.tasks(suite)
        counted = len(tasks) if isinstance(tasks, (list, tuple)) else min(len(tasks), COUNTED)
        places: dict[Kind, list[int]] = {}
        for i in range(counted):
            places.setdefault(kind_of(env, tasks[i]), []).append(i)
        for kind in serpentine(sorted(places)):
            mine = places[kind]
            found.append(Stratum(suite, kind, share * len(mine) / counted, mine, counted == len(tasks)))
    return found


def kind_of(env: ToolEnv, task: Task) -> Kind:
    """The kind of a task: the suite's, and how strongly the task is perturbed if that differs from task to task."""
    return env.stratum(task) if env.perturbation is None else (*env.stratum(task), *env.perturbation.stratum(task.id))


def serpentine(kinds: Sequence[Kind]) -> list[Kind]:
    """The kinds with equal beginnings side by side, and every other group of them backwards.

    So (a, x), (a, y), (b, y), (b, x): points with a distance of two strata still find both x and y.
    """
    groups: dict[Kind, list[Kind]] = {}
    for kind in kinds:
        groups.setdefault(kind[:1], []).append(kind[1:])
    ordered: list[Kind] = []
    for i, (head, rests) in enumerate(groups.items()):
        inner = serpentine(rests) if head else [()]
        ordered += [(*head, *rest) for rest in (reversed(inner) if i % 2 else inner)]
    return ordered


def offset(start: float, step: int) -> float:
    """How far a step's first point lies within its part of the line, in [0, 1)."""
    return (start + step * GOLDEN) % 1


def systematic(shares: Sequence[float], n: int, at: float) -> list[int]:
    """The strata at ``n`` points with equal distances, in ascending order.

    Args:
        shares: of each stratum; any positive numbers, in proportion.
        at: the result of ``offset``.
    """
    ends = list(accumulate(shares))
    return [min(bisect_right(ends, ends[-1] * (i + at) / n), len(ends) - 1) for i in range(n)]
