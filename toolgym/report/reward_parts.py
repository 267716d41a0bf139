"""Which parts of a reward tell success: each part's correlation with the verdict, over the episodes of kept runs.

A part that does not tell passed episodes from failed ones moves the advantages at random. Modecrua et al. 2026
(arXiv 2604.02869) saw naive per-turn rewards cost up to 14 points, and calibrate rewards by such an analysis.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import ceil, isfinite
from pathlib import Path
from typing import Literal, TypeAlias

import msgspec

from toolgym.report.table import load_runs
from toolgym.report.training import is_training, load_training_runs
from toolgym.rewards.discrimination import SAMPLES, Discrimination, Interval, discrimination
from toolgym.stored.run_files import RunError, read_episodes
from toolgym.types import Trajectory

LEAST = 10
"""The least number of passed episodes, of failed episodes and of tasks with which a part is judged; and of groups with
passed and failed episodes with which it is judged within groups."""
MOST_TURNS = 8
"""Turns that have a part of their own. Later ones are in the part ``early turns``."""

Kind: TypeAlias = Literal["reward", "term", "turn"]
Finding: TypeAlias = Literal["tells", "constant", "too few", "against", "does not tell", "between tasks only"]
"""tells: the correlation's interval is above 0, the AUC's above 0.5. against: one of them is below. does not tell: the
rest. All within groups if LEAST of them have passed and failed episodes, else over all episodes. between tasks only:
over all episodes it tells, within groups it does not."""


class Part(msgspec.Struct, frozen=True):
    """One part of the reward, and what it says about success."""

    name: str
    kind: Kind
    """reward: the whole reward; term: a term, weighted and summed over the episode; turn: the rewards of actions."""
    episodes: int
    passed: int
    tasks: int
    measured: Discrimination
    finding: Finding
    warning: str
    """What is wrong, in words; "" if the part tells success."""


class RewardParts(msgspec.Struct, frozen=True):
    """The parts of the reward on one environment."""

    env_id: str
    episodes: int
    """Valid episodes."""
    invalid: int
    """Episodes with ``reward_valid=False``, in no number."""
    passed: int
    parts: tuple[Part, ...]
    """None if all episodes passed, or all failed: nothing can be compared."""

    @property
    def problem(self) -> str:
        """Why there are no parts; "" if there are some."""
        if 0 < self.passed < self.episodes:
            return ""
        if not self.episodes:
            return f"{self.env_id}: none of {self.invalid} episodes is valid"
        what, other = ("passed", "failed") if self.passed else ("failed", "passed")
        many = "the only episode" if self.episodes == 1 else f"all {self.episodes} episodes"
        return (
            f"{self.env_id}: {many} {what}, so nothing can be compared: add runs in which some {other}, "
            "such as harder or easier tasks, or an earlier checkpoint"
        )

    @property
    def warnings(self) -> tuple[str, ...]:
        """A line for each part that does not tell success. Parts with the same words share a line."""
        lines: dict[str, list[str]] = {}
        for part in self.parts:
            if part.warning:
                lines.setdefault(part.warning, []).append(part.name)
        return tuple([f"{', '.join(names)}: {why}" for why, names in lines.items()])


class Kept(msgspec.Struct, frozen=True):
    """The episodes of one folder. Those of one task were sampled by one policy, so they are a group."""

    folder: str
    trajectories: list[Trajectory]


def kept_episodes(paths: Sequence[str | Path]) -> list[Kept]:
    """The episodes of evaluations, and of training runs: all groups and evaluations that they kept.

    A folder that is reached twice counts once. Raises RunError for a path without episodes or with a damaged file.
    """
    found: dict[Path, Kept] = {}
    for path in map(Path, paths):
        if is_training(path):
            (run,) = load_training_runs([path])
            folders = [*run.kept("groups"), *run.kept("evaluations")]
            if not folders:
                raise RunError(f"{path} has kept no episodes: its groups/ and evaluations/ are empty so far")
        else:
            (evaluation,) = load_runs([path])
            folder = path if path.is_dir() else path.parent
            found.setdefault(folder.resolve(), Kept(str(path), evaluation.trajectories))
            continue
        for folder in folders:
            if folder.resolve() not in found:
                found[folder.resolve()] = Kept(str(folder), read_episodes(folder))
    return list(found.values())


def reward_parts(kept: Iterable[Kept], *, samples: int = SAMPLES, seed: int = 0) -> list[RewardParts]:
    """The parts of the reward of each environment, over the episodes of all folders.

    Args:
        kept: folders of episodes; give those together that have the same reward.
        samples, seed: of the intervals' bootstrap.
    """
    by_env: dict[str, list[tuple[str, Trajectory]]] = {}
    for each in kept:
        for trajectory in each.trajectories:
            by_env.setdefault(trajectory.env_id, []).append((each.folder, trajectory))
    return [_of_env(env_id, entries, samples, seed) for env_id, entries in by_env.items()]


_Value: TypeAlias = tuple[str, Trajectory, float]
"""Folder, episode, and the episode's value of a part."""


def _of_env(env_id: str, entries: Sequence[tuple[str, Trajectory]], samples: int, seed: int) -> RewardParts:
    valid = [entry for entry in entries if entry[1].reward_valid]
    passed = sum(each.success is True for _, each in valid)
    parts: list[Part] = []
    if 0 < passed < len(valid):
        for kind, name, values in _parts(valid):
            finite = [value for value in values if isfinite(value[2])]
            if finite:
                parts.append(_part(kind, name, finite, len(values) - len(finite), samples, seed))
    return RewardParts(env_id, len(valid), len(entries) - len(valid), passed, tuple(parts))


def _parts(valid: Sequence[tuple[str, Trajectory]]) -> Iterable[tuple[Kind, str, list[_Value]]]:
    """Each part with its value per episode: the reward, its terms, then the turns of episodes with several actions."""
    yield "reward", "reward", [(folder, each, each.reward) for folder, each in valid]
    sums = [_terms(each) for _, each in valid]
    for name in dict.fromkeys(name for terms in sums for name in terms):
        # a term that an episode does not have adds nothing to its reward
        yield "term", name, [(*entry, terms.get(name, 0.0)) for entry, terms in zip(valid, sums, strict=True)]
    longer = [(folder, each, [turn.reward.total for turn in each.turns]) for folder, each in valid]
    longer = [entry for entry in longer if len(entry[2]) > 1]
    longest = max((len(rewards) for _, _, rewards in longer), default=0)
    for k in range(min(longest - 1, MOST_TURNS)):
        # the last action is not among them: its reward often has the verdict in it
        yield "turn", f"turn {k + 1}", [(f, each, r[k]) for f, each, r in longer if k < len(r) - 1]
    if longest > 2:
        yield "turn", "early turns", [(f, each, sum(r[:-1])) for f, each, r in longer]
    if longer:
        yield "turn", "last turn", [(f, each, r[-1]) for f, each, r in longer]


def _terms(trajectory: Trajectory) -> dict[str, float]:
    """Each term's weighted score, summed over the episode's actions."""
    found: dict[str, float] = {}
    for turn in trajectory.turns:
        for term in turn.reward.terms:
            found[term.name] = found.get(term.name, 0.0) + term.weight * term.score
    return found


def _part(kind: Kind, name: str, values: Sequence[_Value], lost: int, samples: int, seed: int) -> Part:
    won = [each.success is True for _, each, _ in values]
    tasks = [each.task_id for _, each, _ in values]
    groups = [f"{folder}\n{each.task_id}" for folder, each, _ in values]
    measured = discrimination([value for _, _, value in values], won, tasks, groups, samples=samples, seed=seed)
    finding, warning = _judged(measured, len(values), sum(won), len(set(tasks)))
    if lost:
        without = f"not finite in {lost} of {lost + len(values)} episodes, which are left out"
        warning = f"{warning}; {without}" if warning else without
    return Part(name, kind, len(values), sum(won), len(set(tasks)), measured, finding, warning)


def _judged(found: Discrimination, episodes: int, passed: int, tasks: int) -> tuple[Finding, str]:
    """What is found about a part, and its warning. Within groups, if there are enough: a group's episodes had the same
    task, and GRPO compares them. Tasks differ in what a part can earn."""
    if not found.varies:
        return "constant", f"the same in all {episodes} episodes, so it teaches nothing here"
    if few := _too_few(episodes, passed, tasks):
        return "too few", few
    over_all = _direction(found.correlation, found.auc)
    numbers = _words(found.correlation, found.auc)
    if found.mixed < LEAST:
        direction = over_all
        note = f"; that is over different tasks: {LEAST} tasks with passed and failed episodes would tell more"
    else:
        direction, note = _direction(found.within_correlation, found.within_auc), ""
        numbers = f"within tasks {_words(found.within_correlation, found.within_auc)}"
    if direction > 0:
        return "tells", ""
    if direction < 0:
        return "against", f"failed episodes have more of it ({numbers}), so alone it rewards failing{note}"
    if over_all > 0:
        return "between tasks only", f"tells tasks apart, not episodes of one task ({numbers}): noise within a group"
    return "does not tell", f"does not tell passed from failed episodes ({numbers}), so it adds noise{note}"


def _direction(correlation: Interval | None, auc: Interval | None) -> int:
    """1 if both intervals are above chance, -1 if one is below it, else 0."""
    if correlation is None or auc is None:
        return 0
    if correlation.high < 0 or auc.high < 0.5:
        return -1
    return int(correlation.low > 0 and auc.low > 0.5)


def _too_few(episodes: int, passed: int, tasks: int) -> str:
    """What is missing to judge a part; "" if nothing is."""
    missing, more = [], 0
    for count, what in ((passed, "passed"), (episodes - passed, "failed")):
        if count < LEAST:
            missing.append(f"{count} {what}")
            # as many more as it takes at this share; one more than all so far if there is no share yet
            more = max(more, ceil((LEAST - count) * episodes / count) if count else LEAST * (episodes + 1))
    if tasks < LEAST:
        missing.append(f"{tasks} {'task' if tasks == 1 else 'tasks'}")
        more = max(more, LEAST - tasks)
    if not missing:
        return ""
    return f"too few episodes to judge ({', '.join(missing)}; {LEAST} are needed): play some {more} more"


def _words(correlation: Interval | None, auc: Interval | None) -> str:
    return f"correlation {in_numbers(correlation, '+.2f')}, AUC {in_numbers(auc, '.2f')}"


def in_numbers(interval: Interval | None, form: str) -> str:
    """``+0.62 [+0.41, +0.78]``; "–" for None."""
    if interval is None:
        return "–"
    low, high = format(interval.low, form), format(interval.high, form)
    return f"{format(interval.value, form)} [{low}, {high}]"
