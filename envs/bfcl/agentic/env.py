"""AgenticEnv: BFCL's agentic categories, answered from a memory that the model made, or from the web."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from toolgym.assets import cache_folder
from toolgym.dialects import Dialect
from toolgym.dialects.think import CLOSE
from toolgym.rewards import Reward, get_rubric
from toolgym.rewards.extended import ExtendedReward
from toolgym.tasks import Task
from toolgym.types import Completion, Term, ToolCall, Trajectory, Verdict

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

    Reward: a final answer earns the rubric's, less ``price`` if it is wrong. On the way to it a call earns nothing, and
    costs something if it is malformed or fails (see agentic/reward.py). At the end of a conversation counts how much of
    what will be asked about it, and about those before, the memory has.

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
        price: what a wrong answer costs.
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
        price: float = 6.0,
        dialect: str | Dialect = "toolrl",
        rubric: str | Reward = "toolrl",
        max_turns: int | None = None,
        max_calls: int = 1000,
        **kwargs: Any,
    ):
        if split != "test":
            raise ValueError(f"BFCL has only the split 'test', got {split!r}")
        if price < 0:
            raise ValueError(f"price is what a wrong answer costs; it must not be negative, got {price}")
        self.categories = categories(category)
        self.memories = get_memories(memory)
        folder = web_folder or cache_folder() / "bfcl-web"
        self.web = get_web(web, folder, web_options) if isinstance(web, str) else web
        self.price = price
        self._waits = web != "replay"
        if max_turns is None:
            max_turns = MAX_STEPS * (MOST_MESSAGES if set(self.categories) & set(PREREQ) else 1)
        super().__init__(
            AgenticTasks(self.categories, self.memories, self._waits),
            dialect,
            ExtendedReward(get_rubric(rubric)),
            max_turns=max_turns,
            max_calls=max_calls,
            **kwargs,
        )
        self.rubric: ExtendedReward
        self.state: AgenticDialogue
        self._remembered: float | None = None

    def functions(self) -> Mapping[str, Function]:
        return waiting() if self._waits and self._entry.category.startswith("web") else super().functions()

    def start(self, task: Task) -> None:
        entry: AgenticEntry = task.data
        self.state = AgenticDialogue(entry, self._prompted, self.web)
        self._remembered = None
        if entry.missing is not None:
            self.fail(entry.missing)

    def save_state(self) -> Dialogue:
        saved = super().save_state()
        del saved.web  # type: ignore[attr-defined]
        return saved

    def load_state(self, saved: Dialogue) -> None:
        super().load_state(saved)
        self.state.web = self.web

    def expected(self, completion: Completion) -> tuple[ToolCall, ...]:
        """The action's own calls, where they can be run: any are as good. Also settles what the episode comes to."""
        state, calls = self.state, self.runs(completion)
        if state.failure is not None:
            self.fail(state.failure)
        if not calls:
            state.said = _said(completion)
        last = state.steps + 1 >= MAX_STEPS if calls else state.turn + 1 >= len(state.entry.gold)
        over = last or self._failure is not None or len(self.turns) + 1 >= self.max_turns
        outcome = Outcome(self.price, calls, over)
        if over:
            outcome.share, outcome.reason = self._reached()
        self.rubric.further = outcome.terms
        known = self.functions()
        return tuple([ToolCall(call.name, call.arguments) for call in completion.calls if calls and call.name in known])

    def final_terms(self) -> Sequence[Term]:
        share, reason = self._reached()
        return (Outcome(self.price, calls=True, over=True, share=share, reason=reason).end(),)

    def finished(self, completion: Completion) -> bool:
        over = super().finished(completion)
        entry = self._entry
        if over and entry.conversation is not None and self._failure is None:
            try:
                self.memories.keep(entry.category.removesuffix("_prereq"), entry.conversation, self.state.memory())
            except MissingMemory as error:
                self.fail(str(error))
        return over or self._failure is not None

    def extra_info(self, over: bool) -> dict[str, Any]:
        state, entry, name = self.state, self._entry, self.memories.name
        if over:
            state.cut()
        memory = entry.category.startswith("memory") and name
        label = f"{entry.category}_{name}" if memory else entry.category
        return {"category": label, "user_turn": state.turn, "remembered": self._remembered if over else None}

    def judge(self) -> Verdict:
        entry = self._entry
        if entry.question is not None:
            return check(self.state.said, entry.question.answers)
        played = self.state.verdict
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

    def _reached(self) -> tuple[float, str]:
        """How much of what counts is reached now, and in words what is not."""
        talk = self._entry.conversation
        if talk is None:
            verdict = self.judge()
            return float(verdict.success), verdict.reason
        share = self._remembered = facts.remembered(self.state.memory(), talk.scenario, talk.number)
        return share, "" if share == 1 else f"the memory lacks {1 - share:.0%} of what will be asked"


def _said(completion: Completion) -> str:
    """What a text that calls nothing says to the user: the official verdict looks at that."""
    if completion.response is not None:
        return completion.response
    return completion.text.rpartition(CLOSE)[2]
