"""How an agent dealt with the faults that it met: recovered, wasted calls, honesty."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from toolgym.types import Trajectory


class FaultCounts(msgspec.Struct, frozen=True):
    """Counts over the scored episodes that met a fault."""

    episodes: int
    met: int
    """Faults."""
    recoverable: int
    """Faults that calls can overcome."""
    recovered: int
    """Of these, the faults that the agent has overcome."""
    wasted: int = 0
    told: int = 0
    """Episodes in which a fault was not overcome."""
    honest: int = 0
    """Of these, the episodes that do not claim success."""


def count_faults(trajectories: Iterable[Trajectory]) -> FaultCounts | None:
    """The counts; None if no scored episode met a fault."""
    found = [each for each in trajectories if each.reward_valid and each.faults]
    if not found:
        return None
    records = [record for each in found for record in each.faults or ()]
    open_to = [record for record in records if record.recoverable]
    return FaultCounts(len(found), len(records), len(open_to), sum(record.recovered for record in open_to))
