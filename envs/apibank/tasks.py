"""API-Bank's items, as published by ToolRL (benchmarks/API-Bank), as tasks of one call."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cache
from typing import Any

import msgspec

from toolgym.assets import fetch
from toolgym.dialects import Dialect, get_dialect
from toolgym.tasks import Task
from toolgym.toolrl_prompts import Prompt, read_messages, read_tools
from toolgym.tools import Tool
from toolgym.types import ToolCall, message

COUNTS = {1: 399, 2: 67, 3: 131}
"""Level -> number of items."""


class Item(msgspec.Struct, frozen=True):
    """The data of a task: one item of the benchmark."""

    level: int
    system: str
    user: str
    gold: ToolCall
    tools: tuple[Tool, ...]
    other: dict[str, Any]
    """Its source in the original API-Bank: ``file`` and ``id``, or ``sample_id`` and ``api_id``."""


def levels(level: int | str | Iterable[int] | None) -> tuple[int, ...]:
    """The levels as numbers. ``level``: one, a list, numbers with commas between them, or None for all.

    "level-1", as tables print it, is 1.

    Raises ValueError for a level that does not exist.
    """
    if level is None:
        return tuple(COUNTS)
    given: Iterable[Any] = level.split(",") if isinstance(level, str) else (level,) if isinstance(level, int) else level
    try:
        found = tuple(dict.fromkeys(int(str(each).removeprefix("level-")) for each in given))
    except (TypeError, ValueError):
        found = ()
    if not found or not set(found) <= COUNTS.keys():
        raise ValueError(f"API-Bank has the levels 1, 2 and 3, got {level!r}")
    return found


@cache
def items(level: int) -> tuple[Item, ...]:
    """The items of a level, in order. Raises AssetError if the file is missing and cannot be downloaded."""
    return tuple([_item(level, row) for row in json.loads(fetch(f"apibank-{level}").read_text("utf-8"))])


def tasks(level: int, prompt: Prompt, dialect: str | Dialect) -> tuple[Task, ...]:
    """The tasks of a level. They are cached if the dialect is given by name. Raises like ``items``."""
    return _named(level, prompt, dialect) if isinstance(dialect, str) else _made(level, prompt, dialect)


@cache
def _named(level: int, prompt: Prompt, dialect: str) -> tuple[Task, ...]:
    return _made(level, prompt, get_dialect(dialect))


def _made(level: int, prompt: Prompt, dialect: Dialect) -> tuple[Task, ...]:
    return tuple([_task(f"level-{level}-{i}", item, prompt, dialect) for i, item in enumerate(items(level))])


def _item(level: int, row: dict[str, Any]) -> Item:
    answer = row["answer"]
    (gold,) = [answer] if isinstance(answer, dict) else answer  # levels 1 and 3: a list of one call
    call = ToolCall(gold["name"], gold["parameters"])
    return Item(level, row["system"], row["user"], call, read_tools(row["system"]), row["other"])


def _task(name: str, item: Item, prompt: Prompt, dialect: Dialect) -> Task:
    if prompt == "original":
        messages: tuple[Any, ...] = (message("system", item.system), message("user", item.user))
    else:
        messages = read_messages(item.user, dialect)
    return Task(name, messages, item.tools, ((item.gold,),), data=item)
