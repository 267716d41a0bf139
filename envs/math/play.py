"""The progress of an episode, and its reward terms beside the rubric's."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from typing import Any

from toolgym.rewards import Evidence
from toolgym.rewards.attempts import Attempts, at_most_minus_one, outcome_term
from toolgym.tasks import Task
from toolgym.types import Completion, Term, ToolCall, ToolResult, Verdict

from .grading import grade
from .matching import same_effect, same_maths
from .problem import Sheet

_FIELDS = ("stage", "left", "attempts", "steps", "turns", "over", "needless", "right", "verdict")


class Play:
    """The progress of an episode.

    A problem's gold calls come in stages. ``left`` has the numbers of the current stage's calls that are still to be
    made. A call counts as made if it is the same, or returns the same; the call as the model wrote it is then the
    expected call. A stage is skipped if a call of a later stage is made before it.
    """

    def __init__(self, task: Task, max_turns: int, outcome: float):
        self.sheet: Sheet = task.data
        self.stages: tuple[tuple[ToolCall, ...], ...] = task.expected[:-1]
        self.max_turns = max_turns
        self.weight = outcome
        self.stage = 0
        self.left: tuple[int, ...] = ()
        self.attempts = Attempts()
        """The attempts at the current stage; an action with calls is an attempt."""
        self.steps = 0
        """The stages that were attempted at least once."""
        self.turns = 0
        self.over = False
        self.needless = False
        self.right = False
        self.verdict = Verdict(False, f"no answer in {max_turns} texts", "no_answer")
        self._moved = False
        self._enter(0)

    def save(self) -> dict[str, Any]:
        return {name: copy(getattr(self, name)) for name in _FIELDS}

    def load(self, saved: dict[str, Any]) -> None:
        for name in _FIELDS:
            setattr(self, name, copy(saved[name]))

    def on_action(self, completion: Completion, results: Sequence[ToolResult | None]) -> tuple[ToolCall, ...]:
        """Note an action whose calls have been run, and return the gold calls that it is compared with."""
        self.turns += 1
        self.over = self.turns >= self.max_turns
        if not completion.calls:
            self._answer(completion)
            return ()
        made = dict(enumerate(zip(completion.calls, results, strict=True)))
        first = self.stage
        hits = self._hits(first, self.left, made)
        # An action that fits no call of this stage may fit a later stage
        while not hits and first + 1 < len(self.stages):
            first += 1
            hits = self._hits(first, tuple(range(len(self.stages[first]))), made)
        if not hits:
            first = self.stage
        if first != self.stage:
            self._enter(first)
        self.needless = not self.left  # no stage is left that could need a call
        out: list[ToolCall] = []
        while self.left:
            out += [made[hits[i]][0] if i in hits else self.stages[self.stage][i] for i in self.left]
            for j in hits.values():
                del made[j]
            self.left = tuple([i for i in self.left if i not in hits])
            if self.left:
                break
            self._enter(self.stage + 1, again=True)
            hits = self._hits(self.stage, self.left, made)
            if not hits:  # else the action goes on with the next stage
                break
        return tuple(out)

    def due(self) -> tuple[ToolCall, ...]:
        """The gold calls left at the current stage; none after the last stage."""
        return tuple([self.stages[self.stage][i] for i in self.left])

    def broken(self, completion: Completion, results: Sequence[ToolResult | None]) -> str | None:
        """The reason why a gold call did not work if the action made it: this is a failure of ours. Else None."""
        for call, result in zip(completion.calls, results, strict=True):
            if result is None or result.error not in ("execution", "timeout"):
                continue
            if any(same_maths(gold, call) for stage in self.stages for gold in stage):
                return f"{call.name} failed on a gold call: {result.content}"[:300]
        return None

    def on_score(self, total: float, evidence: Evidence) -> list[Term]:
        """The terms of an action beside the rubric's, whose sum is ``total``. For gold all of them are 0, and no
        episode earns more than gold.

        - ``repeat``: see ``Attempts.scored``.
        - ``needless``: calls after the last step, or for a problem that needs no call, earn at most -1.
        - ``outcome``, at the end: a wrong answer, or no answer, costs ``outcome``.
        - ``skipped_steps``, at the end: a right answer earns the points of the steps that it did not need.
        """
        found: list[Term] = []
        if evidence.completion.calls:
            if self.needless:
                found.append(at_most_minus_one("needless", total, "no call is left to be made"))
            else:
                found += self.attempts.scored(total)
                self.steps += self.attempts.made == 1
                if self._moved:  # only now: this action was an attempt at the stage before
                    self.attempts, self._moved = Attempts(), False
        if self.over:
            found.append(self.outcome())
            skipped = len(self.stages) - self.steps
            if self.right and skipped:
                found.append(Term("skipped_steps", skipped * total, 1.0, f"{skipped} steps not needed"))
        return found

    def outcome(self) -> Term:
        """The term for the answer, or for a missing answer."""
        return outcome_term(float(self.right), self.weight, self.verdict.reason)

    def _enter(self, stage: int, again: bool = False) -> None:
        """Go to a stage. ``again``: the action that is being read has just finished the stage before."""
        self.stage = stage
        self.left = tuple(range(len(self.stages[stage]))) if stage < len(self.stages) else ()
        if again:
            self._moved = True
        else:
            self.attempts = Attempts()

    def _hits(
        self, stage: int, left: Sequence[int], made: dict[int, tuple[ToolCall, ToolResult | None]]
    ) -> dict[int, int]:
        """Number of a gold call of the stage -> number of the action's call that makes it."""
        found: dict[int, int] = {}
        for i in left:
            gold = self.stages[stage][i]
            free = [j for j in made if j not in found.values()]
            hit = next((j for j in free if _worked(made[j][1]) and same_maths(gold, made[j][0])), None)
            if hit is None:
                hit = next((j for j in free if same_effect(gold, *made[j])), None)
            if hit is not None:
                found[i] = hit
        return found

    def _answer(self, completion: Completion) -> None:
        said = completion.said
        self.over = True
        self.right, why = grade(self.sheet.problem.answer, said)
        if self.right:
            self.verdict = Verdict(True)
        else:
            self.verdict = Verdict(False, why, "wrong_answer" if said else "no_answer")


def _worked(result: ToolResult | None) -> bool:
    return result is not None and result.error is None
