"""Rewards: terms, rubrics, matching of calls, the ToolRL paper's rewards and the audit of any of them."""

from __future__ import annotations

from toolgym.rewards.rubric import Evidence, Reward, Rubric, Scores
from toolgym.rewards.toolrl import ToolRLReward


def get_rubric(rubric: str | Reward) -> Reward:
    """A rubric by name ("toolrl", "toolrl-reference"); an object with ``score`` is returned as it is.

    Raises ValueError for an unknown name.
    """
    if not isinstance(rubric, str):
        if not isinstance(rubric, Reward):
            raise ValueError(f"rubric must have score(evidence) and set_step(step); got {rubric!r}")
        return rubric
    if rubric == "toolrl":
        return ToolRLReward()
    if rubric == "toolrl-reference":
        return ToolRLReward(matching="reference")
    raise ValueError(f"unknown rubric {rubric!r}: choose toolrl or toolrl-reference, or pass a Rubric")


__all__ = ["Evidence", "Reward", "Rubric", "Scores", "ToolRLReward", "get_rubric"]
