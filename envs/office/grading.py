"""Grading: how far an episode has come, what its actions earn beside the rubric's terms, and the verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from toolgym.rewards import Evidence, RewardModel, Scores
from toolgym.rewards.difference import same_arguments
from toolgym.types import Completion, Task, Term, ToolCall, Verdict

from .apis.office import READS, TOOLS, Office
from .apis.world import Rows
from .facts import plain, says
from .plan import Plan

REPEAT = 1.0
"""What each further attempt at the same gold action costs."""
UNPLAYED = 3.0
"""What an action that gold takes, and the episode never attempts, costs: as much as ToolRL's worst correctness."""
FACTS = 2.0
"""What an answer costs that says none of the facts the user asked for."""


def same(gold: ToolCall, made: ToolCall) -> bool:
    return made.error is None and gold.name == made.name and same_arguments(gold.arguments, made.arguments)


class Progress:
    """Where an episode stands against its plan.

    Each user message opens a phase; a phase has stages, the gold actions with calls, and ends with an answer.
    ``left`` are the calls of the current stage that were not made yet. A call counts as made when it equals the
    gold call, in whatever order or grouping.
    """

    def __init__(self, task: Task, state: Office, max_turns: int, outcome: float):
        plan: Plan = task.data
        self.plan = plan
        self.state = state
        self.max_turns = max_turns
        self.outcome = outcome
        turns = iter(task.expected)
        self.gold = [[next(turns) for _ in range(len(phase.stages) + 1)][:-1] for phase in plan.phases]
        self.seen: set[int] = set()
        """Which gold calls were made, counted through the episode."""
        self.calls = 0
        self.turns = 0
        self.wrong: Verdict | None = None
        """The first thing that went wrong, as far as the answers up to now show."""
        self._should = plan.fixture.state()
        self._played = 0
        self.phase = -1
        self._next_phase()

    @property
    def over(self) -> bool:
        """Whether every message of the user has had its answer."""
        return self.phase >= len(self.gold)

    def _next_phase(self) -> None:
        self.phase += 1
        self._enter(0)

    def _enter(self, stage: int) -> None:
        self.stage = stage
        stages = () if self.over else self.gold[self.phase]
        self.left = list(stages[stage]) if stage < len(stages) else []
        self.attempts = 0
        self.best = 0.0

    def wanted(self, completion: Completion) -> tuple[ToolCall, ...]:
        """The gold calls for this action.

        They are those left of the current stage. If the action makes all of them and goes on with calls of
        the next stages, these count too; if it makes none of them but calls of a later stage, stages in
        between that only look something up are let go, since they were not needed.
        """
        if self.over:
            return ()
        stages, made = self.gold[self.phase], completion.calls
        if self.left and not _has_any(made, self.left):
            for later in range(self.stage + 1, len(stages)):
                if _has_any(made, stages[later]):
                    between = [*self.left, *[call for stage in stages[self.stage + 1 : later] for call in stage]]
                    self._enter(later)
                    self.left = [call for call in between if not self._reads(call)] + self.left
                    break
        out, ahead = list(self.left), self.stage + 1
        while ahead < len(stages) and len(made) > len(out) and _has_all(made, out) and _has_any(made, stages[ahead]):
            out += stages[ahead]
            ahead += 1
        return tuple(out)

    def _reads(self, call: ToolCall) -> bool:
        """Whether a gold call only looks something up."""
        for phase, stages in zip(self.plan.phases, self.gold, strict=True):
            for stage, calls in zip(phase.stages, stages, strict=True):
                for original, gold in zip(stage.calls, calls, strict=True):
                    if gold is call:
                        return original.name in READS
        return False

    def settle(self, total: float, completion: Completion) -> list[Term]:
        """Take note of an action whose terms add up to ``total``; what it earns (all penalties) beside them."""
        self.turns += 1
        terms: list[Term] = []
        if completion.calls:
            terms += self._repeated(total)
            self._tick_off(completion.calls)
        elif not self.over:
            terms += self._answered(total, completion)
        cut = not self.over and self.turns >= self.max_turns
        if cut:
            rest = sum([len(stages) + 1 for stages in self.gold[self.phase + 1 :]])
            terms += _unplayed(rest + len(self.gold[self.phase]) - self.stage + 1 - (self.attempts > 0))
        if cut or self.over:
            verdict = self.judge()
            terms.append(Term("outcome", 0.0 if verdict.success else -1.0, self.outcome, verdict.reason))
        return terms

    def _repeated(self, total: float) -> list[Term]:
        """What makes a further attempt at the same gold action earn only what it adds to the best one, less 1."""
        gain = max(total - self.best, 0.0)
        self.best += gain
        self.attempts += 1
        if self.attempts == 1:
            return []
        return [Term("repeat", gain - REPEAT - total, 1.0, f"attempt {self.attempts} at the same step")]

    def _tick_off(self, calls: Sequence[ToolCall]) -> None:
        every = [call for stages in self.gold for stage in stages for call in stage]
        rest = list(calls)
        for call in rest:
            self.calls += 1
            self.seen.update([i for i, gold in enumerate(every) if same(gold, call)])
        while self.left:
            for gold in tuple(self.left):
                hit = next((i for i, call in enumerate(rest) if same(gold, call)), None)
                if hit is not None:
                    del rest[hit]
                    self.left.remove(gold)
            if self.left:
                break
            self._enter(self.stage + 1)

    def _answered(self, total: float, completion: Completion) -> list[Term]:
        terms = []
        facts = self.plan.phases[self.phase].facts
        said = plain(completion.response if completion.response is not None else completion.text) if facts else ""
        missing = [fact[0] for fact in facts if not says(said, fact)]
        if self.left:
            terms += _unplayed(len(self.gold[self.phase]) - self.stage - (self.attempts > 0))
        else:
            terms += self._repeated(total)
            if missing:
                terms.append(Term("facts", -len(missing) / len(facts), FACTS, f"not said: {', '.join(missing)}"[:160]))
        self.wrong = self.wrong or self._checked(missing)
        self._next_phase()
        return terms

    def _checked(self, missing: Sequence[str]) -> Verdict | None:
        """What is wrong after an answer: with the state as it should be now, or with what the answer says."""
        untried = ""
        for stage in self.plan.phases[self.phase].stages:
            for call in stage.calls:
                result = TOOLS[call.name].run(call.arguments, self._should)
                if result.error is not None and call.name not in READS and self._played not in self.seen:
                    untried = f"{call.name} with {call.arguments} was not tried"[:200]
                self._played += 1
        at = f"answer {self.phase + 1}"
        different = _differences(self.state.tables, self._should.tables, self.plan)
        if different:
            return Verdict(False, f"{at}: {'; '.join(different[:3])}", "state")
        if untried:
            return Verdict(False, f"{at}: {untried}", "not_tried")
        if missing:
            return Verdict(False, f"{at} does not say {', '.join(missing[:3])}", "facts")
        return None

    def judge(self) -> Verdict:
        """Whether everything that should have changed has, nothing else has, and the answers say what was asked."""
        plan = self.plan
        if plan.level == "irrelevant" and self.calls:
            return Verdict(
                False, f"no tool on offer fits the request, but {self.calls} calls were made", "needless_call"
            )
        if not self.over:
            return Verdict(False, f"message {self.phase + 1} of {len(self.gold)} was not answered", "unfinished")
        return self.wrong or Verdict(True)


def _has_any(made: Sequence[ToolCall], wanted: Sequence[ToolCall]) -> bool:
    return any(same(gold, call) for gold in wanted for call in made)


def _has_all(made: Sequence[ToolCall], wanted: Sequence[ToolCall]) -> bool:
    return all(any(same(gold, call) for call in made) for gold in wanted)


def _unplayed(n: int) -> list[Term]:
    return [Term("unplayed", -float(n), UNPLAYED, f"{n} steps were never attempted")] if n else []


def _differences(final: Mapping[str, Rows], gold: Mapping[str, Rows], plan: Plan) -> list[str]:
    """How two states differ, in words; only tables that were used can."""
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


class OfficeReward:
    """A rubric's terms, and those that make the sum over an episode largest for the gold play.

    ``repeat``: a further attempt at the same gold action costs 1 and what was earned for it before, so that an
    action's points are had once. ``unplayed``, at an answer that comes too early or at the end: each gold action
    that was never attempted costs 3. ``facts``: an answer that lacks what was asked for costs up to 2.
    ``outcome``, at the end: a wrong verdict costs ``outcome``. All are 0 for gold, and left out where they are.
    """

    def __init__(self, rubric: RewardModel):
        self.rubric = rubric
        self.progress: Progress | None = None

    def score(self, evidence: Evidence) -> Scores:
        scores = self.rubric.score(evidence)
        extra = self.progress.settle(scores.total, evidence.completion) if self.progress else []
        if not extra:
            return scores
        total = scores.total + sum([term.weight * term.score for term in extra])
        return Scores(total, (*scores.terms, *extra), scores.calls)

    def set_step(self, step: int) -> None:
        self.rubric.set_step(step)
