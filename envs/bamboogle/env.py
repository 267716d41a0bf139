"""BamboogleEnv: questions whose answers take two searches."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from toolgym.assets import cache_folder
from toolgym.checks import whole_number
from toolgym.dialects import Dialect
from toolgym.env import ToolEnv
from toolgym.rewards import Evidence, Reward, Scores
from toolgym.rewards.attempts import check_outcome
from toolgym.tasks import Task
from toolgym.types import Completion, Term, ToolCall, ToolResult, Trajectory, Verdict

from . import aggregate
from .grading import contains, is_exact
from .judge import EndpointJudge, Judge
from .reward import Outcome
from .search.backend import Backend, Snippet, get_backend
from .search.cache import Cached, Mode
from .searching import INLINE, WAITING, Searches
from .tasks import ROUNDS, Question, bamboogle, tasks

Metric = Literal["contains", "exact"]


class BamboogleEnv(ToolEnv):
    """Bamboogle (Press et al. 2022, arXiv 2210.03350) with a search tool: ``ToolGym-Bamboogle-v0``.

    125 questions that take two facts each. The model searches, reads the results, and answers in a response.
    The loop is that of ToolRL's evaluation (arXiv 2504.13958): at most four texts including the answer, one search
    per text, five results per search. ToolRL sends a fixed sentence to the model after each result. It is left out
    here, as each result is a message of its own.

    Success is ours, not ToolRL's number, which GPT-4o judged. By default an answer is right if it contains the expected
    answer (see grading.py). With a ``judge``, the judge decides.

    The default search is an index of short sentences that were written for these questions, among other subjects; it is
    not the web. Scores with it are higher than scores with the web, and cannot be compared with them. Other searches
    cost money or wait for a server. If a search fails (no key, no network), the episode has ``reward_valid`` False and
    does not count.

    Reward: the rubric's. Any query is as good as the expected query, as long as it is new; the sum over an episode is
    largest for a right answer (see reward.py). Search results are data: nothing in them is read as a call, and tags and
    control tokens of chat formats are made harmless before the model reads them.

    ``info`` also has ``searches``: actions so far with a search that counted.

    Args:
        split: "test"; Bamboogle has no training split.
        search: "offline" (``pip install 'toolgym[search]'``); "serper" (key in SERPER_API_KEY), "searxng" (server in
            SEARXNG_URL) or "wikipedia" (``pip install 'toolgym[endpoint]'``); or a function from a query to a list of
            Snippet(title, text, url).
        search_options: arguments of the search: timeout, max_retries, requests_per_minute, url.
        cache: "record": use recorded results, and search for and record the rest; "replay": use recorded results only;
            or "off".
        cache_dir: the folder of the recordings; by default beside the data sets.
        metric: "contains" or "exact": the measure that makes the verdict if there is no judge.
        judge: the name of a model that judges (see judge.py; ``pip install 'toolgym[endpoint]'``), or a function of
            (question, answer, expected) that returns whether the answer is right.
        judge_options: for a model: base_url, key_env (OPENAI_API_KEY), timeout, max_retries, requests_per_minute.
        outcome: the cost of a wrong answer: the weight of the term of this name.
        questions: Questions to ask instead of Bamboogle's.
        max_turns: texts per episode, including the answer.
        max_calls: searches per text that are run.
        dialect, rubric, and further arguments: see ToolEnv.

    Version history:
        v0: the first.
    """

    def __init__(
        self,
        split: str = "test",
        search: str | Backend | Callable[[str], Sequence[Snippet]] = "offline",
        search_options: Mapping[str, Any] | None = None,
        cache: Mode = "off",
        cache_dir: str | Path | None = None,
        metric: Metric = "contains",
        judge: str | Judge | None = None,
        judge_options: Mapping[str, Any] | None = None,
        outcome: float = 9.0,
        questions: Iterable[Question] | None = None,
        dialect: str | Dialect = "toolrl",
        rubric: str | Reward = "toolrl",
        max_turns: int = ROUNDS,
        max_calls: int = 1,
        **kwargs: Any,
    ):
        if split != "test":
            raise ValueError(f"Bamboogle has only the split 'test', got {split!r}")
        if metric not in ("contains", "exact"):
            raise ValueError(f"metric must be 'contains' or 'exact', got {metric!r}")
        check_outcome(outcome)
        backend = get_backend(search, search_options)
        if cache != "off":
            backend = Cached(backend, cache_dir or cache_folder() / "search", cache)
        self.backend = backend
        self.metric = metric
        self.outcome = outcome
        self.ask_judge = EndpointJudge(judge, **(judge_options or {})) if isinstance(judge, str) else judge
        asked = bamboogle() if questions is None else tuple(questions)
        tool = WAITING if backend.waits else INLINE
        super().__init__(
            tasks(asked, tool, whole_number("max_turns", max_turns, 1)),
            dialect=dialect,
            rubric=rubric,
            max_turns=max_turns,
            max_calls=max_calls,
            **kwargs,
        )
        self.state: Searches
        self._verdict = Verdict(False)

    def start(self, task: Task) -> None:
        self.state = Searches(self.backend)
        self._verdict = Verdict(False, f"no answer in {self.max_turns} texts", "no_answer")

    def save_state(self) -> dict[str, Any]:
        state = self.state
        return {"asked": state.asked, "rounds": state.rounds, "failure": state.failure, "verdict": self._verdict}

    def load_state(self, saved: dict[str, Any]) -> None:
        self.state = Searches(self.backend)
        self.state.asked, self.state.rounds = saved["asked"], saved["rounds"]
        self.state.failure, self._verdict = saved["failure"], saved["verdict"]

    def on_action(self, completion: Completion, results: Sequence[ToolResult | None]) -> tuple[ToolCall, ...]:
        """Count the search, or judge the answer.

        The gold call is the action's own search if it counts, else gold's next search.
        """
        state, gold = self.state, self.task.expected[:-1]
        if state.failure is not None:
            self.fail(state.failure)
        # ``on_score`` of this same action reads it, so no snapshot needs it
        outcome = self._outcome = Outcome(self.outcome)
        wanted: tuple[ToolCall, ...] = ()
        if completion.calls:
            # Takes note of the queries: asked once per action, or a new query would count as a repetition
            wanted = state.fresh(completion.calls[: self.max_calls])
            if not wanted:
                outcome.surplus = "no search that is new"
                wanted = gold[min(state.rounds, len(gold) - 1)] if gold else ()
            elif state.rounds >= len(gold):
                outcome.surplus = f"more than {len(gold)} searches"
            else:
                state.rounds += 1
            outcome.over = len(self.turns) + 1 >= self.max_turns
        else:
            self._settle(completion, outcome)  # a judge may cost money: asked here, once
        outcome.unused = len(gold) - state.rounds
        outcome.reason = self._verdict.reason if outcome.over else ""
        return wanted

    def expected(self, completion: Completion) -> tuple[ToolCall, ...]:
        """Gold's next search. ``on_action`` accepts any new search in its place."""
        gold = self.task.expected[:-1]
        return gold[min(self.state.rounds, len(gold) - 1)] if gold and completion.calls else ()

    def on_score(self, scores: Scores, evidence: Evidence) -> Sequence[Term]:
        return self._outcome.terms(scores.total)

    def judge(self) -> Verdict:
        return self._verdict

    def final_terms(self) -> Sequence[Term]:
        return Outcome(self.outcome, over=True, reason=self._verdict.reason).end(0.0)

    def extra_info(self, over: bool) -> dict[str, Any]:
        return {"searches": self.state.rounds}

    def gold(self, task: Task) -> tuple[str, ...]:
        """The gold actions: two searches that find the answer in the bundled index, and the answer."""
        texts = []
        for calls in task.expected[:-1]:
            texts.append(Completion("", calls, f"What I need to know: {calls[0].arguments['query']}"))
        says = Completion("", (), "The results say it." if texts else "I answer.", task.response)
        return tuple([self.dialect.render(text) for text in (*texts, says)])

    @classmethod
    def summarize(cls, trajectories: Iterable[Trajectory]) -> dict[str, Any]:
        """Accuracy and searches per question: see aggregate.summarize."""
        return aggregate.summarize(trajectories)

    def _settle(self, completion: Completion, outcome: Outcome) -> None:
        """Judge the answer."""
        data: Question = self.task.data
        answer = completion.said
        outcome.over = True
        accepted = [each for each in (data.answer, data.also) if each]
        outcome.exact = any(is_exact(answer, each) for each in accepted)
        outcome.contained = any(contains(answer, each) for each in accepted)
        outcome.right = outcome.exact if self.metric == "exact" else outcome.contained
        if self.ask_judge is not None and answer:
            try:
                outcome.right = bool(self.ask_judge(data.question, answer, data.also or data.answer))
            except Exception as error:  # somebody else's code, or a server of ours
                outcome.right = False
                self.fail(f"the answer could not be judged: {error or type(error).__name__}")
        if outcome.right:
            self._verdict = Verdict(True)
        elif not answer:
            self._verdict = Verdict(False, "no answer", "no_answer")
        else:
            self._verdict = Verdict(False, f"expected {data.answer!r}, got {answer[:100]!r}", "wrong_answer")
