"""BFCL's agentic rows as tasks: questions about a memory or the web, and conversations that make a memory."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import Any, overload

from toolgym.tasks import Task
from toolgym.tools import Tool
from toolgym.types import Message, ToolCall, ToolResult, message

from .. import wheel
from ..apis.vectors import Embeddings, embedding
from ..apis.web import PATIENCE, Unavailable, Web, using
from ..apis.world import World
from ..dialogue.dialogue import Dialogue, Entry
from ..dialogue.functions import Function, functions, run
from . import facts
from .checker import contains
from .memories import EMPTY, Memories, MissingMemory
from .rows import SCENARIOS, Conversation, Question, conversations, questions

MEMORY = tuple(EMPTY)
PREREQ = tuple(f"{category}_prereq" for category in MEMORY)
WEB_SEARCH = ("web_search_base", "web_search_no_snippet")
CATEGORIES = (*MEMORY, *WEB_SEARCH, *PREREQ)
GROUPS = {"memory": MEMORY, "web_search": WEB_SEARCH, "agentic": (*MEMORY, *WEB_SEARCH), "memory_prereq": PREREQ}

DEFAULT = ("memory_kv", "memory_rec_sum")
"""The categories that need no download beside the data."""

_CLASSES = {name: f"MemoryAPI_{name.removeprefix('memory_')}" for name in MEMORY}
_INSTRUCTIONS = {
    "memory_kv": "MEMORY_BACKEND_INSTRUCTION_CORE_ARCHIVAL",
    "memory_vector": "MEMORY_BACKEND_INSTRUCTION_CORE_ARCHIVAL",
    "memory_rec_sum": "MEMORY_BACKEND_INSTRUCTION_UNIFIED",
}
_WEB = "WebSearchAPI"


class AgenticEntry(Entry, frozen=True, dict=True, eq=False):
    """The data of an agentic episode: a dialogue without accepted calls, in which only the last message is checked."""

    question: Question | None = None
    conversation: Conversation | None = None
    missing: str | None = None
    """The reason if the memory to start from could not be loaded."""


class AgenticDialogue(Dialogue):
    """The state of an agentic episode."""

    entry: AgenticEntry

    def __init__(self, entry: AgenticEntry, decoded: bool, web: Web, embeddings: Embeddings):
        super().__init__(entry, decoded)
        self.web = web
        self.embeddings = embeddings
        self.failure: str | None = None
        """Why the web or the encoder could not be used, if the policy did not cause it."""
        self.said: str | None = None
        """The last text without a call."""

    def execute(self, call: Any) -> str:
        try:
            with using(self.web), embedding(self.embeddings):
                return super().execute(call)
        except Unavailable as error:
            self.failure = str(error)
            return f"Error during execution: {error}"

    def memory(self) -> dict[str, Any]:
        """The current content of the memory, in the form of a snapshot. Not a copy: do not modify it."""
        entry = self.entry
        category = entry.category.removesuffix("_prereq")
        parts = {field: getattr(self.world.model[entry.classes[0]], field) for field in EMPTY[category]}
        return {field: part.export() for field, part in parts.items()} if category == "memory_vector" else parts


class Waiting(Function):
    """A function that may take long: it runs parallel to other calls, and fails after PATIENCE seconds."""

    def __init__(self, doc: dict[str, Any]):
        super().__init__(doc)
        self.timeout = PATIENCE
        self.inline = False
        self.function = run

    def run(self, arguments: dict[str, Any], state: Any = None) -> ToolResult:
        return Tool.run(self, arguments, state)

    def _guarded(self, arguments: dict[str, Any], state: Any) -> ToolResult:
        return run(state, self.name, arguments)


@cache
def waiting() -> dict[str, Waiting]:
    """The functions of the web API, as Waiting functions."""
    return {name: Waiting(function.doc) for name, function in functions((_WEB,)).items()}


def searches_vectors(category: str) -> bool:
    """Whether a category needs an encoder."""
    return category.startswith("memory_vector")


def categories(category: str | Iterable[str]) -> tuple[str, ...]:
    """The selected categories: ``category`` is a name, a list of names, names separated by commas, or a group.

    Raises ValueError for an unknown name.
    """
    names = [name.strip() for name in category.split(",")] if isinstance(category, str) else list(category)
    found: dict[str, None] = {}
    known = f"there are {', '.join(CATEGORIES)}, and the groups {', '.join(GROUPS)}"
    for name in names:
        if name not in CATEGORIES and name not in GROUPS:
            raise ValueError(f"no agentic category {name!r}: {known}")
        found |= dict.fromkeys(GROUPS.get(name, (name,)))
    if not found:
        raise ValueError(f"no category given: {known}")
    return tuple(found)


class AgenticTasks(Sequence[Task]):
    """The tasks of some categories, in the official order. Each access makes a new task: its memory may have changed.

    Args:
        names: the categories.
        memories: the source of the memories.
        waits: whether web calls may take long (they are not replayed from a recording).
    """

    def __init__(self, names: Sequence[str], memories: Memories, waits: bool):
        self.names = tuple(names)
        self.memories = memories
        self.waits = waits
        self._rows = [(name, row) for name in names for row in _rows(name)]

    def __repr__(self) -> str:
        return f"AgenticTasks({', '.join(self.names)}; {self.memories.name or 'played'})"

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def counts(self) -> Counter[str]:
        """Number of tasks per category, without making a task."""
        return Counter(name for name, _ in self._rows)

    @overload
    def __getitem__(self, index: int) -> Task: ...
    @overload
    def __getitem__(self, index: slice) -> list[Task]: ...
    def __getitem__(self, index: int | slice) -> Task | list[Task]:
        if isinstance(index, slice):
            return [self._task(*row) for row in self._rows[index]]
        return self._task(*self._rows[index])

    def __iter__(self) -> Iterator[Task]:
        return (self._task(*row) for row in self._rows)

    def _task(self, category: str, row: Question | Conversation) -> Task:
        if category in WEB_SEARCH:
            return _web_task(category, row, self.waits)  # type: ignore[arg-type]
        backend, missing = category.removesuffix("_prereq"), None
        number = row.number if isinstance(row, Conversation) else None
        try:
            memory = self.memories.before(backend, row.scenario, number)
        except MissingMemory as error:
            memory, missing = EMPTY[backend], str(error)
        return _memory_task(category, backend, row, memory, missing)


def _rows(category: str) -> tuple[Question | Conversation, ...]:
    if category in PREREQ:
        return tuple([talk for scenario in SCENARIOS for talk in conversations(scenario)])
    return questions("memory" if category in MEMORY else "web_search")


def _memory_task(
    category: str, backend: str, row: Question | Conversation, memory: dict[str, Any], missing: str | None
) -> Task:
    cls = _CLASSES[backend]
    config = json.dumps({cls: {"memory": memory}}).encode()
    system = _instruction(backend, row.scenario, config)
    entry_id = row.id.replace("memory", backend, 1)
    if isinstance(row, Question):
        first = (message("system", f"{system}\n\n{_answer_format()}"), message("user", row.text))
        entry = AgenticEntry(entry_id, category, (cls,), config, ((),), (first,), question=row, missing=missing)
        return _question_task(entry, row)
    says = [(message("user", text),) for text in row.messages]
    turns: tuple[tuple[Message, ...], ...] = ((message("system", system), *says[0]), *says[1:])
    nothing: tuple[tuple[str, ...], ...] = ((),) * len(turns)
    entry = AgenticEntry(entry_id, category, (cls,), config, nothing, turns, conversation=row, missing=missing)
    expected: list[tuple[ToolCall, ...]] = []
    for turn in range(len(turns)):
        calls = facts.writes(backend, row.scenario, row.number, turn)
        expected += [calls, ()] if calls else [()]
    return Task(entry_id, turns[0], _offered(cls), tuple(expected), data=entry)


def _web_task(category: str, row: Question, waits: bool) -> Task:
    config = json.dumps({_WEB: {"show_snippet": category == "web_search_base"}}).encode()
    first = (message("system", _answer_format()), message("user", row.text))
    entry_id = row.id.replace("web_search", category, 1)
    entry = AgenticEntry(entry_id, category, (_WEB,), config, ((),), (first,), question=row)
    return _question_task(entry, row, _offered(_WEB, waits))


def _question_task(entry: AgenticEntry, row: Question, tools: tuple[Tool, ...] | None = None) -> Task:
    offered = _offered(entry.classes[0]) if tools is None else tools
    return Task(entry.id, entry.messages[0], offered, ((),), response=gold_answer(row.answers), data=entry)


@cache
def gold_answer(answers: tuple[str, ...]) -> str:
    """An accepted answer in the form that the prompt asks for.

    "$222 million" is written "US$222 million": the verdict wants a word boundary before it, and a boundary before "$"
    needs a letter or a digit on its left.
    """
    written = [str({"answer": answer, "context": "It was said."}) for each in answers for answer in (each, f"US{each}")]
    return next(text for text in written if contains(text, answers))


@cache
def _offered(cls: str, waits: bool = False) -> tuple[Tool, ...]:
    return tuple((waiting() if waits else functions((cls,))).values())


def _instruction(backend: str, scenario: str, config: bytes) -> str:
    """The system prompt of an episode with a memory, without the parts about functions and the form of answers."""
    (api,) = World((_CLASSES[backend],), config, False).model.values()
    template: str = wheel.prompt_constant(_INSTRUCTIONS[backend])
    setting: str = wheel.prompt_constant("MEMORY_AGENT_SETTINGS")[scenario]
    return template.format(scenario_setting=setting, memory_content=api._dump_core_memory_to_context())


def _answer_format() -> str:
    return str(wheel.prompt_constant("ADDITIONAL_SYSTEM_PROMPT_FOR_AGENTIC_RESPONSE_FORMAT"))
