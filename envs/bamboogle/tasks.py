"""Bamboogle's questions as tasks."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cache

import msgspec

from toolgym.assets import fetch
from toolgym.tasks import Task
from toolgym.tools import Tool
from toolgym.types import ToolCall, message

from .search.facts import hops

ROUNDS = 4
"""Turns of an episode in ToolRL's evaluation, the answer included."""
_MISSPELT = {"James Cameroon": "James Cameron"}
_SYSTEM = (
    "Answer the question. Use the search tool, once per message, to find what you do not know; you have {searches} "
    "searches at most. Then answer in a few words: a name, a date, a number."
)


class Question(msgspec.Struct, frozen=True):
    """The data of a task."""

    question: str
    answer: str
    also: str | None = None
    """The correct spelling if the data set misspells the answer, else None. It counts as right, and gold uses it."""
    queries: tuple[str, ...] = ()
    """Gold's searches: made in this order, they find the answer in the bundled index."""


@cache
def bamboogle() -> tuple[Question, ...]:
    """The 125 questions, in order. Raises AssetError if the file is missing and cannot be downloaded."""
    rows = json.loads(fetch("bamboogle").read_text("utf-8"))
    return tuple(
        [
            Question(
                row["Question"],
                row["Answer"].strip(),
                _MISSPELT.get(row["Answer"]),
                (first.query, second.query),
            )
            for row, (first, second) in zip(rows, hops(), strict=True)
        ]
    )


def tasks(asked: Iterable[Question], tool: Tool, max_turns: int) -> tuple[Task, ...]:
    """One task per question, "bamboogle-0" and so on. Raises ValueError if a question has no answer."""
    system = message("system", _SYSTEM.format(searches=max_turns - 1))
    tools = (tool,)
    found = []
    for i, each in enumerate(asked):
        if not each.answer.strip():
            raise ValueError(f"question {i} has no answer")
        calls = [(ToolCall(tool.name, {"query": query}),) for query in each.queries]
        messages = (system, message("user", each.question))
        found.append(
            Task(f"bamboogle-{i}", messages, tools, (*calls, ()), response=each.also or each.answer, data=each)
        )
    return tuple(found)
