"""The numbers of a run: one row per category and one over all, with 95 % intervals."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from math import sqrt
from pathlib import Path
from typing import Any

import msgspec

from toolgym.playing.left_out import endings, left_out
from toolgym.report.text import one_line
from toolgym.stored.run_files import RunError, read_episodes, read_settings
from toolgym.types import Trajectory

ALL = "all"
"""The category of the row over every episode."""


class Run(msgspec.Struct, frozen=True):
    """The episodes of one agent on one env."""

    label: str
    """The run's name in tables: its agent, and its folder if two runs have the same agent."""
    env_id: str
    trajectories: list[Trajectory]
    settings: dict[str, Any] = {}
    """The contents of ``run.json``."""
    folder: str = ""
    wanted: int | None = None
    """The number of episodes asked for if the run is unfinished; else None."""

    @property
    def unfinished(self) -> str:
        """``2 of 4 episodes: unfinished``; "" for a finished run."""
        return "" if self.wanted is None else f"{len(self.trajectories)} of {self.wanted} episodes: unfinished"


class Row(msgspec.Struct, frozen=True):
    """One category of one run. Means and shares are over the valid episodes; None without a valid episode."""

    category: str
    episodes: int
    """Valid episodes: their outcome depends on the policy alone."""
    invalid: int
    """Episodes with ``reward_valid=False``, in no other number of the row."""
    successes: int
    success: float | None
    """Share of episodes that the benchmark's own verdict passes."""
    interval: tuple[float, float]
    """Wilson 95 % interval of ``success``. It assumes independent episodes: with repeats of the same tasks it is too
    narrow."""
    reward: float | None
    """Mean reward of an episode, the sum over its actions."""
    terms: dict[str, float]
    """Mean weighted score of each reward term, summed over an episode's actions. The terms add up to ``reward``."""
    turns: float | None
    """Actions per episode."""
    calls: float | None
    """Calls per episode, malformed ones included."""
    malformed: float | None
    """Share of calls that could not be read."""
    objected: float | None
    """Share of calls whose arguments break the tool's schema."""
    left_out: dict[str, int] = {}
    """Kind of failure -> number of the invalid episodes with it; see ``toolgym.playing.left_out``."""
    endings: dict[str, int] = {}
    """Reason -> number of valid episodes that the policy did not end by itself, such as out of turns."""


def wilson(successes: float, n: float, z: float = 1.959964) -> tuple[float, float]:
    """The Wilson score interval of a proportion (Wilson 1927); (0, 1) for n = 0."""
    if n == 0:
        return 0.0, 1.0
    share = successes / n
    centre = share + z * z / (2 * n)
    spread = z * sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    low = 0.0 if successes == 0 else (centre - spread) / scale
    high = 1.0 if successes == n else (centre + spread) / scale
    return low, high


def row_of(category: str, trajectories: Sequence[Trajectory]) -> Row:
    """One row over ``trajectories``."""
    valid = [each for each in trajectories if each.reward_valid]
    turns = [turn for each in valid for turn in each.turns]
    records = [record for turn in turns for record in turn.reward.calls]
    n, successes = len(valid), sum(each.success is True for each in valid)
    terms: dict[str, float] = {}
    for turn in turns:
        for term in turn.reward.terms:
            if not term.weight:  # for the record, not paid: its mean would be a column of zeros
                continue
            terms[term.name] = terms.get(term.name, 0.0) + term.weight * term.score
    return Row(
        category=category,
        episodes=n,
        invalid=len(trajectories) - n,
        successes=successes,
        success=_share(successes, n),
        interval=wilson(successes, n),
        reward=_share(sum(each.reward for each in valid), n),
        terms={name: total / n for name, total in terms.items()},
        turns=_share(len(turns), n),
        calls=_share(len(records), n),
        malformed=_share(sum(record.call.error is not None for record in records), len(records)),
        objected=_share(sum(bool(record.problems) for record in records), len(records)),
        left_out={group.kind: group.episodes for group in left_out(trajectories)},
        endings=endings(valid),
    )


def rows(trajectories: Iterable[Trajectory]) -> list[Row]:
    """A row per category, in order of first appearance, and last the row over ``ALL``.

    A single row if all episodes have the same category, or no category.
    """
    groups: dict[str, list[Trajectory]] = {}
    for each in trajectories:
        groups.setdefault(each.category, []).append(each)
    every = row_of(ALL, [each for group in groups.values() for each in group])
    if len(groups) < 2:
        return [msgspec.structs.replace(every, category=category or ALL) for category in groups] or [every]
    return [*(row_of(category or "none", group) for category, group in groups.items()), every]


def categories(tables: Iterable[Sequence[Row]]) -> list[str]:
    """The categories of several runs' rows, each once, and ``ALL`` last."""
    names = dict.fromkeys(row.category for table in tables for row in table)
    return sorted(names, key=lambda name: name == ALL)


def make_run(trajectories: list[Trajectory], label: str, *, settings: dict[str, Any] | None = None) -> Run:
    """A run made of episodes in memory. Raises RunError for an empty list."""
    if not trajectories:
        raise RunError(f"run {label!r} has no episodes yet")
    return Run(label, trajectories[0].env_id, trajectories, settings or {})


def load_runs(paths: Sequence[str | Path]) -> list[Run]:
    """The runs in ``paths`` (folders or episodes.jsonl files), with distinct labels.

    Raises RunError if a path does not hold a run, or if a run does not have episodes.
    """
    runs = [_load(Path(path)) for path in paths]
    labels = [run.label for run in runs]
    if len({run.env_id for run in runs}) > 1:
        labels = [f"{run.label} on {run.env_id}" for run in runs]
    twice = {label for label in labels if labels.count(label) > 1}
    return [
        msgspec.structs.replace(run, label=f"{label} ({place})" if label in twice else label)
        for run, label, place in zip(runs, labels, apart([Path(run.folder or "") for run in runs]), strict=True)
    ]


def apart(paths: Sequence[Path]) -> list[str]:
    """The paths without their shared parent folder."""
    whole = [path.resolve() for path in paths]
    shared = Path(os.path.commonpath([path.parent for path in whole])) if whole else Path()
    return [str(path.relative_to(shared)) for path in whole]


def suite_summary(run: Run) -> dict[str, Any]:
    """The benchmark's own aggregate numbers: ``summarize(trajectories)`` of the suite's class.

    {} if the class has no ``summarize``, if the suite is not one of ours, or if no episode is valid.
    """
    from toolgym.registry import SUITES, suite_class

    summarize = getattr(suite_class(run.env_id), "summarize", None) if run.env_id in SUITES else None
    scored = any(each.reward_valid for each in run.trajectories)  # else there is nothing to sum up
    return dict(summarize(run.trajectories)) if summarize is not None and scored else {}


def summary_lines(summary: dict[str, Any], *, names: bool = True) -> dict[str, str]:
    """A suite's summary as name -> text. Nested names are joined by " / "; values of None are left out.

    The part ``categories`` is left out: the rows repeat it. A part with ``missing`` categories does not have an
    ``overall`` score: a line says so, another names them (unless ``names`` is False), and another gives the score with
    zeros for the missing categories.
    """
    return dict(_flat({key: value for key, value in summary.items() if key != "categories"}, names))


def _load(path: Path) -> Run:
    about = (path if path.is_dir() else path.parent) / "run.json"
    settings = read_settings(about) if about.is_file() else {}
    begun = path.is_dir() and about.is_file() and not (path / "episodes.jsonl").exists()
    trajectories = [] if begun else read_episodes(path)
    if not trajectories:
        raise RunError(f"{path} has no episodes yet; play some with toolgym eval ... --out {path} --resume")
    label = str(settings.get("agent") or (path.name if path.is_dir() else path.parent.name))
    return Run(label, trajectories[0].env_id, trajectories, settings, str(path))


def _share(part: float, whole: int) -> float | None:
    return part / whole if whole else None


def _flat(tree: dict[str, Any], names: bool, prefix: str = "") -> Iterable[tuple[str, str]]:
    missing = tree.get("missing")
    if missing:
        yield f"{prefix}overall", f"none: {len(missing)} categories were not run"
        if names:
            yield f"{prefix}not run", ", ".join(map(str, missing))
    for key, value in tree.items():
        if key == "missing" or (key == "overall_missing_as_zero" and not missing):
            continue
        if key == "overall_missing_as_zero":
            yield f"{prefix}overall if those count as 0", f"{value:.4f}"
        elif isinstance(value, dict):
            yield from _flat(value, names, f"{prefix}{key} / ")
        elif isinstance(value, float):
            yield f"{prefix}{key}", f"{value:.4f}"
        elif isinstance(value, (list, tuple)):
            yield f"{prefix}{key}", one_line(f"{len(value)}: {', '.join(map(str, value))}" if value else "none", 40)
        elif value is not None:
            yield f"{prefix}{key}", one_line(str(value), 100)
