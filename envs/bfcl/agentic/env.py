"""AgenticEnv: BFCL's agentic categories, answered from a memory that the model made, or from the web."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from toolgym.assets import cache_folder
from toolgym.dialects import Dialect
from toolgym.dialects.think import CLOSE
from toolgym.rewards import Evidence, Reward, Scores
from toolgym.tasks import Task
from toolgym.types import Completion, Term, ToolCall, ToolResult, Trajectory, Verdict

from .. import aggregate
from ..apis.web import Mode, Web, get_web
from ..dialogue.dialogue import MAX_STEPS, Dialogue
from ..dialogue.env import DialogueEnv
from ..dialogue.functions import Function
from . import facts
from .checker import check
from .memories import Memories, MissingMemory, get_memories
from .reward import Outcome
from .tasks import PREREQ, AgenticDialogue, AgenticEntry, AgenticTasks, categories, waiting

MOST_MESSAGES = 14
"""Of a conversation's user."""


class AgenticEnv(DialogueEnv):
    """Berkeley Function-Calling Leaderboard v4 (bfcl_eval 2026.3.23), agentic: ``ToolGym-BFCL-Agentic-v0``.

    There are 510 questions, and 74 conversations that come before some of them. By default the 310 questions to a
    memory are played; ``category`` chooses others.

    - ``memory_kv``, ``memory_rec_sum``: 155 questions each about what a user has said in earlier conversations, to be
      answered from a memory of keys and values, or of one text. The tools work on the memory.
    - ``memory_kv_prereq``, ``memory_rec_sum_prereq``: the 37 conversations, of 323 messages in all, in which the model
      makes that memory, for each of the two kinds. Officially they are played first and scored nowhere.
    - ``web_search_base``, ``web_search_no_snippet``: the same 100 questions, each time to be answered by searching and
      reading pages.

    ``memory_vector``, which takes a sentence model, is not here, and is named as missing in the scores.

    As in the official harness, each conversation is an episode of its own, which begins with the memory that the one
    before it in its scenario has left; the questions begin with what the last has left. So a model's score takes two
    runs, with a folder of the model's own, the first of which plays one episode at a time::

        toolgym eval --env ToolGym-BFCL-Agentic-v0 --category memory_prereq \\
            --env-arg memory=runs/m/memory --batch-size 1 --agent ... \\
            --out runs/m/prereq
        toolgym eval --env ToolGym-BFCL-Agentic-v0 --category memory \\
            --env-arg memory=runs/m/memory --agent ... --out runs/m/questions

    An episode whose memory is not there yet is no evidence about the model (``reward_valid`` False). By default the
    questions begin with a reference memory of ours, that has what the data quote as the answers' sources (see
    agentic/facts.py): good for training, but no official score, so they are scored as ``memory_kv_reference``.

    Verdict: the official one (see agentic/checker.py): the last text that calls nothing has an accepted answer in it.
    After 21 actions with calls since the user's last message the episode ends. Calls are run as in
    ToolGym-BFCL-MultiTurn-v0, by the official classes and without ``eval``. A conversation, which has no official
    verdict, succeeds if it is played to its end and the memory then has all that will be asked of it so far.

    Reward: a final answer earns the rubric's reward, minus ``outcome`` if it is wrong. A call before it earns nothing,
    and costs something if it is malformed or fails (see agentic/reward.py). A conversation that makes a memory is
    rewarded at its end for the share of the facts to be asked about that the memory holds.

    Gold: the accepted answer at once, as there are no accepted calls; in conversations calls of ours that make the
    reference memory.

    ``info`` also has ``category``; ``user_turn``, counted from 0; and ``remembered``: that share, at the end of a
    conversation, else None.

    Args:
        category: one of them; several, as a list or with commas between; or "memory" (the first two), "web_search",
            "agentic" (both groups) or "memory_prereq".
        split: "test"; BFCL has nothing to train on.
        memory: a folder, laid out as the harness's ``result/<model>/agentic/memory``; "reference"; or "empty".
        web: "replay" (nothing is asked for; what was not recorded fails), "record" (what is not there is asked for and
            kept; the key of serpapi.com in SERPAPI_API_KEY, ``pip install 'toolgym[endpoint]' html2text
            beautifulsoup4``) or "live". The model chooses the pages that are fetched.
        web_folder: where recordings are; by default beside the data sets.
        web_options: of the web itself: timeout, max_retries, requests_per_minute, url, private.
        outcome: what a wrong answer costs: the weight of the term of this name.
        max_turns: actions per episode; by default as many as the official limit allows: 21 for a question, 294 with
            conversations.
        max_calls: calls run per action; officially any number.
        dialect, rubric, and further arguments: see ToolEnv.

    Version history:
        v0: all agentic categories but memory_vector.
    """

    def __init__(
        self,
        category: str | Iterable[str] = "memory",
        split: str = "test",
        memory: str | Path | Memories = "reference",
        web: Mode | Web = "replay",
        web_folder: str | Path | None = None,
        web_options: Mapping[str, Any] | None = None,
        outcome: float = 6.0,
        dialect: str | Dialect = "toolrl",
        rubric: str | Reward = "toolrl",
        max_turns: int | None = None,
        max_calls: int = 1000,
        **kwargs: Any,
    ):
        if split != "test":
            raise ValueError(f"BFCL has only the split 'test', got {split!r}")
        if outcome < 0:
            raise ValueError(f"outcome is what a wrong answer costs; it must not be negative, got {outcome}")
        self.categories = categories(category)
        self.memories = get_memories(memory)
        folder = web_folder or cache_folder() / "bfcl-web"
        self.web = get_web(web, folder, web_options) if isinstance(web, str) else web
        self.outcome = outcome
        self._waits = web != "replay"
        if max_turns is None:
            max_turns = MAX_STEPS * (MOST_MESSAGES if set(self.categories) & set(PREREQ) else 1)
        super().__init__(
            AgenticTasks(self.categories, self.memories, self._waits),
            dialect,
            rubric,
            max_turns=max_turns,
            max_calls=max_calls,
            **kwargs,
        )
        self.state: AgenticDialogue

    def functions(self) -> Mapping[str, Function]:
        return waiting() if self._waits and self._entry.category.startswith("web") else super().functions()

    def start(self, task: Task) -> None:
        entry: AgenticEntry = task.data
        self.state = AgenticDialogue(entry, self._prompted, self.web)
        if entry.missing is not None:
            self.fail(entry.missing)

    def save_state(self) -> Dialogue:
        saved = super().save_state()
        del saved.web  # type: ignore[attr-defined]
        return saved

    def load_state(self, saved: Dialogue) -> None:
        super().load_state(saved)
        self.state.web = self.web

    def on_action(self, completion: Completion, results: Sequence[ToolResult | None]) -> tuple[ToolCall, ...]:
        """Settle what the episode comes to. Expected are the action's own calls that can be run: any are as good."""
        state, calls = self.state, self.runs(completion)
        if state.failure is not None:
            self.fail(state.failure)
        if not calls:
            state.said = _said(completion)
        last = state.steps + 1 >= MAX_STEPS if calls else state.turn + 1 >= len(state.entry.gold)
        over = last or self.failed or len(self.turns) + 1 >= self.max_turns
        outcome = self._outcome = Outcome(self.outcome, calls, over)
        if over:
            outcome.share, outcome.reason = self._reached()
        self.advance(completion)
        self._keep_memory()
        known = self.functions()
        return tuple([ToolCall(call.name, call.arguments) for call in completion.calls if calls and call.name in known])

    def on_score(self, scores: Scores, evidence: Evidence) -> Sequence[Term]:
        return self._outcome.terms(scores.total, evidence)

    def final_terms(self) -> Sequence[Term]:
        share, reason = self._reached()
        return (Outcome(self.outcome, calls=True, over=True, share=share, reason=reason).end(),)

    def finished(self, completion: Completion) -> bool:
        return self.state.over or self.failed

    def extra_info(self, over: bool) -> dict[str, Any]:
        state, entry, name = self.ended() if over else self.state, self._entry, self.memories.name
        memory = entry.category.startswith("memory") and name
        label = f"{entry.category}_{name}" if memory else entry.category
        return {"category": label, "user_turn": state.turn, "remembered": self._remembered() if over else None}

    def judge(self) -> Verdict:
        entry = self._entry
        if entry.question is not None:
            return check(self.state.said, entry.question.answers)
        played = self.ended().verdict
        share, lacks = self._reached()
        return played if share == 1 or not played.success else Verdict(False, lacks)

    @classmethod
    def summarize(cls, trajectories: Iterable[Trajectory]) -> dict[str, Any]:
        """Accuracy per category and the leaderboard's scores: see aggregate.summarize."""
        return aggregate.summarize(trajectories)

    @property
    def _entry(self) -> AgenticEntry:
        entry: AgenticEntry = self.task.data
        return entry

    def _keep_memory(self) -> None:
        """Store what the model has written down, if a conversation that makes a memory has ended."""
        entry = self._entry
        if self.state.over and entry.conversation is not None and not self.failed:
            try:
                self.memories.keep(entry.category.removesuffix("_prereq"), entry.conversation, self.state.memory())
            except MissingMemory as error:
                self.fail(str(error))

    def _remembered(self) -> float | None:
        """The share of the facts to be asked about that the memory holds; None for an episode that asks a question."""
        talk = self._entry.conversation
        return None if talk is None else facts.remembered(self.state.memory(), talk.scenario, talk.number)

    def _reached(self) -> tuple[float, str]:
        """The share of the goal that is reached now, and in words what is missing."""
        share = self._remembered()
        if share is None:
            verdict = self.judge()
            return float(verdict.success), verdict.reason
        return share, "" if share == 1 else f"the memory lacks {1 - share:.0%} of what will be asked"


def _said(completion: Completion) -> str:
    """What a text that calls nothing says to the user: the official verdict looks at that."""
    if completion.response is not None:
        return completion.response
    return completion.text.rpartition(CLOSE)[2]
