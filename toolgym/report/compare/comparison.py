"""Agents x suites: the numbers of each agent on each suite, from its episodes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from math import fsum
from typing import Any

import msgspec

from toolgym.playing.left_out import endings, left_out
from toolgym.report.compare.passk import Estimate, estimate
from toolgym.report.compare.suite_set import SuitePlan, not_run, own_scores
from toolgym.report.table import make_run, suite_summary
from toolgym.types import Trajectory

CountTokens = Callable[[str], int]
"""Text of the agent -> number of tokens, by the agent's own tokenizer."""


class Numbers(msgspec.Struct, frozen=True):
    """One agent on one suite, or on a part of a suite. Means are over the valid episodes; None without any."""

    tasks: int
    """Tasks with at least one valid episode."""
    episodes: int
    """Valid episodes."""
    invalid: int
    """Episodes with ``reward_valid=False``, in no other number."""
    success: Estimate
    """Share of a task's episodes that the benchmark's own verdict passes, mean over tasks."""
    pass_at: dict[str, Estimate]
    """k -> pass@k, for each requested k > 1."""
    reward: float | None
    turns: float | None
    """Actions per episode."""
    calls: float | None
    """Tool calls per episode, malformed ones included."""
    tokens: float | None
    """Tokens per episode in the agent's texts; None if the agent does not have a tokenizer."""
    seconds: float | None
    """Wall-clock seconds per episode. Episodes of one batch each count their whole time."""
    left_out: dict[str, int] = {}
    """Kind of failure -> number of the invalid episodes with it; see ``toolgym.playing.left_out``."""
    endings: dict[str, int] = {}
    """Reason -> number of valid episodes that the policy did not end by itself, such as out of turns."""


class Played(msgspec.Struct, frozen=True):
    """One agent on one suite."""

    agent: str
    suite: str
    total: Numbers
    parts: dict[str, Numbers]
    scores: dict[str, float | None]
    """The suite's own scores, by label; see suite_set.py."""
    not_run: dict[str, list[str]]
    """Overall score that is None -> the categories that it lacks."""


class Comparison(msgspec.Struct, frozen=True):
    """The whole comparison, as suites.json holds it."""

    settings: dict[str, Any]
    titles: dict[str, str]
    """suite -> its name in the tables, in their order."""
    missing: dict[str, dict[str, str]]
    """suite -> part -> why it cannot be played here."""
    played: list[Played]

    def find(self, agent: str, suite: str) -> Played | None:
        """The result of an agent on a suite; None if the agent has not played the suite."""
        return next((each for each in self.played if (each.agent, each.suite) == (agent, suite)), None)

    @property
    def agents(self) -> list[str]:
        return list(dict.fromkeys(each.agent for each in self.played))


def numbers(
    trajectories: Iterable[Trajectory], ks: Sequence[int] = (1,), count_tokens: CountTokens | None = None
) -> Numbers:
    """The numbers of some episodes. Episodes with the same env, category and task id are of one task."""
    every = list(trajectories)
    valid = [each for each in every if each.reward_valid]
    counts: dict[tuple[str, str, str], tuple[int, int]] = {}
    for each in valid:
        key = (each.env_id, each.category, each.task_id)
        episodes, passed = counts.get(key, (0, 0))
        counts[key] = (episodes + 1, passed + (each.success is True))
    tokens = None
    if count_tokens is not None:
        tokens = _mean([sum(count_tokens(turn.action) for turn in each.turns) for each in valid])
    return Numbers(
        tasks=len(counts),
        episodes=len(valid),
        invalid=len(every) - len(valid),
        success=estimate(counts.values()),
        pass_at={str(k): estimate(counts.values(), k) for k in ks if k > 1},
        reward=_mean([each.reward for each in valid]),
        turns=_mean([len(each.turns) for each in valid]),
        calls=_mean([sum(len(turn.reward.calls) for turn in each.turns) for each in valid]),
        tokens=tokens,
        seconds=_mean([each.seconds for each in valid]),
        left_out={group.kind: group.episodes for group in left_out(every)},
        endings=endings(valid),
    )


def played(
    agent: str,
    plan: SuitePlan,
    parts: Mapping[str, Sequence[Trajectory]],
    ks: Sequence[int] = (1,),
    count_tokens: CountTokens | None = None,
) -> Played:
    """The numbers of an agent on a suite. ``parts``: part -> its episodes, at least one part."""
    every = [each for found in parts.values() for each in found]
    summary = suite_summary(make_run(every, agent))
    return Played(
        agent=agent,
        suite=plan.name,
        total=numbers(every, ks, count_tokens),
        parts={name: numbers(found, ks, count_tokens) for name, found in parts.items()},
        scores=own_scores(plan, summary),
        not_run=not_run(summary),
    )


def as_data(comparison: Comparison) -> dict[str, Any]:
    """Plain data for JSON: floats with six decimals. Counts of reasons are left out if there are none."""
    return dict(_rounded(msgspec.to_builtins(comparison)))


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        empty = [key for key in ("left_out", "endings") if value.get(key) == {}]
        return {key: _rounded(item) for key, item in value.items() if key not in empty}
    if isinstance(value, (list, tuple)):
        return [_rounded(item) for item in value]
    return round(value, 6) if isinstance(value, float) else value


def _mean(values: Sequence[float]) -> float | None:
    return fsum(values) / len(values) if values else None
