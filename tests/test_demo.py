"""``make demo``, with a tiny model: three columns to the end, its pages, and how it continues after a stop."""

from __future__ import annotations

import importlib.util
import io
import json
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

pytest.importorskip("torch")
pytest.importorskip("peft")

from tiny_lm import byte_tokenizer, tiny_model

BENCHMARKS = Path(__file__).resolve().parent.parent / "benchmarks"
PAGES = ("index.html", "training.html", "functions.html", "bfcl.html")


def script(name):
    spec = importlib.util.spec_from_file_location(name, BENCHMARKS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def demo(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return script("demo")


@pytest.fixture
def small(demo):
    """The recipe with a step of each training and two tasks of each part."""
    recipe = demo.RECIPE
    shared = {"prompts_per_step": 1, "max_tokens": 4000, "max_completion_length": 4, "eval_tasks": 2}
    return replace(
        recipe,
        sft={**recipe.sft, **shared, "steps": 1},
        grpo={**recipe.grpo, **shared, "steps": 1, "num_generations": 2, "lora_rank": 2},
        parts=tuple(replace(part, tasks=2) for part in recipe.parts),
        max_new_tokens=4,
    )


@pytest.fixture
def model(tmp_path):
    tiny_model().save_pretrained(tmp_path / "tiny")
    byte_tokenizer().save_pretrained(tmp_path / "tiny")
    return str(tmp_path / "tiny")


def test_the_demo_runs_and_goes_on(demo, small, model, tmp_path):
    out = tmp_path / "demo"
    for steps in (1, 2):
        console = Console(file=io.StringIO(), width=80)
        demo.demo(out, model, small.with_steps(None, steps), 0, console)
        text = console.file.getvalue()
        assert "to go" in text
        assert "GRPO taught nothing that so few tasks can show: refusals" in text.replace("\n", " ")
        assert "GRPO's gain" in text
        for page in PAGES:
            assert page in text
            assert (out / page).stat().st_size > 1000
        assert (out / "training.png").read_bytes().startswith(b"\x89PNG")
    for name, steps in (("sft", [0, 1]), ("grpo", [0, 1, 2])):  # sft was there the second time, grpo went on
        lines = (out / name / "metrics.jsonl").read_text().splitlines()
        assert [json.loads(line)["step"] for line in lines] == steps
    page = (out / "functions.html").read_text("utf-8")
    assert page.count("class='episode'") == 12  # two tasks with a tool that fits, two without, at three stages
    rows = json.loads((out / "demo.json").read_text())["rows"]
    unseen = [row for row in rows if row["page"] == "test_unseen"]
    assert [(row["says"], row["tasks"], len(row["stages"])) for row in unseen] == [
        ("a tool fits", 2, 3),
        ("no tool fits", 2, 3),
        ("both together", 4, 3),
    ]


def test_several_seeds_are_judged_in_pairs_and_pooled(demo, small, model, tmp_path, monkeypatch):
    demo_seeds = script("demo_seeds")
    kept = {}
    monkeypatch.setattr(demo_seeds, "keep", kept.__setitem__)
    parts = tuple(replace(part, judged=2 if part.page == "test_unseen" else 0) for part in small.parts)
    few = replace(small, parts=parts)
    console = Console(file=io.StringIO(), width=80)
    for seeds in ([0], [0, 1]):  # the second time, seed 0 is there
        demo_seeds.judge(seeds, tmp_path / "runs", model, few, "demo", console)
    assert kept["demo"]["seeds"] == [0, 1]
    both = kept["demo"]["rows"][-1]
    assert (both["says"], both["tasks"], sorted(both["seeds"])) == ("both together", 8, ["0", "1"])
    assert both["over_tasks"]["tasks"] == 8
    assert both["over_seeds"]["half"] is not None
    assert "one seed" in console.file.getvalue()  # the table after seed 0
    played = [tmp_path / "runs" / f"seed-{seed}" / "judged" / "before" / "unseen_fits" for seed in (0, 1)]
    texts = [(path / "episodes.jsonl").read_text().splitlines() for path in played]
    first, second = ({json.loads(line)["task_id"] for line in lines} for lines in texts)
    assert first != second


def test_the_time_that_is_left_follows_the_pace_and_what_is_on_disk(demo, tmp_path):
    from clock import Clock, in_minutes, played_share, trained_share

    done = {"one": 0.5, "two": 0.0}
    clock = Clock({"one": 100.0, "two": 200.0}, done.__getitem__)
    assert clock.left() == 250.0
    clock.measured.append((60.0, 30.0))  # half as fast
    assert clock.left() == 500.0
    assert [in_minutes(seconds) for seconds in (20, 70, 500)] == ["under a minute", "about 1 min", "about 8 min"]
    assert in_minutes(15_000) == "about 4.2 hours"
    (tmp_path / "metrics.jsonl").write_text('{"step": 0}\n{"step": 5}\n')
    (tmp_path / "episodes.jsonl").write_text("{}\n{}\n")
    assert trained_share(tmp_path, 20) == 0.25
    assert trained_share(tmp_path / "none", 20) == 0.0
    assert played_share({tmp_path: 6, tmp_path / "none": 2}) == 0.25


@pytest.fixture
def said(demo):
    """The sentence for (gained, lost) among 50 refusals and 50 right calls, of which 20 passed both times."""
    from toolgym.report.paired import paired_difference

    def of(gained, lost):
        pairs = [(True, True)] * 20 + [(False, True)] * gained + [(True, False)] * lost
        pairs += [(False, False)] * (50 - len(pairs))
        return paired_difference(dict(enumerate(a for a, _ in pairs)), dict(enumerate(b for _, b in pairs)))

    return lambda refusals, calls: demo.sentence(of(*refusals), of(*calls))


def test_the_sentence_says_what_the_numbers_say(said):
    refusals = "40 -> 80 % (+40, 95 % 25 to 52)"
    assert said((20, 0), (2, 1)) == (
        f"GRPO taught the model to refuse when nothing fits: {refusals}, and right calls stayed: "
        "42 -> 44 % (+2, 95 % -6 to 10)."
    )
    both = said((20, 0), (20, 0))
    assert both == (
        f"GRPO taught the model to refuse when nothing fits: {refusals}, "
        f"and to call right when a tool fits: {refusals}."
    )
    cost = said((20, 0), (0, 20))
    assert cost.startswith(
        f"GRPO taught the model to refuse when nothing fits: {refusals}, but fewer right calls: 80 -> 40"
    )
    assert "to call right when a tool fits: 40 -> 80" in said((0, 0), (20, 0))


def test_the_sentence_is_true_if_grpo_taught_nothing_or_made_it_worse(said):
    nothing = said((3, 3), (8, 3))
    assert nothing.startswith("GRPO taught nothing that so few tasks can show: refusals stayed: 46 -> 46 % (+0, ")
    assert "right calls show no clear change: 46 -> 56 % (+10, " in nothing
    worse = said((0, 20), (2, 2))
    assert worse.startswith("GRPO made the model worse, fewer refusals: 80 -> 40 % (-40, 95 % -52 to -25); right calls")
    assert "taught" not in worse + said((0, 20), (0, 20))
