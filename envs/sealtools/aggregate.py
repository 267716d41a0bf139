"""Seal-Tools' own metrics: format accuracy, and precision, recall and F1 of tools and of parameters."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from toolgym.types import Trajectory

from .official import Counts, readable
from .tasks import CATEGORIES


def summarize(trajectories: Iterable[Trajectory]) -> dict[str, Any]:
    """The official metrics, as plain data: over all episodes, and per category. All but F1 and recall are in [0, 1].

    Of all, and of each category: ``format`` (share of answers that can be read), ``tool P``, ``tool R``, ``tool F1``,
    ``param P``, ``param R``, ``param F1`` (over the sums of the counts, as in official.py) and ``n``, the episodes
    counted. A metric without a count to divide by is 0. ``invalid``: episodes left out because ``reward_valid`` is
    False. The paper's "multiple-tool" instances are our "multiple" and "nested" together: ``several``.
    """
    counts: dict[str, list[tuple[bool, Counts]]] = {"all": [], **{name: [] for name in CATEGORIES}, "several": []}
    invalid = 0
    for trajectory in trajectories:
        if not trajectory.reward_valid:
            invalid += 1
            continue
        found = counted(trajectory)
        for group in ("all", trajectory.category, *(["several"] if trajectory.category != "single" else [])):
            counts.setdefault(group, []).append(found)
    return {**{name: metrics(each) for name, each in counts.items() if each}, "invalid": invalid}


def counted(trajectory: Trajectory) -> tuple[bool, Counts]:
    """Whether an episode's answer has the right format, and its counts."""
    if not trajectory.turns:
        return False, Counts()
    reward = trajectory.turns[-1].reward
    calls = [record.call for record in reward.calls]
    kept = {term.name: int(term.score) for term in reward.terms if term.weight == 0}
    right = readable(calls)
    called, given = (len(calls), sum([len(call.arguments) for call in calls])) if right else (0, 0)
    return right, Counts(
        kept.get("tools_right", 0), called, kept.get("tools_expected", 0),
        kept.get("params_right", 0), given, kept.get("params_expected", 0),
    )  # fmt: skip


def metrics(answers: Iterable[tuple[bool, Counts]]) -> dict[str, float]:
    """The metrics over some answers: (right format, counts)."""
    n = formats = 0
    total = Counts()
    for right, found in answers:
        n, formats, total = n + 1, formats + right, total + found
    tool = _scores(total.tools_right, total.tools_called, total.tools_expected)
    param = _scores(total.params_right, total.params_given, total.params_expected)
    return {
        "format": formats / n if n else 0.0,
        **{f"tool {name}": value for name, value in tool.items()},
        **{f"param {name}": value for name, value in param.items()},
        "n": n,
    }


def _scores(right: int, made: int, expected: int) -> dict[str, float]:
    """Precision, recall, and their harmonic mean; 0 if nothing is right."""
    if not right or not expected:
        return {"P": 0.0, "R": 0.0, "F1": 0.0}
    precision, recall = right / made, right / expected
    return {"P": precision, "R": recall, "F1": 2 * precision * recall / (precision + recall)}
