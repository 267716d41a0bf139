"""Results, utility and attack success are the official ones: on gold, obedient and thousands of random transcripts."""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import Any

import agentdojo_oracle as oracle
import agentdojo_transcripts as transcripts
import gymnasium as gym
import pytest

import toolgym  # noqa: F401  registers the suites
from toolgym.envs.agentdojo import attacks, suites, tasks
from toolgym.envs.agentdojo.entry import OFFICIAL, SUITES, Entry
from toolgym.types import Completion, ToolCall

PER_SUITE = 8
"""Random transcripts of each suite. Set it to 1,000 for a long run."""


def played(env: Any, entry: Entry, actions: transcripts.Actions) -> tuple[list[str], bool, bool | None]:
    """The results, utility and attack success of a transcript in our environment."""
    env.reset(options={"task_id": entry.id})
    texts, info = [], {}
    for calls, text in [*actions, ([], "")]:
        if env.over:
            break
        made = tuple([ToolCall(name, arguments) for name, arguments in calls])
        *_, info = env.step(env.dialect.render(Completion("", made, "t", text or (None if made else ""))))
        texts += [record.result.content for record in info["calls"] if record.result.error != "too_many_calls"]
    if not env.over:
        info = env.cut_off("no more")
    return texts, info["utility"], info["attack_success"]


def compare(env: Any, entry: Entry, actions: transcripts.Actions) -> tuple[bool, bool | None]:
    injected = dict(attacks.injections(entry))
    texts, *verdicts = played(env, entry, actions)
    official_texts, *official = oracle.play(entry.suite, entry.user_task, entry.injection_task, injected, actions)
    assert verdicts == official, (entry.id, actions)
    # officially the order of an event's participants differs from process to process
    assert [sorted(text.splitlines()) for text in texts] == [sorted(text.splitlines()) for text in official_texts]
    return verdicts[0], verdicts[1]


@pytest.mark.parametrize("suite", SUITES)
def test_gold_and_obedient_transcripts(suite: str) -> None:
    env: Any = gym.make("ToolGym-AgentDojo-v0", category=suite, attack="none,important_instructions").unwrapped
    pairs = tasks.entries(suite, "important_instructions", "Local model", "test", 0)
    seen = Counter[Any]()
    alone = tasks.entries(suite, "none", "", "test", 0)
    by_calls = [entry for entry in alone if entry.user_task == "user_task_11"]  # slack's is judged by its calls alone
    for entry in [*alone[::6], *by_calls, *pairs[:: len(pairs) // 6]]:
        world = suites.environment(suite, attacks.injections(entry))
        if entry.injection_task:
            seen[compare(env, entry, transcripts.obedient(entry, world))] += 1
        else:
            answer = suites.suite(suite).user_tasks[entry.user_task].GROUND_TRUTH_OUTPUT or "Done."
            calls = [([call], "") for call in transcripts.user_calls(entry, world)]
            if len(calls) <= 15:
                assert compare(env, entry, [*calls, ([], answer)]) == (True, None)
    assert sum(n for (_, attacked), n in seen.items() if attacked) > 0


@pytest.mark.parametrize("suite", SUITES)
def test_random_transcripts(suite: str) -> None:
    env: Any = gym.make("ToolGym-AgentDojo-v0", category=suite, attack="none,direct").unwrapped
    pairs = tasks.entries(suite, "direct", "Local model", "test", 0)
    alone = tasks.entries(suite, "none", "Local model", "test", 0)
    random, seen = Random(f"transcripts {suite}"), Counter[Any]()
    for _ in range(PER_SUITE):
        entry = random.choice(pairs if random.random() < 0.8 else alone)
        world = suites.environment(suite, attacks.injections(entry))
        seen[compare(env, entry, transcripts.drawn(entry, world, random))] += 1
    assert len(seen) > 2


@pytest.mark.parametrize("suite", SUITES)
def test_attack_texts_and_the_environments_with_them_are_official(suite: str) -> None:
    from types import SimpleNamespace

    from agentdojo.attacks import load_attack
    from agentdojo.attacks.attack_registry import ATTACKS

    assert set(OFFICIAL) == set(ATTACKS) - {"manual"}
    found = oracle.SUITES[suite]
    for i, name in enumerate(OFFICIAL):
        attack = load_attack(name, found, SimpleNamespace(name="gpt-4o-2024-05-13"))
        users, goals = list(found.user_tasks.values()), list(found.injection_tasks.values())
        user, goal = users[i % len(users)], goals[i % len(goals)]
        entry = Entry(suite, user.ID, goal.ID, name, "GPT-4")
        injected = attacks.injections(entry)
        if i % 5 == 0:  # the official way reads the whole environment again
            assert dict(injected) == attack.attack(user, goal)
        if i % 4 == 0:
            ours = suites.environment(suite, injected)
            assert ours.model_dump() == found.load_and_inject_default_environment(dict(injected)).model_dump()


def test_model_names_and_data_are_official() -> None:
    from agentdojo.models import MODEL_NAMES
    from agentdojo.task_suite.task_suite import read_suite_file

    assert set(attacks.model_names()) == set(MODEL_NAMES.values())
    for suite in SUITES:
        assert suites.suite_text(suite, "environment.yaml") == read_suite_file(suite, "environment.yaml", None)
        assert suites.vectors(suite) == oracle.SUITES[suite].get_injection_vector_defaults()
