"""Divides the work of one step among the ranks: the tasks to play, and the rows to differentiate."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import TypeVar

from ..batch import Row
from .ranks import Ranks

Item = TypeVar("Item")
Result = TypeVar("Result")


class TaskShares:
    """Gives each task of a step to a rank, and the results of all ranks to every rank.

    Tasks with one opening go to one rank: a policy counts how often it has answered a prompt, so that repeats get new
    samples. With the same count, samples are those of a single process.
    """

    def __init__(self, ranks: Ranks):
        self.ranks = ranks
        self._owner: dict[Hashable, int] = {}

    def begin_step(self) -> None:
        """Forget which rank has which opening."""
        self._owner.clear()

    def map(
        self,
        items: Sequence[Item],
        opening: Callable[[Item], Hashable],
        do: Callable[[Sequence[Item]], Sequence[Result]],
    ) -> list[Result]:
        """``do(items)``, one result per item, of which each rank does its own part. Every rank calls this at once.

        Args:
            opening: what an item has in common with items that need the same rank.
        """
        if self.ranks.size == 1:
            return list(do(items))
        owners = self._deal([opening(item) for item in items])
        mine = [i for i, owner in enumerate(owners) if owner == self.ranks.rank]
        done = do([items[i] for i in mine]) if mine else []
        found = {i: result for part in self.ranks.gather(list(zip(mine, done, strict=True))) for i, result in part}
        return [found[i] for i in range(len(items))]

    def _deal(self, openings: Sequence[Hashable]) -> list[int]:
        """The rank of each: its opening's, else the rank with the fewest so far."""
        loads = [0] * self.ranks.size
        owners = []
        for opening in openings:
            owner = self._owner.setdefault(opening, loads.index(min(loads)))
            loads[owner] += 1
            owners.append(owner)
        return owners


def divide(rows: Sequence[Row], parts: int) -> list[list[int]]:
    """Consecutive rows for each part, so that the largest part has the fewest tokens to compute.

    A prompt counts once for neighbours that have it, and once more if they are parted. Parts may be empty.
    """
    if parts == 1:
        return [list(range(len(rows)))]
    low, high = 0, sum(map(_tokens, rows))
    while low < high:  # the smallest budget that is enough
        budget = (low + high) // 2
        filled = _fill(rows, budget)
        low, high = (low, budget) if filled is not None and len(filled) <= parts else (budget + 1, high)
    filled = _fill(rows, low) or []
    return filled + [[] for _ in range(parts - len(filled))]


def _fill(rows: Sequence[Row], budget: int) -> list[list[int]] | None:
    """The rows in order, in parts of at most ``budget`` tokens; None if a row alone has more."""
    parts: list[list[int]] = []
    used = 0
    for i, row in enumerate(rows):
        shares = i > 0 and rows[i - 1].prompt == row.prompt
        more = row.length if shares else _tokens(row)
        if parts and used + more <= budget:
            parts[-1].append(i)
            used += more
        elif _tokens(row) <= budget:
            parts.append([i])
            used = _tokens(row)
        else:
            return None
    return parts


def _tokens(row: Row) -> int:
    return len(row.prompt) + row.length
