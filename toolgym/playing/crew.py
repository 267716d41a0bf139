"""Shares out episodes among workers elsewhere, each of which may die; every episode is given once."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Iterator
from math import ceil
from typing import Protocol, TypeAlias, TypeVar

import msgspec

from toolgym.stored.run_files import RunError
from toolgym.types import Trajectory

Key: TypeAlias = tuple[str, int]
"""The id of a task, and which of its repeats."""

MOST_TRIES = 3
"""An episode whose worker has died this many times is not played again."""
_SHARE_OF_A_RETRY = 8
"""After one death, episodes are shared out in small shares, and after two alone: one of them may be the cause."""


class Ready(msgspec.Struct, frozen=True):
    """A worker waits for a share: it has started, or it has played its share."""


class Died(msgspec.Struct, frozen=True):
    """A worker is gone, with all that it has not handed over."""

    reason: str


class Lost(msgspec.Struct, frozen=True):
    """An episode that was given up: its workers died."""

    key: Key
    reason: str


W = TypeVar("W")


class Crew(Protocol[W]):
    """The workers. Their events arrive one by one, in any order; after Died, none of that worker."""

    def hire(self) -> W:
        """Start a worker. Its first event is Ready or Died."""

    def give(self, worker: W, share: list[Key]) -> None:
        """Let a worker that is Ready play a share: a Trajectory for each episode, as it ends, and then Ready."""

    def next_event(self) -> tuple[W, Trajectory | Ready | Died]:
        """Wait for an event. Raises what ends the run."""


def share_out(
    todo: Iterable[Key], crew: Crew[W], workers: int, batch_size: int, *, whole_tasks: bool = False
) -> Iterator[Trajectory | Lost]:
    """Let ``workers`` workers play ``todo``, and replace those that die. Gives each episode once.

    Shares become smaller as the end comes near (guided self-scheduling), so that all workers end at about the same
    time. What a dead worker has not handed over goes to other workers. An episode is Lost after MOST_TRIES deaths.

    Args:
        batch_size: episodes that a worker plays at once.
        whole_tasks: give all repeats of a task to one worker, in order.

    Raises RunError if MOST_TRIES workers in a row die before they were Ready.
    """
    fresh, again = deque(todo), deque[Key]()
    deaths = Counter[Key]()
    idle: list[W] = []
    starting = [crew.hire() for _ in range(min(workers, len(fresh)))]
    playing: dict[W, dict[Key, None]] = {}  # worker -> what it has not handed over
    failed_starts = 0

    def share() -> list[Key]:
        if fresh:
            size = max(ceil(len(fresh) / (2 * workers)), min(batch_size, ceil(len(fresh) / workers)))
            found = [fresh.popleft() for _ in range(size)]
            while whole_tasks and fresh and fresh[0][0] == found[-1][0]:
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
        if isinstance(event, Trajectory):
            del playing[worker][event.task_id, event.repeat]
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
