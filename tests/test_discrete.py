"""DiscreteTools: any suite as a choice from a menu, whose calls come from the request alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import warnings
from datetime import date

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.error import ResetNeeded
from gymnasium.utils.env_checker import check_env
from hypothesis import given, settings
from hypothesis import strategies as st

import toolgym.env
from toolgym import Task, ToolCall, ToolEnv
from toolgym.dialects import DIALECTS, get_dialect
from toolgym.registry import SUITES
from toolgym.tools import Tool
from toolgym.types import Observation, message
from toolgym.wrappers import DiscreteTools, OnlyTasks, split_tasks
from toolgym.wrappers.discrete.filling import fill, read_request
from toolgym.wrappers.discrete.menu import COLUMNS, MenuMaker
from toolgym.wrappers.discrete.values import find_values

TODAY = date(2026, 11, 20)  # a Friday


def make(env_id, multi=False, **kwargs):
    small = {"category": "multiple"} if env_id == "ToolGym-BFCL-v0" else {}
    return DiscreteTools(gym.make(env_id, **{**small, **kwargs}), multi=multi)


def values(text):
    return [(value.kind, value.value) for value in find_values(text, TODAY)]


@pytest.mark.parametrize("multi", [False, True])
@pytest.mark.parametrize("env_id", sorted(SUITES))
def test_the_checkers_of_gymnasium_and_stable_baselines3_pass(env_id, multi):
    checker = pytest.importorskip("stable_baselines3.common.env_checker")
    env = make(env_id, multi)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", ".*is different from the unwrapped version.*")  # it is a wrapper
        check_env(env, skip_render_check=True)
        checker.check_env(env)


@pytest.mark.parametrize("env_id", sorted(SUITES))
def test_every_choice_is_a_scored_text_of_the_env(env_id):
    env = make(env_id)
    rng = np.random.default_rng(0)
    observation, _ = env.reset(seed=0)
    for _ in range(30):
        assert env.observation_space.contains(observation)
        choice = rng.choice(np.flatnonzero(env.action_masks()))
        call = env.menu.calls[choice] if choice < env.maker.max_candidates else None
        observation, reward, terminated, truncated, info = env.step(choice)
        assert reward == info["reward"].total
        assert not info["invalid_action"]
        parsed = env.unwrapped.dialect.parse(info["action_text"])
        assert [(c.name, c.arguments) for c in parsed.calls] == ([(call.name, call.arguments)] if call else [])
        if terminated or truncated:
            observation, _ = env.reset()


@pytest.mark.parametrize("dialect", sorted(DIALECTS))
def test_a_choice_is_written_in_the_envs_dialect(dialect):
    env = make("ToolGym-BFCL-v0", dialect=dialect)
    env.reset(seed=0)
    *_, info = env.step(0)
    (call,) = env.unwrapped.dialect.parse(info["action_text"]).calls
    assert call.name == env.menu.calls[0].name


def episode(seed):
    env = make("ToolGym-Office-v0", level="easy")
    rng = np.random.default_rng(seed)
    observation, _ = env.reset(seed=seed)
    out = [observation]
    for _ in range(20):
        observation, reward, terminated, truncated, info = env.step(rng.choice(np.flatnonzero(env.action_masks())))
        out += [observation, reward, info["action_text"]]
        if terminated or truncated:
            observation, _ = env.reset()
            out.append(observation)
    return b"".join(
        b"".join(each[key].tobytes() for key in sorted(each)) if isinstance(each, dict) else repr(each).encode()
        for each in out
    )


def test_the_same_seed_gives_the_same_bytes_in_every_process():
    source = "import test_discrete, zlib; print(zlib.crc32(test_discrete.episode(3)))"
    found = set()
    for seed in ("1", "77"):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.path.dirname(__file__)}
        done = subprocess.run(
            [sys.executable, "-c", source], env=environment, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stderr
        found.add(done.stdout)
    assert len(found) == 1


def shop(expected, request="Two cartons of milk from the shop 'Dairy Corner', please.", count=1):
    schema = {
        "type": "object",
        "properties": {"shop": {"type": "string"}, "quantity": {"type": "integer"}},
        "required": ["shop", "quantity"],
    }
    tools = [Tool(f"buy_milk_{i}", "Buy cartons of milk.", schema) for i in range(count)]
    return ToolEnv([Task.of("milk", request, tools, expected=expected)], max_turns=3)


def test_nothing_of_the_expected_answer_reaches_the_menu():
    secret = ToolCall("buy_milk_0", {"shop": "Somewhere Else", "quantity": 99})
    seen = []
    for expected in ([[secret]], [[]]):
        env = DiscreteTools(shop(expected))
        observation, _ = env.reset(seed=0)
        seen.append((env.menu.calls, {name: array.tobytes() for name, array in observation.items()}))
    assert seen[0] == seen[1]
    assert seen[0][0][0].arguments == {"shop": "Dairy Corner", "quantity": 2}


def test_a_choice_that_is_not_there_is_an_answer_without_a_call():
    env = DiscreteTools(shop([[]]))
    env.reset(seed=0)
    mask = env.action_masks()
    assert mask.shape == (17,)
    empty = int(np.flatnonzero(~mask)[0])
    *_, terminated, _, info = env.step(empty)
    assert terminated
    assert info["invalid_action"]
    assert info["success"]
    assert info["calls"] == []


def test_two_numbers_name_a_tool_and_a_filling():
    env = DiscreteTools(shop([[]], count=2), multi=True)
    env.reset(seed=0)
    assert env.action_space == gym.spaces.MultiDiscrete([9, 2])
    assert env.action_masks().tolist() == [True] * 2 + [False] * 6 + [True] + [True, False]
    assert env.choice(np.array([1, 0])) == 2
    assert env.choice(np.array([1, 1])) == 2, "a filling that a tool does not have is its first one"
    assert env.choice(np.array([8, 1])) == 16
    *_, info = env.step(np.array([5, 0]))
    assert info["invalid_action"]


def test_with_many_tools_those_nearest_to_the_request_have_a_slot():
    tools = [Tool(f"tool_{i}", "Does something.", {}) for i in range(60)]
    tools.insert(50, Tool("rent_bicycle", "Rent a bicycle.", {}))
    env = DiscreteTools(ToolEnv([Task.of("t", "I want to rent a bicycle.", tools)]), max_candidates=4, fillings=1)
    env.reset(seed=0)
    assert "rent_bicycle" in [call.name for call in env.menu.calls]
    assert sum(call is not None for call in env.menu.calls) == 4


def test_wrong_use_is_refused_in_words():
    with pytest.raises(TypeError, match="ToolEnvs"):
        DiscreteTools(gym.make("CartPole-v1"))
    with pytest.raises(ValueError, match="multiple of fillings"):
        DiscreteTools(shop([[]]), max_candidates=5, fillings=2)
    with pytest.raises(ValueError, match="at least 8"):
        DiscreteTools(shop([[]]), features=2)
    env = DiscreteTools(shop([[]]))
    with pytest.raises(ResetNeeded):
        env.step(0)
    env.reset(seed=0)
    for action in (17, -1, "0", 1.5):
        with pytest.raises(ValueError, match="is not in"):
            env.step(action)


def test_values_are_found_in_a_request():
    text = (
        "Invite ann.lee@example.com and Bob Hale to 'Budget review' on the 24th at quarter past one in the afternoon, "
        "for an hour and a half; 12.5% of $1,200 goes to EX-3826, report.pdf, by 9 December."
    )
    assert values(text) == [
        ("email", "ann.lee@example.com"), ("name", "Bob Hale"), ("quoted", "Budget review"), ("date", "2026-11-24"),
        ("time", "13:15"), ("minutes", 90), ("percent", 12.5), ("number", 1200), ("id", "EX-3826"),
        ("file", "report.pdf"),
        ("date", "2026-12-09"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("tomorrow", "2026-11-21"), ("the day after tomorrow", "2026-11-22"), ("in two weeks", "2026-12-04"),
        ("on Friday", "2026-11-27"), ("the 3rd", "2026-12-03"), ("January 2", "2027-01-02"),
        ("3 May 2020", "2020-05-03"),
    ],
)  # fmt: skip
def test_days_in_words(text, expected):
    assert ("date", expected) in values(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("at 3pm", "15:00"), ("12:05 am", "00:05"), ("half past nine in the morning", "09:30"), ("noon", "12:00"),
     ("quarter to eight in the evening", "19:45"), ("25:99", None)],
)  # fmt: skip
def test_times_in_words(text, expected):
    assert [value for kind, value in values(text) if kind == "time"] == ([expected] if expected else [])


def filled(properties, text, required=None, count=1):
    schema = {"type": "object", "properties": properties, "required": list(required or properties)}
    return [filling.arguments for filling in fill(schema, read_request(text, TODAY), count)]


def test_values_go_to_the_parameters_that_ask_for_them():
    text = "Email kira@x.org about 'Lunch', body 'See you on Monday.'"
    properties = {"body": {"type": "string"}, "recipient": {"type": "string"}, "subject": {"type": "string"}}
    assert filled({k: properties[k] for k in ("recipient", "subject", "body")}, text) == [
        {"recipient": "kira@x.org", "subject": "Lunch", "body": "See you on Monday."}
    ]
    sides = {name: {"type": "integer"} for name in ("side1", "side2", "side3")}
    assert filled(sides, "A triangle with three sides of 5, 4 and 3.") == [{"side1": 5, "side2": 4, "side3": 3}]
    near = {"height": {"type": "number"}, "base": {"type": "number"}}
    assert filled(near, "The base is 10 and the height is 5.5.") == [{"height": 5.5, "base": 10}]


def test_choices_defaults_and_guesses_fill_the_rest():
    properties = {
        "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]}, "days": {"type": "integer", "default": 3},
        "detailed": {"type": "boolean"}, "tags": {"type": "array", "items": {"type": "string"}},
        "place": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    }  # fmt: skip
    assert filled(properties, "The weather in Oslo in fahrenheit") == [
        {"unit": "fahrenheit", "days": 3, "detailed": True, "tags": ["Oslo"], "place": {"city": "Oslo"}}
    ]


def test_a_percentage_is_a_fraction_first_and_then_as_written():
    rate = {"rate": {"type": "number", "description": "The interest rate."}}
    assert filled(rate, "At a rate of 5%.", count=3) == [{"rate": 0.05}, {"rate": 5}]


@settings(deadline=None, max_examples=60)
@given(
    st.text(max_size=300), st.text(max_size=60), st.sampled_from(["string", "integer", "array", "object", "boolean"])
)
def test_any_text_makes_a_menu(text, name, kind):
    schema = {"type": "object", "properties": {name: {"type": kind, "description": text}}, "required": [name]}
    tool = Tool(name or "x", text, schema)
    observation = Observation((message("user", text),), (tool.schema,))
    menu = MenuMaker().make(observation, get_dialect("toolrl"))
    assert menu.calls[0].name == (name or "x")
    json.dumps(menu.calls[0].arguments)
    for array in menu.features.values():
        assert np.isfinite(array).all()
        assert np.abs(array).max(initial=0) <= 1.0 + 1e-6


@pytest.mark.parametrize(
    "text", ["a" * 400_000, "'" * 400_000, "1," * 200_000, "A " * 200_000, "in a " * 80_000, "@." * 200_000]
)
def test_hostile_requests_take_little_time(text):
    tool = Tool("f", "", {"type": "object", "properties": {"q": {"type": "string"}}, "required": ["q"]})
    began = time.perf_counter()
    MenuMaker().make(Observation((message("user", text),), (tool.schema,)), get_dialect("toolrl"))
    assert time.perf_counter() - began < 2


def test_the_menu_shows_what_has_been_called():
    env = make("ToolGym-Office-v0", level="choose")
    first, _ = env.reset(seed=0)
    second, *_ = env.step(0)

    def column(observation, name):
        return observation["candidates"].reshape(17, len(COLUMNS))[:, COLUMNS.index(name)]

    assert column(first, "made_before").max() == 0
    assert column(second, "made_before")[0] == 1
    assert column(second, "has_result")[16] == 1
    assert env.menu.answer.startswith("Here is the result: ")


def test_a_split_is_by_the_id_and_is_kept_to():
    tasks = [Task.of(f"t{i}", "x") for i in range(40)]
    learn, test = split_tasks(tasks, 0.5)
    assert sorted(learn + test) == sorted(task.id for task in tasks)
    assert set(split_tasks(tasks[:30], 0.5)[0]) == set(learn) & {task.id for task in tasks[:30]}
    env = OnlyTasks(toolgym.env.ToolEnv(tasks), learn)
    assert {env.reset(seed=i)[1]["task_id"] for i in range(200)} == set(learn)
    assert env.reset(seed=5)[1] == env.reset(seed=5)[1]
    assert env.reset(options={"task_id": test[0]})[1]["task_id"] == test[0]
    with pytest.raises(ValueError, match="between 0 and 1"):
        split_tasks(tasks, 1.0)
    with pytest.raises(ValueError, match="cannot be split"):
        split_tasks(tasks[:1], 0.5)
