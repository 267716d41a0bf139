"""BFCL's agentic rows, read from the pinned wheel: questions, and the conversations in which a memory is made.

In each of five scenarios a user talks to an assistant in 5 to 10 conversations (37 in all, with 323 messages) and asks
25 to 50 questions later (155 in all). Both web categories have the same 100 questions.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import msgspec

from .. import wheel

SCENARIOS = ("student", "customer", "finance", "healthcare", "notetaker")
"""In the official order."""
QUESTIONS = {"memory": 155, "web_search": 100}


class Question(msgspec.Struct, frozen=True):
    """A question and its accepted answers."""

    id: str
    """The official id, with "memory" or "web_search" in place of the category."""
    text: str
    answers: tuple[str, ...]
    scenario: str = ""
    source: str = ""
    """The user's sentence that answers it, as quoted in the data; "" for a web question."""


class Conversation(msgspec.Struct, frozen=True):
    """The user's messages of one conversation of a scenario."""

    id: str
    scenario: str
    number: int
    """Position within the scenario, counted from 0."""
    messages: tuple[str, ...]


class _Row(msgspec.Struct):
    id: str
    question: list[list[dict[str, Any]]]
    scenario: str = ""


class _Gold(msgspec.Struct):
    id: str
    ground_truth: tuple[str, ...]
    source: Any = ""


@cache
def questions(kind: str) -> tuple[Question, ...]:
    """The questions of "memory" or "web_search", in the official order.

    Raises AssetError if the wheel is missing and cannot be downloaded.
    """
    rows = msgspec.json.Decoder(_Row).decode_lines(wheel.data(f"BFCL_v4_{kind}.json"))
    golds = msgspec.json.Decoder(_Gold).decode_lines(wheel.data(f"possible_answer/BFCL_v4_{kind}.json"))
    return tuple(
        [
            Question(
                row.id,
                str(row.question[0][0]["content"]),
                gold.ground_truth,
                row.scenario,
                gold.source if isinstance(gold.source, str) else "",
            )
            for row, gold in zip(rows, golds, strict=True)
        ]
    )


@cache
def conversations(scenario: str) -> tuple[Conversation, ...]:
    """The conversations of a scenario, in order."""
    rows = msgspec.json.Decoder(_Row).decode_lines(wheel.data(f"memory_prereq_conversation/memory_{scenario}.json"))
    return tuple(
        [
            Conversation(row.id, scenario, number, tuple([str(turn[0]["content"]) for turn in row.question]))
            for number, row in enumerate(rows)
        ]
    )
