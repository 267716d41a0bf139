"""What every registered suite promises, whatever it is about."""

from __future__ import annotations

import re
import warnings
from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AsyncVectorEnv, AutoresetMode, SyncVectorEnv

from toolgym import evaluate
from toolgym.agents.scripted import Oracle, Random, Silent
from toolgym.dialects import DIALECTS
from toolgym.registry import SUITES, suite_class
from toolgym.report.glossary import TERMS

IDS = sorted(SUITES)
SMALL = {"ToolGym-BFCL-v0": {"category": "simple_python"}}
"""Arguments that keep a suite small for tests that need no more."""


def make(env_id, **kwargs):
    return gym.make(env_id, **{**SMALL.get(env_id, {}), **kwargs})


@pytest.mark.parametrize("env_id", IDS)
def test_gymnasiums_checker_passes(env_id):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(make(env_id).unwrapped, skip_render_check=True)


@pytest.mark.parametrize("env_id", IDS)
def test_a_suite_is_documented(env_id):
    assert SUITES[env_id].summary
    text = suite_class(env_id).__doc__
    for word in ("Args:", "Version history"):
        assert word in text, f"the docstring of {env_id} is its page: it needs {word!r}"


@pytest.mark.parametrize("env_id", IDS)
@pytest.mark.parametrize("dialect", sorted(DIALECTS))
def test_gold_scores_the_maximum_in_every_dialect(env_id, dialect):
    env = make(env_id, dialect=dialect).unwrapped
    rng = np.random.default_rng(0)
    for index in rng.choice(len(env.tasks), size=min(40, len(env.tasks)), replace=False):
        task = env.tasks[int(index)]
        _, info = env.reset(options={"task_id": task.id})
        rewards = []
        for text in env.gold(task):
            assert not env.over
            _, reward, *_, info = env.step(text)
            rewards.append(reward)
        assert env.over
        if not info.get("known_unpassable"):
            assert info["success"], (task.id, info["verdict"])
            assert rewards == [4.0] * len(rewards), task.id


@pytest.mark.parametrize("env_id", IDS)
def test_every_reward_term_is_explained(env_id):
    for agent in (Oracle(), Random(), Silent()):
        for episode in evaluate(env_id, agent, n=10):
            assert {term.name for turn in episode.turns for term in turn.reward.terms} <= set(TERMS)


def test_terms_that_are_rare_are_explained_too():
    root = Path(__file__).parents[1]
    sources = [*root.glob("envs/**/*.py"), root / "toolgym/rewards/toolrl.py"]
    named = {name for path in sources for name in re.findall(r'\bTerm\(\s*"(\w+)"', path.read_text("utf-8"))}
    assert len(named) > 8
    assert named <= set(TERMS)


@pytest.mark.parametrize("env_id", IDS)
def test_the_same_seed_gives_the_same_bytes(env_id):
    def episodes():
        env = make(env_id)
        out = [repr(env.reset(seed=11))]
        for i in range(5):
            for text in ("nonsense", env.unwrapped.gold(env.unwrapped.task)[0])[i % 2 :]:
                if not env.unwrapped.over:
                    out.append(repr(env.step(text)))
            out.append(repr(env.reset()))
        return "\n".join(out).encode()

    assert episodes() == episodes()


@pytest.mark.parametrize("env_id", IDS)
def test_sync_async_and_our_vector_env_agree(env_id):
    def play(vector):
        out = []
        observations, infos = vector.reset(seed=1)
        for _ in range(3):
            out.append((observations, infos["task_id"].tolist()))
            observations, rewards, terminated, truncated, infos = vector.step(("a text", "<think>", ""))
            out.append((rewards.tolist(), terminated.tolist(), truncated.tolist()))
            out.append([infos["final_info"]["verdict"][i] for i in np.flatnonzero(terminated | truncated)])
        vector.close()
        return repr(out)

    def one():
        import toolgym  # noqa: F401  a spawned process registers the suites by importing

        return make(env_id)

    ours = play(gym.make_vec(env_id, num_envs=3, **SMALL.get(env_id, {})))
    assert ours == play(SyncVectorEnv([one] * 3, autoreset_mode=AutoresetMode.SAME_STEP))
    spawned = AsyncVectorEnv([one] * 3, shared_memory=False, context="spawn", autoreset_mode=AutoresetMode.SAME_STEP)
    assert ours == play(spawned)


@pytest.mark.parametrize("env_id", IDS)
@pytest.mark.parametrize("action", ["", "\x00", "\ud800", "<tool_call>" * 1000, "{" * 100_000, "🙂" * 10_000])
def test_any_text_is_a_scored_action(env_id, action):
    env = make(env_id)
    env.reset(seed=0)
    _, reward, *_, info = env.step(action)
    assert np.isfinite(reward)
    assert reward == info["reward"].total
    assert info["reward_valid"]


def test_an_unknown_id_names_near_misses():
    with pytest.raises(gym.error.Error, match="ToolGym"):
        gym.make("ToolGym-BCFL-v0")
