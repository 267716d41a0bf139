"""Cells of the study's tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .intervals import Interval, interval


class Cells:
    """Cells of one arm: a mean over its seeds, with its interval if seeds can differ."""

    def __init__(self, by_seed: Mapping[int, Any], spread: bool):
        self.by_seed, self.spread = by_seed, spread

    def __call__(self, value: Callable[..., float], *, spread: bool = True, digits: int = 1) -> str:
        found = interval([value(result) for result in self.by_seed.values()])
        half = f" ± {found.half:.{digits}f}" if spread and self.spread and found.half is not None else ""
        return f"{found.mean:.{digits}f}{half}"


def signed(found: Interval, digits: int = 1) -> str:
    """ "+5.0 ± 3.1"; without an interval for one seed."""
    return f"{found.mean:+.{digits}f}" + (f" ± {found.half:.{digits}f}" if found.half is not None else "")


def markdown(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """A table in markdown."""
    return "\n".join("| " + " | ".join(line) + " |" for line in (head, ["---"] * len(head), *lines))
