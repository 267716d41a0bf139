"""BFCLEnv: the single-turn rows of the Berkeley Function-Calling Leaderboard, one action each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from toolgym.dialects import Dialect
from toolgym.dialects.pythonic import Pythonic
from toolgym.env import ToolEnv
from toolgym.grading import NOT_ACTED, no_decision
from toolgym.rewards import Evidence, Reward, Scores
from toolgym.tasks import Task
from toolgym.types import Completion, Term, ToolCall, ToolResult, Trajectory, Verdict

from . import aggregate
from .closest import closest
from .formats.configuration import CONFIGURATIONS
from .formats.dialect import return_format
from .formats.tasks import FormatEntry, load_formats
from .grading import Entry, grade, language_of
from .official import as_malformed, beside_text, overlooked, without_calls
from .source_text import read_action, require, write_call
from .tasks import FORMAT_SENSITIVITY, categories, load
from .unpassable import UNPASSABLE


class BFCLEnv(ToolEnv):
    """Berkeley Function-Calling Leaderboard v4 (bfcl_eval 2026.3.23): ``ToolGym-BFCL-v0``.

    The model gets function descriptions and a request, and answers once, with calls or without. Nothing is run: the
    calls are compared with the accepted calls.

    Verdict: the official verdict (see grading.py). In the dialects "pythonic" and "compact", the text is read as the
    official decoder reads a prompted model's text. In the Java and JavaScript categories, a text in "pythonic" is Java
    or JavaScript source, which needs ``pip install toolgym[bfcl]``. In the other dialects, values of these two
    languages are source text in strings.

    Reward: the rubric's, against the accepted answer that is closest to the calls (see closest.py). With the default
    rubric, calls that pass get the highest correctness and calls that fail get less. There are two exceptions:

    - On rows in ``UNPASSABLE``, a natural answer gets the highest correctness and still fails.
    - The categories irrelevance and relevance only ask whether there is a call. The official decoder counts a call
      without a name as a call, and a malformed call as none. Such an answer may pass, but loses correctness.

    Words or a code fence around a call cost the format's point. In "pythonic", "compact" and "openai" the official
    decoder finds no call there: the verdict counts none, and the reward scores the call and takes a further point. In
    irrelevance and relevance it counts as a malformed call.

    An answer that was cut off, filtered or refused (``UnfinishedAnswer``) does not pass by not calling; the official
    harness does not look at how an answer ended.

    The category ``format_sensitivity`` asks 200 of the rows in 26 configurations each. A configuration chooses the
    format of the calls (Python, JSON, two kinds of XML), whether they stand in a <TOOLCALL> tag, the format of the
    functions' docs, and the wording of the prompt. Task ids and system prompts are the official ones. The configuration
    takes the place of the dialect: an action is read as the official decoder of its format reads it. No official score
    counts this category, so no group has it. ``summarize`` gives the figures that the leaderboard shows: the standard
    deviation and the largest difference of the configurations' accuracies.

    ``info`` also has ``category`` and ``known_unpassable``: why no natural answer can pass this row, or None.

    Args:
        category: a name in ``tasks.COUNTS``; several names, as a list or with commas between; a group: "non_live",
            "live" or "all"; or "format_sensitivity" alone.
        split: "test"; BFCL has no training split.
        dialect: see ToolEnv; by default "toolrl". In format_sensitivity leave it out, or give "pythonic".
        rubric, and further arguments: see ToolEnv.

    Version history:
        v0: the 13 single-turn categories, 3,641 rows; and format_sensitivity, 5,200 rows.
    """

    def __init__(
        self,
        category: str | Iterable[str] = "all",
        split: str = "test",
        dialect: str | Dialect | None = None,
        rubric: str | Reward = "toolrl",
        **kwargs: Any,
    ):
        if split != "test":
            raise ValueError(f"BFCL has only the split 'test', got {split!r}")
        self.categories = categories(category)
        self._brings_formats = self.categories == (FORMAT_SENSITIVITY,)
        if self._brings_formats:
            tasks, dialect = list(load_formats()), _format_dialect(dialect)
        else:
            tasks = [task for name in self.categories for task in load(name)]
        super().__init__(tasks, dialect=dialect or "toolrl", rubric=rubric, **{"max_turns": 1, **kwargs})
        self._prompted = isinstance(self.dialect, Pythonic)
        self._reads_source = isinstance(self.dialect, Pythonic) and self.dialect.own_language
        self.state: Verdict | None
        """The official verdict on the episode's only action; None before the action."""
        if self._reads_source:
            for name in self.categories:
                require(language_of(name))

    def parse(self, text: str) -> Completion:
        language = self.task.data.language
        if self._reads_source and language != "python":
            return read_action(text, language)
        completion = self.dialect.parse(text)
        if "relevance" in self.task.data.category and overlooked(self.dialect, completion):
            return as_malformed(completion)
        return completion

    def start(self, task: Task) -> None:
        self.state = None
        self._take_format(task)

    def load_state(self, saved: Verdict | None) -> None:
        super().load_state(saved)
        self._take_format(self.task)

    def _take_format(self, task: Task) -> None:
        if self._brings_formats:
            self.dialect = return_format(task.data.configuration)

    def on_action(self, completion: Completion, results: Sequence[ToolResult | None]) -> tuple[ToolCall, ...]:
        # Graded here, once: ``judge`` only returns the verdict, and a snapshot keeps it as the episode's state
        entry: Entry = self.task.data
        read = completion
        if isinstance(entry, FormatEntry):
            verdict = entry.grade(completion)
        else:
            if overlooked(self.dialect, completion):
                read = without_calls(completion)
            verdict = grade(entry, read, source_text=self._prompted)
        if verdict.success and completion.unfinished is not None and all(call.error for call in read.calls):
            verdict = no_decision(completion.unfinished)
        self.state = verdict
        return self.expected(completion)

    def on_score(self, scores: Scores, evidence: Evidence) -> Sequence[Term]:
        missed = evidence.expected and overlooked(self.dialect, evidence.completion)
        return (beside_text(),) if missed and "relevance" not in self.task.data.category else ()

    def expected(self, completion: Completion) -> tuple[ToolCall, ...]:
        return closest(self.task.data, completion.calls)

    def finished(self, completion: Completion) -> bool:
        return True

    def judge(self) -> Verdict:
        return self.state or NOT_ACTED

    def extra_info(self, over: bool) -> dict[str, Any]:
        entry: Entry = self.task.data
        known = entry.known_unpassable if isinstance(entry, FormatEntry) else UNPASSABLE.get(self.task.id)
        return {"category": entry.category, "known_unpassable": known}

    def needed_values(self, task: Task) -> Iterable[Any]:
        """All accepted values, and the response."""
        return (task.response, task.data.ground_truth)

    def stratum(self, task: Task) -> tuple[str, ...]:
        """The category."""
        return (task.data.category,)

    def gold(self, task: Task) -> tuple[str, ...]:
        """An accepted answer: the first accepted alternatives, without optional parameters.

        In "pythonic", in "compact" and in format_sensitivity the answer has no thought, so that BFCL's own decoder can
        read it too.
        """
        entry: Entry = task.data
        calls = closest(entry, ())
        if isinstance(entry, FormatEntry):
            return (return_format(entry.configuration).render(Completion("", calls)),)
        if not calls:
            think = None if self._prompted else "None of the functions does what is asked."
            return (self.dialect.render(Completion("", (), think, "None of the functions can do this.")),)
        think = None if self._prompted else f"Call {', '.join(call.name for call in calls)}."
        if not self._reads_source or entry.language == "python":
            return (self.dialect.render(Completion("", calls, think)),)
        answers = zip(entry.checker.answers, calls, strict=True)
        source = ", ".join(write_call(call, answer.schemas, entry.language) for answer, call in answers)
        return (f"[{source}]",)

    @classmethod
    def summarize(cls, trajectories: Iterable[Trajectory]) -> dict[str, Any]:
        """Accuracy per category and the leaderboard's scores: see aggregate.summarize."""
        return aggregate.summarize(trajectories)


def _format_dialect(given: str | Dialect | None) -> Dialect:
    """The dialect of format_sensitivity before the first task. Raises ValueError if another dialect is asked for."""
    name = given if isinstance(given, str) else getattr(given, "name", None)
    first = return_format(CONFIGURATIONS[0])
    if given is not None and name not in (Pythonic.name, first.name):
        raise ValueError(
            f"in {FORMAT_SENSITIVITY} each task brings the format of its calls, got dialect={name!r}: leave it out"
        )
    return first
