"""BFCL's multi-turn rows as tasks, read from the pinned wheel.

Rows and accepted calls are the official ones of bfcl_eval 2026.3.23: 800 dialogues, 200 in each category. The tools are
the functions of the APIs that a row names, without the functions it holds out. ("excluded_function", in 18 rows of
each category, is ignored by the official code and here.)
"""

from __future__ import annotations

from functools import cache
from typing import Any

import msgspec

from toolgym.tasks import Task
from toolgym.types import ToolCall, freeze

from .. import wheel
from ..dialogue.dialogue import Entry
from ..dialogue.functions import named, offered

CATEGORIES = ("multi_turn_base", "multi_turn_miss_func", "multi_turn_miss_param", "multi_turn_long_context")
ROWS = 200
"""Rows of each category."""


class _Row(msgspec.Struct):
    id: str
    question: list[list[dict[str, Any]]]
    initial_config: msgspec.Raw
    involved_classes: tuple[str, ...]
    missed_function: dict[int, tuple[str, ...]] = {}


class _Gold(msgspec.Struct):
    ground_truth: tuple[tuple[str, ...], ...]


@cache
def load(category: str) -> tuple[Task, ...]:
    """The tasks of one category, in the official order. Read once per process.

    For each turn, ``task.expected`` has the accepted calls, if there are any, and then an action without a call.
    Raises AssetError if the wheel is missing and cannot be downloaded.
    """
    rows = msgspec.json.Decoder(_Row).decode_lines(wheel.data(f"BFCL_v4_{category}.json"))
    golds = msgspec.json.Decoder(_Gold).decode_lines(wheel.data(f"possible_answer/BFCL_v4_{category}.json"))
    return tuple([_task(row, gold, category) for row, gold in zip(rows, golds, strict=True)])


def _task(row: _Row, gold: _Gold, category: str) -> Task:
    entry = Entry(
        row.id,
        category,
        row.involved_classes,
        bytes(row.initial_config),
        gold.ground_truth,
        tuple([freeze(turn) for turn in row.question]),
        row.missed_function,
    )
    held_out = tuple([name for names in row.missed_function.values() for name in names])
    expected = [turn for calls in answers(entry) for turn in ((calls, ()) if calls else ((),))]
    return Task(row.id, entry.messages[0], offered(entry.classes, held_out), tuple(expected), data=entry)


@cache
def answers(entry: Entry) -> tuple[tuple[ToolCall, ...], ...]:
    """The accepted calls of each turn, with all arguments by name."""
    return tuple([tuple([named(call, entry.classes) for call in turn]) for turn in entry.gold])
