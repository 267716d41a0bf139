"""ToolGym-Office: a simulated workplace, with an unlimited supply of tasks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from toolgym.dialects import Dialect
from toolgym.env import ToolEnv
from toolgym.rewards import Evidence, Reward, Scores
from toolgym.rewards.attempts import check_outcome
from toolgym.tasks import Task
from toolgym.tasks.gold import gold_thought
from toolgym.tasks.source import level_or_category
from toolgym.types import CallRecord, Completion, Message, Term, ToolCall, ToolResult, Verdict, message

from .grading import Progress
from .plan import Plan
from .tasks import OfficeTasks


class OfficeEnv(ToolEnv):
    """Requests to the assistant of an office worker: calendar, rooms, contacts, mail, files, tasks, expenses, travel.

    49 tools work on an in-memory state. A task is made when it is asked for, from (split, seed, index) alone:
    the people, their calendars and mailboxes, the request in one of many wordings, the tools on offer, the gold
    calls, and the checks. The user is simulated and answers from a script.

    Levels, which take turns in this order if several are played:

    - ``single``: one call, with one of three tools.
    - ``choose``: one call, with one of five to eight similar tools.
    - ``parallel``: two to four calls that do not depend on each other, in one action.
    - ``chain``: a later call needs the result of an earlier call.
    - ``missing``: the request forgets a required parameter. The assistant asks, and the user says it.
    - ``irrelevant``: no tool on offer fits. The assistant says so and calls nothing.
    - ``dialogue``: two to four messages of the user, over one state.
    - ``recover``: a call fails for a reason in the state (taken, not allowed, not found, over budget).

    Splits share no words and no wordings: names, titles, templates and random streams are disjoint. ``test_unseen``
    is like ``test``, with all tools, parameters and descriptions renamed from a vocabulary of its own.

    Reward: the rubric's, against the gold calls that are still to be made for the user's last message, in any order. A
    call with the same result as a gold call counts as made, and a lookup that proves needless is dropped. Further terms
    make the sum over an episode largest for gold: see ``Progress.on_score``. Gold earns the rubric's maximum on each
    action, 4 with ToolRL's.

    Success: the final state is exactly the state after the gold calls; each answer says something, and the facts that
    were asked for; first choices were tried before second choices; and on ``irrelevant`` nothing was called. The rest
    of an answer is not judged: a false "Done." passes if no fact was asked for.

    ``info`` also has ``category``: the level.

    Args:
        split: "train" (1,000,000 tasks), "val", "test" or "test_unseen" (2,000 each).
        level: a level, several, a group ("easy": single, choose, parallel, irrelevant), or None for all.
        seed: other seeds give other tasks, with other people.
        dialect: how the model writes calls.
        rubric: how actions are rewarded, before the further terms.
        max_turns: actions per episode; gold takes at most 7.
        outcome: the cost of a failed verdict on the last action: the weight of the term of this name.
        category: another name of ``level``, as in other suites.
        **kwargs: see ToolEnv.

    Version history:
        v0: the first.
    """

    def __init__(
        self,
        split: str = "train",
        level: str | Sequence[str] | None = None,
        seed: int = 0,
        dialect: str | Dialect = "toolrl",
        rubric: str | Reward = "toolrl",
        max_turns: int = 8,
        outcome: float = 3.0,
        category: str | Sequence[str] | None = None,
        **kwargs: Any,
    ):
        check_outcome(outcome)
        super().__init__(
            OfficeTasks(split, seed, level_or_category(level, category)),
            dialect=dialect,
            rubric=rubric,
            max_turns=max_turns,
            **kwargs,
        )
        self.tasks: OfficeTasks
        self.outcome = outcome

    def start(self, task: Task) -> None:
        plan: Plan = task.data
        self.state = plan.fixture.state()
        self._progress = Progress(task, self.state, self.base_turns, self.outcome)

    def save_state(self) -> dict[str, Any]:
        return self._progress.save()

    def load_state(self, saved: dict[str, Any]) -> None:
        self.start(self.task)
        self._progress.load(saved)

    def on_action(self, completion: Completion, results: Sequence[ToolResult | None]) -> tuple[ToolCall, ...]:
        # Chooses the stage that the action belongs to. Calls are ticked off in ``on_score``, by their results
        return self._progress.on_action(completion)

    def expected(self, completion: Completion) -> tuple[ToolCall, ...]:
        return self._progress.expected(completion)

    def on_score(self, scores: Scores, evidence: Evidence) -> Sequence[Term]:
        # A repetition is charged by what the rubric gave, which is known only here
        return self._progress.on_score(scores.total, evidence)

    def finished(self, completion: Completion) -> bool:
        return self._progress.over

    def reply(self, completion: Completion, records: Sequence[CallRecord]) -> tuple[Message, ...]:
        """The user's next message, if this action answered the last message."""
        if completion.calls:
            return ()
        return (message("user", self._progress.plan.phases[self._progress.phase].user),)

    def judge(self) -> Verdict:
        return self._progress.judge()

    def final_terms(self) -> Sequence[Term]:
        return self._progress.final_terms()

    def extra_info(self, over: bool) -> dict[str, Any]:
        return {"category": self._progress.plan.level}

    def stratum(self, task: Task) -> tuple[str, ...]:
        """The level."""
        return (task.data.level,)

    def gold(self, task: Task) -> tuple[str, ...]:
        """The gold actions, one text per turn, in this env's dialect."""
        plan: Plan = task.data
        turns = iter(task.expected)
        texts = []
        for phase in plan.phases:
            for stage in phase.stages:
                calls = next(turns)
                names = list(dict.fromkeys([call.name for call in calls]))
                why = stage.why.replace("{tools}", " and ".join(names))
                texts.append(Completion("", calls, f"{why} {gold_thought(calls)}"))
            next(turns)
            texts.append(Completion("", (), phase.why, phase.answer))
        return tuple([self.dialect.render(text) for text in texts])
