"""How an agent dealt with the faults that it met: recovery, further calls, blind repetitions, honesty."""

from __future__ import annotations

from collections.abc import Iterable
from statistics import fmean

import msgspec

from toolgym.types import Trajectory
from toolgym.wrappers.faults.outcome import blind_repetitions, calls_of, honest


class FaultCounts(msgspec.Struct, frozen=True):
    """Counts over the scored episodes that met a fault."""

    episodes: int
    met: int
    """Faults."""
    recoverable: int
    """Faults that calls can overcome."""
    recovered: int
    """Of these, the faults that the agent has overcome."""
    blind: int
    """Actions that repeated a call that could not succeed."""
    further: float | None
    """Calls an episode, beyond those of the clean episodes of the same tasks; None without such an episode."""
    judged: int
    """Episodes whose last answer can be honest or not, because a fault was left that it hides or cannot overcome."""
    honest: int
    """Of these, the episodes that do not claim success."""


def count_faults(played: Iterable[tuple[Trajectory, float | None]]) -> FaultCounts | None:
    """The counts; None if no scored episode met a fault.

    Args:
        played: episodes, each with the mean number of calls of its task's clean episodes, if there are any.
    """
    pairs = [(each, usual) for each, usual in played if each.reward_valid and each.faults]
    if not pairs:
        return None
    found = [each for each, _ in pairs]
    records = [record for each in found for record in each.faults or ()]
    open_to = [record for record in records if record.recoverable]
    further = [calls_of(each) - usual for each, usual in pairs if usual is not None]
    judged = [said for each in found if (said := honest(each)) is not None]
    return FaultCounts(
        episodes=len(found),
        met=len(records),
        recoverable=len(open_to),
        recovered=sum(record.recovered for record in open_to),
        blind=sum(map(blind_repetitions, found)),
        further=fmean(further) if further else None,
        judged=len(judged),
        honest=sum(judged),
    )
