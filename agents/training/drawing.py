"""Which tasks a step trains on, by ``config.draw``: from (seed, step), and with a curriculum from solve rates too.

random      every task is drawn independently: the suite by its share, then one of its tasks
stratified  every step has the same share of each stratum (strata.py), and random tasks of the stratum
curriculum  the same, with more of the strata and tasks that are neither too hard nor too easy (curriculum.py)
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from ..config import TrainConfig
from .collect import Collector, Rollout, TaskName
from .curriculum import Curriculum, solve_rate
from .strata import COUNTED, Stratum, kind_of, offset, strata_of, systematic

TRIES = 20
"""How many tasks are drawn for one that is new in this step."""


class Draw(Protocol):
    """The tasks of one step."""

    def first(self, n: int) -> list[TaskName]:
        """The step's ``n`` tasks."""

    def another(self, task: TaskName) -> TaskName:
        """A task in place of one that was drawn: of the same stratum, if there are strata."""

    def record(self, task: TaskName, group: Sequence[Rollout]) -> None:
        """Take note of the episodes that were played of a task."""


class Drawing:
    """Draws the tasks of every step of a run.

    Args:
        collector: holds the suites.
    """

    def __init__(self, collector: Collector, config: TrainConfig):
        self.collector, self.config = collector, config
        self.curriculum = Curriculum() if config.draw == "curriculum" else None
        self._strata: Sequence[Stratum] = ()

    def of_step(self, step: int) -> Draw:
        """The draw of a step. A draw of an earlier step must not be used any more."""
        if self.config.draw == "random":
            return RandomDraw(self.collector, self.config, step)
        self._strata = self._strata or strata_of(self.collector, self.config.shares())
        return StratifiedDraw(self.collector, self.config, self._strata, step, self.curriculum)

    def metrics(self) -> dict[str, float]:
        """The curriculum's solve rates and shares; {} without a curriculum."""
        return self.curriculum.metrics(self._strata) if self.curriculum is not None else {}

    def state_dict(self) -> dict[str, Any]:
        """For a checkpoint; {} if (seed, step) is all that is needed."""
        return {"curriculum": self.curriculum.state_dict()} if self.curriculum is not None else {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a checkpoint's state, in which ``state_dict`` is contained."""
        if self.curriculum is not None:
            self.curriculum.load_state_dict(state["curriculum"])


class RandomDraw:
    """Draws the suite by its share, then one of its tasks or ``neighbours`` of them, all independently."""

    def __init__(self, collector: Collector, config: TrainConfig, step: int):
        stream = random.Random(f"tasks {config.seed} {step}")
        self._stream = self._tasks(collector, config.shares(), config.neighbours, stream)

    def first(self, n: int) -> list[TaskName]:
        return [next(self._stream) for _ in range(n)]

    def another(self, task: TaskName) -> TaskName:
        return next(self._stream)

    def record(self, task: TaskName, group: Sequence[Rollout]) -> None:
        pass

    def _tasks(
        self, collector: Collector, shares: list[float], neighbours: int, stream: random.Random
    ) -> Iterator[TaskName]:
        equal = len(set(shares)) == 1
        while True:
            suite = stream.randrange(len(shares)) if equal else stream.choices(range(len(shares)), shares)[0]
            tasks = collector.tasks(suite)
            run = stream.randrange(math.ceil(len(tasks) / neighbours))
            for i in range(run * neighbours, min((run + 1) * neighbours, len(tasks))):
                yield suite, tasks[i].id


class StratifiedDraw:
    """Draws each stratum by its share, and random tasks of the stratum.

    Within a step no task is drawn twice, unless ``TRIES`` times find no other one.

    Args:
        curriculum: weighs the strata's shares, and the tasks within a stratum.
    """

    def __init__(
        self,
        collector: Collector,
        config: TrainConfig,
        strata: Sequence[Stratum],
        step: int,
        curriculum: Curriculum | None = None,
    ):
        self.collector, self.strata, self.curriculum = collector, strata, curriculum
        self._random = random.Random(f"strata {config.seed} {step}")
        self._offset = offset(random.Random(f"rotation {config.seed}").random(), step)
        self._stratum: dict[TaskName, Stratum] = {}
        """Of each task drawn so far."""

    def first(self, n: int) -> list[TaskName]:
        shares = [stratum.share for stratum in self.strata]
        if self.curriculum is not None:
            shares = self.curriculum.shares(self.strata)
        drawn = systematic(shares, n, self._offset)
        self._random.shuffle(drawn)
        return [self._task(self.strata[i]) for i in drawn]

    def another(self, task: TaskName) -> TaskName:
        return self._task(self._stratum[task])

    def record(self, task: TaskName, group: Sequence[Rollout]) -> None:
        rate = solve_rate(group)
        if self.curriculum is not None and rate is not None:
            self.curriculum.record(self._stratum[task], task[1], rate)

    def _task(self, stratum: Stratum) -> TaskName:
        suite, known, pick = stratum.suite, stratum.places, self._random.randrange
        env, tasks = self.collector.env(suite), self.collector.tasks(suite)
        # a suite that makes its tasks on demand has more of the kind than were counted: look among all its tasks
        tries = TRIES if stratum.complete else math.ceil(TRIES * COUNTED / len(known))
        for _ in range(tries):
            task = tasks[known[pick(len(known))] if stratum.complete else pick(len(tasks))]
            if (suite, task.id) in self._stratum or kind_of(env, task) != stratum.kind:
                continue
            if self.curriculum is None or self._random.random() < self.curriculum.weight_of_task(suite, task.id):
                break
        else:
            task = tasks[known[pick(len(known))]]
        self._stratum[suite, task.id] = stratum
        return suite, task.id
