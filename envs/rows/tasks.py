"""A file's conversations as tasks: one for each turn of the assistant, or one for each conversation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

import msgspec

from toolgym.dialects import Dialect
from toolgym.dialects.names import Names
from toolgym.grading import same_call
from toolgym.tasks import LazyTasks, Task, select
from toolgym.tasks.gold import gold_thought
from toolgym.toolrl_prompts import Prompt, read_messages
from toolgym.tools import Tool
from toolgym.types import CallRecord, Completion, Message, ToolResult, message

from .conversation import Conversation, Part, Said, Turn
from .reading import Rows, read

SPLITS = ("all", "train", "val", "test")
CATEGORIES = ("one call", "several calls", "no call")


class Entry(msgspec.Struct, frozen=True):
    """The data of a task."""

    conversation: Conversation
    turns: tuple[Turn, ...]
    """The turns to be played, with names as the dialect has them."""
    replies: tuple[tuple[Message, ...], ...]
    """What is said to the assistant after each turn, beside the results."""
    category: str
    unpassable: str | None
    """Why the recorded answer cannot be the expected one in this dialect, or None."""


def split_of(conversation: Conversation, seed: int, held_out: float) -> str:
    """The split of a conversation, from the seed and what is said at its beginning: "val" and "test" each get
    ``held_out`` of all beginnings, and with a larger share keep what they have."""
    written = f"{seed} {conversation.key}".encode("utf-8", "surrogatepass")
    at = int.from_bytes(blake2b(written, digest_size=8).digest(), "big") / 2**64
    return "val" if at < held_out else "test" if at >= 1 - held_out else "train"


def split_sizes(path: str | Path, seed: int, held_out: float) -> Counter[str]:
    """Split -> conversations of a file in it. Raises what ``reading.read`` raises."""
    return Counter(split_of(each, seed, held_out) for each in read(path).conversations)


class RowTasks(LazyTasks):
    """The tasks of a file, made on demand.

    The id of a task is the place of its row, and the number of its turn: "line-12-turn-1", or "line-12" if whole
    conversations are played. Raises ValueError for a split or category without tasks.
    """

    def __init__(
        self, rows: Rows, split: str, category: str | Iterable[str] | None, seed: int, held_out: float, whole: bool,
        dialect: Dialect, prompt: Prompt,
    ):  # fmt: skip
        wanted = select("category", category, CATEGORIES)
        self.rows, self.whole, self.dialect, self.prompt = rows, whole, dialect, prompt
        self.held_out = held_out
        self.sizes = dict.fromkeys(SPLITS, 0)  # type: ignore[misc]  # here the sizes depend on the file
        super().__init__(split, seed)
        self._places: list[_Place] = []
        for i, conversation in enumerate(rows.conversations):
            if split in ("all", split_of(conversation, seed, held_out)):
                self._places += [place for place in _places(i, conversation, whole) if place.category in wanted]
        self.sizes[split] = len(self._places)
        self._category = category
        if not self._places:
            what = f"split {split!r}" if category is None else f"category {category!r} of split {split!r}"
            more = "; with a larger held_out it gets more" if split in ("val", "test") else ""
            raise ValueError(f"{rows.path}: {what} has none of its {len(rows.conversations)} conversations{more}")

    def __repr__(self) -> str:
        chosen = f"{self.split!r}, seed={self.seed}, held_out={self.held_out}, category={self._category!r}"
        return f"RowTasks({self.rows.digest}, {chosen}, whole={self.whole}, prompt={self.prompt!r})"

    @property
    def counts(self) -> Counter[str]:
        """Category -> tasks."""
        return Counter(place.category for place in self._places)

    def kind(self, index: int) -> str:
        return self._places[index].name

    def find(self, task_id: str) -> Task:
        try:
            return self[self._index[task_id]]
        except (KeyError, TypeError):
            some = ", ".join([place.name for place in self._places[:3]])
            raise KeyError(f"no task {task_id!r} among {len(self)} of {self.about}, such as {some}") from None

    @property
    def _index(self) -> dict[str, int]:
        if not hasattr(self, "_found"):
            self._found = {place.name: i for i, place in enumerate(self._places)}
        return self._found

    def make(self, index: int) -> Task:
        name, row, at, category = self._places[index]
        conversation, names = self.rows.conversations[row], Names(self.dialect)
        tools = _renamed(conversation.tools, self.dialect)
        for tool in conversation.tools:  # the names of tools come first, so that they stay what they are in `tools`
            names.tool(tool)
        before = self._opening(conversation, at, names)
        rest = conversation.parts[at:] if self.whole else conversation.parts[at : at + 1]
        turns, replies = list[Turn](), list[tuple[Message, ...]]()
        for part in rest:
            if isinstance(part, Turn):
                turns.append(_named(part, names))
                replies.append(())
            else:
                replies[-1] = (*replies[-1], message(part.role, part.text))
        expected = tuple([turn.calls for turn in turns])
        problems = [unwritable(turn, gold_text(turn, self.dialect), self.dialect) for turn in turns]
        unpassable = next(filter(None, problems), None)
        entry = Entry(conversation, tuple(turns), tuple(replies), category, unpassable)
        return Task(name, before, tools, expected, turns[-1].response, self.split, entry)

    def _opening(self, conversation: Conversation, at: int, names: Names) -> tuple[Message, ...]:
        """The messages before a turn."""
        original = conversation.original
        if original is not None:
            if self.prompt == "original":
                return message("system", original.system), message("user", original.user)
            return read_messages(original.user, self.dialect, names.call)
        out = [message("system", conversation.system)] if conversation.system else []
        for part in conversation.parts[:at]:
            out += _messages(part, self.dialect, names)
        return tuple(out)


class _Place(NamedTuple):
    """Where a task is in a file."""

    name: str
    row: int
    at: int
    """The part of the conversation that is played first."""
    category: str


def _places(row: int, conversation: Conversation, whole: bool) -> Iterator[_Place]:
    """The tasks of a conversation."""
    name, played = conversation.place.replace(" ", "-"), conversation.decisions
    if whole:
        yield _Place(name, row, played[0], category_of(conversation.parts[played[0] :]))
        return
    wanted, number = set(played), 0
    for at, part in enumerate(conversation.parts):
        if isinstance(part, Turn):
            number += 1
            if at in wanted:
                yield _Place(f"{name}-turn-{number}", row, at, category_of([part]))


def _messages(part: Part, dialect: Dialect, names: Names) -> list[Message]:
    """A part of the conversation as the messages that playing it would have given."""
    if isinstance(part, Said):
        return [message(part.role, part.text)]
    turn = _named(part, names)
    results = turn.results or (None,) * len(turn.calls)
    records = [
        CallRecord(call, None if result is None else ToolResult(result))
        for call, result in zip(turn.calls, results, strict=True)
    ]
    return [message("assistant", gold_text(turn, dialect)), *dialect.results(records)]


def gold_text(turn: Turn, dialect: Dialect) -> str:
    """A turn as an action in a dialect: the recorded reasoning, words and calls.

    What a dialect cannot write is left out: first words beside calls, then the reasoning. "toolrl" requires a thought:
    for a turn without reasoning it names the calls.
    """
    own = None
    if dialect.name == "toolrl":
        own = gold_thought(turn.calls) if turn.calls else "No tool is needed."
    words = (turn.response, None) if turn.calls else (turn.response,)
    text = ""
    for think in dict.fromkeys((turn.think or own, own)):
        for response in words:
            text = dialect.render(Completion("", turn.calls, think, response))
            if not unwritable(turn, text, dialect):
                return text
    return text


def unwritable(turn: Turn, text: str, dialect: Dialect) -> str | None:
    """Why a turn's text is not read as what was recorded; None if it is."""
    read = dialect.parse(text)
    if len(read.calls) != len(turn.calls):
        return f"the dialect {dialect.name} reads {len(read.calls)} calls in the recorded answer"
    if not all(map(same_call, turn.calls, read.calls)):
        return f"the dialect {dialect.name} reads other calls in the recorded answer"
    said = read.response is not None
    if not dialect.well_formed(read, calls=bool(turn.calls), response=said) or not (said or turn.calls):
        return f"the recorded answer cannot be written in the dialect {dialect.name}"
    return None


def _named(turn: Turn, names: Names) -> Turn:
    return msgspec.structs.replace(turn, calls=tuple(map(names.call, turn.calls)))


@lru_cache(maxsize=4096)
def _renamed(tools: tuple[Tool, ...], dialect: Dialect) -> tuple[Tool, ...]:
    """The tools with their names in the dialect: the same tuple for the same tools."""
    names = Names(dialect)
    return tools if dialect.any_name else tuple(map(names.tool, tools))


def category_of(turns: Sequence[Part]) -> str:
    """The category by the most calls of a turn."""
    most = max((len(turn.calls) for turn in turns if isinstance(turn, Turn)), default=0)
    return CATEGORIES[0] if most == 1 else CATEGORIES[1] if most else CATEGORIES[2]
