"""Reward terms of agentic episodes: the end is paid; actions before it are free unless something is wrong with them."""

from __future__ import annotations

import msgspec

from toolgym.rewards import Evidence
from toolgym.rewards.attempts import at_most_minus_one, outcome_term
from toolgym.types import Term, ToolResult


class Outcome(msgspec.Struct):
    """The facts about one action that its further reward terms depend on."""

    weight: float
    """The cost of an episode in which everything is wrong."""
    calls: bool
    """Whether the action makes calls, and they are run."""
    over: bool
    share: float = 0.0
    """At the end: the share of the goal that was reached, in [0, 1]."""
    reason: str = ""

    def terms(self, total: float, evidence: Evidence) -> list[Term]:
        """The action's terms beside the rubric's, whose sum is ``total``:

        - ``intermediate_step``: an action that calls, or ends a turn before the last turn, earns 0 in all. It earns at
          most -1 if its layout is wrong, or if a call fails or does not fit its schema.
        - ``outcome``, at the end: the share of the goal that was not reached costs its share of ``weight``.

        So an episode without mistakes earns the rubric's maximum for a final answer, however many calls it took. Any
        other episode earns less.
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
