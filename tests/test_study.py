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


# The size laptop --------------------------------------------------------------------------------


@pytest.fixture
def laptop(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    from study.laptop import LAPTOP

    return LAPTOP


def test_every_arm_of_the_laptop_has_settings_that_a_trainer_takes(laptop, tmp_path):
    from study.arms import ARMS
    from study.decisions import FUNCTIONS_ENV
    from study.running import Study, missing

    from toolgym.agents.config import TrainConfig

    study = Study(laptop, "smollm2", tmp_path / "runs", tmp_path / "results", [].append)
    assert set(laptop.arms) <= set(laptop.has)
    for name in laptop.has:
        if name != "raw":
            config = TrainConfig(**study.settings(ARMS[name], 0))
            for env, kwargs in config.suites():
                assert gym.make(env, **kwargs).unwrapped.dialect.name == "compact"
            assert (config.env == FUNCTIONS_ENV) == (config.algo != "sft")
    assert study.settings(ARMS["grpo-guided"], 0)["guided"] != "off"
    rewards = {
        study.settings(ARMS[name], 0)["env_kwargs"]["reward"]["granularity"]
        for name in ("sft-grpo", "sft-ppo", "grpo-guided")
    }
    assert rewards == {"intermediate"}  # the recipe's, whatever the schedules add
    lost = laptop.suites[0].__class__("absent", "ToolGym-Absent-v0", {}, 4)
    assert "ToolGym-Absent" in missing(lost)
    assert study.suites[0].name == "bfcl"


def test_a_missing_suite_is_told_and_left_out(laptop, tmp_path):
    import msgspec
    from study.running import Study

    told = []
    absent = msgspec.structs.replace(laptop.suites[1], name="absent", env="ToolGym-Absent-v0")
    size = msgspec.structs.replace(laptop, suites=(laptop.suites[0], absent))
    study = Study(size, "smollm2", tmp_path, tmp_path, told.append)
    assert [suite.name for suite in study.suites] == ["bfcl"]
    assert told[0].startswith("without absent: ")
    with pytest.raises(SystemExit, match="absent is needed for the tables"):
        Study(msgspec.structs.replace(size, overall="absent"), "smollm2", tmp_path, tmp_path, told.append)


def test_the_cost_is_known_before_and_shrinks_with_what_is_done(laptop, tmp_path):
    from study.arms import ARMS
    from study.running import Study

    study = Study(laptop, "smollm2", tmp_path / "runs", tmp_path / "results", [].append)
    work = [(ARMS[name], seed) for seed in range(3) for name in laptop.arms]
    clock, minutes = study.clock(work), laptop.minutes
    trained = 3 * (minutes["sft_small"] + minutes["grpo"] + minutes["guided"] + minutes["ppo"])
    assert clock.left() == pytest.approx(60 * (trained + 13 * minutes["judge"]))  # raw is judged once
    steps = laptop.kinds["sft_small"]["steps"]
    (tmp_path / "runs" / "sft-small-1").mkdir(parents=True)
    (tmp_path / "runs" / "sft-small-1" / "metrics.jsonl").write_text(json.dumps({"step": steps // 2}) + "\n")
    assert clock.left() == pytest.approx(60 * (trained - minutes["sft_small"] / 2 + 13 * minutes["judge"]))


def test_each_suite_is_kept_when_it_is_played(laptop, tmp_path, monkeypatch):
    from study import running

    played = []

    def play(suite, *_):
        if len(played) == 1:
            raise KeyboardInterrupt
        played.append(suite.name)
        return []

    monkeypatch.setattr(running, "Policy", lambda *_, **__: type("Fake", (), {"tokenizer": None}))
    monkeypatch.setattr(running, "ChatTokens", lambda _: None)
    monkeypatch.setattr(running, "played", play)
    study = running.Study(laptop, "smollm2", tmp_path / "runs", tmp_path / "results", [].append)
    two, path = laptop.suites[:2], tmp_path / "runs" / "raw" / "judged.json"
    with pytest.raises(KeyboardInterrupt):
        study.judged("model", two, path)
    assert sorted(json.loads(path.read_text())) == [two[0].name]
    monkeypatch.setattr(running, "played", lambda suite, *_: played.append(suite.name) or [])
    assert sorted(study.judged("model", two, path)) == sorted(suite.name for suite in two)
    assert played == [suite.name for suite in two]  # the first one was not played again


def test_every_category_gets_the_same_number_of_tasks(laptop, monkeypatch):
    import msgspec
    from study import running

    asked = []

    class Fake:
        def __init__(self, make_envs, policy, chat):
            self.envs = [make().unwrapped for make in make_envs]

        def tasks(self, suite):
            return self.envs[suite].tasks

        def play(self, names):
            asked.extend(names)
            return []

    monkeypatch.setattr(running, "Collector", Fake)
    few = msgspec.structs.replace(laptop.suites[0], n=3, batch=4)
    running.played(few, type("Policy", (), {}), None)
    categories = few.kwargs["category"]
    assert [suite for suite, _ in asked] == [i for i in range(len(categories)) for _ in range(3)]
    assert [name.rpartition("_")[0] for _, name in asked[::3]][:6] == list(categories)[:6]
    assert asked[:3] == [(0, "simple_python_0"), (0, "simple_python_133"), (0, "simple_python_266")]


def results(laptop, arms):
    """Fake results: arm -> share of right calls, by seed."""
    from study.laptop import BFCL

    found = {}
    for arm, shares in arms.items():
        for seed, share in enumerate(shares):
            categories = dict.fromkeys(BFCL, share) | {"irrelevance": 1 - share, "live_irrelevance": 1 - share}
            one = {
                "n": 260, "success": share, "reward": share, "format": 1.0, "calls": 1.0, "tokens": 20.0,
                "called": {"irrelevance": share, "multiple": 1.0}, "categories": categories,
                "outcomes": ("1" * round(100 * share)).ljust(100, "0"),
            }  # fmt: skip
            suites = {"bfcl": one, "multi_turn": {**one, "categories": {"multi_turn_base": 0.5}}}
            found.setdefault(arm, {})[seed] = {"suites": suites, "curves": {}}
    return found


def test_the_document_of_the_laptop_has_the_board_and_the_other_sizes_ablations(laptop):
    from study.all_sizes import SIZES
    from study.arms import ARMS
    from study.kept import load
    from study.tables import ablations_of, document

    found = results(laptop, {"raw": [0.0, 0.0], "sft-small": [0.4, 0.5], "sft-grpo": [0.6, 0.5]})
    tiny = load(BENCHMARKS / "results" / "study" / "tiny", ARMS)
    text = document(found, laptop, "laptop", ablations_of(tiny, SIZES["tiny"], "tiny"))
    assert "| GRPO after SFT helps | SFT (small) + GRPO - SFT (small) | +10.0 ± 127.1 | +10.0 ± " in text
    # silence: 10 points of irrelevance; and half of one multi-turn category of four, at 30 points
    assert "| Raw | 13.8 | 0.0 | 0.0 | 100.0 | 12.5 |" in text
    assert "| Qwen3-0.6B (FC), official | 23.9 |" in text
    assert "## Ablations, at size tiny" in text
    assert "| Fine beats coarse |" in text.partition("## Ablations")[2]
    assert "not every arm has played them here: functions, functions_unseen" in text


def test_an_interval_over_tasks_counts_each_task_once(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    from study.intervals import over_tasks

    found = over_tasks({0: "1100", 1: "1000"}, {0: "0000", 1: "0000"})
    assert found.mean == pytest.approx(37.5)  # tasks: 100, 50, 0, 0
    assert found.half == pytest.approx(1.96 * 47.87 / 2, abs=0.05)
    assert over_tasks({0: "11-0"}, {0: "0100"}).mean == pytest.approx(100 / 3)
    assert over_tasks({0: "11"}, {1: "11"}) is None
    assert over_tasks({0: "11"}, {0: "111"}) is None
