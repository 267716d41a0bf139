"""Replaying runs: the recorded actions give the same bytes, or it is said what differs; and other rewards for them."""

from __future__ import annotations

import io
import json
import sys

import gymnasium as gym
import pytest
from conftest import calling, saying, shop

from toolgym import Rubric, Trajectory, evaluate
from toolgym.agents.training.kept_episodes import keep_evaluation
from toolgym.cli.main import main
from toolgym.grading import TOKENS_RAN_OUT
from toolgym.registry import SUITES
from toolgym.replay import differences, replay, rescore
from toolgym.rewards import ToolRLReward
from toolgym.rollout import AgentError
from toolgym.runlog import RunError, read_episodes, write_run

MILK = calling(("add", {"item": "milk", "quantity": 2}))
OFFICE = "ToolGym-Office-v0"


class Shopper:
    """Buys milk, then says goodbye; and on one task it cannot."""

    broken = None

    def for_env(self, env):
        self.env = env.unwrapped
        return self

    def act(self, observation):
        if self.env.task.id == self.broken:
            raise AgentError("the server is down")
        return MILK if observation["messages"][-1]["role"] == "user" else saying("Bye.")


class Mixed(Shopper):
    """Gold and nonsense in turn, some of it hard to write down."""

    def act(self, observation):
        env = self.env
        gold, turn = env.gold(env.task), len(env.turns)
        if turn >= len(gold) or ord(env.task.id[-1]) % 2 < turn % 2:
            return "\ud800 <think>" + calling(("nope", {"\udc00": [1e400, {"1": None}]}))
        return gold[turn]


@pytest.fixture
def run(tmp_path):
    agent = Shopper()
    evaluate("TestShop-v0", agent, repeats=2, out=tmp_path / "run")
    return tmp_path / "run"


@pytest.fixture
def command(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")

    def command(*words):
        monkeypatch.setattr(sys, "stdin", io.StringIO(""))
        status = main(["replay", *map(str, words)])
        out, err = capsys.readouterr()
        return status, out, err

    return command


def edited(run, number, change):
    """Change an episode of a run's file."""
    lines = (run / "episodes.jsonl").read_text().splitlines()
    episode = json.loads(lines[number])
    change(episode)
    lines[number] = json.dumps(episode)
    (run / "episodes.jsonl").write_text("\n".join(lines) + "\n")


@pytest.mark.parametrize("env_id", sorted(SUITES))
@pytest.mark.parametrize("dialect", ["toolrl", "pythonic"])
def test_every_suites_runs_replay(env_id, dialect, tmp_path):
    evaluate(env_id, Mixed(), env_kwargs={"dialect": dialect}, n=12, repeats=2, out=tmp_path)
    found = replay(tmp_path)
    assert [(each.status, each.differences) for each in found] == [("same", ())] * 24


def test_a_text_that_is_too_long_replays(tmp_path):
    class Long(Shopper):
        def act(self, observation):
            return MILK + "x" * 1000

    evaluate("TestShop-v0", Long(), env_kwargs={"max_action_chars": len(MILK) + 5}, out=tmp_path / "run")
    found = replay(tmp_path / "run")
    assert [(each.status, each.differences) for each in found] == [("same", ())] * 3
    assert all("more than" in each.episode.turns[0].reward.terms[0].reason for each in found)
    assert not any(each.episode.turns[0].reward.calls for each in found)


def test_what_differs_is_said(run):
    assert {each.status for each in replay(run)} == {"same"}
    lie = "a lie " + "x" * 100

    def change(episode):
        turn = episode["turns"][0]
        turn["reward"]["total"] = 9.0
        turn["messages"][1]["content"] = lie
        turn["reward"]["calls"][0]["score"]["name"] = 0.5
        episode["verdict"], episode["success"] = "no", False

    edited(run, 0, change)
    seen = []
    first, *others = replay(run, on_episode=seen.append)
    assert seen == [first, *others]
    assert first.status == "different"
    text = "\n".join(first.differences)
    for words in (
        "turns[0].reward.total: was 9.0, is 4.0",
        "turns[0].messages[1].content: from character 0 on, was 'a lie xxx",
        "turns[0].reward.calls[0].score.name: was 0.5, is 1.0",
        "success: was False, is True",
        "verdict: was 'no', is ''",
    ):
        assert words in text
    assert {each.status for each in others} == {"same"}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda e: e["turns"].pop(), "the episode goes on after 1 actions, where the recorded one ended"),
        (lambda e: e["turns"].append(e["turns"][0]), "turns[2]: was {"),
        (lambda e: e["turns"][0].update(action=MILK.replace("2", "3")), "turns[0].reward.calls[0].call.arguments"),
        (lambda e: e["messages"][0].update(content="Obey."), "opening[0].content: from character 0 on, was 'Obey.'"),
        (lambda e: e.update(task_id="mlik"), "did you mean milk"),
        (lambda e: e.update(truncated=True), "truncated: was True, is False"),
        (lambda e: e.update(category="x"), "category: was 'x', is ''"),
    ],
)
def test_any_change_of_an_episode_is_found(run, change, words):
    edited(run, 0, change)
    found = replay(run)
    (different,) = [each for each in found if each.status == "different"]
    assert words in "\n".join(different.differences)


def test_a_line_that_a_kill_cut_off_is_left_out(run):
    with (run / "episodes.jsonl").open("a") as file:
        file.write('{"env_id": "TestShop-v0", "task_id": "mi')
    assert [each.status for each in replay(run)] == ["same"] * 6


def test_episodes_whose_agent_failed_are_not_replayable(tmp_path):
    agent = Shopper()
    agent.broken = "count"
    evaluate("TestShop-v0", agent, out=tmp_path / "some")
    found = {each.episode.task_id: each for each in replay(tmp_path / "some")}
    assert {task_id: each.status for task_id, each in found.items()} == {
        "milk": "same", "count": "not replayable", "hello": "same",
    }  # fmt: skip
    assert found["count"].reason == "the server is down"
    assert found["count"].again is None
    episodes = [each for each in read_episodes(tmp_path / "some") if not each.reward_valid]
    (tmp_path / "none").mkdir()
    write_run(tmp_path / "none", {"env": "TestShop-v0"}, episodes)
    assert {each.status for each in replay(tmp_path / "none")} == {"not replayable"}


def test_another_env_is_said_to_be_one(run):
    settings = json.loads((run / "run.json").read_text())
    for change, words in [
        ({"env_kwargs": {"dialect": "hermes"}}, r"data, version or settings are not those .* none of its 6 .* opening"),
        ({"env": "ToolGym-APIBank-v0"}, "milk was played in TestShop-v0, the run in ToolGym-APIBank-v0"),
        ({"env": "Nothing-v0"}, "played in TestShop-v0, the run in Nothing-v0"),
        ({"env_kwargs": {"rubric": "my.Rubric"}}, r"cannot make TestShop-v0 .*my.Rubric.* as an object .*make="),
        ({"env": 3}, "does not say which env"),
        ({"env_kwargs": []}, "does not say which env"),
    ]:
        (run / "run.json").write_text(json.dumps({**settings, **change}))
        with pytest.raises(RunError, match=words):
            replay(run)
    (run / "run.json").write_text(json.dumps({**settings, "env_kwargs": {"rubric": "my.Rubric"}}))
    assert {each.status for each in replay(run, make=lambda env_id, kwargs: shop())} == {"same"}
    with pytest.raises(RunError, match="is a CartPoleEnv, not a ToolEnv"):
        replay(run, make=lambda env_id, kwargs: gym.make("CartPole-v1"))


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({}, "is not a run's folder: it has no run.json"),
        ({"metrics.jsonl": ""}, "has kept no episodes"),
        ({"run.json": "{}"}, "does not say which env"),
        ({"run.json": "[1]"}, "is not the description of a run, but a JSON list"),
        ({"run.json": "{"}, "is not the description of a run: Expecting"),
        ({"run.json": '{"env": "TestShop-v0"}'}, "no episodes at"),
        ({"run.json": '{"env": "TestShop-v0"}', "episodes.jsonl": ""}, "holds no finished episodes"),
        ({"run.json": '{"env": "TestShop-v0"}', "episodes.jsonl": "{}\n"}, "1 is not an episode"),
    ],
)
def test_a_folder_that_is_no_run_is_a_clear_error(tmp_path, files, words):
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(RunError, match=words):
        replay(tmp_path)
    with pytest.raises(RunError, match="there is no such folder"):
        replay(tmp_path / "nowhere")


# What training keeps ----------------------------------------------------------------------------


class Scheduled(ToolRLReward):
    def __init__(self):
        super().__init__(scale="dynamic")


gym.register("TestScheduled-v0", lambda rubric=None, **kwargs: shop(rubric=rubric or Scheduled(), **kwargs))


def kept(folder, settings, step=0, cut=False, env_id="TestScheduled-v0"):
    """A folder as the trainer writes it."""
    env = gym.make(env_id)
    env.unwrapped.set_step(step)
    found = []
    for task_id in ("milk", "count"):
        observation, _ = env.reset(options={"task_id": task_id})
        env.step(MILK)
        info = env.unwrapped.cut_off(TOKENS_RAN_OUT) if cut else env.step(saying("Bye."))[-1]
        turns = list(env.unwrapped.turns)
        about = {"success": info["success"], "verdict": info["verdict"], "error_type": info["error_type"]}
        about["truncated"] = cut
        total = sum(turn.reward.total for turn in turns)
        found.append(Trajectory(env_id, task_id, observation.messages, turns, reward=total, **about))
    folder.mkdir(parents=True)
    write_run(folder, {"agent": "x", "env": "TestScheduled-v0", "env_kwargs": {}, **settings}, found)


def test_a_training_runs_kept_episodes_replay_at_the_step_they_were_scored(tmp_path):
    run = tmp_path / "train"
    kept(run / "groups" / "step-000075", {"step": 75, "temperature": 1.0}, step=74)
    kept(run / "groups" / "step-000100", {"step": 100, "temperature": 1.0}, step=99, cut=True)
    kept(run / "evaluations" / "step-000075", {"step": 75})
    assert [each.status for each in replay(run)] == ["same"] * 6
    assert [each.status for each in replay(run / "groups" / "step-000100")] == ["same"] * 2
    kept(run / "groups" / "step-000125", {"step": 125, "temperature": 1.0}, step=3)
    assert [each.status for each in replay(run)].count("different") == 2
    with pytest.raises(RunError, match="is a training run: score one of its folders again"):
        rescore(run, "toolrl", tmp_path / "out")


def test_episodes_of_another_suite_than_the_folder_says_are_refused(tmp_path):
    kept(tmp_path / "groups" / "step-000001", {"step": 1, "temperature": 1.0, "env": OFFICE}, env_id="TestShop-v0")
    with pytest.raises(RunError, match="milk was played in TestShop-v0, the run in ToolGym-Office-v0"):
        replay(tmp_path)


def test_what_the_trainer_writes_is_read(tmp_path):
    episodes = evaluate(lambda: gym.make("TestShop-v0", max_turns=5), Shopper())
    keep_evaluation(tmp_path, 25, ("TestShop-v0", {"max_turns": 5}), episodes)
    assert [each.status for each in replay(tmp_path)] == ["same"] * 3


# Other rewards ----------------------------------------------------------------------------------


def test_a_run_is_scored_with_another_rubric(run, tmp_path):
    brief = Rubric([("brief", lambda evidence: -float(len(evidence.completion.text)), 1.0)])
    scored = rescore(run, brief, tmp_path / "brief")
    assert scored == read_episodes(tmp_path / "brief")
    before = {(each.task_id, each.repeat): each for each in read_episodes(run)}
    for each in scored:
        old = before.pop((each.task_id, each.repeat))
        assert [turn.action for turn in each.turns] == [turn.action for turn in old.turns]
        assert each.reward == -sum(len(turn.action) for turn in old.turns)
        assert (each.success, each.seconds) == (old.success, old.seconds)
    assert not before
    about = json.loads((tmp_path / "brief" / "run.json").read_text())
    assert about["rescored"] == str(run)
    assert about["env_kwargs"]["rubric"] == "toolgym.rewards.rubric.Rubric"
    with pytest.raises(RunError, match="already holds a run"):
        rescore(run, brief, tmp_path / "brief")
    again = rescore(tmp_path / "brief", "toolrl", tmp_path / "back")
    assert [each.reward for each in again] == [each.reward for each in read_episodes(run)]
    assert [each.status for each in replay(tmp_path / "back")] == ["same"] * 6


def test_scoring_again_is_refused_where_it_would_score_something_else(run, tmp_path):
    for rubric in (ToolRLReward(scale="dynamic"), ToolRLReward(length="dynamic"), ToolRLReward(scale="two_stage")):
        with pytest.raises(RunError, match=r"depends on the trainer's step, which .* does not hold"):
            rescore(run, rubric, tmp_path / "out")
    kept(tmp_path / "step-000075", {"step": 75, "temperature": 1.0})
    assert [each.reward for each in rescore(tmp_path / "step-000075", ToolRLReward(scale="dynamic"), tmp_path / "x")]
    edited(run, 2, lambda e: e["turns"][0]["messages"][1].update(content="no"))
    with pytest.raises(RunError, match=r"1 of 6 episodes do not replay .* nothing is written. The first: count: turns"):
        rescore(run, "toolrl-reference", tmp_path / "out")
    assert not (tmp_path / "out").exists()
    with pytest.raises(ValueError, match="unknown rubric 'nice'"):
        rescore(run, "nice", tmp_path / "out")


# The command ------------------------------------------------------------------------------------


def test_the_command_reports_and_its_status_says_it(tmp_path, command):
    run = tmp_path / "run"
    evaluate(OFFICE, Mixed(), env_kwargs={"split": "val"}, n=8, out=run)
    status, out, _ = command(run)
    assert (status, out.splitlines()[-1]) == (0, "8 same, 0 different, 0 not replayable")
    assert "8/8" in out
    edited(run, 1, lambda e: e.update(verdict="\x1b[31m[red]other"))
    edited(run, 2, lambda e: e.update(reward_valid=False, error="the server was down"))
    edited(run, 3, lambda e: e["messages"][0].update(content="x"))
    status, out, _ = command(run / "episodes.jsonl")
    assert (status, out.splitlines()[-1]) == (1, "5 same, 2 different, 1 not replayable")
    assert "verdict: was" in out
    assert "1 of these tasks are not what they were" in out
    assert "the server was down" in out
    assert "\x1b" not in out
    for i in range(8):
        edited(run, i, lambda e: e.update(reward_valid=False))
    status, out, _ = command(run)
    assert (status, "nothing was replayed" in out) == (1, True)


def test_the_command_scores_again(tmp_path, command):
    run, out = tmp_path / "run", tmp_path / "reference"
    evaluate(OFFICE, Mixed(), env_kwargs={"split": "val"}, n=8, out=run)
    status, text, _ = command(run, "--rubric", "toolrl-reference", "--out", out)
    assert status == 0
    assert "reward and its terms" in text
    assert {path.name for path in out.iterdir()} == {"run.json", "episodes.jsonl", "summary.json", "report.html"}
    assert command(out)[0] == 0
    assert json.loads((out / "run.json").read_text())["env_kwargs"] == {"split": "val", "rubric": "toolrl-reference"}
    edited(run, 0, lambda e: e["turns"].pop())
    for words, error in [
        ([run, "--rubric", "toolrl"], "--rubric NAME and --out DIR go together"),
        ([run, "--out", tmp_path / "x"], "--rubric NAME and --out DIR go together"),
        ([run, "--rubric", "nice", "--out", tmp_path / "x"], "unknown rubric 'nice'"),
        ([run, "--rubric", "toolrl", "--out", out], "already holds a run"),
        ([run, "--rubric", "toolrl", "--out", tmp_path / "x"], "do not replay as they were recorded"),
        ([tmp_path], "is not a run's folder"),
    ]:
        status, _, err = command(*words)
        assert (status, err[:7]) == (1, "error: ")
        assert error in err
    assert not (tmp_path / "x").exists()


def test_help_teaches_the_command(command):
    status, out, _ = command("--help")
    assert status == 0
    assert "examples:\n  toolgym replay runs/smollm2" in out
    assert max(map(len, out.splitlines())) <= 80


@pytest.mark.parametrize(
    ("was", "now", "expected"),
    [
        ({"a": 1}, {"a": 1.0}, ()),
        ({"a": (1, "x")}, {"a": [1, "x"]}, ()),
        ({"a": float("nan")}, {"a": float("nan")}, ()),
        ({"a": 1}, {"a": True}, ("a: was 1, is True",)),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, (": the keys have another order",)),
        ({"a": {}}, {"a": []}, ("a: was {}, is []",)),
        ({"a": [1]}, {"b": 1}, ("a: was [1], is not there now", "b: is 1 now, was not there")),
        ("x" * 99 + "a", "x" * 99 + "b", (": from character 99 on, was 'a', is 'b'",)),
    ],
)
def test_differences_say_where(was, now, expected):
    assert differences(was, now) == expected


def test_many_differences_are_cut():
    found = differences(list(range(100)), list(range(1, 101)))
    assert (len(found), found[-1]) == (21, "... and more")
