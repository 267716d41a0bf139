"""Shares out episodes among workers elsewhere, each of which may die; every episode is given once."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Hashable, Iterable, Iterator
from math import ceil
from typing import Generic, Protocol, TypeVar

import msgspec

from toolgym.stored.run_files import RunError

K = TypeVar("K", bound=Hashable)
"""Names an episode (or whatever else is played as one)."""
R = TypeVar("R")
"""What comes of it."""
W = TypeVar("W")
"""A worker."""

MOST_TRIES = 3
"""An episode whose worker has died this many times is not played again."""
_SHARE_OF_A_RETRY = 8
"""After one death, episodes are shared out in small shares, and after two alone: one of them may be the cause."""


class Ready(msgspec.Struct, frozen=True):
    """A worker waits for a share: it has started, or it has played its share."""


class Died(msgspec.Struct, frozen=True):
    """A worker is gone, with all that it has not handed over."""

    reason: str


class Played(msgspec.Struct, Generic[K, R], frozen=True):
    """An episode that a worker has played."""

    key: K
    result: R


class Lost(msgspec.Struct, Generic[K], frozen=True):
    """An episode that was given up: its workers died."""

    key: K
    reason: str


class Crew(Protocol[W, K, R]):
    """The workers. Their events arrive one by one, in any order; after Died, none of that worker."""

    def hire(self) -> W:
        """Start a worker. Its first event is Ready or Died."""

    def give(self, worker: W, share: list[K]) -> None:
        """Let a worker that is Ready play a share: Played for each episode, as it ends, and then Ready."""

    def next_event(self) -> tuple[W, Played[K, R] | Ready | Died]:
        """Wait for an event. Raises what ends the run."""


def share_out(
    todo: Iterable[K],
    crew: Crew[W, K, R],
    workers: int,
    batch_size: int,
    *,
    together: Callable[[K], Hashable] | None = None,
) -> Iterator[Played[K, R] | Lost[K]]:
    """Let ``workers`` workers play ``todo``, and replace those that die. Gives each episode once.

    Shares become smaller as the end comes near (guided self-scheduling), so that all workers end at about the same
    time. What a dead worker has not handed over goes to other workers. An episode is Lost after MOST_TRIES deaths.

    Args:
        batch_size: episodes that a worker plays at once.
        together: neighbours for which it returns the same go to one worker, in order.

    Raises RunError if MOST_TRIES workers in a row die before they were Ready.
    """
    fresh, again = deque(todo), deque[K]()
    deaths = Counter[K]()
    idle: list[W] = []
    starting = [crew.hire() for _ in range(min(workers, len(fresh)))]
    playing: dict[W, dict[K, None]] = {}  # worker -> what it has not handed over
    failed_starts = 0

    def share() -> list[K]:
        if fresh:
            size = max(ceil(len(fresh) / (2 * workers)), min(batch_size, ceil(len(fresh) / workers)))
            found = [fresh.popleft() for _ in range(size)]
            while together is not None and fresh and together(fresh[0]) == together(found[-1]):
                found.append(fresh.popleft())
            return found
        size = _SHARE_OF_A_RETRY if deaths[again[0]] == 1 else 1
        found = [again.popleft()]
        while again and len(found) < size and deaths[again[0]] == 1:
            found.append(again.popleft())
        return found

    while fresh or again or playing:
        while idle and (fresh or again):
            worker = idle.pop()
            playing[worker] = dict.fromkeys(share())
            crew.give(worker, list(playing[worker]))
        worker, event = crew.next_event()
        if isinstance(event, Played):
            del playing[worker][event.key]
            yield event
            continue
        reason = event.reason if isinstance(event, Died) else "the worker did not play it"
        for key in playing.pop(worker, {}):
            deaths[key] += 1
            if deaths[key] < MOST_TRIES:
                again.append(key)
            else:
                yield Lost(key, f"its worker died {MOST_TRIES} times; the last time: {reason}")
        if isinstance(event, Ready):
            failed_starts = 0
            idle.append(worker)
        elif worker in starting:
            failed_starts += 1
            if failed_starts >= MOST_TRIES:
                raise RunError(f"{failed_starts} workers in a row died before they could play; the last: {reason}")
        if worker in starting:
            starting.remove(worker)
        if isinstance(event, Died) and (fresh or again):
            starting.append(crew.hire())
