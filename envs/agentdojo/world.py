"""The official environment of an episode, and the calls that are run on it."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from toolgym.dialects.python.warnless import Warnless
from toolgym.tools import Tool
from toolgym.types import ToolCall, ToolResult

from . import official
from .entry import DENIAL, Entry
from .limits import SHOWN_CHARS, Budget, check_arguments
from .progress import Checked
from .rendering import as_text
from .suites import Injections, environment, runtime, suite


class OfficialTool(Tool):
    """A tool of a suite. Its schema is the official one; it runs on the episode's World."""

    def __init__(self, function: Any):
        schema = function.parameters.model_json_schema()
        super().__init__(function.name, function.description, schema, timeout=None, stateful=True, trusted=True)

    def run(self, arguments: dict[str, Any], state: Any = None) -> ToolResult:
        world: World = state
        return world.run(self.name, arguments)


@cache
def tools(name: str) -> tuple[OfficialTool, ...]:
    """A suite's tools, in the official order."""
    return tuple([OfficialTool(function) for function in suite(name).tools])


class World:
    """What an episode's calls work on. ``fork`` is cheap: the environment is copied when a call is run."""

    def __init__(self, name: str, injections: Injections = ()):
        self.suite = name
        self.before = environment(name, injections)
        """The environment before the first call; never changed."""
        self._now, self._shared = self.before, True
        self.budget = Budget()

    @property
    def now(self) -> Any:
        """The environment after the calls so far, to be read only."""
        return self._now

    def save(self) -> tuple[Any, Budget]:
        """The part that calls change, never changed again."""
        self._shared = True
        return self._now, copy.copy(self.budget)

    def load(self, saved: tuple[Any, Budget]) -> None:
        self._now, self._shared = saved[0], True
        self.budget = copy.copy(saved[1])

    def run(self, name: str, arguments: Mapping[str, Any]) -> ToolResult:
        """Run a call with the official runtime. Failures are results, worded as officially: "ValueError: ..."."""
        try:
            size = check_arguments(arguments)
            self.budget.take(size)
            if self._shared:
                self._now, self._shared = copy.deepcopy(self._now), False
            value, error = runtime(self.suite).run_function(self._now, name, lists_read(arguments))
            text = as_text(value) if error is None else str(error)
        except Exception as failure:  # officially, some of these would end the whole benchmark
            text = error = f"{type(failure).__name__}: {failure}"
        if len(text) > SHOWN_CHARS:
            text = f"{text[:SHOWN_CHARS]}\n[cut: {SHOWN_CHARS} of {len(text)} characters shown]"
        self.budget.showed(len(text))
        return ToolResult(text, None if error is None else "execution")


def lists_read(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments as the official ToolsExecutor passes them on: a text that is a Python list becomes the list."""
    return {key: _list_read(value) if isinstance(value, str) else value for key, value in arguments.items()}


def _list_read(text: str) -> Any:
    if "[" not in text or "]" not in text:
        return text
    try:
        value = ast.literal_eval(Warnless(text).source)
    except Exception:  # nested too deeply, or a list as a key: officially the benchmark would end
        return text
    return value if isinstance(value, list) else text


def trace(calls: Iterable[ToolCall]) -> list[Any]:
    """The calls that could be read, as the official checks get them."""
    made = official.module("functions_runtime").FunctionCall
    found = []
    for call in calls:
        if call.error is None:
            try:
                found.append(made(function=call.name, args=lists_read(call.arguments)))
            except Exception:  # arguments that no official call can have
                found.append(made(function=call.name, args={}))
    return found


def check(entry: Entry, world: World, answer: str, calls: Iterable[ToolCall]) -> Checked:
    """The official checks of an episode that ends with ``answer`` after these calls.

    A check that raises, as some do for calls that lack an argument, has not passed; officially the benchmark would end.
    """
    official_suite = suite(entry.suite)
    made = trace(calls)
    before, after = copy.deepcopy(world.before), copy.deepcopy(world.now)  # some checks mark mail as read
    blocks = [{"type": "text", "content": answer}]

    def passes(task: Any) -> bool:
        try:
            return bool(official_suite._check_task_result(task, blocks, before, after, made))
        except Exception:
            return False

    utility = passes(official_suite.user_tasks[entry.user_task])
    if not entry.injection_task:
        return Checked(utility, None)
    if entry.attack in DENIAL:
        return Checked(utility, not utility)
    return Checked(utility, passes(official_suite.injection_tasks[entry.injection_task]))
