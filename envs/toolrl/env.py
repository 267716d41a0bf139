"""ToolRLEnv: the training data of the ToolRL paper, one decision per episode."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from toolgym.dialects import Dialect, get_dialect
from toolgym.env import ToolEnv
from toolgym.grading import NOT_ACTED, grade
from toolgym.rewards import Evidence, Reward, Scores
from toolgym.tasks import Task
from toolgym.tasks.gold import gold_thought
from toolgym.toolrl_prompts import Prompt, choose_prompt
from toolgym.tools import Tool
from toolgym.types import Completion, Term, ToolCall, Verdict

from .tasks import Entry, tasks


class ToolRLEnv(ToolEnv):
    """The data of ToolRL (Qian et al. 2025, arXiv 2504.13958): ``ToolGym-ToolRL-v0``.

    The model gets a dialogue so far and tools, and writes the next turn: calls, a response, or both. Nothing is run.
    The rows were drawn from ToolACE, Hammer and xLAM and are fetched from the paper's repository.

    Reward: the rubric's, against the row's gold answer. With ``rubric="toolrl-reference"`` and the original prompt it
    is the paper's training signal, bit for bit.

    Success: exactly the expected calls, in any order. If no call is expected: no call, and a response (see
    toolgym/grading.py).

    ``info`` also has:

    - ``category``: "one call", "several calls", "no call" or "withheld";
    - ``flag``: the defect of the row, or None. Flagged are golds whose thought mentions ``<tool_call>``, on which the
      released reward crashes (17 in sft), and golds that call a tool or pass a parameter that the prompt does not have
      (9 in sft, 1 in test);
    - ``known_unpassable``: why no natural answer can be the expected answer, or None.

    A gold value often does not have the type that the prompt names: rows from ToolACE want "1" for an int.

    Args:
        split: "train" (3,920 rows) or "test" (80), both as in the paper, or "sft" (400, with long thoughts). The first
            two are Parquet files: ``pip install 'toolgym[toolrl]'``.
        prompt: "original": the system and user messages of the row, byte for byte. They teach ToolRL's syntax, and are
            the default with the dialect "toolrl". "dialect": as in other suites, and the default with other dialects:
            the dialect's instructions list the tools, and the records of the dialogue become messages. In "pythonic",
            "compact" and "openai", names that are not Python identifiers are changed.
        withhold: turn rows into tasks in which nothing should be called: the tools that the gold answer calls are
            left out, and the other tools are offered. Rows without calls, rows without another tool, and rows whose
            dialogue has called the tool already are not used. In some rows another tool may still do; these rows are
            not known. Needs ``prompt="dialect"``.
        dialect, rubric, and further arguments: see ToolEnv.

    Version history:
        v0: the three splits.
    """

    def __init__(
        self,
        split: str = "test",
        prompt: Prompt | None = None,
        withhold: bool = False,
        dialect: str | Dialect = "toolrl",
        rubric: str | Reward = "toolrl",
        **kwargs: Any,
    ):
        prompt = choose_prompt("dialect" if withhold and prompt is None else prompt, get_dialect(dialect))
        if prompt == "original" and withhold:
            raise ValueError("the original prompt lists all tools: withhold needs prompt='dialect'")
        super().__init__(
            tasks(split, prompt, dialect, withhold), dialect=dialect, rubric=rubric, **{"max_turns": 1, **kwargs}
        )
        self.prompt = prompt
        self.state: Verdict | None
        """The verdict on the episode's only action; None before the action."""

    def instructions(self, tools: tuple[Tool, ...]) -> str:
        return "" if self.prompt == "original" else super().instructions(tools)

    def start(self, task: Task) -> None:
        self.state = None
        if task.data.unreadable:
            self.fail(f"the expected calls of {task.id} cannot be read: {task.data.unreadable}")

    def expected(self, completion: Completion) -> tuple[ToolCall, ...]:
        calls: tuple[ToolCall, ...] = self.task.expected[0]
        return calls

    def on_score(self, scores: Scores, evidence: Evidence) -> Sequence[Term]:
        # Graded here, where the calls are already matched for the reward: verdict and reward agree
        self.state = grade(evidence)
        return ()

    def wants_response(self, expected: tuple[ToolCall, ...]) -> bool:
        """As in the row's gold answer. Beside calls, a response is wanted only if the dialect keeps the two apart."""
        return self.task.data.response is not None and (not expected or self.dialect.name == "toolrl")

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
        """The gold action. With the original prompt it is the row's own text, if the text has the right layout; else
        the same calls and response after a short thought.
        """
        entry: Entry = task.data
        calls, response = task.expected[0], entry.response
        if self.prompt == "original":
            text = entry.row.gold.strip()
            if self.dialect.well_formed(self.dialect.parse(text), calls=bool(calls), response=response is not None):
                return (text,)
        think = gold_thought(calls) if calls else "No tool is needed."
        if entry.category == "withheld":
            think = "No tool on offer does what is asked."
        return (self.dialect.render(Completion("", calls, think, response)),)
