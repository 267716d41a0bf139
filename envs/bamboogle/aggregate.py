"""Bamboogle's numbers: the share of right answers, and searches per question."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from toolgym.types import Trajectory


def summarize(trajectories: Iterable[Trajectory]) -> dict[str, Any]:
    """Accuracy and searches per question, as plain data; shares are in [0, 1].

    ``accuracy``: by the verdict, whichever measure or judge made it. ``exact`` and ``contains``: by the two measures
    of grading.py. ``searches``: mean number of searches per question that were run without an error.
    ``n``: episodes counted. ``invalid``: episodes left out because the search or the judge failed
    (``reward_valid`` is False). An episode without an answer counts as wrong. Without an episode, the numbers are None.
    """
    n = invalid = searches = right = 0
    measures = {"exact": 0.0, "contains": 0.0}
    for trajectory in trajectories:
        if not trajectory.reward_valid:
            invalid += 1
            continue
        n += 1
        right += trajectory.success is True
        records = [record for turn in trajectory.turns for record in turn.reward.calls]
        searches += sum([record.result is not None and record.result.error is None for record in records])
        for term in trajectory.turns[-1].reward.terms if trajectory.turns else ():
            if term.name in measures:
                measures[term.name] += term.score
    if not n:
        return {"accuracy": None, "exact": None, "contains": None, "searches": None, "n": 0, "invalid": invalid}
    shares = {name: score / n for name, score in measures.items()}
    return {"accuracy": right / n, **shares, "searches": searches / n, "n": n, "invalid": invalid}
