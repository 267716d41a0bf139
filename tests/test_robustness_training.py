"""Training on perturbed tasks: a schedule of strength, its strata, and runs that are resumed."""

from __future__ import annotations

import re

import gymnasium as gym
import pytest

ENV = "ToolGym-Functions-v0"
RISING = {"from": 0.0, "to": 1.0, "steps": 4}


def shown(env, task_id):
    observation, info = env.reset(options={"task_id": task_id})
    return observation["messages"][-1]["content"], info["perturbations"]


def test_strength_follows_the_step():
    env = gym.make(ENV, category="single", split="train", perturb="typos", strength=RISING).unwrapped
    tasks = [env.tasks[i].id for i in range(20)]
    clean = [env.find_task(task).messages[-1]["content"] for task in tasks]
    changed = []
    for step in (0, 1, 2, 4, 400):
        env.set_step(step)
        changed.append(sum(shown(env, task)[0] != before for task, before in zip(tasks, clean, strict=True)))
    assert changed[0] == 0
    assert changed[0] < changed[2] <= changed[3] == changed[4] == 20
    fixed = gym.make(ENV, category="single", split="train", perturb="typos", strength=0.5).unwrapped
    env.set_step(2)
    assert [shown(env, task) for task in tasks] == [shown(fixed, task) for task in tasks]


def test_a_step_within_an_episode_changes_the_next_one_only():
    env = gym.make(ENV, category="single", split="train", perturb="twin_job", strength=RISING).unwrapped
    env.set_step(4)
    env.reset(options={"task_id": env.tasks[0].id})
    gold = env.gold(env.task)
    env.set_step(0)
    *_, info = env.step(gold[0])
    assert info["success"]
    assert info["perturbations"] == ["twin_job"]


@pytest.mark.parametrize(
    "wrong",
    [{}, {"from": 0.1}, {"from": 0, "to": 2, "steps": 4}, {"from": 0, "to": 1, "steps": 0},
     {"from": "a", "to": 1, "steps": 2}, {"from": 0, "to": 1, "steps": True}],
)  # fmt: skip
def test_a_schedule_that_makes_no_sense_is_refused_with_an_example(wrong):
    with pytest.raises((TypeError, ValueError), match=re.escape('{"from": 0.1, "to": 1.0, "steps": 40}')):
        gym.make(ENV, perturb="typos", strength=wrong)
