"""Perturbation: which kinds, how strong, from which seed; makes the view of each task."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from functools import partial
from hashlib import blake2b
from typing import Any

from toolgym.branching import bind_hooks
from toolgym.checks import low_high, whole_number
from toolgym.tasks.stream import Stream
from toolgym.tasks.task import Task
from toolgym.types import Completion
from toolgym.wrappers.perturb.building import build
from toolgym.wrappers.perturb.kinds import select_kinds
from toolgym.wrappers.perturb.schedule import read_schedule
from toolgym.wrappers.perturb.view import View

CACHED = 1024
"""Views that are kept, of the tasks that were played last."""


class Perturbation:
    """How the tasks of an env are perturbed. Everything follows from (seed, task id, kind).

    Args:
        kinds: names of kinds or groups, with commas between or as a list (kinds.py).
        strength: from 0 (nothing changes) to 1; or (low, high), between which it is drawn for each task; or a schedule
            over a training run, {"from": 0.1, "to": 1.0, "steps": 40} (schedule.py).
        seed: other seeds perturb in other ways.
        draw: how many of the kinds are drawn for each task, of those that apply to it; None: all of them.

    Raises TypeError and ValueError for values that make no sense.
    """

    def __init__(self, kinds: Any, strength: Any = 1.0, seed: Any = 0, draw: Any = None):
        self.kinds = select_kinds(kinds)
        self.schedule = read_schedule(strength) if isinstance(strength, dict) else None
        self.low, self.high = low_high(
            "strength is a number from 0 to 1, or a pair (low, high) of them",
            strength if self.schedule is None else self.schedule.at(0),
        )
        self.seed = whole_number("perturb_seed", seed, 0)
        self.draw = None if draw is None else whole_number("perturb_draw", draw, 1)
        if self.draw is not None and self.draw > len(self.kinds):
            raise ValueError(f"perturb_draw is {self.draw}, more than the kinds that perturb names: {len(self.kinds)}")
        self._views: OrderedDict[str, View] = OrderedDict()
        self._later: int | None = None

    def __repr__(self) -> str:
        strength = self.high if self.low == self.high else (self.low, self.high)
        return f"Perturbation({','.join(self.kinds)!r}, {strength}, seed={self.seed}, draw={self.draw})"

    def attach(self, env: Any) -> None:
        """Show the tasks of a ToolEnv perturbed from its next reset on. Raises ValueError if they are already."""
        if env.perturbation is not None:
            raise ValueError(f"{type(env).__name__} has {env.perturbation!r} already: name all kinds in one place")
        env.perturbation = self
        bind_hooks(env)
        env.episode.over = True  # an episode that goes on was not begun with perturbations

    def see_through(self, env: Any) -> None:
        """Make ``env.parse`` read calls by the names that are shown, and ``env.gold`` write them.

        Suites override both, and call them on themselves and by ``super()``. So these are attributes of the instance,
        and the suite's own methods stay as they are.
        """
        env.parse = partial(_parse, env, env.parse)
        env.gold = partial(_gold, env, env.gold)

    def stream(self, task_id: str, *about: str) -> Stream:
        """Random numbers for one purpose in one task."""
        name = "\0".join((str(self.seed), task_id, *about))
        return Stream(int.from_bytes(blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).digest()))

    def strength(self, task_id: str) -> float:
        """The strength in a task."""
        if self.low == self.high:
            return self.low
        return self.low + (self.high - self.low) * self.stream(task_id, "strength").random()

    def set_step(self, step: int, over: bool) -> None:
        """Take the strength of a trainer's step, if there is a schedule: now if the env's episode is ``over``, else at
        its next reset. So an episode that goes on stays as it is, with its gold, its forks and its snapshots."""
        self._later = step
        if over:
            self._take_step()

    def _take_step(self) -> None:
        if self.schedule is not None and self._later is not None:
            at, self._later = self.schedule.at(self._later), None
            if at != self.low:
                self.low = self.high = at
                self._views = OrderedDict()  # a fork may read the old ones

    def stratum(self, task_id: str) -> tuple[str, ...]:
        """The quarter in which the strength of a task lies, for a trainer that draws by kinds of tasks; () if all tasks
        have the same strength."""
        if self.low == self.high:
            return ()
        quarter = min(3, int(4 * (self.strength(task_id) - self.low) / (self.high - self.low)))
        ends = [self.low + (self.high - self.low) * (quarter + more) / 4 for more in (0, 1)]
        return (f"strength {ends[0]:.2f}-{ends[1]:.2f}",)

    def begin(self, task: Task, needed: Callable[[Task], Iterable[Any]]) -> View:
        """``view`` for a new episode."""
        self._take_step()
        return self.view(task, needed)

    def view(self, task: Task, needed: Callable[[Task], Iterable[Any]]) -> View:
        """The view of a task; ``needed`` gives the values that must stay in its request. Made once per task."""
        views = self._views
        view = views.get(task.id)
        if view is None:
            view = build(self, task, needed(task))
            views[task.id] = view
            if len(views) > CACHED:
                views.popitem(last=False)
        else:
            views.move_to_end(task.id)
        return view


def _parse(env: Any, parse: Callable[[str], Completion], text: str) -> Completion:
    """Read an action. Its calls have the tools' own names, whatever names are shown."""
    completion, view = parse(text), env.view
    return completion if view is None else view.read(completion)


def _gold(env: Any, gold: Callable[[Task], tuple[str, ...]], task: Task) -> tuple[str, ...]:
    """The gold actions, with tools by the names that are shown."""
    view = env.view_of(task)
    return tuple([view.gold(text, env.dialect) for text in gold(task)])
