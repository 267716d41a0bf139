"""Policies for the tests of the office suite: gold, adversaries, and moves that start from gold."""

from __future__ import annotations

import gymnasium as gym
import pytest
from conftest import calling, saying

from toolgym import register

ID = "ToolGym-Office-v0"
LEVELS = ("single", "choose", "parallel", "chain", "missing", "irrelevant", "dialogue", "recover")
SPLITS = ("train", "val", "test", "test_unseen")

if ID not in gym.registry:
    register(ID, "toolgym.envs.office.env:OfficeEnv")


def make(**kwargs):
    return gym.make(ID, **kwargs).unwrapped


def junk(env, which):
    """A call of one of the tools on offer, with meaningless arguments of the right types."""
    function = env.observe()["tools"][which % len(env.observe()["tools"])]["function"]
    plain = {"integer": 30, "number": 5.0, "boolean": True, "array": []}
    arguments = {}
    for name, about in function["parameters"]["properties"].items():
        arguments[name] = about["enum"][0] if "enum" in about else plain.get(about.get("type"), "x")
    return function["name"], arguments


def tools_of(task):
    """The tools of the gold calls, by their authors' names."""
    return [call.name for phase in task.data.phases for stage in phase.stages for call in stage.calls]


def play(env, task, policy):
    """The rewards of an episode and the last info. ``policy`` maps (env, gold actions not played yet) to a text."""
    env.reset(options={"task_id": task.id})
    gold, rewards = list(env.gold(task)), []
    while not env.over:
        _, reward, *_, info = env.step(policy(env, gold))
        assert reward == pytest.approx(sum(term.weight * term.score for term in info["reward"].terms))
        rewards.append(reward)
    return rewards, info


def ideal(env, gold):
    return gold.pop(0)


def silent(env, gold):
    return ""


def always_asking(env, gold):
    return saying("Could you tell me more?")


def spam(env, gold):
    """All tools at once, then an answer."""
    if len(env.turns) % 2:
        return saying("Done.")
    return calling(*[junk(env, i) for i in range(len(env.observe()["tools"]))])


def always_calling(env, gold):
    return saying("Done.") if len(env.turns) % 2 else calling(junk(env, len(env.turns)))


def stuck(env, gold):
    return calling(("no_such_tool", {}))


MOVES = ("gold", "first", "twice", "reversed", "with junk", "junk", "changed", "answer", "nothing")


def move(env, gold, name, which):
    """One action, derived from the gold calls that are still to be made."""
    progress = env._progress
    left = [(progress.gold[i].name, dict(progress.gold[i].arguments)) for i in progress.left]
    says = saying(progress.plan.phases[progress.phase].answer)
    if name == "nothing":
        return ""
    if name == "answer":
        return says
    if name == "junk":
        return calling(junk(env, which))
    if not left:
        return says
    if name == "first":
        left = left[:1]
    elif name == "twice":
        left = left * 2
    elif name == "reversed":
        left = left[::-1]
    elif name == "with junk":
        left.append(junk(env, which))
    elif name == "changed":
        arguments = left[which % len(left)][1]
        if arguments:
            arguments[sorted(arguments)[which % len(arguments)]] = "something else"
    return calling(*left)
