"""Which tasks a step trains on, by (seed, step): drawn at random, or with the same share of each stratum in every step.

A stratum is a kind of task: the suite, and what the suite's ``ToolEnv.stratum`` says, e.g. ("single", "coined names").
With ``draw="stratified"``, the strata of all suites lie on a line of length 1, each as long as its share. A step of n
tasks takes the strata at n points with equal distances (systematic sampling), so that each stratum gets n times its
share, rounded down or up. This holds for suites and for coarse kinds too, because their strata are neighbours. From
step to step the points move on by the golden ratio, so that what was rounded evens out.
"""

from __future__ import annotations

import math
import random
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Protocol, TypeAlias

import msgspec

from ..config import TrainConfig
from .collect import Collector, TaskName

Kind: TypeAlias = tuple[str, ...]
"""What ``ToolEnv.stratum`` says of a task."""

COUNTED = 2_000
"""The shares of a suite that makes its tasks on demand are those of its first tasks, this many."""
TRIES = 20
"""How often a task that was drawn in this step already is drawn anew."""
GOLDEN = (math.sqrt(5) - 1) / 2


class Draw(Protocol):
    """The tasks of one step."""

    def first(self, n: int) -> list[TaskName]:
        """The step's ``n`` tasks."""

    def another(self, task: TaskName) -> TaskName:
        """A task in place of one that was drawn: of the same stratum, if the draw is stratified."""


class RandomDraw:
    """Draws the suite by its share, then one of its tasks, all independently."""

    def __init__(self, collector: Collector, config: TrainConfig, step: int):
        self._stream = self._tasks(collector, config, random.Random(f"tasks {config.seed} {step}"))

    def first(self, n: int) -> list[TaskName]:
        return [next(self._stream) for _ in range(n)]

    def another(self, task: TaskName) -> TaskName:
        return next(self._stream)

    def _tasks(self, collector: Collector, config: TrainConfig, stream: random.Random) -> Iterator[TaskName]:
        shares = config.shares()
        equal = len(set(shares)) == 1
        while True:
            suite = stream.randrange(len(shares)) if equal else stream.choices(range(len(shares)), shares)[0]
            tasks = collector.tasks(suite)
            yield suite, tasks[stream.randrange(len(tasks))].id


class Stratum(msgspec.Struct, frozen=True):
    """Tasks of one kind in one suite."""

    suite: int
    kind: Kind
    share: float
    """Of all tasks of a step."""
    places: list[int]
    """Positions of its tasks, among the tasks of the suite that were counted."""
    every: bool
    """Whether all tasks of the suite were counted."""


def strata_of(collector: Collector, shares: Sequence[float]) -> list[Stratum]:
    """The strata of all suites, in the order of the line. Within its suite, a stratum's share is that of its tasks.

    Args:
        shares: of each suite.
    """
    found = []
    for suite, share in enumerate(shares):
        env, tasks = collector.env(suite), collector.tasks(suite)
        counted = len(tasks) if isinstance(tasks, (list, tuple)) else min(len(tasks), COUNTED)
        places: dict[Kind, list[int]] = {}
        for i in range(counted):
            places.setdefault(env.stratum(tasks[i]), []).append(i)
        for kind in serpentine(sorted(places)):
            here = places[kind]
            found.append(Stratum(suite, kind, share * len(here) / counted, here, counted == len(tasks)))
    return found


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


def systematic(shares: Sequence[float], n: int, at: float) -> list[int]:
    """The strata at ``n`` points with equal distances, in ascending order.

    Args:
        shares: of each stratum; any positive numbers, in proportion.
        at: in [0, 1): how far the first point lies within its part of the line.
    """
    ends = list(accumulate(shares))
    return [min(bisect_right(ends, ends[-1] * (i + at) / n), len(ends) - 1) for i in range(n)]


class StratifiedDraw:
    """Draws each stratum by its share, and a task of the stratum at random.

    Within a step no task is drawn twice, unless ``TRIES`` times find no other one.
    """

    def __init__(self, collector: Collector, config: TrainConfig, strata: Sequence[Stratum], step: int):
        self.collector, self.strata = collector, strata
        self._random = random.Random(f"strata {config.seed} {step}")
        start = random.Random(f"rotation {config.seed}").random()
        self._at = (start + step * GOLDEN) % 1
        self._stratum: dict[TaskName, int] = {}
        """Of each task drawn so far."""

    def first(self, n: int) -> list[TaskName]:
        drawn = systematic([stratum.share for stratum in self.strata], n, self._at)
        self._random.shuffle(drawn)
        return [self._task(which) for which in drawn]

    def another(self, task: TaskName) -> TaskName:
        return self._task(self._stratum[task])

    def _task(self, which: int) -> TaskName:
        stratum = self.strata[which]
        env, tasks = self.collector.env(stratum.suite), self.collector.tasks(stratum.suite)
        known, pick = stratum.places, self._random.randrange
        # a suite that makes its tasks on demand has more of the kind than were counted: look for them among all tasks
        tries = TRIES if stratum.every else math.ceil(TRIES * COUNTED / len(known))
        for _ in range(tries):
            task = tasks[known[pick(len(known))] if stratum.every else pick(len(tasks))]
            if (stratum.suite, task.id) not in self._stratum and env.stratum(task) == stratum.kind:
                break
        else:
            task = tasks[known[pick(len(known))]]
        self._stratum[stratum.suite, task.id] = which
        return stratum.suite, task.id
