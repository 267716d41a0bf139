"""What an action of an agentic episode earns: the end pays, the way there is free where nothing is wrong with it."""

from __future__ import annotations

import msgspec

from toolgym.rewards import Evidence
from toolgym.types import Term, ToolResult

FAULT = 1.0
"""What an action on the way costs at least in which something is wrong."""


class Outcome(msgspec.Struct):
    """What the env found out about an action before it is rewarded."""

    price: float
    """What an episode costs in which all is wrong."""
    calls: bool
    """Whether the action calls something that is run."""
    over: bool
    share: float = 0.0
    """At the end: how much of what counts was reached, in [0, 1]."""
    reason: str = ""

    def terms(self, total: float, evidence: Evidence) -> list[Term]:
        """The action's terms beside the rubric's, whose sum is ``total``:

        ``way``: an action that calls, or that ends a turn which is not the last, earns 0 in all; -1 at most if it is
        not laid out as it should be, or one of its calls is against the schema or fails. ``outcome``, at the end: what
        is lacking costs its share of ``price``.

        So an episode earns the rubric's best for a final answer if all is right, however many calls it took, and less
        for any other.
        """
        found = []
        if self.calls or not self.over:
            formed = evidence.dialect.well_formed(evidence.completion, calls=self.calls, response=not self.calls)
            fine = formed and not any(evidence.problems) and all(map(_worked, evidence.results))
            found.append(Term("way", -total if fine else min(-FAULT - total, 0.0), 1.0, "" if fine else "a fault"))
        return [*found, self.end()] if self.over else found

    def end(self) -> Term:
        return Term("outcome", self.share - 1.0, self.price, self.reason)


def _worked(result: ToolResult | None) -> bool:
    return result is not None and result.error is None
