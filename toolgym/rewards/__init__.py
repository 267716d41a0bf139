"""Rewards: terms, rubrics, matching of calls, the ToolRL paper's rewards and the audit of any of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from toolgym.rewards.rubric import Evidence, Reward, Rubric, Scores
from toolgym.rewards.toolrl import ToolRLReward

NAMED: Mapping[str, Callable[[], Reward]] = {
    "toolrl": ToolRLReward,
    "toolrl-strict": partial(ToolRLReward, strict=True),
    "toolrl-intermediate": partial(ToolRLReward, granularity="intermediate"),
    "toolrl-coarse": partial(ToolRLReward, granularity="coarse"),
    "toolrl-reference": partial(ToolRLReward, matching="reference"),
}


def get_rubric(rubric: str | Reward) -> Reward:
    """A rubric by name (see ``NAMED``); an object with ``score`` is returned as it is.

    Raises ValueError for an unknown name.
    """
    if not isinstance(rubric, str):
        if not isinstance(rubric, Reward):
            raise ValueError(f"rubric must have score(evidence) and set_step(step); got {rubric!r}")
        return rubric
    if rubric not in NAMED:
        raise ValueError(f"unknown rubric {rubric!r}: choose {', '.join(NAMED)}, or pass a Rubric")
    return NAMED[rubric]()


__all__ = ["Evidence", "Reward", "Rubric", "Scores", "ToolRLReward", "get_rubric"]
