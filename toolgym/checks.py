"""Mistakes of an environment's author, told where they are made: tasks that make no sense, hooks that return less."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from operator import index
from typing import Any

from toolgym.tasks import LazyTasks
from toolgym.tools import Tool
from toolgym.types import Task, ToolCall, Verdict


def whole_number(name: str, value: Any, least: int) -> int:
    """``value`` as an int. Raises TypeError where it is no whole number, ValueError where it is less than ``least``."""
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise TypeError(f"{name} must be a whole number, got {value!r}")
    if index(value) < least:
        raise ValueError(f"{name} must be at least {least}, got {value}")
    return index(value)


def check_verdict(verdict: Any, owner: object) -> Verdict:
    """What ``judge`` gave. Raises TypeError where that is no Verdict."""
    if not isinstance(verdict, Verdict):
        raise TypeError(
            f"{type(owner).__name__}.judge() must return a Verdict, got {_shown(verdict)}; "
            'write Verdict(success, "why not")'
        )
    return verdict


def check_state(state: Any) -> None:
    """Raise TypeError where ``state`` cannot make an episode's state."""
    if state is not None and not callable(state):
        kind = type(state).__name__
        raise TypeError(
            f"state makes the state of each episode: give the class (state={kind}) or a function, not {_an(state)}"
        )


# Tasks ------------------------------------------------------------------------------------------


def check_tasks(tasks: Any, owner: str, *, as_expected: bool) -> None:
    """Raise TypeError for what is no sequence of tasks, ValueError for none and for two of the same id.

    A list or tuple is looked at in full, any other sequence is asked for its first task, if it does not promise
    tasks. ``as_expected`` says that an episode is passed with the expected calls alone, and that the tools on offer
    stay those of the task: then a call of another tool is a ValueError in any turn.
    """
    if isinstance(tasks, (str, bytes, Mapping)) or not (hasattr(tasks, "__len__") and hasattr(tasks, "__getitem__")):
        raise TypeError(f"{owner} draws from a list of tasks, got {_shown(tasks)}; write [Task.of(...), ...]")
    if len(tasks) == 0:
        raise ValueError(f"{owner} has no tasks to draw from")
    if not isinstance(tasks, (list, tuple)):
        if not isinstance(tasks, LazyTasks) and not isinstance(tasks[0], Task):
            raise TypeError(f"{owner} draws from tasks; the first of its {type(tasks).__name__} is {_shown(tasks[0])}")
        return
    try:
        ids = {task.id for task in tasks}
    except (AttributeError, TypeError):
        ids = set()
    if len(ids) < len(tasks):
        for i, task in enumerate(tasks):
            if not isinstance(task, Task):
                raise TypeError(f"{owner} draws from tasks; tasks[{i}] is {_shown(task)}; write Task.of(...)")
        name, count = Counter(task.id for task in tasks).most_common(1)[0]
        raise ValueError(f"{count} tasks have the id {name!r}: each needs one of its own")
    if as_expected:
        for task in tasks:
            if len(task.expected) > 1:
                _check_later_turns(task)


def check_task(task: Task) -> None:
    """Raise TypeError where a field of the task is of another kind than it says, ValueError where nobody could pass it.

    The latter is asked of tools that are run, which refuse what does not fit their schema. Data sets of described
    tools have expected calls that do not, and are scored all the same. What is expected after the first turn may be a
    call of a tool that is offered later.
    """
    if not isinstance(task.id, str):
        raise TypeError(f"a task's id is text (str), got {_shown(task.id)}")
    if not isinstance(task.messages, (tuple, list)):
        raise TypeError(f"task {task.id!r}: messages is text or a list of messages, got {_shown(task.messages)}")
    for one in task.messages:
        if not (isinstance(one, dict) and isinstance(one.get("role"), str) and isinstance(one.get("content"), str)):
            at = task.messages.index(one)
            raise TypeError(
                f"task {task.id!r}: messages[{at}] is no message but {_shown(one)}; "
                'write {"role": "user", "content": "..."}'
            )
    if not isinstance(task.tools, (tuple, list)):
        raise TypeError(f"task {task.id!r}: tools is a list of Tools, got {_shown(task.tools)}; {_as_tool(task.tools)}")
    offered, runs = {}, False
    for tool in task.tools:
        if not isinstance(tool, Tool):
            at = task.tools.index(tool)
            raise TypeError(f"task {task.id!r}: tools[{at}] is no Tool but {_shown(tool)}; {_as_tool(tool)}")
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
        raise TypeError(f"task {task.id!r}: expected is a list of turns, got {_shown(task.expected)}; {write}")
    for i, turn in enumerate(task.expected):
        if not isinstance(turn, (tuple, list)):
            raise TypeError(
                f"task {task.id!r}: expected has one list of calls for each assistant turn, and expected[{i}] is "
                f"{_shown(turn)}; {write}"
            )
        for j, call in enumerate(turn):
            if not isinstance(call, ToolCall):
                raise TypeError(
                    f"task {task.id!r}: expected[{i}][{j}] is no ToolCall but {_shown(call)}; "
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
                    raise _not_offered(task, i, j)
            elif tool.function is not None and (problems := tool.validator.problems(call.arguments)):
                raise ValueError(
                    f"task {task.id!r} cannot be passed: {call.name} refuses the arguments of expected[{i}][{j}], "
                    f"{call.arguments!r}: {'; '.join(problems)}"
                )


def _check_later_turns(task: Task) -> None:
    """Raise ValueError where a tool is to be called that is not on offer, if the task's tools are run."""
    names = {tool.name for tool in task.tools}
    if any(tool.function is not None for tool in task.tools):
        for i, turn in enumerate(task.expected):
            for j, call in enumerate(turn):
                if call.name not in names:
                    raise _not_offered(task, i, j)


def _not_offered(task: Task, i: int, j: int) -> ValueError:
    names = ", ".join([tool.name for tool in task.tools[:20]])
    name = task.expected[i][j].name
    return ValueError(
        f"task {task.id!r} cannot be passed: expected[{i}][{j}] calls {name!r}, which is none of its tools: {names}"
    )


def _as_tool(value: Any) -> str:
    """What to write in place of ``value``."""
    if isinstance(value, Tool):
        return "put it in a list"
    if isinstance(value, Mapping):
        return "an OpenAI schema is written Tool(name, description, parameters)"
    if isinstance(value, type):
        return f"write tools_of({value.__name__}), its methods decorated with @tool"
    return "decorate the function with @tool" if callable(value) else "make one with @tool"


def _shown(value: Any) -> str:
    text = repr(value)
    return f"{_an(value)}, {text if len(text) <= 100 else text[:100] + '...'}"


def _an(value: Any) -> str:
    name = type(value).__name__
    return f"{'an' if name[0] in 'aeiouAEIOU' else 'a'} {name}"
