"""What an episode earns beside the rubric's terms: a right answer pays best, and searching is no end in itself."""

from __future__ import annotations

import msgspec

from toolgym.rewards import Evidence
from toolgym.types import Term

EXTRA = 1.0
"""What an action costs at least whose search cannot be made, is a repetition, or is one more than gold makes."""


class Outcome(msgspec.Struct):
    """What the env found out about an action before it is rewarded."""

    price: float
    """What a wrong answer costs."""
    over: bool = False
    right: bool = False
    exact: bool = False
    contained: bool = False
    reason: str = ""
    unused: int = 0
    """Actions with a search that gold takes and the episode did without."""
    further: str = ""
    """Why the action's search does not count, or ""."""

    def terms(self, total: float, evidence: Evidence) -> list[Term]:
        """The action's terms beside the rubric's, whose sum is ``total``:

        ``further``: an action whose search does not count earns at most -1. ``outcome``, at the end: a wrong answer, or
        none, costs ``price``. ``saved``, at the end: a right answer earns what the searches would have that gold makes
        and it did without. ``exact`` and ``contains``, at the end: the two measures, for the record, with weight 0.

        For gold they are all 0. A right answer earns the same in sum with none, one or two searches, and with the
        default price more than any wrong one.
        """
        extra: list[Term] = []
        if self.further:
            extra.append(Term("further", min(-EXTRA - total, 0.0), 1.0, self.further))
        return extra + self.end(total) if self.over else extra

    def end(self, total: float) -> list[Term]:
        """The terms of an end."""
        found = [Term("outcome", 0.0 if self.right else -1.0, self.price, self.reason)]
        if self.right and self.unused:
            found.append(Term("saved", self.unused * total, 1.0, f"{self.unused} searches not needed"))
        return [*found, Term("exact", float(self.exact), 0.0), Term("contains", float(self.contained), 0.0)]
