"""BFCL's agentic rows, read from the pinned wheel: questions, and the conversations that a memory is made in.

Five scenarios; in each a user talks to an assistant in 5 to 10 conversations (37 in all, 323 messages) and is asked for
25 to 50 things later on (155 questions). Both web categories ask the same 100 questions.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import msgspec

from toolgym.assets import read_member

SCENARIOS = ("student", "customer", "finance", "healthcare", "notetaker")
"""In the official order."""
QUESTIONS = {"memory": 155, "web_search": 100}


class Question(msgspec.Struct, frozen=True):
    """Something that is asked, and what the answer may be."""

    id: str
    """The official one, in which "memory" or "web_search" stands for the category."""
    text: str
    answers: tuple[str, ...]
    scenario: str = ""
    source: str = ""
    """What the user said that answers it, as the data quote it; for a web question ""."""


class Conversation(msgspec.Struct, frozen=True):
    """What the user of a scenario says, message by message."""

    id: str
    scenario: str
    number: int
    """Within the scenario, from 0."""
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
    """Those of "memory" or "web_search", in the official order. Raises AssetError where the wheel cannot be had."""
    rows = msgspec.json.Decoder(_Row).decode_lines(_member(f"BFCL_v4_{kind}.json"))
    golds = msgspec.json.Decoder(_Gold).decode_lines(_member(f"possible_answer/BFCL_v4_{kind}.json"))
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
    rows = msgspec.json.Decoder(_Row).decode_lines(_member(f"memory_prereq_conversation/memory_{scenario}.json"))
    return tuple(
        [
            Conversation(row.id, scenario, number, tuple([str(turn[0]["content"]) for turn in row.question]))
            for number, row in enumerate(rows)
        ]
    )


def _member(name: str) -> bytes:
    return read_member("bfcl", f"bfcl_eval/data/{name}")
