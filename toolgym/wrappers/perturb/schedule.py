"""Schedule: a strength that changes over a training run, from the trainer's step alone."""

from __future__ import annotations

from math import isfinite
from typing import Any

import msgspec


class Schedule(msgspec.Struct, frozen=True):
    """``{"from": 0.1, "to": 1.0, "steps": 40}``: linear from step 0 to step 40, then constant."""

    start: float
    end: float
    steps: int

    def at(self, step: int) -> float:
        """The strength at a step, counted from 0."""
        gone = min(1.0, max(0, step) / self.steps)
        return (1 - gone) * self.start + gone * self.end


def read_schedule(given: dict[str, Any]) -> Schedule:
    """Reads a schedule. Raises TypeError or ValueError for anything else, with an example."""
    wanted = 'a schedule of strength is {"from": 0.1, "to": 1.0, "steps": 40}'
    if set(given) != {"from", "to", "steps"}:
        raise ValueError(f"{wanted}; got {given!r}")
    ends = (given["from"], given["to"])
    if any(isinstance(each, bool) or not isinstance(each, (int, float)) for each in ends):
        raise TypeError(f"{wanted}, its ends numbers from 0 to 1; got {given!r}")
    if not all(isfinite(each) and 0 <= each <= 1 for each in ends):
        raise ValueError(f"{wanted}, its ends numbers from 0 to 1; got {given!r}")
    steps = given["steps"]
    if isinstance(steps, bool) or not isinstance(steps, int):
        raise TypeError(f"{wanted}, with a whole number of steps; got {given!r}")
    if steps < 1:
        raise ValueError(f"{wanted}, with at least one step; got {given!r}")
    return Schedule(float(ends[0]), float(ends[1]), steps)
