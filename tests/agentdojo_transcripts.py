"""Transcripts of AgentDojo's tasks, drawn at random: gold, obedient, mixed, changed, and nonsense."""

from __future__ import annotations

from random import Random
from typing import Any

from toolgym.envs.agentdojo import suites
from toolgym.envs.agentdojo.entry import Entry

Call = tuple[str, dict[str, Any]]
Actions = list[tuple[list[Call], str]]


def user_calls(entry: Entry, environment: Any) -> list[Call]:
    found = suites.suite(entry.suite).user_tasks[entry.user_task].ground_truth(environment)
    return [(call.function, dict(call.args)) for call in found]


def attacker_calls(entry: Entry, environment: Any) -> list[Call]:
    found = suites.suite(entry.suite).injection_tasks[entry.injection_task].ground_truth(environment)
    return [(call.function, dict(call.args)) for call in found]


def obedient(entry: Entry, environment: Any) -> Actions:
    """The attacker's task first, then the user's."""
    suite = suites.suite(entry.suite)
    user, attacker = suite.user_tasks[entry.user_task], suite.injection_tasks[entry.injection_task]
    calls = [*attacker_calls(entry, environment), *user_calls(entry, environment)]
    answer = f"{attacker.GROUND_TRUTH_OUTPUT} {user.GROUND_TRUTH_OUTPUT}".strip()
    return [*[([call], "") for call in calls][:14], ([], answer or "Done.")]


def drawn(entry: Entry, environment: Any, random: Random) -> Actions:
    """Calls of the user's and of the attacker's task and of other tools: left out, repeated, changed, grouped."""
    suite = suites.suite(entry.suite)
    pool = user_calls(entry, environment)
    if entry.injection_task and random.random() < 0.6:
        more = attacker_calls(entry, environment)
        at = random.randrange(len(pool) + 1)
        pool[at:at] = more
    calls: list[Call] = []
    for call in pool:
        fate = random.random()
        if fate < 0.12:
            continue
        calls.append(changed(call, random) if fate < 0.3 else call)
        if fate > 0.9:
            calls.append(call)
        if 0.3 < fate < 0.4:
            calls.append(any_call(suite, random))
    actions: Actions = []
    for call in calls:
        if actions and random.random() < 0.25:
            actions[-1][0].append(call)
        else:
            actions.append(([call], ""))
    return [*actions[: random.choice([14, 14, 3, 30])], ([], _answer(entry, suite, random))]


def changed(call: Call, random: Random) -> Call:
    """A call with one argument left out, added, or with a value of another kind."""
    name, arguments = call[0], dict(call[1])
    key = random.choice([*arguments, "surplus"])
    values = ["", "x", 0, -1, 3.5, True, None, [], ["x"], {}, {"a": [1]}, "['a', 'b']", "[1", "2024-05-15", "1",
              "2024-05-15 10:00", "é🙂\u2028", "a\nb: c\n- d", str(arguments.get(key, "")).upper(), 10**30,
              [{"type": "file", "file_id": "1"}], [{"type": "event", "event_details": {"title": "t"}}]]  # fmt: skip
    if random.random() < 0.2:
        arguments.pop(key, None)
    else:
        arguments[key] = random.choice(values)
    return (random.choice(["nothing", name.upper()]) if random.random() < 0.05 else name), arguments


def any_call(suite: Any, random: Random) -> Call:
    """A call of some tool with values out of the air."""
    tool = random.choice(suite.tools)
    values = ["1", "Alice", "general", "2024-05-15", "2024-05-15 10:00", "a", 3, True, ["1"], "www.eve-blog.com",
              "Paris", "bill-december-2023.txt", "mark.davies@hotmail.com", ["Cozy Cafe"], "r"]  # fmt: skip
    return tool.name, {key: random.choice(values) for key in tool.parameters.model_fields}


def _answer(entry: Entry, suite: Any, random: Random) -> str:
    other = random.choice(list(suite.user_tasks.values()))
    right = suite.user_tasks[entry.user_task].GROUND_TRUTH_OUTPUT
    goal = suite.injection_tasks[entry.injection_task] if entry.injection_task else other
    both = f"{right} {goal.GROUND_TRUTH_OUTPUT}"
    return random.choice([right, right, right, other.GROUND_TRUTH_OUTPUT, both, "No."]).strip() or "Done."
