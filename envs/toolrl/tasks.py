"""ToolRL's rows as tasks of one action."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import msgspec

from toolgym.dialects import Dialect, get_dialect
from toolgym.dialects.names import Names
from toolgym.tasks import Task
from toolgym.toolrl_prompts import Prompt, read_calls, read_messages, read_tools
from toolgym.tools import Tool
from toolgym.types import Message, ToolCall, message

from .rows import Row, rows

REFUSAL = "None of the tools can do this."
"""Gold's response if the tools that it would call are withheld."""

_CRASHES = "the released reward crashes: the thought of the expected answer mentions <tool_call>"


class Answer(msgspec.Struct, frozen=True):
    """The expected calls and response of a row."""

    calls: tuple[ToolCall, ...]
    response: str | None
    problem: str | None = None
    """Why the calls cannot be read, or None."""


class Entry(msgspec.Struct, frozen=True):
    """The data of a task."""

    row: Row
    response: str | None
    """The expected response to the user, or None."""
    category: str
    """"one call", "several calls", "no call" or "withheld"."""
    flag: str | None
    """The faults of the row, or None."""
    unpassable: str | None
    """Why no natural completion can match the expected one, or None."""
    unreadable: str | None
    """Why the expected calls cannot be read, or None. Such a row cannot be scored."""


class _Parts(msgspec.Struct, frozen=True):
    """A row, with its tools and expected completion parsed."""

    row: Row
    tools: tuple[Tool, ...]
    answer: Answer


def tasks(split: str, prompt: Prompt, dialect: str | Dialect, withhold: bool = False) -> tuple[Task, ...]:
    """The tasks of a split. They are cached if the dialect is given by name. Raises like ``rows``."""
    return (
        _named(split, prompt, dialect, withhold)
        if isinstance(dialect, str)
        else _made(split, prompt, dialect, withhold)
    )


@cache
def _named(split: str, prompt: Prompt, dialect: str, withhold: bool) -> tuple[Task, ...]:
    return _made(split, prompt, get_dialect(dialect), withhold)


def _made(split: str, prompt: Prompt, dialect: Dialect, withhold: bool) -> tuple[Task, ...]:
    found = []
    for row in rows(split):
        parts = _Parts(row, read_tools(row.system), read_answer(row.gold))
        if not withhold:
            found.append(_task(parts, prompt, dialect))
        elif _can_withhold(parts):
            found.append(_task_withheld(parts, dialect))
    return tuple(found)


def read_answer(gold: str) -> Answer:
    """The calls and the response of an expected completion. Its thought is skipped."""
    after = gold.rpartition("</think>")[2]
    before, says, response = after.partition("<response>")
    spoken = response.rpartition("</response>")[0].strip() if says else None
    _, calls, block = before.partition("<tool_call>")
    if not calls:
        return Answer((), spoken)
    try:
        return Answer(read_calls(block.partition("</tool_call>")[0]), spoken)
    except ValueError as error:
        return Answer((), spoken, str(error))


def _task(parts: _Parts, prompt: Prompt, dialect: Dialect) -> Task:
    row, answer = parts.row, parts.answer
    unknown = _unknown(parts)
    crashes = _CRASHES if "<tool_call>" in row.gold.rpartition("</think>")[0] else None
    remarks = [remark for remark in (crashes, answer.problem, unknown) if remark]
    count = len(answer.calls)
    category = "no call" if not count else "one call" if count == 1 else "several calls"
    entry = Entry(row, answer.response, category, "; ".join(remarks) or None, unknown, answer.problem)
    names = Names(dialect)
    tools = tuple(map(names.tool, parts.tools))
    expected = tuple(map(names.call, answer.calls))
    messages: tuple[Message, ...]
    if prompt == "original":
        messages = message("system", row.system), message("user", row.user)
    else:
        messages = read_messages(row.user, dialect, names.call)
    split = row.id.partition("-")[0]
    return Task(row.id, messages, tools, (expected,), answer.response, split, entry)


def _task_withheld(parts: _Parts, dialect: Dialect) -> Task:
    """The row without the tools that its gold calls: the expected action is a response without a call."""
    row, names = parts.row, Names(dialect)
    called = {call.name for call in parts.answer.calls}
    tools = tuple([names.tool(tool) for tool in parts.tools if tool.name not in called])
    messages = read_messages(row.user, dialect, names.call)
    entry = Entry(row, REFUSAL, "withheld", None, None, None)
    return Task(f"{row.id}-withheld", messages, tools, ((),), REFUSAL, row.id.partition("-")[0], entry)


def _can_withhold(parts: _Parts) -> bool:
    """Whether gold calls listed tools, but not all of them, and the dialogue has not called them before."""
    called = {call.name for call in parts.answer.calls}
    listed = {tool.name for tool in parts.tools}
    if not called or not called < listed:
        return False
    return not any(f'"name": "{name}"' in parts.row.user for name in called)


def _unknown(parts: _Parts) -> str | None:
    """Names the first tool or parameter of the expected calls that the prompt lacks; else None."""
    known: dict[str, Sequence[str]] = {tool.name: tool.parameters["properties"] for tool in parts.tools}
    for call in parts.answer.calls:
        if call.name not in known:
            return f"the expected call names {call.name!r}, which is none of the tools"
        for name in call.arguments:
            if name not in known[call.name]:
                return f"the expected call of {call.name!r} has a parameter {name[:80]!r}, which the tool does not have"
    return None
