"""Robustness of agents from their kept runs: one clean run of each suite, and runs under perturbations and faults.

Every number under a kind is paired: it is over the tasks that both runs have, and clean success is over the same tasks.
A task to which a kind could not be applied is not in the kind's pair; for a fault, a task whose episode met none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from statistics import fmean
from typing import Any, TypeAlias

import msgspec

from toolgym.report.robustness.condition import GROUPS, Condition, condition_of, without_condition
from toolgym.report.robustness.fault_counts import FaultCounts, count_faults
from toolgym.report.robustness.retention import Retention, retention
from toolgym.report.table import Run, wilson
from toolgym.stored.run_files import RunError
from toolgym.stored.strict_json import to_json
from toolgym.types import Trajectory
from toolgym.wrappers.faults.outcome import calls_of

Task: TypeAlias = tuple[str, str]
"""(suite with its arguments, id of the task)."""
Shares: TypeAlias = Mapping[Task, float]
"""Task -> the share of its scored episodes that succeeded."""


class Line(msgspec.Struct, frozen=True):
    """Success under one condition, or under all kinds of a group, beside clean success on the same tasks."""

    name: str
    group: str
    """The group of a kind; "" if several kinds act together."""
    whole_group: bool
    """Whether the line is the mean over the kinds of a group, each played alone."""
    retention: Retention
    left: int
    """Tasks to which the kind could not be applied; of faults, tasks whose episodes met none."""
    unscored: int
    """Tasks without a scored episode in one of both runs."""
    faults: FaultCounts | None = None
    """How the agent dealt with the faults; None if none was met."""


class Robustness(msgspec.Struct, frozen=True):
    """One agent."""

    agent: str
    suites: list[str]
    tasks: int
    """Scored tasks of the clean runs."""
    clean: float | None
    clean_interval: tuple[float, float]
    unscored: int
    """Tasks of the clean runs without a scored episode."""
    lines: list[Line]
    """Per group, its kinds and then their mean; at the end what was played together."""

    def find(self, name: str) -> Line | None:
        """The line of a kind or a group; None if it was not played."""
        return next((line for line in self.lines if line.name == name), None)


class Played(msgspec.Struct, frozen=True):
    """A run with what it was played under."""

    run: Run
    suite: str
    """The suite's id, and its arguments without perturbations and faults."""
    condition: Condition


def robustness(runs: Sequence[Run]) -> list[Robustness]:
    """The robustness of each agent in ``runs``, in the order of the runs.

    Raises RunError if an agent has no clean run of a suite, if two runs are alike, if runs share no task, or if a task
    is not the same in two runs.
    """
    by_agent: dict[str, list[Played]] = {}
    for run in runs:
        by_agent.setdefault(_agent(run), []).append(_played(run))
    if all(each.condition.clean for found in by_agent.values() for each in found):
        raise RunError(
            "none of the runs was perturbed or had faults: play some with the same agent and tasks, e.g. "
            "toolgym eval ... --env-arg perturb=typos, or all kinds with toolgym robustness"
        )
    names = agent_names([found[0].run for found in by_agent.values()])
    return [_of_agent(name, found) for name, found in zip(names, by_agent.values(), strict=True)]


def agent_names(runs: Sequence[Run]) -> list[str]:
    """The names of several agents, one run each. Agents of one name get the settings in which they differ."""
    names = [str(run.settings.get("agent") or run.label) for run in runs]
    told = []
    for name, run in zip(names, runs, strict=True):
        alike = [other for other, its in zip(runs, names, strict=True) if its == name]
        settings = [dict(each.settings.get("agent_settings", {})) for each in alike]
        own: dict[str, Any] = dict(run.settings.get("agent_settings", {}))
        more = [f"{key}={own[key]}" for key in own if any(each.get(key) != own[key] for each in settings)]
        told.append(f"{name} ({', '.join(more)})" if more else name)
    return told


def _of_agent(agent: str, found: Sequence[Played]) -> Robustness:
    clean = {each.suite: each for each in found if each.condition.clean}
    _check(agent, found, clean)
    lines = []
    under = [each for each in found if not each.condition.clean]
    conditions = {each.condition.name: each.condition for each in under}
    of_condition = {name: _Pair(clean, [each for each in under if each.condition.name == name]) for name in conditions}
    for group in GROUPS:
        kinds = [each for each in conditions.values() if each.group == group]
        lines += [of_condition[each.name].line(each) for each in kinds]
        for how in dict.fromkeys(each.how for each in kinds):
            pairs = [of_condition[each.name] for each in kinds if each.how == how]
            if len(pairs) > 1:
                lines.append(_of_group(f"{group} {how}".strip(), group, pairs))
    lines += [of_condition[each.name].line(each) for each in conditions.values() if not each.group]
    shares, unscored = _shares(clean.values())
    won = sum(shares.values())
    return Robustness(
        agent=agent,
        suites=list(dict.fromkeys(each.run.env_id for each in found)),
        tasks=len(shares),
        clean=won / len(shares) if shares else None,
        clean_interval=wilson(won, len(shares)),
        unscored=len(unscored),
        lines=lines,
    )


class _Pair:
    """The runs of one condition, over all suites, beside the clean ones."""

    def __init__(self, clean: Mapping[str, Played], under: Sequence[Played]):
        kept, lost = _shares(under, applied)
        shares, unscored = _shares([clean[each.suite] for each in under])
        self.pairs = {task: (shares[task], share) for task, share in kept.items() if task in shares}
        asked = {_task(each, t) for each in under for t in each.run.trajectories}
        self.unscored = {task for task in asked if task in lost or task in unscored}
        of_clean = _of_tasks([clean[each.suite] for each in under], calls_of)
        calls = {task: fmean(found) for task, found in of_clean.items()}
        self.met = [(t, calls.get(_task(each, t))) for each in under for t in each.run.trajectories if t.faults]
        self.left = {task for task in asked if task in shares and task not in kept} - self.unscored

    def line(self, condition: Condition) -> Line:
        found = retention(self.pairs.values())
        lost = (len(self.left), len(self.unscored))
        return Line(condition.name, condition.group, False, found, *lost, count_faults(self.met))


def _of_group(name: str, group: str, pairs: Sequence[_Pair]) -> Line:
    """The mean over kinds that were played alone: a task counts once, with its mean over the kinds applied to it."""
    by_task: dict[Task, list[tuple[float, float]]] = {}
    for pair in pairs:
        for task, shares in pair.pairs.items():
            by_task.setdefault(task, []).append(shares)
    found = retention((shares[0][0], fmean(under for _, under in shares)) for shares in by_task.values())
    unscored = set().union(*(pair.unscored for pair in pairs))
    left = set().union(*(pair.left for pair in pairs)) - by_task.keys()
    faults = count_faults(met for pair in pairs for met in pair.met)
    return Line(name, group, True, found, len(left), len(unscored), faults)


def applied(trajectory: Trajectory) -> bool:
    """Whether an episode was perturbed, or met a fault."""
    return bool(trajectory.perturbations) or bool(trajectory.faults)


def _shares(
    runs: Iterable[Played], counts: Callable[[Trajectory], bool] = lambda each: True
) -> tuple[dict[Task, float], set[Task]]:
    """The success of each task over its scored episodes that count; and the tasks without a scored episode."""
    every = list(runs)
    found = _of_tasks(every, lambda each: each)
    shares = {}
    for task, episodes in found.items():
        if outcomes := [each.success is True for each in episodes if counts(each)]:
            shares[task] = fmean(outcomes)
    return shares, {_task(played, t) for played in every for t in played.run.trajectories} - found.keys()


def _of_tasks(runs: Iterable[Played], value: Callable[[Trajectory], Any]) -> dict[Task, list[Any]]:
    """Something of each scored episode, by task."""
    found: dict[Task, list[Any]] = {}
    for played in runs:
        for each in played.run.trajectories:
            if each.reward_valid:
                found.setdefault(_task(played, each), []).append(value(each))
    return found


def _task(played: Played, trajectory: Trajectory) -> Task:
    return played.suite, trajectory.task_id


def _played(run: Run) -> Played:
    where, kwargs = run.folder or run.label, run.settings.get("env_kwargs", {})
    if not isinstance(kwargs, dict):
        raise RunError(f"{where} does not say which arguments its env had: play it again with toolgym eval --out")
    suite = to_json({"env": run.env_id, **dict(sorted(without_condition(kwargs).items()))})
    return Played(run, suite, condition_of(kwargs, where))


def _agent(run: Run) -> str:
    return to_json([run.settings.get("agent") or run.label, run.settings.get("agent_settings", {})])


def _check(agent: str, found: Sequence[Played], clean: Mapping[str, Played]) -> None:
    """Raises RunError if the runs of an agent cannot be compared."""
    seen: dict[tuple[str, str], str] = {}
    for each in found:
        key, where = (each.suite, each.condition.name), each.run.folder or each.run.label
        if key in seen:
            raise RunError(f"{seen[key]} and {where} are both {each.condition.name} runs of {agent}: give one of them")
        seen[key] = where
        if each.run.unfinished:
            raise RunError(f"{where}: {each.run.unfinished}; toolgym eval ... --resume goes on")
        if each.suite not in clean:
            others = ", ".join(clean) or "none"
            raise RunError(
                f"{where}: no clean run of {agent} on {each.suite} is among the runs, only on: {others}. Play the "
                "same agent and tasks without perturb and faults, and give that run too"
            )
        if not each.condition.clean:
            # silent_noop offers a tool to check with: even a task that is not perturbed begins with other instructions
            _check_tasks(clean[each.suite].run, each.run, where, openings="silent_noop" not in each.condition.kinds)


def _check_tasks(clean: Run, under: Run, where: str, *, openings: bool) -> None:
    before = {t.task_id: t.messages for t in clean.trajectories}
    shared = [t for t in under.trajectories if t.task_id in before]
    if not shared:
        raise RunError(
            f"{where} and {clean.folder or clean.label} have no task in common: play the same ones (-n and --seed)"
        )
    for each in shared if openings else ():
        if not each.perturbations and each.messages != before[each.task_id]:
            raise RunError(
                f"task {each.task_id} is not the same in {where} and {clean.folder or clean.label}, though nothing was "
                "perturbed in it: they were played with different versions of the suite. Play both again"
            )
