"""RowsEnv: conversations of the user's own, turn by turn or whole."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

from toolgym.checks import flag, whole_number
from toolgym.dialects import Dialect, get_dialect
from toolgym.env import ToolEnv
from toolgym.grading import NOT_ACTED, grade, same_call, told_nothing
from toolgym.rewards import Evidence, Reward, Scores
from toolgym.tasks import Task
from toolgym.toolrl_prompts import Prompt, choose_prompt
from toolgym.tools import Tool
from toolgym.types import CallRecord, Completion, Message, Term, ToolCall, ToolResult, Verdict

from .conversation import Turn
from .reading import read
from .tasks import Entry, RowTasks, gold_text, unwritable

EXAMPLE = Path(__file__).with_name("example.jsonl")
"""The rows that are played if no file is named."""


class RowsEnv(ToolEnv):
    """Conversations from a file: ``ToolGym-Rows-v0``.

        gym.make("ToolGym-Rows-v0", path="mine.jsonl")

    Each turn of the assistant is a decision: the model gets the conversation so far and the tools, and its calls are
    compared with the recorded calls. Nothing is run. With ``whole=True`` an episode is the whole conversation: as long
    as the model makes the recorded calls, it gets the recorded results and the next message of the user. The episode
    ends at the first turn with other calls, since no result of theirs is recorded.

    SFT imitates the recorded words, reasoning and calls.

    Success: exactly the recorded calls, in any order; without recorded calls: no call, and a response (see
    toolgym/grading.py). In a whole conversation: in every turn.

    Files: JSON lines, a JSON array, both also in gzip, and Parquet (extra ``toolrl``). Layouts: OpenAI's messages with
    ``tools`` and ``tool_calls`` (or ``functions`` and ``function_call``), ShareGPT's and Hermes' conversations, a
    query with answers, and ToolRL's rows. Calls may stand in the text, between ``<tool_call>`` tags. ``toolgym data
    FILE`` says how a file is read. Rows that cannot be played are left out, with a warning that names and counts them.

    ``info`` also has:

    - ``category``: "one call", "several calls" (in some turn) or "no call";
    - ``known_unpassable``: why the recorded answer cannot be written in the dialect, or None.

    Args:
        path: the file. Without one, the rows of envs/rows/example.jsonl are played.
        split: "all"; or "train", "val" or "test", which share no conversation. A conversation's split depends on the
            seed, its system message and the user's first words. So appended rows move no other row, and conversations
            that begin alike are in one split.
        held_out: the share of the conversations that is in "val", and in "test".
        whole: whether an episode is a whole conversation.
        category: one of the three, several (a list, or names with commas between), or None for all.
        seed: of the splits.
        prompt: for rows in ToolRL's layout: "original", the row's messages byte for byte, or "dialect", tools and
            dialogue as in other suites. "original" is the default in the dialect "toolrl", which it teaches.
        dialect: "toolrl" by default for a file in ToolRL's layout, else "hermes".
        rubric, and further arguments: see ToolEnv. In dialects that write calls as Python does, names that cannot be
            written there are changed.

    Version history:
        v0: the layouts above.
    """

    def __init__(
        self,
        path: str | PathLike[str] | None = None,
        split: str = "all",
        held_out: float = 0.1,
        whole: bool = False,
        category: str | Iterable[str] | None = None,
        seed: int = 0,
        prompt: Prompt | None = None,
        dialect: str | Dialect | None = None,
        rubric: str | Reward = "toolrl",
        **kwargs: Any,
    ):
        if not (path is None or isinstance(path, (str, PathLike))):
            raise TypeError(f"path names a file, got {path!r}")
        whole_number("seed", seed, 0)
        if not (isinstance(held_out, (int, float)) and 0 < held_out < 0.5):
            raise ValueError(f"held_out is a share between 0 and 0.5, got {held_out!r}")
        flag("whole", whole)
        rows = read(EXAMPLE if path is None else Path(path))
        written = get_dialect(dialect or rows.dialect)
        if set(rows.layouts) != {"toolrl"}:
            if prompt == "original":
                raise ValueError(f"prompt='original' is for rows in ToolRL's layout, and {rows.path} has others")
            prompt = prompt or "dialect"
        self.prompt = choose_prompt(prompt, written)
        self.whole = whole
        tasks = RowTasks(rows, split, category, seed, held_out, whole, written, self.prompt)
        most = rows.turns if whole else 1
        super().__init__(tasks, dialect=written, rubric=rubric, **{"max_turns": most, **kwargs})
        self.state: tuple[Verdict, ...]
        """The verdict on each turn so far."""

    def instructions(self, tools: tuple[Tool, ...]) -> str:
        """None for the original prompt, and without tools: "toolrl" alone has a layout for plain words too."""
        needed = self.prompt != "original" and (tools or self.dialect.name == "toolrl")
        return super().instructions(tools) if needed else ""

    def runs_calls(self) -> bool:
        """In whole conversations, by their recorded results."""
        return self.whole

    def start(self, task: Task) -> None:
        self.state = ()

    def prepare(self, completion: Completion, position: int) -> tuple[Tool | None, tuple[str, ...], ToolResult | None]:
        """In a whole conversation, the recorded result of a call stands for running it."""
        tool, problems, result = super().prepare(completion, position)
        return tool, problems, (self._recorded(completion, position) if self.whole else None) or result

    def on_score(self, scores: Scores, evidence: Evidence) -> Sequence[Term]:
        # Graded here, where the calls are already matched for the reward: verdict and reward agree
        self.state = (*self.state, grade(evidence))
        return told_nothing(evidence)

    def wants_response(self, expected: tuple[ToolCall, ...]) -> bool:
        """As recorded. Beside calls, a response is wanted only if the dialect keeps the two apart."""
        turn = self._turn()
        return turn is not None and turn.response is not None and (not expected or self.dialect.name == "toolrl")

    def finished(self, completion: Completion) -> bool:
        return len(self.state) >= len(self.task.expected) or not all(verdict.success for verdict in self.state)

    def reply(self, completion: Completion, records: Sequence[CallRecord]) -> tuple[Message, ...]:
        """What the user said next."""
        entry: Entry = self.task.data
        return entry.replies[len(self.state) - 1]

    def judge(self) -> Verdict:
        """The first turn that is not as recorded; success without such a turn, if all turns were played."""
        if not self.state:
            return NOT_ACTED
        wanted = len(self.task.expected)
        for i, verdict in enumerate(self.state, 1):
            if not verdict.success:
                where = f"turn {i} of {wanted}: " if wanted > 1 else ""
                return Verdict(False, where + verdict.reason, verdict.error_type)
        if len(self.state) < wanted:
            return Verdict(False, f"{len(self.state)} of {wanted} turns were played", "unfinished")
        return self.state[-1]

    def extra_info(self, over: bool) -> dict[str, Any]:
        entry: Entry = self.task.data
        return {"category": entry.category, "known_unpassable": entry.unpassable}

    def stratum(self, task: Task) -> tuple[str, ...]:
        """The category."""
        return (task.data.category,)

    def gold(self, task: Task) -> tuple[str, ...]:
        """The recorded turns. With the original prompt it is the row's own text, if the text has the right layout."""
        entry: Entry = task.data
        original = entry.conversation.original
        if original is not None and self.prompt == "original":
            text, (turn,) = original.gold.strip(), entry.turns
            has = {"calls": bool(turn.calls), "response": turn.response is not None}
            if self.dialect.well_formed(self.dialect.parse(text), **has) and not unwritable(turn, text, self.dialect):
                return (text,)
        return tuple([gold_text(turn, self.dialect) for turn in entry.turns])

    def _turn(self) -> Turn | None:
        """The recorded turn that the next action is compared with."""
        turns: tuple[Turn, ...] = self.task.data.turns
        return turns[self.acted] if self.acted < len(turns) else None

    def _recorded(self, completion: Completion, position: int) -> ToolResult | None:
        """The recorded result of a call; of equal calls, each its own."""
        turn = self._turn()
        if turn is None or position >= self.max_calls:
            return None
        call = completion.calls[position]
        earlier = sum(same_call(each, call) for each in completion.calls[:position])
        found = [text for gold, text in zip(turn.calls, turn.results, strict=False) if same_call(gold, call)]
        text = found[earlier] if earlier < len(found) else None
        return None if text is None else ToolResult(text)
