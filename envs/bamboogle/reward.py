"""What an episode earns beside the rubric's terms: a right answer pays best, and searching is no end in itself."""

from __future__ import annotations

import copy
from typing import Any

import msgspec

from toolgym.rewards import Evidence, RewardModel, Scores
from toolgym.snapshot import own_rubric, recall, remembered
from toolgym.types import Term

EXTRA = 1.0
"""What an action costs at least whose search cannot be made, is a repetition, or is one more than gold makes."""


class Outcome(msgspec.Struct):
    """What the env found out about an action before it is rewarded."""

    over: bool = False
    right: bool = False
    exact: bool = False
    contained: bool = False
    reason: str = ""
    unused: int = 0
    """Actions with a search that gold takes and the episode did without."""
    further: str = ""
    """Why the action's search does not count, or ""."""


class AnswerReward:
    """A rubric's terms, and these:

    ``further``: an action whose search does not count earns at most -1. ``outcome``, at the end: a wrong answer, or
    none, costs ``price``. ``saved``, at the end: a right answer earns what the searches would have that gold makes and
    it did without. ``exact`` and ``contains``, at the end: the two measures, for the record, with weight 0.

    For gold they are all 0. A right answer earns the same in sum with none, one or two searches, and with the default
    price more than any wrong one.
    """

    def __init__(self, rubric: RewardModel, price: float):
        self.rubric = rubric
        self.price = price
        self.outcome = Outcome()

    def score(self, evidence: Evidence) -> Scores:
        scores, outcome = self.rubric.score(evidence), self.outcome
        extra: list[Term] = []
        if outcome.further:
            extra.append(Term("further", min(-EXTRA - scores.total, 0.0), 1.0, outcome.further))
        if outcome.over:
            extra.append(Term("outcome", 0.0 if outcome.right else -1.0, self.price, outcome.reason))
            if outcome.right and outcome.unused:
                extra.append(Term("saved", outcome.unused * scores.total, 1.0, f"{outcome.unused} searches not needed"))
            extra += [Term("exact", float(outcome.exact), 0.0), Term("contains", float(outcome.contained), 0.0)]
        if not extra:
            return scores
        total = scores.total + sum([term.weight * term.score for term in extra])
        return Scores(total, (*scores.terms, *extra), scores.calls)

    def set_step(self, step: int) -> None:
        self.rubric.set_step(step)

    # What is to be remembered is the inner rubric's: the outcome is told anew before each score.

    def __copy__(self) -> AnswerReward:
        return AnswerReward(own_rubric(self.rubric), self.price)

    def save_state(self) -> Any:
        return copy.copy(remembered(self.rubric))

    def load_state(self, saved: Any) -> None:
        recall(self.rubric, saved)
