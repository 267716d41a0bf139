"""Perturbations of what a policy sees: gold stays right, the same seed gives the same bytes, wrong input is named."""

from __future__ import annotations

import gymnasium as gym
import pytest

from toolgym.tasks import task_order
from toolgym.wrappers import Perturbed
from toolgym.wrappers.perturb import KINDS


def played(env, task_id):
    """The sum of rewards and the last info of the gold actions."""
    env.reset(options={"task_id": task_id})
    total = 0.0
    for text in env.gold(env.task):
        if env.over:
            break
        _, reward, _, _, info = env.step(text)
        total += reward
    return total, info


@pytest.mark.parametrize("kind", KINDS)
def test_gold_earns_what_it_earns_on_the_clean_task(kind):
    arguments = {"split": "test", "dialect": "compact"}
    clean = gym.make("ToolGym-Functions-v1", **arguments).unwrapped
    env = gym.make("ToolGym-Functions-v1", **arguments, perturb=kind).unwrapped
    applied = 0
    for task_id in task_order(env.tasks, 20, 0):
        expected, _ = played(clean, task_id)
        reward, info = played(env, task_id)
        assert (reward, info["success"]) == (expected, True)
        applied += info["perturbations"] == (kind,)
    assert applied > 5


def test_the_wrapper_does_what_the_argument_does():
    plain = gym.make("ToolGym-Functions-v0", perturb="all", strength=0.5, perturb_seed=3)
    wrapped = Perturbed(gym.make("ToolGym-Functions-v0"), "all", strength=0.5, seed=3)
    for seed in range(5):
        (seen, info), (other, _) = plain.reset(seed=seed), wrapped.reset(seed=seed)
        assert seen == other
        assert info["perturbations"]
