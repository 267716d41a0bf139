"""What an action of an agentic episode earns: the end pays, the way there is free where nothing is wrong with it."""

from __future__ import annotations

import msgspec

from toolgym.rewards import Evidence
from toolgym.rewards.attempts import at_most_minus_one, outcome_term
from toolgym.types import Term, ToolResult


class Outcome(msgspec.Struct):
    """What the env found out about an action before it is rewarded."""

    weight: float
    """What an episode costs in which everything is wrong."""
    calls: bool
    """Whether the action calls something that is run."""
    over: bool
    share: float = 0.0
    """At the end: how much of what counts was reached, in [0, 1]."""
    reason: str = ""

    def terms(self, total: float, evidence: Evidence) -> list[Term]:
        """The action's terms beside the rubric's, whose sum is ``total``:

        - ``intermediate_step``: an action that calls, or ends a turn before the last one, earns 0 in all. It earns at
          most -1 if its layout is wrong, or a call of it fails or does not fit its schema.
        - ``outcome``, at the end: the share of the goal that was not reached costs its share of ``weight``.

        So an episode earns the rubric's best for a final answer if all is right, however many calls it took, and less
        for any other.
        """
        found = []
        if self.calls or not self.over:
            formed = evidence.dialect.well_formed(evidence.completion, calls=self.calls, response=not self.calls)
            fine = formed and not any(evidence.problems) and all(map(_worked, evidence.results))
            if fine:
                found.append(Term("intermediate_step", -total, 1.0))
            else:
                found.append(at_most_minus_one("intermediate_step", total, "a fault"))
        return [*found, self.end()] if self.over else found

    def end(self) -> Term:
        return outcome_term(self.share, self.weight, self.reason)


def _worked(result: ToolResult | None) -> bool:
    return result is not None and result.error is None
