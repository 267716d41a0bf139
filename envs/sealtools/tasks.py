"""Seal-Tools' rows as tasks of one action."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

import msgspec

from toolgym.dialects import Dialect, get_dialect
from toolgym.dialects.names import Names
from toolgym.tasks import Task
from toolgym.tasks.source import select
from toolgym.tasks.stream import Stream, key_of
from toolgym.tools import Tool
from toolgym.types import ToolCall, message

from .offer import offered, pool
from .official import same_value
from .rows import Row, rows, specs

CATEGORIES = ("single", "multiple", "nested")
RESULTS = (
    "A call may use results of earlier calls in the same answer. The outputs of all calls are numbered in order: "
    'the first output of the first call is "API_call_0", the next output "API_call_1", and so on. '
    "Give this text as the value."
)
"""The system message of every task. The official prompt shows the same by an example."""
_RESULT = re.compile(r"API_call_\d+")


class Entry(msgspec.Struct, frozen=True):
    """The data of a task."""

    row: Row
    category: str
    """"single": one call. "multiple": several. "nested": several, of which one uses a result of another."""
    flag: str | None
    """The defect of the row, or None."""
    unpassable: str | None
    """Why no natural completion can match the expected one, or None."""


def tasks(
    split: str, category: str | Iterable[str] | None, num_tools: int, seed: int, dialect: str | Dialect
) -> tuple[Task, ...]:
    """The tasks of a split. They are cached if the dialect is given by name. Raises like ``rows`` and ``select``."""
    wanted = select("category", category, CATEGORIES)
    if isinstance(dialect, str):
        found = _named(split, num_tools, seed, dialect)
    else:
        found = _made(split, num_tools, seed, dialect)
    return found if wanted == CATEGORIES else tuple([task for task in found if task.data.category in wanted])


@lru_cache(maxsize=16)
def _named(split: str, num_tools: int, seed: int, dialect: str) -> tuple[Task, ...]:
    return _made(split, num_tools, seed, get_dialect(dialect))


def _made(split: str, num_tools: int, seed: int, dialect: Dialect) -> tuple[Task, ...]:
    among, found = pool(split == "test_unseen"), []
    for i, row in enumerate(rows(split)):
        stream = Stream(key_of(seed, split, i))
        needed = [call.name for call in row.calls if call.name in specs()]
        tools = [specs()[name].tool for name in offered(needed, num_tools, among, stream)]
        found.append(_task(row, tools, split, Names(dialect)))
    return tuple(found)


def _task(row: Row, tools: Sequence[Tool], split: str, names: Names) -> Task:
    calls = tuple([names.call(_typed(call)) for call in row.calls])
    messages = message("system", RESULTS), message("user", row.query)
    flags, unpassable = _defects(row)
    entry = Entry(row, _category(row), "; ".join(flags + unpassable) or None, "; ".join(unpassable) or None)
    return Task(row.id, messages, tuple(map(names.tool, tools)), (calls,), None, split, entry)


def _category(row: Row) -> str:
    if any(isinstance(v, str) and _RESULT.search(v) for call in row.calls for v in call.arguments.values()):
        return "nested"
    return "single" if len(row.calls) == 1 else "multiple"


def _typed(call: ToolCall) -> ToolCall:
    """The call with values of the declared types if they are officially equal: "63" for an int becomes 63."""
    types = specs()[call.name].types if call.name in specs() else {}
    return ToolCall(call.name, {name: _as_type(value, types.get(name)) for name, value in call.arguments.items()})


def _as_type(value: Any, kind: str | None) -> Any:
    typed = value
    try:
        if kind == "str" and isinstance(value, (int, float)):
            typed = str(value)
        elif kind in ("int", "float") and isinstance(value, str):
            typed = int(value) if kind == "int" else float(value)
    except ValueError:
        return value
    return typed if same_value(value, typed) else value


def _defects(row: Row) -> tuple[list[str], list[str]]:
    """The remarks on a row, and the reasons why no natural completion can pass it."""
    flags: list[str] = []
    unpassable: list[str] = []
    called: set[str] = set()
    outputs = 0
    for call in row.calls:
        spec = specs().get(call.name)
        if spec is None:
            unpassable.append(f"the expected call names {call.name}, which is not a tool of the data set")
            continue
        if call.name in called:
            flags.append(f"{call.name} is called twice: the official metrics compare both calls with the first")
        called.add(call.name)
        for name, value in call.arguments.items():
            what = f"{name} of {call.name} is {value!r}"
            if name not in spec.types:
                unpassable.append(f"the expected call of {call.name} has {name!r}, which the tool does not have")
            elif isinstance(value, str) and _RESULT.search(value):
                if value not in [f"API_call_{i}" for i in range(outputs)]:
                    unpassable.append(f"{what}, which is not a result of an earlier call")
            elif not isinstance(_as_type(value, spec.types[name]), _PYTHON[spec.types[name]]):
                flags.append(f"{what}, and its type is {spec.types[name]}")
        outputs += spec.outputs
    return flags, unpassable


_PYTHON: dict[str, Any] = {"str": str, "int": int, "float": (int, float), "bool": bool}
