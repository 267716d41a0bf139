"""MathEnv: mathematics with tools."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from toolgym.dialects import Dialect
from toolgym.env import ToolEnv
from toolgym.rewards import Evidence, Reward, Scores
from toolgym.rewards.attempts import check_outcome
from toolgym.tasks import Task
from toolgym.tasks.gold import gold_thought
from toolgym.types import Completion, Term, ToolCall, ToolResult, Verdict

from .play import Play
from .problem import Sheet
from .tasks import MathTasks
from .tools import Computing
from .worker import WorkerError, needs_sympy


class MathEnv(ToolEnv):
    """Problems to be solved with tools that compute: ``ToolGym-Math-v0``.

    A problem is made when it is asked for, from (split, seed, index) alone, in one of several wordings. Kinds:
    ``arithmetic``, ``algebra`` (expand, factor, simplify), ``equations`` (and systems), ``calculus``,
    ``number_theory``, ``combinatorics``, ``linear_algebra``, ``units``. At level 1 no tool is needed, and a call costs
    points. At levels 2 to 4 mostly one call solves the problem. At level 5, and with some kinds at level 4, a later
    call takes the results of earlier calls. There are 18 tools; each problem offers four to six of them.

    Splits are disjoint: the content of a problem, whatever its wording, decides which split it belongs to.

    The model's text is never evaluated: a small parser reads it, and sympy computes in a process of its own under
    limits: the calls of one action may take 5,000,000 steps in all, however fast the machine is (see serving.py).
    A call that takes more returns an error to the model, and so do the calls after it. After three such actions, the
    tools that need sympy only return errors. If a process fails, the policy has no part in it: ``reward_valid`` is
    False.

    Reward: the rubric's, for each action against the gold calls that come next, in whatever form they are written: a
    call that returns the same as a gold call is as good. The sum over an episode is largest for a right answer, and
    does not grow or shrink if fewer calls were needed (see ``Play.on_score``).

    Success: the answer is right, by its meaning (see grading.py), with whatever calls.

    ``info`` also has ``category``, the kind, and ``level``.

    Args:
        split: "train" (1,000,000 problems), "val", "test" (2,000 each).
        category: a kind, several, or None for all; they take turns.
        level: 1 to 5, one or several, or None for all; they take turns.
        seed: other seeds give other problems.
        outcome: the cost of a wrong answer: the weight of the term of this name.
        max_turns: texts per episode; gold takes at most three.
        dialect, rubric, and further arguments: see ToolEnv.

    Version history:
        v0: the first.
    """

    def __init__(
        self,
        split: str = "train",
        category: str | Sequence[str] | None = None,
        level: int | str | Sequence[int] | None = None,
        seed: int = 0,
        outcome: float = 9.0,
        dialect: str | Dialect = "toolrl",
        rubric: str | Reward = "toolrl",
        max_turns: int = 6,
        **kwargs: Any,
    ):
        needs_sympy()
        check_outcome(outcome)
        super().__init__(
            MathTasks(split, seed, category, level),
            dialect=dialect,
            rubric=rubric,
            max_turns=max_turns,
            **kwargs,
        )
        self.tasks: MathTasks
        self.state: Computing
        self.outcome = outcome

    def start(self, task: Task) -> None:
        self.state = Computing()
        self._play = Play(task, self.base_turns, self.outcome)

    def save_state(self) -> dict[str, Any]:
        return {"play": self._play.save(), "failure": self.state.failure, "slow": self.state.slow}

    def load_state(self, saved: dict[str, Any]) -> None:
        self.start(self.task)
        self._play.load(saved["play"])
        self.state.failure, self.state.slow = saved["failure"], saved["slow"]

    def on_action(self, completion: Completion, results: Sequence[ToolResult | None]) -> tuple[ToolCall, ...]:
        """Move the play on, and return the gold calls that come next.

        A gold call that the action makes in another form is returned in the action's form.
        """
        wanted: tuple[ToolCall, ...] = ()
        try:
            wanted = self._play.on_action(completion, results)
            broken = self.state.failure or self._play.broken(completion, results)
        except WorkerError as error:  # comparing calls, or grading the answer, takes the worker too
            broken = str(error)
        if broken is not None:
            self.fail(broken)
        self.state.end_action()
        return wanted

    def expected(self, completion: Completion) -> tuple[ToolCall, ...]:
        """The gold calls left at the current stage, as gold writes them."""
        return () if not completion.calls else self._play.due()

    def on_score(self, scores: Scores, evidence: Evidence) -> Sequence[Term]:
        # A repetition is charged by what the rubric gave, which is known only here
        return self._play.on_score(scores.total, evidence)

    def judge(self) -> Verdict:
        return self._play.verdict

    def final_terms(self) -> Sequence[Term]:
        return (self._play.outcome(),)

    def extra_info(self, over: bool) -> dict[str, Any]:
        sheet: Sheet = self.task.data
        return {"category": sheet.category, "level": sheet.level}

    def stratum(self, task: Task) -> tuple[str, ...]:
        """The category and the level."""
        sheet: Sheet = task.data
        return sheet.category, f"level {sheet.level}"

    def gold(self, task: Task) -> tuple[str, ...]:
        """The gold actions: the calls, stage by stage, and the answer."""
        texts = [Completion("", stage, gold_thought(stage)) for stage in task.expected[:-1]]
        says = "That is the answer." if texts else "That I know without a tool."
        return tuple([self.dialect.render(each) for each in (*texts, Completion("", (), says, task.response))])
