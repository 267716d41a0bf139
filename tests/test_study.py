"""``benchmarks/toolrl_study.py``: its smallest run, its training tasks, and its intervals."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import gymnasium as gym
import pytest

pytest.importorskip("torch")
pytest.importorskip("matplotlib")

BENCHMARKS = Path(__file__).resolve().parent.parent / "benchmarks"
SMALLEST = {
    "built.steps": 2, "built.hidden_size": 32, "built.num_hidden_layers": 1, "built.num_attention_heads": 2,
    "suites.n": 4, "train.max_completion_length": 8,
    **{f"{kind}.{name}": 2 for kind in ("ppo", "grpo") for name in ("prompts_per_step", "num_generations", "steps")},
    **{f"{kind}.{name}": 1 for kind in ("sft_small", "sft_large") for name in ("prompts_per_step", "steps")},
}  # fmt: skip


@pytest.fixture
def study(monkeypatch):
    """Runs the script; gives the results' folder."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import toolrl_study

    def run(out, *options):
        settings = [f"--set={name}={value}" for name, value in SMALLEST.items()]
        folders = ["--runs", str(out / "runs"), "--results", str(out / "results")]
        monkeypatch.setattr(sys, "argv", ["toolrl_study.py", "--seeds=1", *folders, *settings, *options])
        toolrl_study.main()
        return out / "results"

    return run


def test_the_same_seed_gives_the_same_results(study, tmp_path):
    arms = "--arms=sft-grpo,scale-dynamic,ppo"
    first, second = (study(tmp_path / name, arms) for name in ("one", "two"))
    names = sorted(path.name for path in first.glob("*.json"))
    assert names == ["ppo-0.json", "scale-dynamic-0.json", "sft-grpo-0.json"]
    for name in names:
        assert (first / name).read_bytes() == (second / name).read_bytes()
    result = json.loads((first / "sft-grpo-0.json").read_text())
    assert result["suites"]["test"]["n"] == 4
    assert len(result["curves"]["completion_length"]) == 2
    assert (first / "study.png").stat().st_size > 10_000


def test_it_goes_on_where_it_stopped(study, tmp_path, capsys):
    results = study(tmp_path, "--arms=raw,grpo")
    assert "reading" in capsys.readouterr().out  # the tiny model is made
    kept = {path: path.stat().st_mtime_ns for path in results.glob("*.json")}
    study(tmp_path, "--arms=raw,grpo,coarse")
    assert len(list(results.glob("*.json"))) == 3
    assert all(path.stat().st_mtime_ns == then for path, then in kept.items())
    table = (results / "study.md").read_text()
    assert "| GRPO cold - coarse |" in table
    assert "46.2 / 53.0 / 58.4 / 44.1" in table  # the paper's, beside ours
    assert "reading" not in capsys.readouterr().out
    with pytest.raises(SystemExit, match="other settings"):
        study(tmp_path, "--arms=grpo", "--set=grpo.steps=3")


def test_a_result_that_lacks_a_suite_is_judged_on_it(study, tmp_path):
    path = study(tmp_path, "--arms=raw,grpo") / "grpo-0.json"
    whole = path.read_bytes()
    result = json.loads(whole)
    test = result["suites"].pop("test")
    path.write_text(json.dumps(result))
    table = study(tmp_path, "--table") / "study.md"
    assert "| test |" not in table.read_text()  # of what all were judged on
    study(tmp_path, "--arms=grpo")
    assert json.loads(path.read_bytes())["suites"]["test"] == test
    assert "| test |" in table.read_text()


def test_seeds_are_counted_or_named(study, tmp_path, capsys):
    results = study(tmp_path, "--arms=raw", "--seeds=3,1")
    assert sorted(path.name for path in results.glob("*.json")) == ["raw-1.json", "raw-3.json"]
    for wrong in ("0", "x", ","):
        with pytest.raises(SystemExit, match="2"):
            study(tmp_path, f"--seeds={wrong}")
        assert f"'{wrong}' is neither how many seeds" in capsys.readouterr().err


def test_a_setting_that_there_is_not_is_an_error_in_words(study, tmp_path, capsys):
    with pytest.raises(SystemExit, match="2"):
        study(tmp_path, "--set=dpo.steps=3")
    assert "'dpo.steps=3': begin with sft_small" in capsys.readouterr().err


def test_the_papers_searches_stand_beside_ours_where_there_are_questions(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    from study.all_sizes import SIZES
    from study.tables import behaviour

    suites = {"bfcl": {"called": {"multiple": 0.5, "irrelevance": 0.25}}, "bamboogle": {"calls": 0.8}}
    said = behaviour({"raw": {0: {"suites": suites, "curves": {}}}}, SIZES["gpu"])
    assert "| Raw | 50.0 | 75.0 | 0.8 | - | - |" in said
    assert "GRPO cold: relevance 100, irrelevance 56.4." in said
    assert "Raw 20.8 (0.61) / " in said
    assert "none at this size" not in said


@pytest.fixture
def decisions(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    from study import decisions

    return lambda **kwargs: gym.make(decisions.ENV, **kwargs).unwrapped


@pytest.mark.parametrize("split", ["train", "test", "test_unseen"])
def test_gold_is_best_and_every_value_stands_in_the_request(decisions, split):
    env = decisions(split=split, world=3)
    for i in range(30):
        observation, _ = env.reset(options={"task_id": str(i)})
        _, reward, terminated, _, info = env.step(env.gold(env.task)[0])
        assert (reward, terminated, info["success"]) == (4.0, True, True)
        assert len(observation["tools"]) <= 4
        said = observation["messages"][-1]["content"]
        assert all(value in said for call in env.task.expected[0] for value in call.arguments.values())


def test_schedules_run_at_the_papers_pace(decisions):
    rewards = []
    for step in (0, 5, 6, 19):  # of 20: the paper's second stage begins at 30 of 105
        env = decisions(reward={"scale": "two_stage", "schedule": 105 / 20})
        env.set_step(step)
        env.reset(options={"task_id": "0"})
        rewards.append(env.step(env.gold(env.task)[0])[1])
    assert rewards == [2.0, 2.0, 3.5, 3.5]


def test_words_of_thought_earn_up_to_one_more(decisions):
    env = decisions(reward={"length": "fixed", "words": 8})
    for words, more in ((0, 0.0), (4, 0.5), (8, 1.0), (50, 1.0)):
        env.reset(options={"task_id": "0"})
        call = env.gold(env.task)[0].partition("</think>")[2]
        assert env.step(f"<think>{' '.join(['so'] * words)}</think>{call}")[1] == pytest.approx(4 + more)


def test_a_claim_holds_where_its_interval_is_above_zero(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    from study.intervals import interval, paired

    found = interval([1.0, 2.0, 3.0, 4.0, 5.0])
    assert found.mean == 3.0
    assert found.half == pytest.approx(1.963, abs=1e-3)  # 2.776 * sqrt(2.5 / 5)
    assert found.verdict == "holds"
    assert paired({0: 1.0, 1: 5.0, 2: 9.0}, {0: 2.0, 1: 4.0}).verdict == "undecided"
    assert paired({0: 1.0, 1: 1.1}, {0: 4.0, 1: 4.1, 7: 0.0}).verdict == "the opposite holds"
    assert paired({3: 1.0}, {3: 0.0}).verdict == "one seed: nothing to say"
