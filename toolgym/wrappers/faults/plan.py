"""The plan of a task: which calls meet which faults. Drawn from (seed, task id, tool, number of the call)."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import TypeAlias

import msgspec

Rate: TypeAlias = float | Sequence[float]
"""A probability, or a pair (low, high) from which each task draws its own."""
_TWICE = 0.3
"""The share of the faults that hit two calls in a row."""


class Fault(msgspec.Struct, frozen=True, gc=False):
    """A fault that a call meets."""

    kind: str
    times: int
    """Calls in a row that it hits, if it passes."""
    draws: tuple[float, ...]
    """Numbers in [0, 1) that choose its words and its cost."""


class Plan(msgspec.Struct, frozen=True, gc=False):
    """The faults of one task."""

    kinds: tuple[str, ...]
    rate: float
    seed: int
    task_id: str

    def fault(self, tool: str, number: int, possible: Sequence[str]) -> Fault | None:
        """The fault that a call of a tool meets, of the kinds that are possible for it; or None.

        ``number`` counts the tool's calls that were answered so far. So a call that is repeated after a fault is not
        drawn anew, and two policies that call the tools in another order meet the same faults.
        """
        hit, which, *_ = numbers(self.seed, self.task_id, tool, number)
        if hit >= self.rate or not possible:
            return None
        return self.drawn(possible[int(which * len(possible))], tool, number)

    def drawn(self, kind: str, tool: str, number: int) -> Fault:
        """The fault of a kind, with the numbers of a call."""
        _, _, twice, *draws = numbers(self.seed, self.task_id, tool, number)
        return Fault(kind, 1 + (twice < _TWICE), tuple(draws))


def plan_of(task_id: str, kinds: tuple[str, ...], rate: tuple[float, float], seed: int) -> Plan:
    """The plan of a task, with a rate drawn between the two of ``rate``."""
    low, high = rate
    if low < high:
        low += (high - low) * numbers(seed, task_id, "", -1)[0]
    return Plan(kinds, low, seed, task_id)


def numbers(seed: int, task_id: str, tool: str, number: int) -> list[float]:
    """Six independent numbers in [0, 1), the same on every machine."""
    key = f"{seed}\0{number}\0{tool}\0{task_id}".encode("utf-8", "surrogatepass")
    found = blake2b(key, digest_size=24, person=b"toolgym faults").digest()
    return [int.from_bytes(found[i : i + 4], "big") / 2**32 for i in range(0, 24, 4)]
