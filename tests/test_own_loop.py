"""Agents with a loop of their own (``play``), and evaluations of chosen tasks."""

from __future__ import annotations

import asyncio
import json

import gymnasium as gym
import pytest

from toolgym import AgentError, evaluate, rollout
from toolgym.agents.scripted import Oracle
from toolgym.cli.main import main
from toolgym.playing.own_loop import STOPPED, EpisodeOver
from toolgym.rollout import NotAnAgent
from toolgym.runlog import RunError

OFFICE = {"category": "chain", "split": "val"}


class Gold:
    """Plays the gold actions in a loop of its own, as texts or as messages of OpenAI's API."""

    def __init__(self, messages=False, env=None):
        self.messages, self.env = messages, env

    def for_env(self, env):
        return Gold(self.messages, env.unwrapped)

    def play(self, episode):
        *first, last = self.env.gold(self.env.task)
        for text in first:
            calls = self.env.parse(text).calls
            back = episode.answer(_message(self.env.parse(text)) if self.messages else text)
            assert [each["role"] for each in back] == ["tool"] * len(calls)
            assert episode.messages[-1] == back[-1]
        assert not episode.over
        return _message(self.env.parse(last)) if self.messages else last


def _message(read):
    calls = [{"function": {"name": each.name, "arguments": json.dumps(each.arguments)}} for each in read.calls]
    return {"content": read.response, "reasoning_content": read.think, **({"tool_calls": calls} if calls else {})}


@pytest.mark.parametrize("messages", [False, True])
@pytest.mark.parametrize("dialect", ["toolrl", "hermes", "openai"])
def test_an_agent_with_its_own_loop_plays_as_an_agent_that_acts(dialect, messages):
    kwargs = {**OFFICE, "dialect": dialect}
    played = evaluate("ToolGym-Office-v0", Gold(messages), env_kwargs=kwargs, n=4)
    acted = evaluate("ToolGym-Office-v0", Oracle(), env_kwargs=kwargs, n=4)
    for one, other in zip(played, acted, strict=True):
        assert one.success
        assert (one.reward, len(one.turns), one.verdict) == (other.reward, len(other.turns), other.verdict)
        if not messages:
            assert one.turns == other.turns


def test_one_call_at_a_time_gives_results_and_errors_to_read():
    seen = []

    class Calls:
        concurrency = 4

        def play(self, episode):
            tool = episode.tools[0]["function"]["name"]
            seen.append((episode.call("no_such_tool"), episode.call(tool, {"nonsense": 1})))
            return "I give up."

    played = evaluate("ToolGym-Office-v0", Calls(), env_kwargs={**OFFICE, "dialect": "hermes"}, n=6)
    assert [len(each.turns) for each in played] == [3] * 6
    assert all("there is no tool" in first and "invalid arguments" in second for first, second in seen)


def test_coroutines_play_at_once():
    class Waits:
        now = most = 0

        async def play(self, episode):
            self.now += 1
            self.most = max(self.most, self.now)
            await asyncio.sleep(0.02)
            self.now -= 1
            return "Done."

    agent = Waits()
    assert len(evaluate("ToolGym-Functions-v0", agent, n=8, batch_size=8)) == 8
    assert agent.most > 1


def test_what_the_agent_leaves_undone_is_scored_and_what_it_never_began_is_not():
    class Leaves:
        def play(self, episode):
            episode.call(episode.tools[0]["function"]["name"])

    class Nothing:
        def play(self, episode):
            return None

    class Down:
        def play(self, episode):
            raise AgentError("HTTP 503", kind="server")

    env = gym.make("ToolGym-Office-v0", **OFFICE)
    left = rollout(env, Leaves(), seed=1)
    assert (left.success, left.verdict, left.truncated, left.reward_valid) == (False, STOPPED, True, True)
    assert not rollout(env, Nothing(), seed=1).reward_valid
    assert rollout(env, Down(), seed=1).error_kind == "server"


def test_an_episode_that_is_over_takes_nothing_more():
    class Goes:
        def play(self, episode):
            while True:
                episode.answer("Hm.")

    class Catches:
        def play(self, episode):
            episode.answer("Hm.")
            with pytest.raises(EpisodeOver):
                episode.call("f")
            return "never read"

    for agent in (Goes(), Catches()):
        (played,) = evaluate("ToolGym-Functions-v0", agent, n=1)
        assert len(played.turns) == 1


def test_an_answer_is_text_or_a_message():
    class Wrong:
        def play(self, episode):
            return 3

    with pytest.raises(NotAnAgent, match="not int"):
        rollout("ToolGym-Functions-v0", Wrong(), seed=0)


def test_a_malformed_call_of_a_message_stays_malformed():
    class Malformed:
        def play(self, episode):
            return {"content": None, "tool_calls": [{"function": {"name": "f", "arguments": "{bad"}}]}

    (played,) = evaluate("ToolGym-Functions-v0", Malformed(), env_kwargs={"dialect": "openai"}, n=1)
    assert played.turns[0].reward.calls[0].call.error


# Chosen tasks -----------------------------------------------------------------------------------

IDS = ["val-000004-chain", "val-000001-chain"]


def test_chosen_tasks_are_played_in_their_order(tmp_path):
    how = {"env_kwargs": OFFICE, "repeats": 2, "out": tmp_path / "run"}
    played = evaluate("ToolGym-Office-v0", Oracle(), task_ids=IDS, **how)
    assert [(each.task_id, each.repeat) for each in played] == [(name, i) for name in IDS for i in (0, 1)]
    assert evaluate("ToolGym-Office-v0", Oracle(), task_ids=IDS, resume=True, **how) == played
    with pytest.raises(RunError, match="task_ids"):
        evaluate("ToolGym-Office-v0", Oracle(), task_ids=IDS[:1], resume=True, **how)


@pytest.mark.parametrize(
    ("given", "told"),
    [({"task_ids": ["x"]}, "did you mean"), ({"task_ids": []}, "no task"), ({"task_ids": IDS, "n": 1}, "not both"),
     ({"task_ids": IDS[0]}, "list of ids")],
)  # fmt: skip
def test_wrong_choices_are_refused_before_anything_is_written(given, told, tmp_path):
    with pytest.raises(ValueError, match=told):
        evaluate("ToolGym-Office-v0", Oracle(), env_kwargs=OFFICE, out=tmp_path / "run", **given)
    assert not (tmp_path / "run").exists()


def test_the_command_plays_chosen_tasks(tmp_path, capsys):
    env = ["--env", "ToolGym-Office-v0", "--category", "chain", "--env-arg", "split=val", "--agent", "oracle"]
    assert main(["eval", *env, "--task", IDS[0], "--out", str(tmp_path / "run")]) == 0
    assert main(["report", str(tmp_path / "run")]) == 0
    assert "unfinished" not in capsys.readouterr().out
    assert main(["eval", *env, "--task", "nope"]) == 1
    assert "did you mean" in capsys.readouterr().err
