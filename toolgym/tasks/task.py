"""Task: one row of a suite, validated when it is made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from toolgym.tools.tool import Tool
from toolgym.types import Message, ToolCall, freeze


class Task(msgspec.Struct, frozen=True, eq=False):
    """One row of a suite.

    Raises TypeError for a field of the wrong type. If its tools have functions to run, it also raises ValueError for
    two tools of one name, and for an expected call that the tools would refuse.
    """

    id: str
    messages: tuple[Message, ...]
    """The conversation so far, without the dialect's instructions."""
    tools: tuple[Any, ...] = ()
    """The ``Tool``s on offer."""
    expected: tuple[tuple[ToolCall, ...], ...] = ()
    """Gold calls, one tuple per assistant turn. An empty tuple is a turn that must not call a tool."""
    response: str | None = None
    """The expected final answer, if the task has one."""
    split: str = "test"
    data: Any = None
    """Anything else that the suite's grading needs, such as the official row."""

    def __post_init__(self) -> None:
        """Raises the errors of ``check_task``."""
        check_task(self)

    @classmethod
    def of(
        cls,
        id: str,
        messages: str | Sequence[Mapping[str, Any]],
        tools: Sequence[Any] = (),
        expected: Sequence[Sequence[ToolCall]] = (),
        **rest: Any,
    ) -> Task:
        """A task from plain Python values; a string for ``messages`` is one user message."""
        if isinstance(messages, str):
            messages = [{"role": "user", "content": messages}]
        turns = _tuple(expected)
        if isinstance(turns, tuple):
            turns = tuple([_tuple(turn) for turn in turns])
        return cls(id, freeze(messages), _tuple(tools), turns, **rest)


def _tuple(values: Any) -> Any:
    """The values as a tuple. Text, mappings and values that are not iterable are returned unchanged."""
    plain = isinstance(values, Iterable) and not isinstance(values, (str, Mapping))
    return tuple(values) if plain else values


def check_task(task: Task) -> None:
    """Raise TypeError for a field of the wrong type, ValueError for a task that no answer can pass.

    The ValueError is raised only if the task has tools to run, since a tool that runs refuses arguments that violate
    its schema. In data sets of described tools, some expected calls violate the schema, and are scored all the same.
    From the second turn on, an expected tool may be one that is offered later.
    """
    if not isinstance(task.id, str):
        raise TypeError(f"a task's id is text (str), got {shown(task.id)}")
    if not isinstance(task.messages, (tuple, list)):
        raise TypeError(f"task {task.id!r}: messages is text or a list of messages, got {shown(task.messages)}")
    for one in task.messages:
        if not (isinstance(one, dict) and isinstance(one.get("role"), str) and isinstance(one.get("content"), str)):
            at = task.messages.index(one)
            raise TypeError(
                f"task {task.id!r}: messages[{at}] is not a message but {shown(one)}; "
                'write {"role": "user", "content": "..."}'
            )
    if not isinstance(task.tools, (tuple, list)):
        raise TypeError(f"task {task.id!r}: tools is a list of Tools, got {shown(task.tools)}; {_as_tool(task.tools)}")
    offered, runs = {}, False
    for tool in task.tools:
        if not isinstance(tool, Tool):
            at = task.tools.index(tool)
            raise TypeError(f"task {task.id!r}: tools[{at}] is not a Tool but {shown(tool)}; {_as_tool(tool)}")
        offered[tool.name] = tool
        if tool.function is not None:
            runs = True
    if task.expected != ():
        _check_calls(task)
    if runs:
        _check_passable(task, offered)


def _check_calls(task: Task) -> None:
    write = "write expected=[[ToolCall(...)]]"
    if not isinstance(task.expected, (tuple, list)):
        raise TypeError(f"task {task.id!r}: expected is a list of turns, got {shown(task.expected)}; {write}")
    for i, turn in enumerate(task.expected):
        if not isinstance(turn, (tuple, list)):
            raise TypeError(
                f"task {task.id!r}: expected has one list of calls for each assistant turn, and expected[{i}] is "
                f"{shown(turn)}; {write}"
            )
        for j, call in enumerate(turn):
            if not isinstance(call, ToolCall):
                raise TypeError(
                    f"task {task.id!r}: expected[{i}][{j}] is not a ToolCall but {shown(call)}; "
                    'write ToolCall("name", {"argument": value})'
                )
            if not isinstance(call.name, str) or not isinstance(call.arguments, dict):
                raise TypeError(
                    f"task {task.id!r}: expected[{i}][{j}] needs a name and a dict of arguments, got "
                    f"ToolCall({call.name!r}, {call.arguments!r})"
                )


def _check_passable(task: Task, offered: Mapping[str, Tool]) -> None:
    if len(offered) < len(task.tools):
        name, count = Counter(tool.name for tool in task.tools).most_common(1)[0]
        raise ValueError(f"task {task.id!r} offers {count} tools called {name!r}: each needs a name of its own")
    for i, turn in enumerate(task.expected):
        for j, call in enumerate(turn):
            tool = offered.get(call.name)
            if tool is None:
                if i == 0:
                    raise not_offered(task, i, j)
            elif tool.function is not None and (problems := tool.validator.problems(call.arguments)):
                raise ValueError(
                    f"task {task.id!r} cannot be passed: {call.name} refuses the arguments of expected[{i}][{j}], "
                    f"{call.arguments!r}: {'; '.join(problems)}"
                )


def not_offered(task: Task, i: int, j: int) -> ValueError:
    names = ", ".join([tool.name for tool in task.tools[:20]])
    name = task.expected[i][j].name
    return ValueError(
        f"task {task.id!r} cannot be passed: expected[{i}][{j}] calls {name!r}, which is none of its tools: {names}"
    )


def _as_tool(value: Any) -> str:
    """A hint: what to write instead of ``value``."""
    if isinstance(value, Tool):
        return "put it in a list"
    if isinstance(value, Mapping):
        return "an OpenAI schema is written Tool(name, description, parameters)"
    if isinstance(value, type):
        return f"write tools_of({value.__name__}), its methods decorated with @tool"
    return "decorate the function with @tool" if callable(value) else "make one with @tool"


def shown(value: Any) -> str:
    text = repr(value)
    return f"{with_article(value)}, {text if len(text) <= 100 else text[:100] + '...'}"


def with_article(value: Any) -> str:
    name = type(value).__name__
    return f"{'an' if name[0] in 'aeiouAEIOU' else 'a'} {name}"
