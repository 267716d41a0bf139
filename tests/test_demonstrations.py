"""Worked examples before each request: where they come from, what the model sees, and what is trained on."""

from __future__ import annotations

import json

import gymnasium as gym
import pytest
from conftest import Shop

import toolgym
from toolgym import Task, ToolCall, ToolEnv, evaluate, register, tools_of
from toolgym.agents.scripted import Oracle
from toolgym.cli.main import main
from toolgym.demonstrations import Demonstrations
from toolgym.dialects import DIALECTS, get_dialect
from toolgym.replay import replay
from toolgym.stored.run_files import read_episodes
from toolgym.stored.trust import is_harmless

SPLITS = {"train": ["milk", "bread", "tea"], "test": ["milk", "jam"]}


def shop(split="test", size=3, **kwargs):
    """Requests to buy one thing each; the two splits share the request for milk."""
    calls = {name: ToolCall("add", {"item": name, "quantity": 2}) for name in SPLITS[split][:size]}
    tasks = [
        Task.of(f"{split}-{name}", f"Two {name}.", tools_of(Shop), expected=[[call]]) for name, call in calls.items()
    ]
    return ToolEnv(tasks, state=Shop, **kwargs)


register("TestDemoShop-v0", shop)


def opening(env_id, task_id=None, seed=None, **kwargs):
    env = gym.make(env_id, **kwargs).unwrapped
    observation, _ = env.reset(seed=seed, options=task_id and {"task_id": task_id})
    return env, observation["messages"]


def examples(env, messages):
    """The messages before the task's own."""
    return messages[: len(messages) - sum(each["role"] != "system" for each in env.without_demonstrations())]


# Where they come from ---------------------------------------------------------------------------


def test_examples_are_solved_tasks_of_the_train_split_and_every_request_brings_its_tools():
    env, messages = opening("TestDemoShop-v0", "test-jam", demonstrations=2, dialect="hermes")
    assert [each["role"] for each in messages] == [*["user", "assistant", "tool", "assistant"] * 2, "user"]
    system, request = env.without_demonstrations()
    assert (system["role"], request["content"]) == ("system", "Two jam.")
    train = shop("train", dialect="hermes")
    asked = {f"Two {name}.": train.gold(train.find_task(f"train-{name}")) for name in SPLITS["train"]}
    for k in (0, 4, 8):
        instructions, _, request = messages[k]["content"].rpartition("\n\n")
        assert instructions == system["content"]  # all have the same tools here
        if k == 8:
            assert request == "Two jam."
        else:
            assert messages[k + 1]["content"] == asked[request][0]
            assert json.loads(messages[k + 2]["content"]) == {request.split()[1].rstrip("."): 2}
            assert messages[k + 3]["content"] == asked[request][1]
    assert env.turns == []


@pytest.mark.parametrize("split", ["train", "test"])
def test_the_task_itself_is_never_an_example(split):
    """Also under another id: both splits ask for milk."""
    env, messages = opening("TestDemoShop-v0", f"{split}-milk", split=split, demonstrations=2)
    shown = [each["content"] for each in examples(env, messages) if each["role"] == "user"]
    assert len(shown) == 2
    assert not any("Two milk." in each for each in shown)


def test_the_same_seed_shows_the_same_examples_in_every_episode():
    def shown(seed, task, **kwargs):
        given = {"count": 3, "seed": seed}
        return examples(*opening("ToolGym-Functions-v0", seed=task, split="test", demonstrations=given, **kwargs))

    assert shown(0, 1) == shown(0, 2)
    assert shown(0, 1) != shown(1, 1)
    assert shown(0, 1, category="single") != shown(0, 1)


@pytest.mark.parametrize("suite", ["ToolGym-Functions-v0", "ToolGym-Office-v0"])
@pytest.mark.parametrize("dialect", sorted(DIALECTS))
def test_every_example_is_right_with_its_own_tools(suite, dialect):
    if dialect == "bfcl":
        pytest.skip("of BFCL's rows")
    env, messages = opening(suite, seed=0, split="test", dialect=dialect, demonstrations=2)
    _, plain = opening(suite, seed=0, split="test", dialect=dialect)
    assert env.without_demonstrations() == plain
    assert messages[-1]["content"].endswith(plain[-1]["content"])
    assert plain[0]["content"] in messages[-1]["content"]
    source = gym.make(suite, split="train", dialect=dialect).unwrapped
    for example in env.demonstrations.load(env):
        task = source.find_task(example.task_id)
        golden = source.gold(task)
        assert [each["content"] for each in example.messages if each["role"] == "assistant"] == list(golden)
        for tool in task.tools:
            assert tool.name in example.messages[0]["content"]
        called = [call.name for text in golden for call in get_dialect(dialect).parse(text).calls]
        assert {*called} <= {tool.name for tool in task.tools}


def test_a_suite_without_a_train_split_takes_them_from_another():
    with pytest.raises(ValueError, match="no train split to take demonstrations from"):
        opening("ToolGym-BFCL-v0", "simple_python_0", demonstrations=2)
    given = {"count": 2, "env": "ToolGym-Functions-v0", "category": "single"}
    _, messages = opening("ToolGym-BFCL-v0", "simple_python_0", demonstrations=given, dialect="pythonic")
    assert [each["role"] for each in messages] == ["user", "assistant"] * 2 + ["user"]


def test_messages_of_ones_own():
    given = [{"role": "user", "content": "Hi."}, {"role": "assistant", "content": "Hello."}]
    env = shop(demonstrations=given)
    observation, _ = env.reset(seed=0)
    assert [dict(each) for each in observation["messages"][1:3]] == given
    assert (observation["messages"][0], *observation["messages"][3:]) == env.without_demonstrations()
    with pytest.raises(TypeError, match="immutable"):
        observation["messages"][1]["content"] = ""


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (-1, "at least 0"),
        ("4", "whole number"),
        (True, "whole number"),
        ({"env": "ToolGym-Functions-v0"}, "count"),
        ({"count": 0}, "at least 1"),
        ({"count": 2, "split": "test"}, "count"),
        ({"count": 2, "env": "os:system"}, "registered"),
        (["hi"], r"demonstrations\[0\] is not a message"),
        ([{"role": "system", "content": ""}], "role 'system'"),
        ([{"role": "user", "content": ""}], "do not end with one"),
    ],
)
def test_what_makes_no_sense_is_refused(given, words):
    with pytest.raises((TypeError, ValueError), match=words):
        shop(demonstrations=given)


def test_too_few_tasks_and_an_env_that_gymnasium_did_not_make():
    with pytest.raises(ValueError, match="only 2 tasks"):
        opening("TestDemoShop-v0", "test-milk", demonstrations=3)
    with pytest.raises(ValueError, match=r"made by gym.make"):
        shop(demonstrations=2).reset(seed=0)


def test_gold_that_fails_is_not_shown():
    def half(split="train", **kwargs):
        env = shop(split, **kwargs)
        env.judge = lambda: toolgym.types.Verdict("bread" not in env.task.id)
        return env

    register("TestDemoHalf-v0", half)
    env, _ = opening("TestDemoHalf-v0", "test-jam", split="test", demonstrations=2)
    assert {each.task_id for each in env.demonstrations.load(env)} == {"train-milk", "train-tea"}


# What the model sees, and what is kept ----------------------------------------------------------


def test_off_by_default():
    assert not Demonstrations(0)
    assert opening("TestDemoShop-v0", "test-jam")[1] == opening("TestDemoShop-v0", "test-jam", demonstrations=0)[1]


def test_forks_vector_environments_and_replays_have_them(tmp_path):
    env, messages = opening("TestDemoShop-v0", "test-jam", demonstrations=2)
    (fork,) = env.fork()
    assert fork.observe()["messages"] == messages
    assert fork.reset(options={"task_id": "test-jam"})[0]["messages"] == messages
    envs = gym.make_vec("TestDemoShop-v0", num_envs=2, demonstrations=2)
    observations, _ = envs.reset(seed=0)
    assert all(len(each["messages"]) == len(messages) for each in observations)
    (kept,) = evaluate("ToolGym-Functions-v0", Oracle(), env_kwargs={"demonstrations": 2}, n=1, out=tmp_path / "run")
    assert kept.success
    assert len(kept.messages) == 5
    assert read_episodes(tmp_path / "run")[0].messages == kept.messages
    assert [each.status for each in replay(tmp_path / "run")] == ["same"]


@pytest.mark.parametrize(
    ("value", "harmless"),
    [
        (4, True),
        ([{"role": "user", "content": ""}], True),
        ({"count": 2}, True),
        ({"count": 2, "env": "ToolGym-Functions-v0"}, True),
        ({"count": 2, "env": "os:system"}, False),
        ({"count": 2, "env": ["ToolGym-Functions-v0"]}, False),
    ],
)
def test_a_stored_run_cannot_name_code_as_demonstrations(value, harmless):
    assert is_harmless("demonstrations", value) == harmless


def test_the_command_line(tmp_path, capsys):
    out = tmp_path / "run"
    words = ["eval", "--env", "ToolGym-Functions-v0", "--agent", "oracle", "-n", "1", "--out", str(out)]
    assert main([*words, "--demonstrations", "2"]) == 0
    assert json.loads((out / "run.json").read_text())["env_kwargs"] == {"demonstrations": 2}
    assert len(read_episodes(out)[0].messages) == 5
    capsys.readouterr()
    assert main(["show", "ToolGym-Functions-v0", "train-000005-single", "--demonstrations", "1"]) == 0
    assert capsys.readouterr().out.count("─ user ─") == 2
    assert main(["eval", "--env", "ToolGym-BFCL-v0", "--agent", "oracle", "--demonstrations", "2"]) == 1
    assert "no train split" in capsys.readouterr().err
    named = "2:ToolGym-Functions-v0"
    assert main(["eval", "--env", "ToolGym-BFCL-v0", "--agent", "oracle", "-n", "1", "--demonstrations", named]) == 0
    assert main(["eval", "--env", "ToolGym-BFCL-v0", "--agent", "oracle", "--demonstrations", "no"]) == 2


def test_an_agent_sees_them(monkeypatch, capsys):
    monkeypatch.setattr("sys.stdin", __import__("io").StringIO(":q\n"))
    assert main(["play", "ToolGym-Functions-v0", "--seed", "0", "--demonstrations", "1"]) == 0
    assert capsys.readouterr().out.count("─ assistant ─") == 1
