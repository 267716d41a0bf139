"""BFCLEnv: the single-turn rows of the Berkeley Function-Calling Leaderboard, one action each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from toolgym.dialects import Dialect
from toolgym.dialects.pythonic import Pythonic
from toolgym.env import ToolEnv
from toolgym.grading import NOT_ACTED, no_decision
from toolgym.rewards import Reward
from toolgym.tasks import Task
from toolgym.types import Completion, ToolCall, ToolResult, Trajectory, Verdict

from . import aggregate
from .closest import closest
from .grading import Entry, grade, language_of
from .source_text import read_action, require, write_call
from .tasks import categories, load
from .unpassable import UNPASSABLE


class BFCLEnv(ToolEnv):
    """Berkeley Function-Calling Leaderboard v4 (bfcl_eval 2026.3.23): ``ToolGym-BFCL-v0``.

    The model gets function descriptions and a request, and answers once, with calls or without. Nothing is run: the
    calls are compared with the accepted calls.

    Verdict: the official verdict (see grading.py). With the dialect "pythonic", the text is read as the official
    decoder reads a prompted model's text. In the Java and JavaScript categories the text is then Java or JavaScript
    source, which needs ``pip install toolgym[bfcl]``. In the other dialects, values of these two languages are source
    text in JSON strings.

    Reward: the rubric's, against the accepted answer that is closest to the calls (see closest.py). With the default
    rubric, calls that pass get the highest correctness and calls that fail get less. There are two exceptions:

    - On rows in ``UNPASSABLE``, a natural answer gets the highest correctness and still fails.
    - The categories irrelevance and relevance only ask whether there is a call. The official decoder counts a call
      without a name as a call, and a malformed call as none. Such an answer may pass, but loses correctness.

    An answer that was cut off, filtered or refused (``UnfinishedAnswer``) does not pass by not calling; the official
    harness does not look at how an answer ended.

    ``info`` also has ``category`` and ``known_unpassable``: why no natural answer can pass this row, or None.

    Args:
        category: a name in ``tasks.COUNTS``; several names, as a list or with commas between; or a group: "non_live",
            "live" or "all".
        split: "test"; BFCL has no training split.
        dialect, rubric, and further arguments: see ToolEnv.

    Version history:
        v0: the 13 single-turn categories, 3,641 rows.
    """

    def __init__(
        self,
        category: str | Iterable[str] = "all",
        split: str = "test",
        dialect: str | Dialect = "toolrl",
        rubric: str | Reward = "toolrl",
        **kwargs: Any,
    ):
        if split != "test":
            raise ValueError(f"BFCL has only the split 'test', got {split!r}")
        self.categories = categories(category)
        tasks = [task for name in self.categories for task in load(name)]
        super().__init__(tasks, dialect=dialect, rubric=rubric, **{"max_turns": 1, **kwargs})
        self._reads_source = isinstance(self.dialect, Pythonic)
        self.state: Verdict | None
        """The official verdict on the episode's only action; None before the action."""
        if self._reads_source:
            for name in self.categories:
                require(language_of(name))

    def parse(self, text: str) -> Completion:
        language = self.task.data.language
        if self._reads_source and language != "python":
            return read_action(text, language)
        return self.dialect.parse(text)

    def start(self, task: Task) -> None:
        self.state = None

    def on_action(self, completion: Completion, results: Sequence[ToolResult | None]) -> tuple[ToolCall, ...]:
        # Graded here, once: ``judge`` only returns the verdict, and a snapshot keeps it as the episode's state
        verdict = grade(self.task.data, completion, source_text=self._reads_source)
        if verdict.success and completion.unfinished is not None and all(call.error for call in completion.calls):
            verdict = no_decision(completion.unfinished)
        self.state = verdict
        return self.expected(completion)

    def expected(self, completion: Completion) -> tuple[ToolCall, ...]:
        return closest(self.task.data, completion.calls)

    def finished(self, completion: Completion) -> bool:
        return True

    def judge(self) -> Verdict:
        return self.state or NOT_ACTED

    def extra_info(self, over: bool) -> dict[str, Any]:
        return {"category": self.task.data.category, "known_unpassable": UNPASSABLE.get(self.task.id)}

    def gold(self, task: Task) -> tuple[str, ...]:
        """An accepted answer: the first accepted alternatives, without optional parameters.

        In the pythonic dialect the answer has no thought, so that BFCL's own decoder can read it too.
        """
        entry: Entry = task.data
        calls = closest(entry, ())
        if not calls:
            think = None if self._reads_source else "None of the functions does what is asked."
            return (self.dialect.render(Completion("", (), think, "None of the functions can do this.")),)
        think = None if self._reads_source else f"Call {', '.join(call.name for call in calls)}."
        if not self._reads_source or entry.language == "python":
            return (self.dialect.render(Completion("", calls, think)),)
        answers = zip(entry.checker.answers, calls, strict=True)
        source = ", ".join(write_call(call, answer.schemas, entry.language) for answer, call in answers)
        return (f"[{source}]",)

    @classmethod
    def summarize(cls, trajectories: Iterable[Trajectory]) -> dict[str, Any]:
        """Accuracy per category and the leaderboard's scores: see aggregate.summarize."""
        return aggregate.summarize(trajectories)
