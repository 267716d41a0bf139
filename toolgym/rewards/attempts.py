"""Reward terms of episodes with several steps: further attempts at a step, actions that must not pay, the outcome.

Suites whose verdict is on the whole episode add these terms to a rubric's, so that the sum over an episode is largest
for gold. For gold all of them are 0.
"""

from __future__ import annotations

from math import inf
from typing import Any

import msgspec

from toolgym.types import Term

COST = 1.0
"""What a further attempt at a step costs, and at least an action that must not pay."""


class Attempts(msgspec.Struct):
    """The attempts at one step: the points of a step are paid once, and no attempt after the first is free."""

    made: int = 0
    best: float = 0.0
    """The largest reward of an attempt so far, at least 0."""

    def scored(self, total: float) -> tuple[Term, ...]:
        """Note an attempt that the rubric gave ``total``.

        The first attempt keeps its reward. A further attempt earns its gain over the best attempt so far, minus 1: the
        term ``repeat`` makes up the difference.
        """
        gain = max(total - self.best, 0.0)
        self.best += gain
        self.made += 1
        if self.made == 1:
            return ()
        return (Term("repeat", gain - COST - total, 1.0, f"attempt {self.made} at the same step"),)


def at_most_minus_one(name: str, total: float, reason: str) -> Term:
    """A term that lowers an action's reward ``total`` to -1, and leaves a lower one as it is."""
    return Term(name, min(-COST - total, 0.0), 1.0, reason)


def check_outcome(outcome: Any) -> None:
    """Raises TypeError or ValueError if ``outcome``, the cost of a wrong verdict, is not a number from 0."""
    if isinstance(outcome, bool) or not isinstance(outcome, (int, float)):
        raise TypeError(f"outcome is what a wrong verdict costs, a number; got {outcome!r}")
    if not 0 <= outcome < inf:
        raise ValueError(f"outcome is what a wrong verdict costs; it must not be negative, got {outcome}")


def outcome_term(share: float, weight: float, reason: str) -> Term:
    """The term of an episode's end: 0 if all was reached, ``-weight`` if nothing; ``share`` is in [0, 1]."""
    return Term("outcome", share - 1.0, weight, reason)
