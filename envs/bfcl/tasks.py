"""BFCL's single-turn rows as tasks, read from the pinned wheel; the categories and groups of categories.

Task ids are the official row ids; they are unique. Three pairs of live_irrelevance rows have equal content (194-32-7
and 195-32-8, 211-34-0 and 212-34-1, 219-34-8 and 220-34-9), and four rows have no function (120-9-0 to 123-9-3). All
are kept, as in the official evaluation.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable
from functools import cache
from typing import Any

import msgspec

from toolgym.tasks import Task
from toolgym.tools import Tool
from toolgym.types import freeze

from . import wheel
from .grading import Entry, language_of

COUNTS = {
    "simple_python": 400, "simple_java": 100, "simple_javascript": 50,
    "multiple": 200, "parallel": 200, "parallel_multiple": 200, "irrelevance": 240,
    "live_simple": 258, "live_multiple": 1053, "live_parallel": 16, "live_parallel_multiple": 24,
    "live_irrelevance": 884, "live_relevance": 16,
}  # fmt: skip
"""Category -> number of rows (bfcl_eval 2026.3.23)."""

FORMAT_SENSITIVITY = "format_sensitivity"
"""The category of formats/: 200 of these rows in 26 configurations. It is in no group, because no score counts it."""

GROUPS = {
    "non_live": tuple(category for category in COUNTS if not category.startswith("live")),
    "live": tuple(category for category in COUNTS if category.startswith("live")),
    "all": tuple(COUNTS),
}


class _Row(msgspec.Struct):
    id: str
    question: list[list[dict[str, Any]]]
    function: tuple[msgspec.Raw, ...]


class _Gold(msgspec.Struct):
    ground_truth: tuple[dict[str, Any], ...]


_rows = msgspec.json.Decoder(_Row)
_golds = msgspec.json.Decoder(_Gold)


def categories(category: str | Iterable[str]) -> tuple[str, ...]:
    """The selected categories: ``category`` is a name, a list of names, names separated by commas, or a group.

    Raises ValueError for an unknown name, TypeError if ``category`` is neither text nor iterable.
    """
    if not isinstance(category, Iterable):
        raise TypeError(f"category must be a name, or a list of names; got {category!r}")
    names = [name.strip() for name in category.split(",")] if isinstance(category, str) else list(category)
    found: dict[str, None] = {}
    if FORMAT_SENSITIVITY in names:
        if any(name != FORMAT_SENSITIVITY for name in names):
            raise ValueError(f"{FORMAT_SENSITIVITY} is played alone: its tasks bring their own prompts and formats")
        return (FORMAT_SENSITIVITY,)
    for name in names:
        if name not in COUNTS and name not in GROUPS:
            raise ValueError(
                f"no BFCL category {name!r}: there are {', '.join(COUNTS)}, the groups {', '.join(GROUPS)}, and "
                f"{FORMAT_SENSITIVITY}. Multi-turn categories are ToolGym-BFCL-MultiTurn-v0, agentic ones "
                "ToolGym-BFCL-Agentic-v0."
            )
        found |= dict.fromkeys(GROUPS.get(name, (name,)))
    if not found:
        raise ValueError(f"no BFCL category given: there are {', '.join(COUNTS)}, and the groups {', '.join(GROUPS)}")
    return tuple(found)


@cache
def load(category: str) -> tuple[Task, ...]:
    """The tasks of one category, in the official order. Read once per process.

    ``task.expected`` is empty, because the expected calls depend on the model's answer (see closest.py). Raises
    AssetError if the wheel is missing and cannot be downloaded.
    """
    golds: list[tuple[dict[str, Any], ...]] = [()] * COUNTS[category]
    if "relevance" not in category:
        golds = [
            gold.ground_truth for gold in _golds.decode_lines(wheel.data(f"possible_answer/BFCL_v4_{category}.json"))
        ]
    rows = _rows.decode_lines(wheel.data(f"BFCL_v4_{category}.json"))
    language = language_of(category)
    return tuple([_task(row, gold, category, language) for row, gold in zip(rows, golds, strict=True)])


def _task(row: _Row, gold: tuple[dict[str, Any], ...], category: str, language: str) -> Task:
    docs, tools = _functions(tuple([bytes(raw) for raw in row.function]), language)
    data = Entry(category, docs, gold)
    return Task(row.id, freeze(row.question[0]), tools, data=data)


@cache
def _functions(raws: tuple[bytes, ...], language: str) -> tuple[tuple[dict[str, Any], ...], tuple[Tool, ...]]:
    """Docs and tools of one row; rows with equal functions share them."""
    pairs = [_function(raw, language) for raw in raws]
    return tuple([doc for doc, _ in pairs]), tuple([tool for _, tool in pairs])


@cache
def _function(raw: bytes, language: str) -> tuple[dict[str, Any], Tool]:
    doc = msgspec.json.decode(raw)
    shown = as_offered(doc, language)
    return doc, Tool(shown["name"], shown["description"], shown["parameters"], trusted=True)


def as_offered(doc: dict[str, Any], language: str) -> dict[str, Any]:
    """A function's doc as official inference shows it to a model.

    The description names the language. Java and JavaScript parameters become strings of source text, and their
    descriptions name the declared type.
    """
    hints = wheel.language_hints()
    doc = doc | {"description": doc["description"] + hints[language][0]}
    if language == "python":
        return doc
    _, any_type, typed, elements, *entries = hints[language]
    doc["parameters"] = copy.deepcopy(doc["parameters"])
    for schema in doc["parameters"]["properties"].values():
        kind = schema["type"]
        schema["type"] = "string"
        schema["description"] += any_type if kind == "any" else typed.replace("{}", kind)
        if kind in ("ArrayList", "Array", "array"):
            schema["description"] += elements.replace("{}", schema.pop("items")["type"])
        if kind == "dict" and "properties" in schema:
            schema["description"] += entries[0].replace("{}", json.dumps(schema.pop("properties")))
    return doc
