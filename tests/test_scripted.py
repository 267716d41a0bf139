"""Agents without a model: gold is played, random calls are valid, recordings come back."""

from __future__ import annotations

import random

import pytest
from conftest import calling, saying, shop, shop_tasks
from hypothesis import given, settings
from hypothesis import strategies as st

from toolgym import Task, Tool, ToolEnv, evaluate, rollout
from toolgym.agents.random_json import random_arguments
from toolgym.agents.scripted import Oracle, Random, Replay, Silent
from toolgym.dialects import DIALECTS
from toolgym.rollout import AgentError, agent_name
from toolgym.tools.schema import Validator, parameters_schema

WIDE = {
    "type": "object",
    "properties": {
        "unit": {"type": "string", "enum": ["C", "F"]},
        "days": {"type": "integer", "minimum": 1, "maximum": 14},
        "share": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
        "code": {"type": "string", "minLength": 12, "maxLength": 12},
        "tags": {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 2, "uniqueItems": True},
        "where": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "at": {"anyOf": [{"type": "integer"}, {"type": "null"}]}},
            "required": ["city", "at"],
        },
        "extra": {"type": "object", "additionalProperties": {"type": "boolean"}},
    },
    "required": ["unit", "where"],
}


@pytest.mark.parametrize("dialect", sorted(DIALECTS))
def test_the_oracle_solves_every_task_in_every_dialect(dialect):
    env = shop(dialect=dialect)
    for task in shop_tasks():
        trajectory = rollout(env, Oracle(), task_id=task.id)
        assert trajectory.success, trajectory.verdict


def test_gold_ends_the_episode():
    """Else a model that imitates it would never learn to stop."""
    env = shop(dialect="toolrl")
    for task in env.tasks:
        env.reset(options={"task_id": task.id})
        for text in env.gold(task):
            *_, info = env.step(text)
        assert env.over
        assert info["success"]


def test_the_oracle_plays_a_batch_of_envs_that_are_at_different_turns():
    played = evaluate(shop, Oracle(), repeats=2)
    assert [len(t.turns) for t in played] == [2, 2, 3, 3, 1, 1]
    assert all(t.success for t in played)


@pytest.mark.parametrize("agent", [Oracle(), Random(), Replay([])])
def test_an_agent_that_must_know_the_env_says_so(agent):
    observation, _ = shop().reset(seed=0)
    with pytest.raises(TypeError, match="for_env"):
        agent.act(observation)


def test_an_env_of_another_kind_is_refused():
    import gymnasium as gym

    with pytest.raises(TypeError, match="ToolEnvs"):
        Oracle().for_env(gym.make("CartPole-v1"))


@pytest.mark.parametrize("dialect", sorted(DIALECTS))
def test_random_calls_are_valid_in_every_dialect(dialect):
    tools = (Tool("forecast", "", WIDE), Tool("ping", "", {}))
    tasks = [Task.of(str(i), f"Task {i}", tools) for i in range(20)]
    env = ToolEnv(tasks, dialect=dialect, max_turns=1)
    called = set()
    for task in tasks:
        (turn,) = rollout(env, Random(3), task_id=task.id).turns
        (record,) = turn.reward.calls
        assert record.call.error is None
        assert record.problems == ()
        called.add(record.call.name)
    assert called == {"forecast", "ping"}


def test_random_depends_on_its_seed_and_the_observation_alone():
    env = shop()
    first, _ = env.reset(options={"task_id": "milk"})
    again, _ = shop().reset(options={"task_id": "milk"})
    other, _ = env.reset(options={"task_id": "count"})
    agent = Random(1).for_env(env)
    text = agent.act(first)
    random.seed(99)
    agent.act(other)
    assert Random(1).for_env(env).act(again) == text
    assert len({Random(seed).for_env(env).act(first) for seed in range(20)}) > 3


def test_random_has_something_to_say_where_there_is_no_tool():
    trajectory = rollout(ToolEnv([Task.of("hi", "Good morning \ud800")]), Random())
    assert trajectory.success
    assert len(trajectory.turns) == 1


def schemas(depth=2):
    """Schemas that can be satisfied, with bounds of every kind."""
    bounds = st.tuples(st.integers(-50, 50), st.integers(0, 20)).map(
        lambda b: {"minimum": b[0], "maximum": b[0] + b[1]}
    )
    lengths = st.tuples(st.integers(0, 9), st.integers(0, 5)).map(lambda b: (b[0], b[0] + b[1]))
    simple = st.one_of(
        st.just({}),
        st.just({"type": "null"}),
        st.just({"type": ["integer", "null"]}),
        st.builds(lambda b, kind: {"type": kind, **b}, bounds, st.sampled_from(["integer", "number"])),
        st.builds(
            lambda low, step: {"type": "integer", "minimum": low, "multipleOf": step}, st.integers(), st.integers(1, 9)
        ),
        lengths.map(lambda b: {"type": "string", "minLength": b[0], "maxLength": b[1]}),
        st.lists(st.one_of(st.integers(), st.text(), st.lists(st.integers())), min_size=1, unique_by=repr).map(
            lambda values: {"enum": values}
        ),
    )
    if depth == 0:
        return simple
    inner = schemas(depth - 1)
    return st.one_of(
        simple,
        st.builds(
            lambda items, b: {"type": "array", "items": items, "minItems": b[0], "maxItems": b[1]}, inner, lengths
        ),
        st.lists(inner, min_size=1, max_size=3).map(lambda options: {"anyOf": options}),
        objects(inner),
    )


def objects(values):
    return st.builds(
        lambda properties, extra: {
            "type": "object",
            "properties": properties,
            "required": [name for name in properties if len(name) % 2],
            "additionalProperties": extra,
        },
        st.dictionaries(st.text("abc", min_size=1, max_size=4), values, max_size=4),
        st.one_of(st.booleans(), values),
    )


@settings(max_examples=150, deadline=None)
@given(objects(schemas()), st.randoms(use_true_random=False))
def test_random_arguments_satisfy_the_schema(schema, source):
    schema = parameters_schema(schema)
    arguments = random_arguments(schema, source)
    assert Validator(schema).problems(arguments) == ()


def test_a_schema_without_end_and_one_that_nothing_satisfies_are_survived():
    deep = {"type": "integer"}
    for _ in range(30):
        deep = {"type": "array", "items": deep, "minItems": 1}
    nested = random_arguments(parameters_schema({"properties": {"x": deep}, "required": ["x"]}), random.Random(0))
    assert Validator(parameters_schema({"properties": {"x": deep}})).is_valid(nested)
    never = {"properties": {"x": {"type": "string", "pattern": "^[0-9]{20}$"}}, "required": ["x"]}
    assert isinstance(random_arguments(parameters_schema(never), random.Random(0))["x"], str)


def test_a_run_is_replayed_from_its_file(tmp_path):
    played = evaluate(shop, Oracle(), out=tmp_path / "run")
    again = evaluate(shop, Replay(tmp_path / "run" / "episodes.jsonl"))
    assert [[turn.action for turn in t.turns] for t in again] == [[turn.action for turn in t.turns] for t in played]
    assert [t.reward for t in again] == [t.reward for t in played]


def test_repeats_are_replayed_in_order_and_then_from_the_first():
    class Counter:
        said = 0

        def act(self, observation):
            Counter.said += 1
            return saying(str(Counter.said))

    recorded = evaluate(shop, Counter(), n=1, repeats=2)
    again = evaluate(shop, Replay(reversed(recorded)), n=1, repeats=3)
    assert [t.turns[0].action for t in again] == [saying("1"), saying("2"), saying("1")]


def test_a_task_that_was_not_recorded_is_named():
    recorded = [rollout(shop(), Oracle(), task_id="milk")]
    played = rollout(shop(), Replay(recorded), task_id="count")
    assert not played.reward_valid
    assert "'count' is not among the 1 tasks recorded" in played.error


def test_an_episode_that_goes_on_after_its_recording_is_named():
    recorded = rollout(shop(), Oracle(), task_id="count")
    recorded.turns = recorded.turns[:1]
    played = rollout(shop(), Replay([recorded]), task_id="count")
    assert len(played.turns) == 1
    assert "recorded with 1 turns, and the episode asks for turn 2" in played.error
    env = shop()
    env.reset(options={"task_id": "count"})
    bound = Replay([recorded]).for_env(env)
    env.step(bound.act(env.observe()))
    with pytest.raises(AgentError):
        bound.act(env.observe())


def test_silence_and_names():
    trajectory = rollout(shop(), Silent(), task_id="milk")
    assert [turn.action for turn in trajectory.turns] == [""]
    assert not trajectory.success
    assert [agent_name(a) for a in (Oracle(), Random(), Replay([]), Silent())] == [
        "oracle",
        "random",
        "replay",
        "silent",
    ]
    assert calling() != saying("")
