"""What an episode earns beside the rubric's terms: a right answer pays best, and searching is no end in itself."""

from __future__ import annotations

import msgspec

from toolgym.rewards.attempts import at_most_minus_one, outcome_term
from toolgym.types import Term


class Outcome(msgspec.Struct):
    """What the env found out about an action before it is rewarded."""

    weight: float
    """What a wrong answer costs."""
    over: bool = False
    right: bool = False
    exact: bool = False
    contained: bool = False
    reason: str = ""
    unused: int = 0
    """Actions with a search that gold takes and the episode did without."""
    surplus: str = ""
    """Why the action's search does not count, or ""."""

    def terms(self, total: float) -> list[Term]:
        """The action's terms beside the rubric's, whose sum is ``total``:

        - ``surplus_search``: an action whose search does not count earns at most -1.
        - ``outcome``, at the end: a wrong answer, or no answer, costs ``weight``.
        - ``skipped_steps``, at the end: a right answer earns the points of gold's searches that it did not need.
        - ``exact`` and ``contains``, at the end: the two measures, for the record, with weight 0.

        For gold they are all 0. A right answer earns the same in sum with none, one or two searches, and with the
        default price more than any wrong one.
        """
        extra: list[Term] = []
        if self.surplus:
            extra.append(at_most_minus_one("surplus_search", total, self.surplus))
        return extra + self.end(total) if self.over else extra

    def end(self, total: float) -> list[Term]:
        """The terms of an end."""
        found = [outcome_term(float(self.right), self.weight, self.reason)]
        if self.right and self.unused:
            found.append(Term("skipped_steps", self.unused * total, 1.0, f"{self.unused} searches not needed"))
        return [*found, Term("exact", float(self.exact), 0.0), Term("contains", float(self.contained), 0.0)]
