"""A run goes on with more tasks, and with more repeats."""

from __future__ import annotations

import json

import pytest
from conftest import saying

from toolgym import evaluate
from toolgym.agents.scripted import Oracle
from toolgym.cli.main import main
from toolgym.earlier import earlier_task_order
from toolgym.rollout import DRAW
from toolgym.runlog import RunError, read_episodes
from toolgym.tasks import task_order
from toolgym.tasks.source import drawn


class Shopper:
    def act(self, observation):
        return saying("No.")


def facts(trajectories):
    return [(t.task_id, t.repeat, t.reward) for t in trajectories]


@pytest.mark.parametrize("size", [1, 7, 400])
@pytest.mark.parametrize("seed", [0, 1, 2**70])
def test_the_tasks_of_a_smaller_number_are_among_those_of_a_larger_one(size, seed):
    every = drawn(size, size, seed)
    assert sorted(every) == list(range(size))
    assert all(drawn(size, n, seed) == every[:n] for n in range(size))
    assert size == 1 or drawn(size, size, seed + 1) != every or size < 10


ENVS = {
    "a list": ("ToolGym-BFCL-v0", {"category": "simple_python"}),
    "made on demand": ("ToolGym-Office-v0", {"split": "test"}),
}


@pytest.mark.parametrize("env", ENVS.values(), ids=list(ENVS))
@pytest.mark.parametrize(("first", "then"), [((4, 1), (8, 1)), ((2, 1), (2, 3)), ((2, 2), (5, 3))], ids=str)
def test_a_run_that_grew_is_the_run_that_was_larger_from_the_start(env, first, then, tmp_path):
    (env_id, kwargs), seen = env, []
    before = evaluate(env_id, Shopper(), env_kwargs=kwargs, n=first[0], repeats=first[1], seed=3, out=tmp_path / "a")
    larger = {"env_kwargs": kwargs, "n": then[0], "repeats": then[1], "seed": 3}
    grown = evaluate(env_id, Shopper(), **larger, out=tmp_path / "a", resume=True, on_episode=seen.append)
    assert len(seen) == len(grown) - len(before) == then[0] * then[1] - first[0] * first[1], "nothing is played twice"
    assert facts(grown) == facts(evaluate(env_id, Shopper(), **larger, out=tmp_path / "b"))
    assert (tmp_path / "a" / "run.json").read_text() == (tmp_path / "b" / "run.json").read_text()
    assert sorted(facts(read_episodes(tmp_path / "a"))) == sorted(facts(grown))


def test_a_number_grows_to_all():
    assert task_order(range_of(5), None, 0) == task_order(range_of(5), 5, 0) == task_order(range_of(5), 9, 0)


def range_of(n):
    return [type("T", (), {"id": str(i)})() for i in range(n)]


def test_a_run_does_not_shrink(tmp_path):
    evaluate("TestShop-v0", Shopper(), n=2, repeats=2, out=tmp_path / "run")
    before = (tmp_path / "run" / "run.json").read_bytes()
    with pytest.raises(RunError, match=r"holds a run with n=2, not 1: .* or a larger one"):
        evaluate("TestShop-v0", Shopper(), n=1, repeats=2, out=tmp_path / "run", resume=True)
    with pytest.raises(RunError, match="repeats=2, not 1"):
        evaluate("TestShop-v0", Shopper(), n=2, out=tmp_path / "run", resume=True)
    assert (tmp_path / "run" / "run.json").read_bytes() == before
    assert len(evaluate("TestShop-v0", Shopper(), repeats=2, out=tmp_path / "run", resume=True)) == 6
    with pytest.raises(RunError, match="n=all, not 2"):
        evaluate("TestShop-v0", Shopper(), n=2, repeats=2, out=tmp_path / "run", resume=True)


def test_a_run_of_an_earlier_version_goes_on_with_its_own_tasks(tmp_path):
    env_id, agent = "ToolGym-BFCL-v0", Shopper()
    kwargs = {"category": "simple_python"}
    played = evaluate(env_id, agent, env_kwargs=kwargs, n=400, out=tmp_path / "all")
    tasks = [type("T", (), {"id": t.task_id})() for t in played]
    drawn_then = earlier_task_order(tasks, 3, 0)
    old = tmp_path / "old"
    old.mkdir()
    about = json.loads((tmp_path / "all" / "run.json").read_text())
    assert about.pop("draw") == DRAW
    (old / "run.json").write_text(json.dumps({**about, "n": 3}))
    lines = (tmp_path / "all" / "episodes.jsonl").read_text().splitlines(keepends=True)
    (old / "episodes.jsonl").write_text(
        "".join(line for line in lines if json.loads(line)["task_id"] in drawn_then[:2])
    )
    found = evaluate(env_id, agent, env_kwargs=kwargs, n=3, out=old, resume=True)
    assert [t.task_id for t in found] == drawn_then
    with pytest.raises(RunError, match="an earlier version, whose n=3 tasks are not all among the 5"):
        evaluate(env_id, agent, env_kwargs=kwargs, n=5, out=old, resume=True)
    assert len(evaluate(env_id, agent, env_kwargs=kwargs, out=old, resume=True)) == 400


def test_the_command_goes_on_and_says_so(tmp_path, capsys):
    words = ["eval", "--env", "ToolGym-Functions-v0", "--agent", "silent", "--out", str(tmp_path / "run")]
    assert main([*words, "-n", "2"]) == 0
    capsys.readouterr()
    assert main([*words, "-n", "5", "--resume"]) == 0
    shown = capsys.readouterr().out
    assert "2 of 5 episodes are there, and count." in shown
    assert "5/5" in shown
    assert main([*words, "-n", "4", "--resume"]) == 1
    assert "n=5, not 4" in capsys.readouterr().err
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert summary["left_out"] == {"episodes": 5, "left_out": 0, "share": 0.0, "reasons": [], "endings": {}}


def test_a_page_of_a_run_that_is_growing_says_that_it_is_unfinished(tmp_path, capsys):
    words = ["eval", "--env", "ToolGym-Functions-v0", "--agent", "silent", "--out", str(tmp_path / "run")]
    assert main([*words, "-n", "2"]) == 0
    about = tmp_path / "run" / "run.json"
    about.write_text(about.read_text().replace('"n": 2', '"n": 7'))  # as if it had been stopped after it grew
    capsys.readouterr()
    assert main(["report", str(tmp_path / "run")]) == 0
    assert "2 of 7 episodes: unfinished" in " ".join(capsys.readouterr().out.split())


def test_a_whole_last_episode_without_a_line_end_is_kept(tmp_path):
    kwargs = {"level": "single"}
    evaluate("ToolGym-Functions-v0", Oracle(), env_kwargs=kwargs, n=3, out=tmp_path)
    path = tmp_path / "episodes.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    assert len(read_episodes(tmp_path)) == 3
    evaluate("ToolGym-Functions-v0", Oracle(), env_kwargs=kwargs, n=3, out=tmp_path, resume=True)
    assert path.read_bytes() == whole  # nothing was played again
    path.write_bytes(whole[:-2])
    assert len(read_episodes(tmp_path)) == 2
