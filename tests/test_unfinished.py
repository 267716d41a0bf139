"""Answers that did not end by themselves: cut off, filtered, refused."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import gymnasium as gym
import pytest

from toolgym import evaluate, rollout
from toolgym.playing.left_out import endings
from toolgym.replay import replay
from toolgym.types import UNFINISHED, Trajectory, UnfinishedAnswer
from toolgym.vector import ToolVectorEnv

NO_TOOL_FITS: list[tuple[str, dict[str, Any], str]] = [
    ("ToolGym-BFCL-v0", {"category": "irrelevance"}, "irrelevance_3"),
    ("ToolGym-BFCL-v0", {"category": "irrelevance", "dialect": "pythonic"}, "irrelevance_3"),
    ("ToolGym-BFCL-v0", {"category": "live_irrelevance", "dialect": "openai"}, "live_irrelevance_0-0-0"),
    ("ToolGym-Functions-v0", {"level": "irrelevant"}, ""),
]


class Says:
    """Answers every observation with the same text."""

    def __init__(self, text: str):
        self.text = text

    def act(self, observation: object) -> str:
        return self.text


def played(env_id: str, kwargs: dict[str, Any], task_id: str, text: str) -> Trajectory:
    env = gym.make(env_id, **kwargs)
    return rollout(env, Says(text), task_id=task_id or env.unwrapped.tasks[0].id)


@pytest.mark.parametrize("reason", UNFINISHED)
@pytest.mark.parametrize("text", ["", "I would rather not", "<think>Which function could"])
@pytest.mark.parametrize(("env_id", "kwargs", "task_id"), NO_TOOL_FITS)
def test_not_calling_passes_only_if_the_answer_ended_by_itself(env_id, kwargs, task_id, text, reason):
    found = played(env_id, kwargs, task_id, UnfinishedAnswer(text, reason))
    assert found.reward_valid
    assert not found.success
    assert found.error_type == reason
    assert UNFINISHED[reason] in found.verdict
    assert found.reward <= -1
    assert found.reward == pytest.approx(sum(t.weight * t.score for t in found.turns[0].reward.terms))
    assert found.turns[0].unfinished == reason


def test_a_plain_text_without_a_call_still_is_a_decision():
    for env_id, kwargs, task_id in NO_TOOL_FITS:
        assert played(env_id, kwargs, task_id, "None of these functions can do that.").success


def test_calls_of_an_answer_that_was_cut_off_count():
    env = gym.make("ToolGym-Functions-v0", level="single").unwrapped
    env.reset(seed=0)
    (gold,) = env.gold(env.task)
    *_, info = env.step(UnfinishedAnswer(gold, "length"))
    assert info["success"]
    assert info["reward"].total == 4.0


def test_the_answer_is_the_same_text_in_every_copy():
    answer = UnfinishedAnswer("Let me", "length")
    for each in (answer, copy.deepcopy(answer), pickle.loads(pickle.dumps(answer))):
        assert (each, type(each), each.reason) == ("Let me", UnfinishedAnswer, "length")
    with pytest.raises(
        ValueError, match="reason must be one of length, content_filter, refusal, lost_call; got 'tired'"
    ):
        UnfinishedAnswer("", "tired")  # type: ignore[arg-type]


def test_batched_episodes_and_forks_keep_the_reason():
    env = gym.make("ToolGym-BFCL-v0", category="irrelevance").unwrapped
    vector = ToolVectorEnv([env, gym.make("ToolGym-BFCL-v0", category="irrelevance")])
    vector.reset_some([0, 1])
    fork = env.fork()[0]
    steps = vector.step_some([0, 1], [UnfinishedAnswer("", "refusal"), "No."])
    assert [info["success"] for *_, info in steps] == [False, True]
    before = fork.snapshot()
    assert not fork.step(UnfinishedAnswer("", "refusal"))[-1]["success"]
    after = fork.snapshot()
    fork.restore(before)
    fork.step("")
    assert fork.snapshot() != after


def test_a_run_keeps_the_reason_and_replays_to_the_same(tmp_path):
    agent = Says(UnfinishedAnswer("Hmm", "content_filter"))
    evaluate("ToolGym-BFCL-v0", agent, env_kwargs={"category": "irrelevance"}, n=3, out=tmp_path / "run")
    assert [each.status for each in replay(tmp_path / "run")] == ["same"] * 3


@pytest.mark.parametrize("reason", UNFINISHED)
def test_every_reason_is_counted(reason):
    found = played("ToolGym-Functions-v0", {}, "", UnfinishedAnswer("Hmm", reason))
    assert endings([found]) == {reason: 1}
