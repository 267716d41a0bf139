"""Reward terms of an episode beside the rubric's: a right answer is paid best; a search alone is not a goal."""

from __future__ import annotations

import msgspec

from toolgym.rewards.attempts import at_most_minus_one, outcome_term
from toolgym.types import Term


class Outcome(msgspec.Struct):
    """The facts about one action that its further reward terms depend on."""

    weight: float
    """The cost of a wrong answer."""
    over: bool = False
    right: bool = False
    exact: bool = False
    contained: bool = False
    reason: str = ""
    unused: int = 0
    """Gold searches that the episode did not need."""
    surplus: str = ""
    """The reason why the action's search does not count, or ""."""

    def terms(self, total: float) -> list[Term]:
        """The action's terms beside the rubric's, whose sum is ``total``:

        - ``surplus_search``: an action whose search does not count earns at most -1.
        - ``outcome``, at the end: a wrong answer, or no answer, costs ``weight``.
        - ``skipped_steps``, at the end: a right answer earns the points of gold's searches that it did not need.
        - ``exact`` and ``contains``, at the end: the two measures, for the record, with weight 0.

        For gold, the terms with a weight are all 0. A right answer earns the same sum with no, one or two searches, and
        with the default ``outcome`` more than any wrong answer.
        """
        extra: list[Term] = []
        if self.surplus:
            extra.append(at_most_minus_one("surplus_search", total, self.surplus))
        return extra + self.end(total) if self.over else extra

    def end(self, total: float) -> list[Term]:
        """The terms of the episode's last action."""
        found = [outcome_term(float(self.right), self.weight, self.reason)]
        if self.right and self.unused:
            found.append(Term("skipped_steps", self.unused * total, 1.0, f"{self.unused} searches not needed"))
        return [*found, Term("exact", float(self.exact), 0.0), Term("contains", float(self.contained), 0.0)]
