"""Grading: the progress of an episode, its reward terms beside the rubric's, and the verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from typing import Any

from toolgym.grading import same_call
from toolgym.rewards import Evidence
from toolgym.rewards.attempts import Attempts, outcome_term
from toolgym.tasks import Task
from toolgym.types import Completion, Term, ToolCall, ToolResult, Verdict

from .apis.office import READS, TOOLS, Office
from .apis.world import Rows
from .facts import plain, says
from .plan import Plan

MISSED = 3.0
"""The cost of a gold action that the episode never attempts: as much as ToolRL's worst correctness."""
FACTS = 2.0
"""The cost of an answer that says none of the facts the user asked for."""

_COUNTERS = ("calls", "turns", "wrong", "phase", "stage", "attempts")
"""The attributes of a Progress that an episode replaces; their values are copied into snapshots."""


class Progress:
    """The progress of an episode against its plan.

    Each user message opens a phase. A phase has stages, the gold actions with calls, and ends with an answer.
    Gold calls are numbered through the episode; ``left`` has the numbers of the current stage's calls not made yet.
    A gold call counts as made if the model's call is equal, or is of the same tool and returns the same (a title
    in small letters, a default written out), in any order or grouping.
    """

    def __init__(self, task: Task, state: Office, max_turns: int, outcome: float):
        plan: Plan = task.data
        self.plan = plan
        self.state = state
        self.max_turns = max_turns
        self.outcome = outcome
        self.gold: list[ToolCall] = [call for turn in task.expected for call in turn]
        self._originals = [call for phase in plan.phases for stage in phase.stages for call in stage.calls]
        numbers = iter(range(len(self.gold)))
        self.stages = [[[next(numbers) for _ in stage.calls] for stage in phase.stages] for phase in plan.phases]
        self.made: set[int] = set()
        """The gold calls that were made."""
        self.calls = 0
        self.turns = 0
        self.wrong: Verdict | None = None
        """The first mistake that the checks after each answer have found so far."""
        self._should = plan.fixture.state()
        self._results: list[ToolResult] = []
        self.phase = -1
        self._next_phase()

    @property
    def over(self) -> bool:
        """Whether every message of the user has had its answer."""
        return self.phase >= len(self.stages)

    def save(self) -> dict[str, Any]:
        """Everything that the episode has changed so far, both states included, as plain data never changed again."""
        return {
            "tables": _copied(self.state.tables),
            "should": _copied(self._should.tables),
            "results": tuple(self._results),
            "made": frozenset(self.made),
            "left": tuple(self.left),
            "counters": [copy(getattr(self, name)) for name in _COUNTERS],
        }

    def load(self, saved: dict[str, Any]) -> None:
        """Bring a new Progress of the same task to the point at which ``save`` was called."""
        self.state.tables = _copied(saved["tables"])
        self._should.tables = _copied(saved["should"])
        self._results = list(saved["results"])
        self.made = set(saved["made"])
        self.left = list(saved["left"])
        for name, value in zip(_COUNTERS, saved["counters"], strict=True):
            setattr(self, name, copy(value))

    def _next_phase(self) -> None:
        self.phase += 1
        self._enter(0)

    def _enter(self, stage: int) -> None:
        self.stage = stage
        stages = () if self.over else self.stages[self.phase]
        self.left = list(stages[stage]) if stage < len(stages) else []
        self.attempts = Attempts()

    def on_action(self, completion: Completion) -> tuple[ToolCall, ...]:
        """Move to the stage that an action belongs to, and return the gold calls for the action."""
        stage, left, wanted = self._belonging(completion)
        if stage != self.stage:
            self._enter(stage)
            self.left = left
        return tuple([self.gold[i] for i in wanted])

    def expected(self, completion: Completion) -> tuple[ToolCall, ...]:
        """The gold calls for an action, if it were the next one."""
        return tuple([self.gold[i] for i in self._belonging(completion)[2]])

    def _belonging(self, completion: Completion) -> tuple[int, list[int], list[int]]:
        """The stage that an action belongs to, the calls that are left then, and the gold calls for the action.

        The gold calls are the calls left of the current stage. If the action makes all of them and also calls of the
        next stages, the next stages are added. If the action makes none of them, but calls of a later stage, the later
        stage becomes the current one. Lookups in between are dropped, as they were not needed; other calls in between
        stay due.
        """
        stage, left, made = self.stage, list(self.left), completion.calls
        if self.over:
            return stage, [], []
        stages = self.stages[self.phase]
        if left and not self._any(left, made):
            for later in range(stage + 1, len(stages)):
                if self._any(stages[later], made):
                    # Skipped changes stay due, or the final state could not be right; skipped lookups do not
                    between = [*left, *[i for each in stages[stage + 1 : later] for i in each]]
                    left = [i for i in between if self._originals[i].name not in READS] + list(stages[later])
                    stage = later
                    break
        wanted, ahead = list(left), stage + 1
        while ahead < len(stages) and len(made) > len(wanted) and self._any(stages[ahead], made):
            if not all(self._any([i], made) for i in wanted):
                break
            wanted += stages[ahead]
            ahead += 1
        return stage, left, wanted

    def _any(self, numbers: Sequence[int], made: Sequence[ToolCall]) -> bool:
        """Whether one of the calls made equals one of these gold calls."""
        return any(same_call(self.gold[i], call) for i in numbers for call in made)

    def on_score(self, total: float, evidence: Evidence) -> list[Term]:
        """Note an action whose rubric terms sum to ``total``, and return its further terms. For gold all of them are 0.

        - ``repeat``: see ``Attempts.scored``. A step is a gold action.
        - ``missed_steps``, if an answer comes too early or at the end: each gold action that was never attempted
          costs 3, as much as a wrong action.
        - ``facts``: an answer without the facts that were asked for costs up to 2; an answer that says nothing costs 2.
        - ``outcome``, at the end: a failed verdict costs ``outcome``.

        So the return of an episode, which GRPO compares within a group, is at most the number of gold actions times the
        rubric's maximum, and only play as good as gold reaches it.
        """
        self.turns += 1
        terms: list[Term] = []
        if evidence.completion.calls:
            terms += self.attempts.scored(total)
            self._tick_off(evidence)
        elif not self.over:
            terms += self._answered(total, evidence.completion)
        if self.over:
            terms.append(self._outcome())
        elif self.turns >= self.max_turns:
            terms += self.final_terms()
        return terms

    def final_terms(self) -> list[Term]:
        """Terms owed if the episode ends before its last answer: ``missed_steps`` and ``outcome``."""
        if self.over:
            return []
        rest = sum([len(stages) + 1 for stages in self.stages[self.phase + 1 :]])
        left = len(self.stages[self.phase]) - self.stage + 1 - (self.attempts.made > 0)
        return [*_missed(rest + left), self._outcome()]

    def _outcome(self) -> Term:
        verdict = self.judge()
        return outcome_term(float(verdict.success), self.outcome, verdict.reason)

    def _tick_off(self, evidence: Evidence) -> None:
        rest = dict(enumerate(evidence.completion.calls))
        self.calls += len(rest)
        while self.left:  # one pass per stage: an action may make the calls of several stages
            for i in tuple(self.left):
                hit = next((j for j, call in rest.items() if same_call(self.gold[i], call)), None)
                if hit is None:
                    hit = next((j for j, call in rest.items() if self._equivalent(i, call, evidence.results[j])), None)
                if hit is not None:
                    del rest[hit]
                    self.left.remove(i)
                    self.made.add(i)
            if self.left:
                break
            self._enter(self.stage + 1)

    def _equivalent(self, number: int, call: ToolCall, result: ToolResult | None) -> bool:
        """Whether a call of the gold call's tool returned exactly the gold call's result."""
        if call.name != self.gold[number].name or result is None:
            return False
        self._replay(number + 1)
        return result == self._results[number]

    def _replay(self, upto: int) -> None:
        """Run the first ``upto`` gold calls that have not been run yet, on a state of their own."""
        for call in self._originals[len(self._results) : upto]:
            self._results.append(TOOLS[call.name].run(call.arguments, self._should))

    def _answered(self, total: float, completion: Completion) -> list[Term]:
        terms = []
        facts = self.plan.phases[self.phase].facts
        said = plain((completion.response or "").strip())
        missing = [fact[0] for fact in facts if not says(said, fact)]
        if self.left:
            terms += _missed(len(self.stages[self.phase]) - self.stage - (self.attempts.made > 0))
        else:
            terms += self.attempts.scored(total)
            if not said:
                terms.append(Term("facts", -1.0, FACTS, "nothing is said"))
            elif missing:
                terms.append(Term("facts", -len(missing) / len(facts), FACTS, f"not said: {_facts(missing)}"[:160]))
        self.wrong = self.wrong or self._checked(said, missing)
        self._next_phase()
        return terms

    def _checked(self, said: str, missing: Sequence[str]) -> Verdict | None:
        """The mistake that shows after an answer: in the state, or in the text of the answer; None if all is right."""
        numbers = [i for stage in self.stages[self.phase] for i in stage]
        if numbers:
            self._replay(numbers[-1] + 1)
        at = f"answer {self.phase + 1}"
        different = _differences(self.state.tables, self._should.tables, self.plan)
        if different:
            return Verdict(False, f"{at}: {'; '.join(different[:3])}", "state")
        for i in numbers:
            if self._results[i].error is not None and i not in self.made and self._originals[i].name not in READS:
                call = self.gold[i]
                return Verdict(False, f"{at}: {call.name} with {call.arguments} was not tried"[:300], "not_tried")
        if not said:
            return Verdict(False, f"{at} says nothing", "no_response")
        if missing:
            return Verdict(False, f"{at} lacks {_facts(missing[:3])}", "facts")
        return None

    def judge(self) -> Verdict:
        """Whether all due changes were made, and no other, and the answers say the facts that were asked for."""
        if self.plan.level == "irrelevant" and self.calls:
            return Verdict(
                False, f"no tool on offer fits the request, but {self.calls} calls were made", "needless_call"
            )
        if not self.over:
            return Verdict(False, f"message {self.phase + 1} of {len(self.stages)} was not answered", "unfinished")
        return self.wrong or Verdict(True)


def _facts(missing: Sequence[str]) -> str:
    return ", ".join(["a question" if fact == "?" else fact for fact in missing])


def _copied(tables: Mapping[str, Rows]) -> dict[str, Rows]:
    """A copy of the tables to be changed on its own. Rows are shared: they are replaced, never changed."""
    return {name: dict(rows) for name, rows in tables.items()}


def _missed(n: int) -> list[Term]:
    return [Term("missed_steps", -float(n), MISSED, f"{n} steps were never attempted")] if n else []


def _differences(final: Mapping[str, Rows], gold: Mapping[str, Rows], plan: Plan) -> list[str]:
    """The differences between two states, in words. Only tables that were used can differ."""
    out = []
    for table in sorted({*final, *gold}):
        start = plan.fixture.table(table)
        have, want = final.get(table, start), gold.get(table, start)
        if have == want:
            continue
        for key in sorted({*have, *want}):
            if key not in have:
                out.append(
                    f"{table}: {key} is missing, {'which should be kept' if key in start else _short(want[key])}"
                )
            elif key not in want:
                out.append(f"{table}: {key} should not be there, {_short(have[key])}")
            elif have[key] != want[key]:
                out.append(f"{table}: {key}: {_changed(want[key], have[key])}")
    return out


def _changed(want: Mapping[str, object], have: Mapping[str, object]) -> str:
    fields = [field for field in {**want, **have} if want.get(field) != have.get(field)]
    return ", ".join([f"{field} is {have.get(field)!r}, should be {want.get(field)!r}" for field in fields])[:200]


def _short(row: Mapping[str, object]) -> str:
    return ", ".join([f"{key} {value}" for key, value in row.items() if key not in ("id", "guests")])[:120]
