"""A rubric, and further terms of an env that knows more of the episode than one action shows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from typing import Any

from toolgym.rewards.rubric import Evidence, Reward, Scores, own_rubric, recall, remembered
from toolgym.types import Term


class ExtendedReward:
    """A rubric's terms, and those that ``further`` gives an action; the total is the sum of both.

    ``further(total, evidence)`` belongs to one episode, and its env sets it; ``total`` is the sum of the rubric's
    terms. So each env has an ExtendedReward of its own, and each fork gets one. What there is to remember is the
    rubric's.
    """

    def __init__(self, rubric: Reward):
        self.rubric = rubric
        self.further: Callable[[float, Evidence], Sequence[Term]] | None = None

    def score(self, evidence: Evidence) -> Scores:
        scores = self.rubric.score(evidence)
        extra = self.further(scores.total, evidence) if self.further is not None else ()
        if not extra:
            return scores
        total = scores.total + sum([term.weight * term.score for term in extra])
        return Scores(total, (*scores.terms, *extra), scores.calls)

    def set_step(self, step: int) -> None:
        self.rubric.set_step(step)

    def __copy__(self) -> ExtendedReward:
        return ExtendedReward(own_rubric(self.rubric))

    def save_state(self) -> Any:
        return copy(remembered(self.rubric))

    def load_state(self, saved: Any) -> None:
        recall(self.rubric, saved)
