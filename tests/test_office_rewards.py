"""The office suite's rewards: gold earns the maximum, and nothing else pays as well."""

from __future__ import annotations

import pytest
from conftest import calling
from hypothesis import given, settings
from hypothesis import strategies as st
from office_players import (
    LEVELS,
    MOVES,
    SPLITS,
    always_asking,
    always_calling,
    ideal,
    make,
    move,
    play,
    saying,
    silent,
    spam,
    stuck,
    tools_of,
)

from toolgym.agents.scripted import Random
from toolgym.rollout import rollout


@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_gold_solves_every_task_and_earns_the_maximum_at_each_turn(split, seed):
    for level in LEVELS:
        env = make(split=split, level=level, seed=seed)
        for index in range(0, 2000, 25):
            task = env.tasks[index]
            rewards, info = play(env, task, ideal)
            assert info["success"], (task.id, info["verdict"])
            assert rewards == [4.0] * len(task.expected), task.id
            assert len(rewards) <= 7


@pytest.mark.parametrize("policy", [silent, always_asking, spam, always_calling, stuck])
def test_policies_that_do_not_do_the_task_lose_and_fail(policy):
    for level in LEVELS:
        if level == "irrelevant":
            continue
        env = make(split="val", level=level)
        earned = []
        for index in range(40):
            rewards, info = play(env, env.tasks[index], policy)
            assert not info["success"], env.task.id
            assert sum(rewards) < 4.0 * len(env.task.expected) - 4, env.task.id
            earned.append(sum(rewards))
        assert sum(earned) / len(earned) < -3


def test_a_needless_call_is_worse_than_declining():
    env = make(split="val", level="irrelevant")
    for index in range(60):
        assert play(env, env.tasks[index], always_asking)[0] == [4.0]
        for policy in (spam, always_calling, stuck):
            rewards, info = play(env, env.tasks[index], policy)
            assert sum(rewards) < 0
            assert (info["success"], info["error_type"]) == (False, "needless_call")


def only_thinking(env, gold):
    """Gold, but each answer is moved into the thought, so that the user is told nothing."""
    action = gold.pop(0)
    if "<tool_call>" in action:
        return action
    return action.replace("</think>", "").replace("<response>", "").replace("</response>", "</think>")


@pytest.mark.parametrize("level", LEVELS)
def test_an_answer_that_says_nothing_fails_and_costs(level):
    env = make(split="val", level=level)
    for index in range(30):
        task = env.tasks[index]
        rewards, info = play(env, task, only_thinking)
        assert (info["success"], info["error_type"]) == (False, "no_response")
        assert sum(rewards) < 4.0 * len(task.expected) - 4


def test_silence_is_no_way_to_decline():
    env = make(split="val", level="irrelevant")
    for index in range(30):
        rewards, info = play(env, env.tasks[index], silent)
        assert (info["success"], info["error_type"]) == (False, "no_response")
        assert sum(rewards) < -1


def test_the_random_agent_scores_far_below_gold():
    env = make(split="test")
    episodes = [rollout(env, Random(seed=0), task_id=env.tasks[i].id) for i in range(160)]
    assert sum(episode.success for episode in episodes) <= 2
    assert sum(episode.reward for episode in episodes) / len(episodes) < -5


def test_trying_the_wrong_thing_is_no_worse_than_doing_nothing():
    """Otherwise training would teach silence first."""
    env = make(split="val", level="choose")
    for index in range(60):
        task = env.tasks[index]
        assert sum(play(env, task, always_calling)[0]) > sum(play(env, task, silent)[0])


@settings(max_examples=300, deadline=None)
@given(
    st.integers(0, 1999),
    st.sampled_from(LEVELS),
    st.lists(st.tuples(st.sampled_from(MOVES), st.integers(0, 9)), min_size=1, max_size=8),
)
def test_no_play_earns_more_than_gold(index, level, moves):
    env = make(split="val", level=level)
    task = env.tasks[index]
    todo = list(moves)
    rewards, info = play(env, task, lambda env, gold: move(env, gold, *(todo.pop(0) if todo else ("gold", 0))))
    best = 4.0 * len(task.expected)
    assert sum(rewards) <= best + 1e-9
    if sum(rewards) > best - 0.5:
        assert info["success"], info["verdict"]
        assert len(rewards) == len(task.expected)


def test_the_order_of_independent_calls_does_not_matter():
    env = make(split="val", level="parallel")
    for index in range(60):
        rewards, info = play(env, env.tasks[index], lambda env, gold: move(env, gold, "reversed", 0))
        assert (rewards, info["success"]) == ([4.0, 4.0], True), (env.task.id, info["verdict"])


def test_splitting_parallel_calls_solves_the_task_for_less():
    env = make(split="val", level="parallel")
    for index in range(60):
        rewards, info = play(env, env.tasks[index], lambda env, gold: move(env, gold, "first", 0))
        assert info["success"], info["verdict"]
        assert 4.0 < sum(rewards) < 8.0


def test_another_way_to_look_something_up_is_accepted():
    """The gold lookup has the exact title. A part of the title finds the event as well."""
    env = make(level="chain")
    task = next(t for t in env.tasks if tools_of(t) == ["find_event", "cancel_event"])
    (lookup,), act, _ = task.expected
    env.reset(options={"task_id": task.id})
    ((parameter, title),) = lookup.arguments.items()
    _, first, *_ = env.step(calling((lookup.name, {parameter: title[:-2].lower()})))
    _, second, *_ = env.step(calling(*[(call.name, call.arguments) for call in act]))
    _, third, *_, info = env.step(env.gold(task)[-1])
    assert info["success"]
    assert first < second == third == 4.0


def test_a_call_to_the_same_effect_counts_as_made():
    """A title in small letters finds the same event, and a default may be written out."""
    env = make(level="single", split="val")
    task = next(task for task in env.tasks if tools_of(task) == ["find_event"])
    (call,), _ = task.expected
    ((parameter, title),) = call.arguments.items()
    env.reset(options={"task_id": task.id})
    _, first, *_ = env.step(calling((call.name, {parameter: title.lower()})))
    _, second, *_, info = env.step(env.gold(task)[1])
    assert 0 < first < second == 4.0
    assert info["success"]

    task = next(t for t in env.tasks if tools_of(t) == ["add_task"] and len(t.expected[0][0].arguments) == 2)
    (call,), _ = task.expected
    parameters = next(tool for tool in task.tools if tool.name == call.name).parameters["properties"]
    ((priority, about),) = [(name, about) for name, about in parameters.items() if "default" in about]
    env.reset(options={"task_id": task.id})
    _, first, *_ = env.step(calling((call.name, {**call.arguments, priority: about["default"]})))
    _, second, *_, info = env.step(env.gold(task)[1])
    assert 0 < first < second == 4.0
    assert info["success"]


def test_a_question_that_is_not_asked_is_named():
    env = make(split="val", level="missing")
    _, info = play(env, env.tasks[0], lambda env, gold: saying("All done."))
    assert info["verdict"] == "answer 1 lacks a question"
