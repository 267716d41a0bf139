"""BFCL's rows, read from the pinned wheel, as tasks: single-turn categories and groups of them.

Task ids are the rows' own; they are unique. Three pairs of live_irrelevance rows have equal content (194-32-7 and
195-32-8, 211-34-0 and 212-34-1, 219-34-8 and 220-34-9), and four have no function (120-9-0 to 123-9-3): all are
kept, as in the official evaluation.
"""

from __future__ import annotations

import ast
import copy
import json
from collections.abc import Iterable
from functools import cache
from typing import Any

import msgspec

from toolgym.assets import read_member
from toolgym.tasks import Task
from toolgym.tools import Tool
from toolgym.types import freeze

from .grading import Entry, language_of

COUNTS = {
    "simple_python": 400, "simple_java": 100, "simple_javascript": 50,
    "multiple": 200, "parallel": 200, "parallel_multiple": 200, "irrelevance": 240,
    "live_simple": 258, "live_multiple": 1053, "live_parallel": 16, "live_parallel_multiple": 24,
    "live_irrelevance": 884, "live_relevance": 16,
}  # fmt: skip
"""Category -> number of rows (bfcl_eval 2026.3.23)."""

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
    """The categories meant: one name, several (a list, or names with commas between) or a group.

    Raises ValueError for a name that does not exist, TypeError for what is no name.
    """
    if not isinstance(category, Iterable):
        raise TypeError(f"category must be a name, or a list of names; got {category!r}")
    names = [name.strip() for name in category.split(",")] if isinstance(category, str) else list(category)
    found: dict[str, None] = {}
    for name in names:
        if name not in COUNTS and name not in GROUPS:
            raise ValueError(
                f"no BFCL category {name!r}: there are {', '.join(COUNTS)}, and the groups {', '.join(GROUPS)}. "
                "Multi-turn categories are ToolGym-BFCL-MultiTurn-v0, agentic ones ToolGym-BFCL-Agentic-v0."
            )
        found |= dict.fromkeys(GROUPS.get(name, (name,)))
    if not found:
        raise ValueError(f"no BFCL category given: there are {', '.join(COUNTS)}, and the groups {', '.join(GROUPS)}")
    return tuple(found)


@cache
def load(category: str) -> tuple[Task, ...]:
    """The tasks of one category, in the official order. Read once per process.

    ``task.expected`` is empty: what is expected depends on the answer (see closest.py). Raises AssetError
    where the wheel cannot be had.
    """
    golds: list[tuple[dict[str, Any], ...]] = [()] * COUNTS[category]
    if "relevance" not in category:
        golds = [gold.ground_truth for gold in _golds.decode_lines(_member(f"possible_answer/BFCL_v4_{category}.json"))]
    rows = _rows.decode_lines(_member(f"BFCL_v4_{category}.json"))
    language = language_of(category)
    return tuple([_task(row, gold, category, language) for row, gold in zip(rows, golds, strict=True)])


def _task(row: _Row, gold: tuple[dict[str, Any], ...], category: str, language: str) -> Task:
    docs, tools = _functions(tuple([bytes(raw) for raw in row.function]), language)
    data = Entry(category, docs, gold)
    return Task(row.id, freeze(row.question[0]), tools, data=data)


def _member(name: str) -> bytes:
    return read_member("bfcl", f"bfcl_eval/data/{name}")


@cache
def _functions(raws: tuple[bytes, ...], language: str) -> tuple[tuple[dict[str, Any], ...], tuple[Tool, ...]]:
    """Docs and tools of one row; equal rows share them."""
    pairs = [_function(raw, language) for raw in raws]
    return tuple([doc for doc, _ in pairs]), tuple([tool for _, tool in pairs])


@cache
def _function(raw: bytes, language: str) -> tuple[dict[str, Any], Tool]:
    doc = msgspec.json.decode(raw)
    shown = as_offered(doc, language)
    return doc, Tool(shown["name"], shown["description"], shown["parameters"])


def as_offered(doc: dict[str, Any], language: str) -> dict[str, Any]:
    """A function's doc as the official inference shows it to a model.

    Its description says which language it is in; Java and JavaScript parameters are strings of source text,
    and their descriptions say of which type.
    """
    hints = _hints()
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


@cache
def _hints() -> dict[str, tuple[str, ...]]:
    """The official sentences, language -> (of functions, of "any", of a type, of elements[, of entries]).

    They are read from the string constants of the official ``utils.py``, in the order they are written; "{}"
    stands for what is filled in.
    """
    module = ast.parse(read_member("bfcl", "bfcl_eval/utils.py"))
    functions = {node.name: node for node in module.body if isinstance(node, ast.FunctionDef)}
    of_functions = [
        str(node.value.value)
        for node in ast.walk(functions["_get_language_specific_hint"])
        if isinstance(node, ast.Return) and isinstance(node.value, ast.Constant)
    ]
    appended = [
        node
        for node in ast.walk(functions["_func_doc_language_specific_pre_processing"])
        if isinstance(node, ast.AugAssign)
    ]
    of_types = [_template(node.value) for node in sorted(appended, key=lambda node: node.lineno)]
    (java, javascript, python), typed = of_functions, of_types
    return {"python": (python,), "java": (java, *typed[:3]), "javascript": (javascript, *typed[3:])}


def _template(node: ast.expr) -> str:
    if isinstance(node, ast.JoinedStr):
        return "".join(_template(part) for part in node.values)
    return str(node.value) if isinstance(node, ast.Constant) else "{}"
