"""The official tasks of AgentDojo as ToolGym's."""

from __future__ import annotations

from functools import cache
import yaml

from toolgym.assets import read_member
from toolgym.tasks import Task
from toolgym.types import ToolCall

from .entry import ROUNDS, Entry
from .suites import environment, suite
from .world import tools


@cache
def system_message() -> str:
    """The official system message of all suites."""
    texts = yaml.safe_load(read_member("agentdojo", "agentdojo/data/system_messages.yaml"))
    return str(texts["default"])


@cache
def user_tasks(name: str) -> tuple[Task, ...]:
    """The user tasks of a suite, without an attack, in the official order.

    ``expected`` has one gold call per action, or several if the official loop would not have actions enough, and an
    action that calls nothing.
    """
    return tuple([_task(Entry(name, official_id)) for official_id in suite(name).user_tasks])


def _task(entry: Entry) -> Task:
    user = suite(entry.suite).user_tasks[entry.user_task]
    messages = [{"role": "system", "content": system_message()}, {"role": "user", "content": user.PROMPT}]
    task_id = "/".join([part for part in (entry.suite, entry.user_task, entry.injection_task, entry.attack) if part])
    calls = gold_calls(entry.suite, entry.user_task)
    size = -(-len(calls) // ROUNDS)
    actions = [calls[i : i + size] for i in range(0, len(calls), size)] if calls else []
    answer = user.GROUND_TRUTH_OUTPUT or None
    return Task.of(task_id, messages, tools(entry.suite), [*actions, ()], response=answer, data=entry)


@cache
def gold_calls(name: str, user_task: str) -> tuple[ToolCall, ...]:
    """The official ``ground_truth`` of a user task."""
    calls = suite(name).user_tasks[user_task].ground_truth(environment(name))
    return tuple([ToolCall(call.function, dict(call.args)) for call in calls])
