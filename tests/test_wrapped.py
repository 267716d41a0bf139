"""Wrappers around an env: a time limit is a limit of turns, and an episode that a wrapper ends is settled."""

from __future__ import annotations

import functools

import gymnasium as gym
import msgspec
import numpy as np
import pytest
from conftest import calling, saying, shop
from gymnasium.vector import AsyncVectorEnv, SyncVectorEnv
from gymnasium.wrappers import RecordEpisodeStatistics, TimeLimit

import toolgym
from toolgym import evaluate, rollout
from toolgym.replay import replay
from toolgym.vector import ToolVectorEnv
from toolgym.wrappers import DiscreteTools

OFFICE = {"split": "test", "level": "dialogue", "seed": 4}
CALL = calling(("no_such_tool", {}))


class Stop(gym.Wrapper):
    """Ends an episode after its second action."""

    def __init__(self, env, *, terminates=False):
        super().__init__(env)
        self.terminates = terminates

    def step(self, action):
        observation, reward, terminated, truncated, info = self.env.step(action)
        if len(self.env.unwrapped.turns) == 2:
            terminated, truncated = terminated or self.terminates, truncated or not self.terminates
        return observation, reward, terminated, truncated, info


class Lost:
    """Calls a tool that is not there, again and again."""

    def act(self, observation):
        return CALL


class LostBatch(Lost):
    def act_batch(self, observations):
        return [CALL for _ in observations]


class LostAsync:
    async def act(self, observation):
        return CALL


class LostThreads(Lost):
    concurrency = 2


def office(**more):
    return gym.make("ToolGym-Office-v0", **OFFICE, **more)


def facts(trajectory):
    made = msgspec.structs.replace(trajectory, seconds=0.0, truncated=True, cut_off="")
    return msgspec.to_builtins(made)


LIMITED = {
    "make": lambda: office(max_episode_steps=2),
    "TimeLimit": lambda: TimeLimit(office(), 2),
    "two limits": lambda: TimeLimit(office(max_episode_steps=9), 2),
    "inside": lambda: RecordEpisodeStatistics(office(max_episode_steps=2)),
    "outside": lambda: TimeLimit(RecordEpisodeStatistics(office()), 2),
    "own wrapper": lambda: Stop(office()),
    "own wrapper that terminates": lambda: Stop(office(), terminates=True),
}


@pytest.mark.parametrize("agent", [Lost, LostBatch, LostAsync, LostThreads])
@pytest.mark.parametrize("make", LIMITED.values(), ids=list(LIMITED))
def test_an_episode_that_a_wrapper_ends_is_scored_as_one_out_of_turns(make, agent):
    plain = evaluate(lambda: office(max_turns=2), Lost(), n=3)
    assert [(t.truncated, t.cut_off, t.success, len(t.turns)) for t in plain] == [(True, "turns", False, 2)] * 3
    assert plain[0].reward < evaluate(office, Lost(), n=3)[0].turns[0].reward.total * 2, "the end has its own terms"
    played = evaluate(make, agent(), n=3, batch_size=2)
    assert list(map(facts, played)) == list(map(facts, plain))
    own = make is LIMITED["own wrapper"] or make is LIMITED["own wrapper that terminates"]
    assert {t.cut_off for t in played} == {"wrapper" if own else "turns"}


def loop(env):
    """The sum of the rewards, and the last info, in a loop without ToolGym's rollout."""
    env.reset(seed=5)
    total, over, info = 0.0, False, {}
    while not over:
        _, reward, terminated, truncated, info = env.step(CALL)
        total, over = total + reward, terminated or truncated
    return total, info["success"], info["verdict"]


@pytest.mark.parametrize("make", list(LIMITED.values())[:5], ids=list(LIMITED)[:5])
def test_a_time_limit_is_a_limit_of_turns_in_any_loop(make):
    assert loop(make()) == loop(office(max_turns=2))


def test_a_time_limit_holds_for_its_wrapper_only():
    base = office(max_turns=3)
    inside = TimeLimit(base, 2)
    inside.reset()
    assert base.unwrapped.max_turns == 2
    base.reset()
    assert base.unwrapped.max_turns == 3
    TimeLimit(base, 50).reset()
    assert base.unwrapped.max_turns == 3


class Twice(gym.Wrapper):
    """Plays each action twice."""

    def step(self, action):
        self.env.step(action)
        return self.env.step(action)


def test_a_limit_around_a_wrapper_of_several_steps_counts_that_wrappers_steps():
    trajectory = rollout(TimeLimit(Twice(office()), 2), Lost(), seed=0)
    assert (len(trajectory.turns), trajectory.cut_off, trajectory.success) == (4, "wrapper", False)


@pytest.mark.parametrize("kind", [SyncVectorEnv, AsyncVectorEnv, ToolVectorEnv])
def test_vector_envs_with_a_time_limit_say_the_verdict(kind):
    make = functools.partial(gym.make, "ToolGym-Office-v0", max_episode_steps=2, **OFFICE)
    if kind is ToolVectorEnv:
        vector = ToolVectorEnv([make(), make()])
    else:
        memory = {"shared_memory": False} if kind is AsyncVectorEnv else {}
        vector = kind([make, make], autoreset_mode=gym.vector.AutoresetMode.SAME_STEP, **memory)
    single = office(max_turns=2)
    single.reset(seed=3)
    vector.reset(seed=3)
    for _ in range(2):
        _, rewards, _, truncated, infos = vector.step((CALL, CALL))
        _, reward, _, _, info = single.step(CALL)
        assert rewards[0] == reward
    assert truncated.all()
    assert infos["final_info"]["verdict"][0] == info["verdict"]
    vector.close()


def test_gymnasiums_make_vec_limits_turns():
    vector = gym.make_vec("ToolGym-Office-v0", num_envs=2, max_episode_steps=2, **OFFICE)
    vector.reset(seed=0)
    assert isinstance(vector, ToolVectorEnv)
    vector.step([CALL] * 2)
    *_, truncated, infos = vector.step([CALL] * 2)
    assert truncated.all()
    assert infos["final_info"]["success"].tolist() == [False, False]


def test_our_vector_env_does_not_drop_wrappers():
    vector = ToolVectorEnv([Stop(office()), Stop(office())], autoreset_mode="Disabled")
    vector.reset(seed=0)
    vector.step([CALL] * 2)
    observations, _, _, truncated, infos = vector.step([CALL] * 2)
    assert truncated.all()
    assert infos["success"].tolist() == [False, False]
    assert infos["cut_off"].tolist() == ["wrapper"] * 2
    mask = np.array([True, False])
    after, _ = vector.reset(options={"reset_mask": mask})
    assert after[1] is observations[1]
    assert len(after[0]["messages"]) < len(observations[0]["messages"])


def test_an_env_of_ones_own_with_gymnasiums_default_wrappers():
    gym.register("Wrapped-Shop-v0", entry_point=shop, max_episode_steps=1)
    try:
        (played,) = evaluate("Wrapped-Shop-v0", LostBatch(), n=1)
    finally:
        del gym.registry["Wrapped-Shop-v0"]
    assert (len(played.turns), played.cut_off) == (1, "turns")
    assert not played.success
    assert played.verdict


@pytest.mark.parametrize("terminates", [True, False])
def test_a_run_that_a_wrapper_cut_replays_without_the_wrapper(terminates, tmp_path):
    evaluate(lambda: Stop(office(), terminates=terminates), Lost(), n=2, out=tmp_path / "run")
    found = replay(tmp_path / "run", make=lambda env_id, arguments: office())
    assert [each.differences for each in found] == [()] * 2


def test_a_run_with_a_time_limit_among_its_arguments_replays(tmp_path):
    arguments = {**OFFICE, "max_episode_steps": 2}
    evaluate("ToolGym-Office-v0", Lost(), n=2, env_kwargs=arguments, out=tmp_path / "run")
    assert [each.status for each in replay(tmp_path / "run")] == ["same"] * 2


def test_a_fork_ends_where_its_env_ends():
    env = office(max_episode_steps=2)
    env.reset(seed=1)
    env.step(CALL)
    (fork,) = env.unwrapped.fork()
    assert fork.step(CALL)[1:4] == env.step(CALL)[1:4]


def test_saying_goodbye_in_the_last_allowed_step_ends_it_by_itself():
    trajectory = rollout(TimeLimit(shop(), 1), type("Bye", (), {"act": lambda self, _: saying("Bye.")})(), seed=0)
    assert not trajectory.truncated
    assert trajectory.cut_off == ""
    assert toolgym.evaluate


def test_a_time_limit_around_a_menu_of_calls_is_a_limit_of_turns():
    env = TimeLimit(DiscreteTools(office()), 2)
    env.reset(seed=1)
    env.step(0)
    *_, truncated, info = env.step(0)
    assert (truncated, info["success"]) == (True, False)
