"""The denominator of a score: which episodes it leaves out and why, and what ended the episodes that it counts.

An episode leaves a score only for a reason that the policy had no part in (``reward_valid=False``). All others count,
also if an answer was cut off or the context was full; they are counted by reason as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from toolgym.grading import TOKENS_RAN_OUT
from toolgym.types import UNFINISHED, Trajectory

MOST_LEFT_OUT = 0.01
"""The share of episodes that may be left out before a command fails."""
KINDS = {
    "agent": "the agent could not answer",
    "server": "the model's server failed",
    "refused": "the first prompt was refused",
    "context": "the first prompt is longer than the context",
    "exception": "the agent's own code raised an exception",
    "tool": "a tool failed by itself",
    "environment": "the environment failed by itself",
    "actor": "the processes that played it died",
    "unknown": "no reason was recorded",
}
"""``Trajectory.error_kind`` -> the reason in words."""
ENDINGS = {
    **UNFINISHED,
    "turns": "out of turns",
    "context": "the context was full",
    "refused": "the conversation was refused",
    "wrapper": "ended by a wrapper",
}
"""Endings that the policy did not choose -> in words. An episode may have several."""
_SHOWN = 300


class LeftOut(msgspec.Struct, frozen=True):
    """The episodes that a score leaves out for one reason."""

    kind: str
    """A key of KINDS, or a kind of the agent's own."""
    episodes: int
    task_id: str
    """The first of the episodes."""
    error: str
    """The reason of the first one."""


def left_out(trajectories: Iterable[Trajectory]) -> list[LeftOut]:
    """The episodes that are not valid, by reason, the most frequent first."""
    groups: dict[str, list[Trajectory]] = {}
    for each in trajectories:
        if not each.reward_valid:
            groups.setdefault(each.error_kind or "unknown", []).append(each)
    found = [LeftOut(kind, len(group), group[0].task_id, group[0].error or "") for kind, group in groups.items()]
    return sorted(found, key=lambda each: -each.episodes)


def endings(trajectories: Iterable[Trajectory]) -> dict[str, int]:
    """Key of ENDINGS -> number of valid episodes with it, in the order of ENDINGS; reasons without episodes are left
    out."""
    counts = dict.fromkeys(ENDINGS, 0)
    for each in trajectories:
        if each.reward_valid:
            for reason in endings_of(each):
                counts[reason] = counts.get(reason, 0) + 1
    return {reason: count for reason, count in counts.items() if count}


def as_data(trajectories: Sequence[Trajectory]) -> dict[str, Any]:
    """What left the score, and what ended the counted episodes, as plain data for a summary."""
    groups = left_out(trajectories)
    count = sum(group.episodes for group in groups)
    return {
        "episodes": len(trajectories),
        "left_out": count,
        "share": share_left_out(trajectories),
        "reasons": [msgspec.to_builtins(group) for group in groups],
        "endings": endings(trajectories),
    }


def share_left_out(trajectories: Sequence[Trajectory]) -> float:
    """The share of the episodes that are not valid; 0 without episodes."""
    return sum(not each.reward_valid for each in trajectories) / max(1, len(trajectories))


def left_out_words(trajectories: Sequence[Trajectory]) -> str:
    """One sentence on the episodes that left the score, with the reasons and an example each; "" if all count."""
    groups = left_out(trajectories)
    if not groups:
        return ""
    count, of = sum(group.episodes for group in groups), len(trajectories)
    reasons = "; ".join(
        f"{group.episodes} {group.kind}: {KINDS.get(group.kind, group.kind)} (first {group.task_id}: "
        f"{group.error[:_SHOWN]})"
        for group in groups
    )
    return f"{count} of {of} episodes left the score ({100 * count / of:.1f} %). {reasons}"


def endings_of(trajectory: Trajectory) -> list[str]:
    """The keys of ENDINGS that an episode has."""
    found = dict.fromkeys(turn.unfinished for turn in trajectory.turns if turn.unfinished in ENDINGS)
    ended = trajectory.cut_off
    if not ended and trajectory.truncated:  # a run of an earlier version, or of training
        ended = "context" if trajectory.verdict == TOKENS_RAN_OUT else "" if found else "turns"
    if ended:
        found[ended if ended in ENDINGS else "refused"] = None
    return [reason for reason in found if reason is not None]
