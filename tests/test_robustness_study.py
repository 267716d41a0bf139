"""``benchmarks/robustness_study.py``: its tasks, its settings, its paired numbers, and a run that is stopped."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import gymnasium as gym
import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("matplotlib")

from tiny_lm import byte_tokenizer, tiny_model

from toolgym.agents.config import TrainConfig

BENCHMARKS = Path(__file__).resolve().parent.parent / "benchmarks"
SMALLEST = {"tests.n": 2, "sft.steps": 1, "sft.prompts_per_step": 1, "grpo.steps": 1, "grpo.prompts_per_step": 1,
            "grpo.num_generations": 2, "grpo.max_completion_length": 4, "sft.max_tokens": 2000,
            "grpo.max_tokens": 2000}  # fmt: skip


@pytest.fixture(autouse=True)
def _path(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))


@pytest.mark.parametrize("under", [{}, {"perturb": "all", "perturb_draw": 1}, {"faults": "loud", "fault_rate": 1.0}])
def test_gold_passes_every_errand(under):
    from robustness.errands import ENV

    env = gym.make(ENV, split="test", **under).unwrapped
    for i in range(40):
        env.reset(options={"task_id": str(i)})
        for text in env.gold(env.task):
            *_, info = env.step(text)
        assert info["success"], (i, info["verdict"])


def test_no_kind_is_trained_on_and_held_out_and_all_are_one_of_both():
    from robustness.kinds import HELD_OUT, HELD_OUT_FAULTS, TRAINED, TRAINED_FAULTS

    from toolgym.wrappers.faults.kinds import GROUPS
    from toolgym.wrappers.perturb.kinds import KINDS

    trained, held = ([kind for each in side.values() for kind in each] for side in (TRAINED, HELD_OUT))
    assert sorted(trained + held) == sorted(KINDS)
    assert sorted(TRAINED_FAULTS + HELD_OUT_FAULTS) == sorted(GROUPS["loud"])
    for side in (TRAINED, HELD_OUT):
        assert all(KINDS[kind].group == group for group, kinds in side.items() for kind in kinds)


@pytest.mark.parametrize("name", ["tiny", "laptop"])
def test_every_arm_has_settings_that_a_trainer_takes(name, tmp_path):
    from robustness.arms import ARMS
    from robustness.running import Study
    from robustness.sizes import SIZES

    study = Study(SIZES[name], "m", tmp_path, tmp_path, lambda text: None)
    for arm in ARMS.values():
        if arm.kind == "raw":
            assert study.settings(arm, 3) == {}
            continue
        config = TrainConfig(model="m", **study.settings(arm, 3))
        perturbed = ["perturb" in kwargs for _, kwargs in config.suites()]
        assert perturbed == [arm.under != "clean"] * len(perturbed)
        assert any("faults" in kwargs for _, kwargs in config.suites()) == (arm.under == "faulty")
        for env, kwargs in config.suites():
            gym.make(env, **kwargs)


def result(**outcomes):
    return {"tests": {name: {"outcomes": text} for name, text in outcomes.items()}}


@pytest.fixture
def size():
    from robustness.sizes import Size, Test

    tests = [("c", "clean"), ("t", "trained on"), ("h", "held out"), ("a", "faults a"), ("b", "faults b")]
    groups = {"t": "action", "h": "action"}
    return Size("m", {}, {}, {}, tuple(Test(n, p, groups.get(n, ""), "env", {}, {}, 5, 9) for n, p in tests))


def test_numbers_are_over_the_tasks_that_both_sides_have(size):
    from robustness.pairs import bootstrapped, closed, gained, kept, kept_more, retained, rows

    one = {0: result(c="1110-", h="10.01"), 1: result(c="1111-", h="10.11")}
    other = {0: result(c="11101", h="11.01"), 1: result(c="11111", h="11.11")}
    pairs = rows([(one, "clean"), (one, "held out")], size)
    assert pairs == [(1.0, 1.0), (1.0, 0.0), (0.5, 0.5)]
    found = bootstrapped(pairs, kept)
    assert (found.value, found.tasks) == (0.6, 3)
    assert found.interval[0] <= 0.6 <= found.interval[1]
    assert found == bootstrapped(pairs, kept), "a fixed seed"
    assert (retained(one, "held out", size).kept, retained(one, "held out", size).tasks) == (0.6, 3)
    points = rows([(one, "held out"), (other, "held out")], size)
    assert bootstrapped(points, gained).value == pytest.approx(0.25)
    four = rows([(one, "clean"), (one, "held out"), (other, "clean"), (other, "held out")], size)
    assert bootstrapped(four, kept_more).value == pytest.approx(0.4)
    gap = rows([(one, "clean"), (one, "held out"), (other, "held out")], size)
    assert bootstrapped(gap, closed).value == pytest.approx(1.0)
    assert rows([(one, "clean"), (one, "held out")], size, ["metadata"]) == []


def test_a_task_counts_once_however_many_conditions_change_it(size):
    from msgspec.structs import replace
    from robustness.pairs import bootstrapped, gained, rows
    from robustness.sizes import Test

    size = replace(size, tests=(*size.tests, Test("h2", "held out", "metadata", "env", {}, {}, 5, 9)))
    one, other = {0: result(h="00", h2=".0")}, {0: result(h="10", h2=".0")}
    pairs = rows([(one, "held out"), (other, "held out")], size)
    assert bootstrapped(pairs, gained).value == 0.5


def test_the_document_says_what_is_not_defined(size):
    from robustness.tables import document

    assert "None of the arms has run" in document({}, size, "tiny")
    clean, perturbed = result(c="0000", t="0000", h="00..", a="0000", b="...."), None
    perturbed = result(c="1110", t="1100", h="11..", a="1000", b="....")
    text = document({"clean": {0: clean}, "perturbed": {0: perturbed, 1: perturbed}}, size, "tiny")
    assert "| GRPO, clean | 1 | 0 [0, 49] | 0; kept – |" in text
    assert "kept 67 [" in text
    assert "about 27" in text


def test_a_stopped_study_goes_on_and_other_settings_are_refused(tmp_path, monkeypatch, capsys):
    import robustness_study

    tiny_model().save_pretrained(tmp_path / "model")
    byte_tokenizer().save_pretrained(tmp_path / "model")

    def run(*options):
        settings = [f"--set={name}={value}" for name, value in SMALLEST.items()]
        folders = ["--runs", str(tmp_path / "runs"), "--results", str(tmp_path / "results")]
        words = ["study", "--model", str(tmp_path / "model"), "--seeds=1", *folders, *settings, *options]
        monkeypatch.setattr(sys, "argv", words)
        robustness_study.main()
        return capsys.readouterr().out

    assert "| SFT, the common start | 1 |" in run("--arms=sft")
    path = tmp_path / "results" / "sft-0.json"
    first = path.read_bytes()
    found = json.loads(first)["tests"]
    assert len(found) == 9
    assert all(len(each["outcomes"]) == 2 for each in found.values())
    kept = {p: p.stat().st_mtime_ns for p in (tmp_path / "runs").rglob("episodes.jsonl")}
    path.unlink()  # as if stopped before the result was written
    run("--arms=sft,perturbed")
    assert path.read_bytes() == first
    assert {p: p.stat().st_mtime_ns for p in kept} == kept
    assert (tmp_path / "results" / "robustness.png").stat().st_size > 5_000
    assert "GRPO, perturbed" in (tmp_path / "results" / "robustness.md").read_text()
    with pytest.raises(SystemExit, match="other settings"):
        run("--arms=sft", "--set=sft.steps=2")
    with pytest.raises(SystemExit, match="2"):
        run("--set=dpo.steps=3")
    assert "'dpo.steps=3': begin with sft" in capsys.readouterr().err
