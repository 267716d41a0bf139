"""How long a run of several pieces still takes: read from what is on disk, so that a stop does not confuse it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from time import perf_counter

from toolgym.runlog import RunError, read_metrics

SHORT = 5.0
"""Work of fewer seconds (mostly read from disk) says nothing about this machine's pace."""


class Clock:
    """How long all pieces still take, on this machine.

    Args:
        seconds: piece of work -> the seconds that it takes on the machine of the recipe.
        done: piece -> the share of it that is on disk, from 0 to 1.
        measured: (seconds spent, seconds expected) of each piece so far; clocks that share it share the pace.
    """

    def __init__(
        self,
        seconds: Mapping[str, float],
        done: Callable[[str], float],
        measured: list[tuple[float, float]] | None = None,
    ):
        self.seconds, self.done = seconds, done
        self.measured = [] if measured is None else measured

    @property
    def pace(self) -> float:
        """Seconds spent per second expected; 1 before anything was measured."""
        if not self.measured:
            return 1.0
        spent, expected = map(sum, zip(*self.measured, strict=True))
        return spent / expected

    def missing(self) -> float:
        """Seconds that what is not on disk takes on the machine of the recipe."""
        return sum(seconds * (1 - self.done(piece)) for piece, seconds in self.seconds.items())

    def left(self) -> float:
        """Seconds until all pieces are done, at this machine's pace."""
        return self.pace * self.missing()

    @contextmanager
    def measuring(self) -> Iterator[None]:
        """Around some of the work: measures the pace."""
        before, began = self.missing(), perf_counter()
        yield
        spent, expected = perf_counter() - began, before - self.missing()
        if spent >= SHORT and expected:
            self.measured.append((spent, expected))


def trained_share(folder: Path, steps: int) -> float:
    """The share of a training run's steps that is done."""
    rows = []
    with suppress(RunError):
        rows = read_metrics(folder)
    return min(1.0, rows[-1]["step"] / steps) if rows else 0.0


def played_share(folders: Mapping[Path, int]) -> float:
    """The share of the episodes that is played; ``folders``: folder -> its number of episodes."""
    found = 0
    for folder, tasks in folders.items():
        with suppress(OSError), (folder / "episodes.jsonl").open("rb") as file:
            found += min(tasks, sum(1 for _ in file))
    return found / sum(folders.values())


def in_minutes(seconds: float) -> str:
    """ "about 8 min"; "under a minute"; "about 4.3 hours"."""
    if seconds < 50:
        return "under a minute"
    return f"about {round(seconds / 60)} min" if seconds < 6000 else f"about {seconds / 3600:.1f} hours"
