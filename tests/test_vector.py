from __future__ import annotations

import asyncio
import time
from itertools import cycle, islice

import gymnasium as gym
import numpy as np
import pytest
from conftest import Shop, calling, saying, shop
from gymnasium.error import ResetNeeded
from gymnasium.vector import AsyncVectorEnv, AutoresetMode, SyncVectorEnv

from toolgym import Task, ToolEnv, ToolVectorEnv, tool, tools_of

MILK = calling(("add", {"item": "milk", "quantity": 2}))
BYE = saying("Bye.")


def play(vector, steps=12):
    """Everything that Gymnasium's vector API shows over some steps, as text."""
    out = []
    observations, infos = vector.reset(seed=5)
    out.append((observations, infos["task_id"].tolist()))
    for actions in islice(zip(cycle([MILK, BYE, "junk"]), cycle([BYE, MILK]), cycle([MILK]), strict=False), steps):
        observations, rewards, terminated, truncated, infos = vector.step(actions)
        ended = np.flatnonzero(terminated | truncated)
        finals = [(infos["final_obs"][i], infos["final_info"]["success"][i]) for i in ended]
        records = [[record.call.name for record in calls] for calls in infos["calls"]]
        out.append((observations, rewards.tolist(), terminated.tolist(), truncated.tolist(), finals, records))
    vector.close()
    return repr(out)


def test_ours_and_gymnasiums_vector_envs_agree():
    makers = [shop] * 3
    ours = play(gym.make_vec("TestShop-v0", num_envs=3))
    assert ours == play(SyncVectorEnv(makers, autoreset_mode=AutoresetMode.SAME_STEP))
    assert ours == play(
        AsyncVectorEnv(makers, shared_memory=False, context="spawn", autoreset_mode=AutoresetMode.SAME_STEP)
    )


def test_make_vec_gives_ours():
    vector = gym.make_vec("TestShop-v0", num_envs=2, max_turns=3)
    assert isinstance(vector, ToolVectorEnv)
    assert vector.envs[1].max_turns == 3
    assert vector.envs[0] is not vector.envs[1]


def test_the_final_observation_and_info_survive_the_autoreset():
    vector = gym.make_vec("TestShop-v0", num_envs=2)
    vector.reset(options={"task_id": "hello"})
    observations, rewards, terminated, _, infos = vector.step([saying("Good morning!"), MILK])
    assert rewards.tolist() == [4.0, rewards[1]]
    assert terminated.tolist() == [True, False]
    assert infos["final_obs"][0]["messages"][-1]["content"].endswith("Good morning!</response>")
    assert infos["final_info"]["success"][0]
    assert infos["final_info"]["reward"][0].total == 4.0
    assert infos["_final_obs"].tolist() == [True, False]
    assert observations[0]["messages"][-1]["role"] == "user"
    assert observations[1]["messages"][-1]["role"] == "tool"


def test_a_subset_can_be_stepped_and_reset():
    vector = ToolVectorEnv([shop() for _ in range(4)], autoreset_mode=AutoresetMode.DISABLED)
    vector.reset(options={"task_id": "milk"})
    (one,) = vector.step_some([2], [MILK])
    assert one[1] == 4.0
    assert [len(env.turns) for env in vector.envs] == [0, 0, 1, 0]
    (step,) = vector.step_some([2], [BYE])
    assert step[2]
    with pytest.raises(ResetNeeded):
        vector.step([MILK] * 4)
    assert [len(env.turns) for env in vector.envs] == [0, 0, 2, 0], "nothing was run by the refused step"
    ((_, info),) = vector.reset_some([2], task_ids=["count"])
    assert info["task_id"] == "count"
    vector.reset(options={"reset_mask": np.array([True, False, False, False]), "task_id": "hello"})
    assert [env.task.id for env in vector.envs] == ["hello", "milk", "count", "milk"]


def test_bad_use_is_a_clear_error():
    env = shop()
    with pytest.raises(ValueError, match="twice"):
        ToolVectorEnv([env, env])
    with pytest.raises(ValueError, match="at least one"):
        ToolVectorEnv([])
    with pytest.raises(TypeError, match="holds ToolEnvs"):
        ToolVectorEnv([gym.make("CartPole-v1")])
    with pytest.raises(ValueError, match="SAME_STEP"):
        ToolVectorEnv([env], autoreset_mode=AutoresetMode.NEXT_STEP)
    vector = ToolVectorEnv([shop(), shop()])
    vector.reset(seed=0)
    with pytest.raises(TypeError, match="one per episode"):
        vector.step("ab")
    with pytest.raises(ValueError, match="1 actions for 2"):
        vector.step([MILK])
    with pytest.raises(TypeError, match="text"):
        vector.step([MILK, None])
    assert all(not env.turns for env in vector.envs)
    with pytest.raises(ValueError, match="3 seeds"):
        vector.reset(seed=[1, 2, 3])


class Slow:
    """Tools that wait, of every kind."""

    def __init__(self) -> None:
        self.order: list[str] = []

    @tool(timeout=5)
    def wait(self, name: str, seconds: float = 0.1) -> str:
        time.sleep(seconds)
        self.order.append(name)
        return name

    @tool(timeout=5)
    async def wait_async(self, name: str, seconds: float = 0.1) -> str:
        await asyncio.sleep(seconds)
        self.order.append(name)
        return name

    @tool(timeout=0.1)
    def hang(self) -> str:
        time.sleep(3)
        return "late"

    @tool(timeout=0.1)
    async def hang_async(self) -> str:
        await asyncio.sleep(3)
        return "late"

    @tool(timeout=None)
    def quick(self, name: str) -> str:
        self.order.append(name)
        return name


def slow(n):
    vector = ToolVectorEnv([ToolEnv([Task.of("t", "Go.", tools_of(Slow))], state=Slow) for _ in range(n)])
    vector.reset(seed=0)
    return vector


@pytest.mark.parametrize("kind", ["wait", "wait_async"])
def test_waiting_tools_of_different_episodes_overlap(kind):
    vector = slow(16)
    began = time.monotonic()
    steps = vector.step_some(range(16), [calling((kind, {"name": f"n{i}"})) for i in range(16)])
    assert time.monotonic() - began < 16 * 0.1
    assert [step[4]["calls"][0].result.content for step in steps] == [f"n{i}" for i in range(16)]


def test_calls_of_one_action_stay_in_order():
    vector = slow(3)
    action = calling(
        ("wait", {"name": "a", "seconds": 0.05}),
        ("quick", {"name": "b"}),
        ("wait_async", {"name": "c", "seconds": 0.02}),
        ("wait", {"name": "d", "seconds": 0.0}),
    )
    vector.step([action] * 3)
    assert [env.state.order for env in vector.envs] == [["a", "b", "c", "d"]] * 3


@pytest.mark.parametrize("kind", ["hang", "hang_async"])
def test_one_hung_episode_does_not_stop_the_others(kind):
    vector = slow(3)
    action = calling((kind, {}), ("quick", {"name": "after"}))
    began = time.monotonic()
    steps = vector.step_some([0, 1, 2], [calling(("wait", {"name": "x"})), action, calling(("quick", {"name": "y"}))])
    assert time.monotonic() - began < 2
    assert [step[4]["reward_valid"] for step in steps] == [True, False, True]
    assert [r.result.error for r in steps[1][4]["calls"]] == ["timeout", None]


def test_the_cart_of_one_episode_is_not_anothers():
    vector = ToolVectorEnv([shop() for _ in range(8)])
    vector.reset(options={"task_id": "milk"})
    vector.step([MILK] * 8)
    assert all(isinstance(env.state, Shop) and env.state.cart == {"milk": 2} for env in vector.envs)
