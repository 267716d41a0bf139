from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import gymnasium as gym
import pytest
from conftest import calling, saying, shop

from toolgym import Rubric, evaluate, rollout
from toolgym.replay import replay
from toolgym.rollout import AgentError, ContextFull, NotAnAgent
from toolgym.runlog import RunError, dump_episode, read_episodes

MILK = calling(("add", {"item": "milk", "quantity": 2}))


class Shopper:
    """Buys milk, then says goodbye."""

    def act(self, observation):
        return MILK if observation["messages"][-1]["role"] == "user" else saying("Bye.")


class BatchShopper(Shopper):
    def __init__(self):
        self.sizes = []

    def act_batch(self, observations):
        self.sizes.append(len(observations))
        return [self.act(observation) for observation in observations]


class AsyncShopper:
    def __init__(self):
        self.now = self.most = 0

    async def act(self, observation):
        import asyncio

        self.now += 1
        self.most = max(self.most, self.now)
        await asyncio.sleep(0.01)
        self.now -= 1
        return Shopper().act(observation)


class ThreadedShopper(Shopper):
    concurrency = 4

    def __init__(self):
        self.threads = set()

    def act(self, observation):
        time.sleep(0.01)
        self.threads.add(threading.get_ident())
        return super().act(observation)


def facts(trajectories):
    return [(t.task_id, t.repeat, t.success, t.reward, len(t.turns)) for t in trajectories]


def test_rollout_records_the_episode():
    trajectory = rollout(gym.make("TestShop-v0"), Shopper(), task_id="milk")
    assert trajectory.env_id == "TestShop-v0"
    assert trajectory.success
    assert [turn.action for turn in trajectory.turns] == [MILK, saying("Bye.")]
    assert trajectory.reward == sum(turn.reward.total for turn in trajectory.turns) == 8.0
    assert trajectory.messages[-1]["content"] == "Two cartons of milk, please."
    assert trajectory.turns[0].messages[-1]["content"] == '{"milk":2}'
    assert rollout("TestShop-v0", Shopper(), seed=1).task_id == rollout("TestShop-v0", Shopper(), seed=1).task_id


@pytest.mark.parametrize("agent", [Shopper, BatchShopper, AsyncShopper, ThreadedShopper])
def test_every_kind_of_agent_gives_the_same_episodes(agent):
    played = evaluate("TestShop-v0", agent(), repeats=3, batch_size=4)
    assert facts(played) == facts(evaluate(shop, Shopper(), repeats=3))
    assert [t.success for t in played] == [True] * 3 + [False] * 6
    assert [(t.task_id, t.repeat) for t in played][:4] == [("milk", 0), ("milk", 1), ("milk", 2), ("count", 0)]


def test_agents_are_run_together_where_they_allow_it():
    batch, concurrent, threaded = BatchShopper(), AsyncShopper(), ThreadedShopper()
    evaluate("TestShop-v0", batch, repeats=4, batch_size=6)
    assert max(batch.sizes) == 6
    evaluate("TestShop-v0", concurrent, repeats=4, batch_size=6)
    assert concurrent.most == 6
    evaluate("TestShop-v0", threaded, repeats=4)
    assert 1 < len(threaded.threads) <= 4


def test_a_sample_of_tasks_is_drawn_by_the_seed():
    def ids(seed):
        return [t.task_id for t in evaluate("TestShop-v0", Shopper(), n=2, seed=seed)]

    assert ids(0) == ids(0)
    assert len({tuple(ids(seed)) for seed in range(10)}) > 1


@pytest.mark.parametrize("agent", [Shopper, BatchShopper, AsyncShopper, ThreadedShopper])
def test_a_server_that_is_down_is_not_a_zero(agent):
    class Down(agent):
        pass

    def act(self, observation):
        raise AgentError("no answer from the server")

    async def act_async(self, observation):
        raise AgentError("no answer from the server")

    Down.act = act_async if agent is AsyncShopper else act
    played = evaluate("TestShop-v0", Down(), batch_size=2)
    assert [(t.reward_valid, t.success, t.error) for t in played] == [(False, None, "no answer from the server")] * 3


@pytest.mark.parametrize("agent", [Shopper, BatchShopper, AsyncShopper, ThreadedShopper])
def test_a_conversation_that_outgrows_the_model_ends_as_one_out_of_turns(agent, tmp_path):
    class Small(agent):
        pass

    def act(self, observation):
        last = observation["messages"][-1]
        if last["role"] != "user" or "how many" in last["content"]:
            raise ContextFull("the prompt is too long")
        return MILK

    async def act_async(self, observation):
        return act(self, observation)

    Small.act = act_async if agent is AsyncShopper else act
    if agent is BatchShopper:
        Small.act_batch = lambda self, observations: [said(self, o) for o in observations]

    def said(self, observation):
        try:
            return act(self, observation)
        except ContextFull as error:
            return error

    played = evaluate("TestShop-v0", Small(), batch_size=2, out=tmp_path / "run")
    short = evaluate("TestShop-v0", Shopper(), env_kwargs={"max_turns": 1})
    for found, wanted in zip(played, short, strict=True):
        if found.task_id == "count":  # its first message is too long already
            assert (found.reward_valid, found.error) == (False, "the prompt is too long")
            continue
        assert (found.reward_valid, found.truncated, len(found.turns)) == (True, True, 1)
        assert (found.reward, found.success) == (wanted.reward, wanted.success)
        assert found.success or found.verdict == "the episode's tokens ran out"
    assert sorted(each.status for each in replay(tmp_path / "run")) == ["not replayable", "same", "same"]


def test_one_answer_of_a_batch_may_fail():
    class Partly(BatchShopper):
        def act_batch(self, observations):
            return [
                AgentError("too long") if "how many things" in o["messages"][1]["content"] else self.act(o)
                for o in observations
            ]

    played = evaluate("TestShop-v0", Partly(), repeats=2, batch_size=3)
    assert [(t.task_id, t.reward_valid, len(t.turns)) for t in played] == [
        ("milk", True, 2),
        ("milk", True, 2),
        ("count", False, 0),
        ("count", False, 0),
        ("hello", True, 2),
        ("hello", True, 2),
    ]


def test_episodes_are_saved_and_read_back(tmp_path):
    played = evaluate("TestShop-v0", Shopper(), out=tmp_path / "run")
    again = read_episodes(tmp_path / "run")
    assert again == played
    about = json.loads((tmp_path / "run" / "run.json").read_text())
    assert (about["env"], about["agent"], about["seed"]) == ("TestShop-v0", "Shopper", 0)


def test_any_text_survives_the_file(tmp_path):
    class Strange:
        def act(self, observation):
            return "\ud800 \x00 \u2028 é 🙂" + calling(("add", {"item": "\udfff", "quantity": 10**40}))

    (played, *_) = evaluate("TestShop-v0", Strange(), n=1, out=tmp_path / "run")
    (again,) = read_episodes(tmp_path / "run" / "episodes.jsonl")
    assert again == played
    assert dump_episode(again).isascii()


def test_a_run_is_never_overwritten_by_accident(tmp_path):
    evaluate("TestShop-v0", Shopper(), n=1, out=tmp_path / "run")
    before = (tmp_path / "run" / "episodes.jsonl").read_bytes()
    with pytest.raises(RunError, match="--resume"):
        evaluate("TestShop-v0", Shopper(), n=1, out=tmp_path / "run")
    with pytest.raises(RunError, match="another run"):
        evaluate("TestShop-v0", Shopper(), n=1, seed=1, out=tmp_path / "run", resume=True)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("x")
    with pytest.raises(RunError, match="not empty"):
        evaluate("TestShop-v0", Shopper(), out=tmp_path / "mine")
    assert (tmp_path / "run" / "episodes.jsonl").read_bytes() == before


def test_a_run_is_resumed_with_the_agent_that_began_it(tmp_path):
    agent = Shopper()
    agent.settings = {"temperature": 0.5}
    evaluate("TestShop-v0", agent, n=1, out=tmp_path / "run")
    agent.settings = {"temperature": 1.0}
    with pytest.raises(RunError, match=r"agent_settings=\{'temperature': 0.5\}"):
        evaluate("TestShop-v0", agent, n=1, out=tmp_path / "run", resume=True)


def test_a_torn_line_is_dropped_and_its_episode_played_again(tmp_path):
    played = evaluate("TestShop-v0", Shopper(), out=tmp_path / "run")
    path = tmp_path / "run" / "episodes.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole[:-40])
    seen = []
    again = evaluate("TestShop-v0", Shopper(), out=tmp_path / "run", resume=True, on_episode=seen.append)
    assert facts(again) == facts(played)
    assert [t.task_id for t in seen] == ["hello"]
    assert path.read_bytes().count(b"\n") == 3


def test_a_torn_line_is_no_error_to_readers(tmp_path):
    played = evaluate("TestShop-v0", Shopper(), out=tmp_path / "run")
    path = tmp_path / "run" / "episodes.jsonl"
    path.write_bytes(path.read_bytes()[:-40])
    assert facts(read_episodes(path)) == facts(played)[:2]


def test_a_run_whose_settings_are_objects_can_be_resumed(tmp_path):
    def run():
        rubric = Rubric([("short", lambda evidence: -len(evidence.completion.text), 1.0)])
        return evaluate("TestShop-v0", Shopper(), env_kwargs={"rubric": rubric}, out=tmp_path / "run", resume=True)

    assert facts(run()) == facts(run())


def test_a_run_without_an_episode_is_in_nobodys_way(tmp_path):
    class Broken:
        def act(self, observation):
            raise RuntimeError("a bug")

    with pytest.raises(RuntimeError):
        evaluate("TestShop-v0", Broken(), out=tmp_path / "run")
    assert len(evaluate("TestShop-v0", Shopper(), out=tmp_path / "run")) == 3


def test_invalid_episodes_are_played_again_on_resume(tmp_path):
    class Flaky(Shopper):
        name = "Shopper"
        down = True

        def act(self, observation):
            if self.down and observation["messages"][-1]["content"].startswith("Good"):
                raise AgentError("down")
            return super().act(observation)

    agent = Flaky()
    first = evaluate("TestShop-v0", agent, out=tmp_path / "run")
    assert [t.reward_valid for t in first] == [True, True, False]
    agent.down = False
    seen = []
    second = evaluate("TestShop-v0", agent, out=tmp_path / "run", resume=True, on_episode=seen.append)
    assert [t.task_id for t in seen] == ["hello"]
    assert [t.reward_valid for t in second] == [True] * 3
    assert len(read_episodes(tmp_path / "run")) == 3


def test_a_killed_run_loses_and_repeats_nothing(tmp_path):
    source = """
        import sys, time
        sys.path.insert(0, sys.argv[2])
        import test_rollout
        from toolgym import evaluate
        class Shopper(test_rollout.Shopper):
            def act(self, observation):
                time.sleep(0.01)
                return super().act(observation)
        evaluate("TestShop-v0", Shopper(), repeats=40, out=sys.argv[1], resume=True)
    """
    out = tmp_path / "run"
    command = [sys.executable, "-c", textwrap.dedent(source), str(out), str(Path(__file__).parent)]
    lines = 0
    for _ in range(2):
        process = subprocess.Popen(command)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if (out / "episodes.jsonl").is_file() and (out / "episodes.jsonl").read_bytes().count(b"\n") > lines + 10:
                break
            time.sleep(0.01)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        lines = (out / "episodes.jsonl").read_bytes().count(b"\n")
        assert 0 < lines < 120
    subprocess.run(command, check=True, timeout=120)
    keys = [(t["task_id"], t["repeat"]) for t in map(json.loads, (out / "episodes.jsonl").read_text().splitlines())]
    assert len(keys) == len(set(keys)) == 120


def test_clear_errors(tmp_path):
    with pytest.raises(RunError, match="no episodes at"):
        read_episodes(tmp_path / "nowhere")
    (tmp_path / "episodes.jsonl").write_text('{"task_id": 3}\n')
    with pytest.raises(RunError, match=r"episodes.jsonl:1 is not an episode"):
        read_episodes(tmp_path)
    with pytest.raises(TypeError, match="needs act"):
        evaluate("TestShop-v0", object())
    with pytest.raises(ValueError, match="give it with out"):
        evaluate("TestShop-v0", Shopper(), resume=True)
    with pytest.raises(TypeError, match="plays ToolEnvs"):
        evaluate("CartPole-v1", Shopper())
    with pytest.raises(ValueError, match="at least 1"):
        evaluate("TestShop-v0", Shopper(), n=0)

    with pytest.raises(TypeError, match="an id, or a function"):
        evaluate(shop(), Shopper())
    (tmp_path / "file").write_text("x")
    with pytest.raises(RunError, match="cannot be a run's folder"):
        evaluate("TestShop-v0", Shopper(), out=tmp_path / "file")
    with pytest.raises(ValueError, match="1,000,000 tasks: say how many"):
        evaluate("ToolGym-Office-v0", Shopper())

    class Numbers(BatchShopper):
        def act_batch(self, observations):
            return [7 for _ in observations]

    with pytest.raises(NotAnAgent, match="Numbers gave int"):
        evaluate("TestShop-v0", Numbers())

    class Nothing(BatchShopper):
        def act_batch(self, observations):
            return None

    with pytest.raises(NotAnAgent, match="gave NoneType"):
        evaluate("TestShop-v0", Nothing())

    class Short(BatchShopper):
        def act_batch(self, observations):
            return []

    with pytest.raises(ValueError, match="0 texts for 3"):
        evaluate("TestShop-v0", Short())


@pytest.mark.parametrize("inside", ["clean", "oracle/clean"])
def test_a_folder_of_runs_is_told_from_a_run(tmp_path, inside):
    (tmp_path / inside).mkdir(parents=True)
    with pytest.raises(RunError, match="no episodes at"):
        read_episodes(tmp_path)
    (tmp_path / inside / "episodes.jsonl").touch()
    with pytest.raises(RunError, match="has runs in it: name them, such as") as refused:
        read_episodes(tmp_path)
    assert str(refused.value).endswith(str(tmp_path / inside))
