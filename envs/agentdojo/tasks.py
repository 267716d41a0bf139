"""The official tasks of AgentDojo as ToolGym's, alone or paired with an attacker's."""

from __future__ import annotations

from functools import cache

import yaml

from toolgym.assets import read_member
from toolgym.tasks import Task
from toolgym.types import ToolCall

from .attacks import injections
from .entry import DENIAL, NONE, ROUNDS, Entry
from .suites import environment, suite, vectors
from .world import tools


def entries(name: str, attack: str, model_name: str, split: str, seed: int) -> list[Entry]:
    """The tasks of a suite under one attack, in the official order; "none": the user tasks alone."""
    found = suite(name)
    if attack == NONE:
        return [Entry(name, user_task) for user_task in found.user_tasks]
    wanted = list(found.injection_tasks)[: 1 if attack in DENIAL else None]
    pairs = [(user_task, injection_task) for user_task in found.user_tasks for injection_task in wanted]
    return [Entry(name, *pair, attack, model_name, split, seed) for pair in pairs]


def task(entry: Entry) -> Task:
    """A task. ``expected`` has one gold call per action, and then an action that calls nothing.

    Several gold calls share an action if there are more of them than the official loop has rounds.
    """
    user = suite(entry.suite).user_tasks[entry.user_task]
    messages = [{"role": "system", "content": system_message()}, {"role": "user", "content": user.PROMPT}]
    calls = _gold(entry)
    size = -(-len(calls) // ROUNDS)
    actions = [calls[i : i + size] for i in range(0, len(calls), size or 1)]
    answer = user.GROUND_TRUTH_OUTPUT or None
    return Task.of(entry.id, messages, tools(entry.suite), [*actions, ()], response=answer, data=entry)


@cache
def system_message() -> str:
    """The official system message of all suites."""
    texts = yaml.safe_load(read_member("agentdojo", "agentdojo/data/system_messages.yaml"))
    return str(texts["default"])


def _gold(entry: Entry) -> tuple[ToolCall, ...]:
    """The official ``ground_truth`` of the user's task. An attack changes it in a task that uses the attacked text."""
    if entry.injection_task and _uses_vectors(entry.suite, entry.user_task):
        return _ground_truth(entry.suite, entry.user_task, injections(entry))
    return _ground_truth(entry.suite, entry.user_task, ())


@cache
def _uses_vectors(name: str, user_task: str) -> bool:
    canaries = tuple([(vector, f"<{vector}>") for vector in vectors(name)])
    return _ground_truth(name, user_task, ()) != _ground_truth(name, user_task, canaries)


@cache
def _ground_truth(name: str, user_task: str, injected: tuple[tuple[str, str], ...]) -> tuple[ToolCall, ...]:
    calls = suite(name).user_tasks[user_task].ground_truth(environment(name, injected))
    return tuple([ToolCall(call.function, dict(call.args)) for call in calls])
