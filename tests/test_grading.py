"""Reward and verdict compare calls by one rule, so they cannot disagree."""

from __future__ import annotations

import gymnasium as gym
import pytest
from conftest import calling, saying
from hypothesis import given
from hypothesis import strategies as st

from toolgym import Rubric, Task, Tool, ToolCall, ToolEnv, tool
from toolgym.grading import same_call
from toolgym.rewards import ToolRLReward, terms

ANY = Tool("f", "Takes anything.", {"type": "object", "properties": {"x": {}}})
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2) | st.sampled_from([0.0, 1.0, 1.5, "1", "true", ""]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
    max_leaves=4,
)


@given(wanted=VALUES, made=VALUES)
def test_an_action_passes_if_and_only_if_its_values_earn_all_points(wanted, made):
    env = ToolEnv([Task.of("one", "Do it.", [ANY], [[ToolCall("f", {"x": wanted})]])], max_turns=1)
    env.reset()
    *_, info = env.step(calling(("f", {"x": made})))
    record = info["calls"][0]
    assert info["success"] == (record.score.value == 1.0) == same_call(ToolCall("f", {"x": wanted}), record.call)


@pytest.mark.parametrize(("wanted", "made", "same"), [(1, True, False), (1, 1.0, True), (0, False, False)])
def test_json_equality_decides(wanted, made, same):
    assert same_call(ToolCall("f", {"x": [wanted]}), ToolCall("f", {"x": [made]})) is same


def test_the_papers_reward_may_stand_beside_terms_of_ones_own():
    @tool(timeout=None)
    def add(a: int) -> int:
        """Add.

        Args:
            a: a number.
        """
        return a

    def brief(evidence):
        return -len(evidence.completion.text) / 1000, "characters"

    rubric = Rubric([ToolRLReward(scale="dynamic"), ("brief", brief, 2.0)])
    task = Task.of("one", "Add.", [add], [[ToolCall("add", {"a": 1})]])
    env, plain = ToolEnv([task], rubric=rubric), ToolEnv([task], rubric=ToolRLReward(scale="dynamic", step=75))
    env.set_step(75)
    for text in (calling(("add", {"a": 1})), calling(("add", {"a": 2})), saying("No.")):
        env.reset()
        plain.reset()
        _, reward, *_, info = env.step(text)
        _, paper, *_, told = plain.step(text)
        assert reward == pytest.approx(paper - 2 * len(text) / 1000)
        assert info["reward"].terms[:-1] == told["reward"].terms
        assert info["reward"].calls == told["reward"].calls
        assert info["reward"].terms[-1].name == "brief"


def test_a_name_that_stands_twice_is_refused_in_rewards_too():
    rubric = Rubric([ToolRLReward(), ("format", terms.layout, 1.0)])
    env = ToolEnv([Task.of("one", "Do it.", [ANY], [[ToolCall("f", {})]])], rubric=rubric)
    env.reset()
    with pytest.raises(ValueError, match="'format' stands twice"):
        env.step("x")


@pytest.mark.parametrize(
    ("terms_given", "why"),
    [
        ("toolrl", "list of terms"),
        (ToolRLReward(), "list of terms"),
        ([ToolRLReward], r"write ToolRLReward\(\)"),
        ([("brief", terms.layout, "x")], "finite number"),
        ([("brief", terms.layout, float("nan"))], "finite number"),
    ],
)
def test_a_rubric_that_makes_no_sense_is_refused_when_it_is_made(terms_given, why):
    with pytest.raises(TypeError, match=why):
        Rubric(terms_given)


def test_an_argument_that_a_suite_does_not_take_is_named_with_those_that_it_takes():
    with pytest.raises(TypeError, match="MathEnv takes no 'price'; it takes split, category, level, seed, outcome"):
        gym.make("ToolGym-Math-v0", price=3)
