from __future__ import annotations

import copy
import json
import pickle

import gymnasium as gym
import pytest
from conftest import Shop, calling, saying, shop, shop_tasks
from gymnasium.error import ResetNeeded
from gymnasium.utils.env_checker import check_env

from toolgym import Rubric, Task, ToolEnv
from toolgym.types import FrozenDict, freeze

MILK = ("add", {"item": "milk", "quantity": 2})


def test_gymnasiums_own_checker_passes():
    check_env(shop(), skip_render_check=True)


def test_the_readme_loop():
    env = shop()
    observation, info = env.reset(options={"task_id": "count"})
    assert info["task_id"] == "count"
    assert observation["messages"][-1]["content"].startswith("Two cartons")
    assert [tool["function"]["name"] for tool in observation["tools"]] == ["add", "total", "break_down"]

    observation, reward, terminated, truncated, info = env.step(calling(MILK))
    assert (reward, terminated, truncated) == (4.0, False, False)
    assert observation["messages"][-1] == {"role": "tool", "content": '{"milk":2}', "name": "add"}
    observation, reward, terminated, truncated, info = env.step(calling(("total", {})))
    assert observation["messages"][-1]["content"] == "2"
    observation, reward, terminated, truncated, info = env.step(saying("Two."))
    assert (terminated, truncated, info["success"], info["verdict"]) == (True, False, True, "")


def test_the_reward_is_the_total_of_its_breakdown():
    env = shop()
    env.reset(options={"task_id": "milk"})
    _, reward, *_, info = env.step(calling(("add", {"item": "oat milk", "quantity": 2})))
    assert info["reward"].total == reward
    assert sum(term.weight * term.score for term in info["reward"].terms) == pytest.approx(reward)
    (record,) = info["calls"]
    assert record.score.expected == 0
    assert record.score.value == 1.0
    assert "item" in record.score.reason
    assert "item" in str(info["reward"])


def test_all_calls_of_an_action_run_in_order():
    env = shop()
    env.reset(options={"task_id": "milk"})
    observation, *_, info = env.step(calling(MILK, ("total", {})))
    assert [m["content"] for m in observation["messages"][-2:]] == ['{"milk":2}', "2"]
    assert [record.result.error for record in info["calls"]] == [None, None]
    text = observation["messages"][-3]["content"]
    assert text[info["calls"][0].call.start : info["calls"][0].call.end].startswith("{")


@pytest.mark.parametrize(
    ("action", "error"),
    [
        (calling(("ad", {})), "not_found"),
        (calling(("add", {"item": 3})), "invalid_arguments"),
        (calling(("add", {})), "invalid_arguments"),
        (calling(("add", {"item": "x", "colour": "red"})), "invalid_arguments"),
        (calling(("break_down", {})), "execution"),
        ("<think>hm</think>\n<tool_call>\n{nonsense\n</tool_call>", "malformed"),
    ],
)
def test_a_policys_mistake_is_scored_and_told_never_raised(action, error):
    env = shop()
    env.reset(options={"task_id": "milk"})
    observation, reward, terminated, _, info = env.step(action)
    assert info["calls"][0].result.error == error
    assert observation["messages"][-1]["content"].startswith("Error")
    assert reward < 4
    assert info["reward_valid"]
    assert not terminated


def test_the_episode_is_truncated_at_max_turns():
    env = shop(max_turns=2)
    env.reset(options={"task_id": "count"})
    assert env.step(calling(("total", {})))[2:4] == (False, False)
    *_, terminated, truncated, info = env.step(calling(("total", {})))
    assert (terminated, truncated, info["success"]) == (False, True, False)
    assert "turn 1: expected add(item='milk', quantity=2), got total()" in info["verdict"]


def test_gold_scores_the_maximum():
    env = shop()
    for task in env.tasks:
        env.reset(options={"task_id": task.id})
        texts = env.gold(task)
        steps = [env.step(text) for text in texts]
        assert [step[1] for step in steps] == [4.0] * len(texts)
        if not env.over:
            steps.append(env.step(saying("Done.")))
        assert steps[-1][4]["success"], task.id


def test_the_same_seed_draws_the_same_tasks():
    def drawn(seed):
        env = shop()
        return [env.reset(seed=seed if i == 0 else None)[1]["task_id"] for i in range(20)]

    assert drawn(7) == drawn(7)
    assert drawn(7) != drawn(8)
    assert set(drawn(7)) == {"milk", "count", "hello"}


def test_the_same_seed_and_actions_give_the_same_bytes():
    def episode():
        env = shop()
        observation, info = env.reset(seed=3)
        out = [repr(observation), repr(info)]
        for action in (calling(MILK), calling(("nope", {})), "free text", calling(MILK)):
            if not env.over:
                out.append(repr(env.step(action)))
        return "\n".join(out).encode()

    assert episode() == episode()


def test_nothing_done_to_an_observation_reaches_the_env():
    env = shop()
    observation, _ = env.reset(options={"task_id": "milk"})
    with pytest.raises(TypeError, match="immutable"):
        observation["messages"][0]["content"] = "ignore the rules"
    with pytest.raises(TypeError, match="immutable"):
        observation["tools"][0]["function"]["parameters"]["properties"]["item"]["type"] = "integer"
    with pytest.raises(TypeError):
        observation["messages"][0] = "x"
    with pytest.raises(TypeError):
        observation["tools"] = ()
    with pytest.raises(AttributeError):
        observation.tools = ()
    edited = [dict(m) for m in observation["messages"]]
    edited[0]["content"] = "changed"
    assert env.observe()["messages"][0]["content"] != "changed"
    assert json.loads(json.dumps(dict(observation)))["tools"][0]["function"]["name"] == "add"
    assert pickle.loads(pickle.dumps(observation)) == observation == copy.deepcopy(observation)


def test_stepping_outside_an_episode_is_a_clear_error():
    env = shop()
    with pytest.raises(ResetNeeded, match=r"reset\(\) before step"):
        env.step("x")
    env.reset(options={"task_id": "hello"})
    env.step(saying("Good morning!"))
    with pytest.raises(ResetNeeded, match="over"):
        env.step("x")


def test_bad_arguments_are_clear_errors():
    env = shop()
    with pytest.raises(KeyError, match="did you mean milk"):
        env.reset(options={"task_id": "mlik"})
    with pytest.raises(ValueError, match="unknown reset option task"):
        env.reset(options={"task": "milk"})
    with pytest.raises(ValueError, match="unknown dialect 'xml': choose one of toolrl"):
        shop(dialect="xml")
    with pytest.raises(ValueError, match="unknown rubric"):
        shop(rubric="nice")
    with pytest.raises(ValueError, match="need a state"):
        ToolEnv(shop_tasks()).reset()
    nan = shop(rubric=Rubric([("x", lambda evidence: float("nan"), 1.0)]))
    nan.reset()
    with pytest.raises(ValueError, match="term 'x' returned nan"):
        nan.step("")
    with pytest.raises(ValueError, match="no tasks"):
        ToolEnv([])
    with pytest.raises(ValueError, match="max_turns"):
        shop(max_turns=0)
    env.reset(seed=0)
    with pytest.raises(TypeError, match="text"):
        env.step(b"bytes")


def test_a_failed_reset_keeps_the_episode_that_was_running():
    env = shop()
    env.reset(options={"task_id": "milk"})
    with pytest.raises(KeyError):
        env.reset(options={"task_id": "nope"})
    assert env.step(calling(MILK))[1] == 4.0


def test_a_text_over_the_limit_is_refused_and_scored():
    env = shop(max_action_chars=100)
    env.reset(options={"task_id": "milk"})
    observation, reward, terminated, _, info = env.step(calling(MILK) + " " * 100)
    assert reward < 0
    assert terminated
    assert not info["success"]
    assert len(observation["messages"][-1]["content"]) == 101, "one more, so that a replay finds it too long as well"


def test_calls_over_the_limit_are_answered_but_not_run():
    env = shop(max_calls=3)
    env.reset(options={"task_id": "milk"})
    *_, info = env.step(calling(*[MILK] * 10))
    assert [r.result.error for r in info["calls"]] == [None] * 3 + ["too_many_calls"] * 7
    assert env.state.cart == {"milk": 6}


def test_each_episode_has_a_fresh_state():
    env = shop()
    for _ in range(2):
        env.reset(options={"task_id": "milk"})
        env.step(calling(MILK))
        assert env.state.cart == {"milk": 2}


def test_a_tool_that_hangs_makes_the_reward_invalid():
    from time import sleep

    from toolgym import tool, tools_of

    class Slow:
        @tool(timeout=0.05)
        def wait(self) -> str:
            sleep(2)
            return "late"

    env = ToolEnv([Task.of("t", "Wait.", tools_of(Slow))], state=Slow)
    env.reset(seed=0)
    observation, *_, info = env.step(calling(("wait", {})))
    assert info["reward_valid"] is False
    assert "0.05 seconds" in info["error"]
    assert "0.05 seconds" in observation["messages"][-1]["content"]
    assert env.step(saying("bye"))[4]["reward_valid"] is False
    env.reset(seed=0)
    assert env.step(saying("bye"))[4]["reward_valid"] is True


def test_a_rubric_of_ones_own():
    def polite(evidence):
        return float("please" in evidence.completion.text), "says please"

    env = shop(rubric=Rubric([("polite", polite, 2.0), ("calls", lambda e: len(e.completion.calls), -0.5)]))
    env.reset(options={"task_id": "milk"})
    _, reward, *_, info = env.step(calling(MILK) + " please")
    assert reward == 1.5
    assert [(t.name, t.score, t.weight) for t in info["reward"].terms] == [("polite", 1.0, 2.0), ("calls", 1.0, -0.5)]


def test_the_task_s_own_system_message_follows_the_instructions():
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}]
    task = Task.of("s", messages, shop_tasks()[0].tools)
    env = ToolEnv([task], state=Shop)
    observation, _ = env.reset(seed=0)
    system = observation["messages"][0]["content"]
    assert [m["role"] for m in observation["messages"]] == ["system", "user"]
    assert system.endswith("\n\nBe brief.")
    assert "break_down" in system


def test_render_gives_the_transcript():
    env = shop(render_mode="ansi")
    env.reset(options={"task_id": "milk"})
    env.step(calling(MILK))
    assert "[user]\nTwo cartons of milk" in env.render()
    assert '[tool]\n{"milk":2}' in env.render()


def test_freezing_is_deep_and_harmless():
    value = {"a": [1, {"b": [2]}], "c": "x"}
    frozen = freeze(value)
    assert isinstance(frozen["a"][1], FrozenDict)
    assert json.loads(json.dumps(frozen)) == value
    assert hash(frozen) == hash(freeze(value))
    assert dict(frozen) | {"c": "y"} == {"a": frozen["a"], "c": "y"}


def test_wrappers_of_gymnasium_work():
    env = gym.wrappers.RecordEpisodeStatistics(shop())
    env.reset(options={"task_id": "hello"})
    *_, info = env.step(saying("Good morning!"))
    assert info["episode"]["r"] == pytest.approx(4.0)


def test_tasks_of_one_id_are_refused():
    with pytest.raises(ValueError, match="2 tasks have the id 'a'"):
        ToolEnv([Task.of("a", "Hi."), Task.of("b", "Hi."), Task.of("a", "Ho.")])


def test_a_subclass_may_choose_among_its_tasks():
    env = ToolEnv([Task.of("a", "go"), Task.of("b", "go")])
    env.find_task("b")
    env.tasks = env.tasks[:1]
    with pytest.raises(KeyError, match="no task 'b' among 1; did you mean a"):
        env.find_task("b")
