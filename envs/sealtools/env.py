"""SealToolsEnv: the requests of Seal-Tools, each answered by one to six calls at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from toolgym.checks import whole_number
from toolgym.dialects import Dialect
from toolgym.env import ToolEnv
from toolgym.grading import NOT_ACTED, grade
from toolgym.rewards import Evidence, Reward, Scores
from toolgym.tasks import Task
from toolgym.tasks.gold import gold_thought
from toolgym.types import Completion, Term, ToolCall, Trajectory, Verdict

from . import aggregate
from .official import accepted, count
from .tasks import Entry, tasks


class SealToolsEnv(ToolEnv):
    """Seal-Tools (Wu et al. 2024, arXiv 2405.08355): ``ToolGym-SealTools-v0``.

    The model gets a request and tools, and answers with all calls at once. Nothing is run. In nested tasks a call uses
    a result of an earlier call, by its number: "API_call_0" is the first output of the first call. Such a text may
    stand for a value of any type. The description of a tool lists its outputs. The official answer format also lists
    the numbers of each call's outputs. They follow from the tools, so here the model does not write them.

    Success: exactly the expected calls, in any order. Values are compared by their text, as the official metrics do
    (official.py): "63" equals 63; 1 does not equal 1.0.

    Reward: the rubric's, against the expected calls. Values are compared in the same way.

    ``summarize`` gives the official metrics: format accuracy; precision, recall and F1 of tools and of parameters. The
    terms ``tools_right``, ``tools_expected``, ``params_right`` and ``params_expected`` are their counts, with weight 0.

    The scores do not compare with the paper's. There, a trained retriever chooses the five tools on offer, and an
    expected tool may be missing. Here the expected tools are always on offer, and the other tools are drawn. The
    official reader also takes an apostrophe in a value for a quotation mark; here a dialect reads the calls.

    The rows were written by a language model. In 13 to 21 rows of each split at hand, the expected calls have a number
    that the request does not have.

    ``info`` also has:

    - ``category``: "single" (one call), "multiple", or "nested" (a call uses a result of another call);
    - ``flag``: the defect of the row, or None (17 of the 2,054 rows of val, test and test_unseen);
    - ``known_unpassable``: why no natural answer can be the expected answer, or None (2 of these rows).

    Args:
        split: "train" (12,022 rows, train.jsonl), "val" (700, dev.jsonl), "test" (700, test_in_domain.jsonl) or
            "test_unseen" (654, test_out_domain.jsonl). No request is in two of val, test and test_unseen, but tools
            are: val calls 553 of the 1,341 tools that test calls, and 399 of the 1,034 that test_unseen calls. Each row
            of test_unseen calls a tool of four areas (HELD_OUT in offer.py). val and test neither call nor offer these
            94 tools, and train does not offer them beside the expected tools.
        category: one of the three, several (a list, or names with commas between them), or None for all.
        num_tools: number of tools on offer, 5 as in the paper; more if more are expected. The others are drawn from
            the fields of the expected tools, then from their areas, then from all.
        seed: chooses the tools on offer beside the expected tools, and their order.
        dialect, rubric, and further arguments: see ToolEnv. In dialects that write calls as Python does, names that
            cannot be written there are changed.

    Version history:
        v0: the four splits.
    """

    def __init__(
        self,
        split: str = "test",
        category: str | Iterable[str] | None = None,
        num_tools: int = 5,
        seed: int = 0,
        dialect: str | Dialect = "toolrl",
        rubric: str | Reward = "toolrl",
        **kwargs: Any,
    ):
        whole_number("num_tools", num_tools, 1)
        whole_number("seed", seed, 0)
        super().__init__(
            tasks(split, category, num_tools, seed, dialect),
            dialect=dialect,
            rubric=rubric,
            **{"max_turns": 1, **kwargs},
        )
        self.state: Verdict | None
        """The verdict on the episode's only action; None before the action."""

    def start(self, task: Task) -> None:
        self.state = None

    def expected(self, completion: Completion) -> tuple[ToolCall, ...]:
        return accepted(self.task.expected[0], completion.calls)

    def on_score(self, scores: Scores, evidence: Evidence) -> Sequence[Term]:
        # Graded here, where the calls are already matched for the reward: verdict and reward agree
        self.state = grade(evidence)
        found = count(self.task.expected[0], evidence.completion.calls)
        return [
            Term("tools_right", found.tools_right, 0.0),
            Term("tools_expected", found.tools_expected, 0.0),
            Term("params_right", found.params_right, 0.0),
            Term("params_expected", found.params_expected, 0.0),
        ]

    def finished(self, completion: Completion) -> bool:
        return True

    def judge(self) -> Verdict:
        return self.state or NOT_ACTED

    def extra_info(self, over: bool) -> dict[str, Any]:
        entry: Entry = self.task.data
        return {"category": entry.category, "flag": entry.flag, "known_unpassable": entry.unpassable}

    def stratum(self, task: Task) -> tuple[str, ...]:
        """The category."""
        return (task.data.category,)

    def gold(self, task: Task) -> tuple[str, ...]:
        """The gold action: the expected calls, after a thought that names them."""
        calls = task.expected[0]
        return (self.dialect.render(Completion("", calls, gold_thought(calls))),)

    @classmethod
    def summarize(cls, trajectories: Iterable[Trajectory]) -> dict[str, Any]:
        """The official metrics, per category and over all episodes: see aggregate.summarize."""
        return aggregate.summarize(trajectories)
