"""The questions as tasks."""

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
"""Texts of an episode in ToolRL's evaluation, the answer among them."""
_MISSPELT = {"James Cameroon": "James Cameron"}
_SYSTEM = (
    "Answer the question. Use the search tool, once per message, to find what you do not know; you have {searches} "
    "searches at most. Then answer in a few words: a name, a date, a number."
)


class Question(msgspec.Struct, frozen=True):
    """A task's data."""

    question: str
    answer: str
    also: str | None = None
    """Another answer that is right, and is gold's, where the data set's is misspelt."""
    queries: tuple[str, ...] = ()
    """Searches that find the answer, one after the other, with the bundled index."""


@cache
def bamboogle() -> tuple[Question, ...]:
    """The 125 questions, in order. Raises AssetError where the file cannot be had."""
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
    """A task for each question; their ids are "bamboogle-0" and so on. Raises ValueError for one without an answer."""
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
