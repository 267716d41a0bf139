"""Runs that follow one another in one chart."""

from __future__ import annotations

import pytest
from test_training_report import row, training_run

from toolgym.report.stages import ALL, TRAINING, follow, staged, stages_section, write_stages_png
from toolgym.report.training import load_training_runs
from toolgym.report.training_page import training_page


@pytest.fixture
def runs(tmp_path):
    """Two minutes of SFT in two steps, then a minute of GRPO in one step."""
    kinds = {"eval/success/single": 0.25}
    first = [{"step": 0, "eval/success": 0.2, "eval/reward": -1.0, "eval/episodes": 20.0}]
    first += [{"step": step, "nll": 1.0 / step, "seconds": 60.0} for step in (1, 2)]
    first[-1] |= {"eval/success": 0.4, "eval/reward": 0.5, "eval/episodes": 20.0, **kinds}
    then = [row(0, 0.5, success=0.4, **kinds), row(1, 1.5, success=0.6, seconds=60.0, **kinds)]
    for each in then[:1]:
        del each["reward"], each["success"]
    sft = training_run(tmp_path / "sft", first, algo="sft")
    grpo = training_run(tmp_path / "grpo", then, model=str(sft / "checkpoints" / "step-000002"))
    return load_training_runs([sft, grpo])


def test_the_second_run_begins_where_the_first_ended(runs):
    stages, charts = staged(runs)
    assert [(stage.label, stage.start, stage.end) for stage in stages] == [
        ("SFT, 2 steps", 0.0, 2.0),
        ("GRPO, 1 step", 2.0, 3.0),
    ]
    success, reward = ({curve.label: curve for curve in chart.curves} for chart in charts)
    assert success[ALL].pieces == [[(0.0, 20.0), (2.0, 40.0)], [(2.0, 40.0), (3.0, 60.0)]]
    assert success["single"].pieces == [[(2.0, 25.0)], [(2.0, 25.0), (3.0, 25.0)]]
    assert len(success[ALL].intervals) == 4
    assert reward[ALL].pieces[-1] == [(2.0, 0.5), (3.0, 1.5)]
    assert reward[TRAINING].pieces == [[(3.0, 1.5)]]


def test_the_page_has_it_only_if_one_run_starts_from_the_other(runs, tmp_path):
    assert follow(runs)
    assert "One after another" in training_page(runs)
    assert not follow(runs[::-1])
    assert not follow(runs[:1])
    assert "One after another" not in training_page(runs[::-1])


def test_a_run_without_numbers_yet_is_no_error(tmp_path):
    sft = training_run(tmp_path / "sft", [], algo="sft")
    runs = load_training_runs([sft, training_run(tmp_path / "grpo", [], model=str(sft / "checkpoints"))])
    assert stages_section(runs) == ""
    assert "No step has been logged yet" in training_page(runs)


def test_the_picture_is_written(runs, tmp_path):
    pytest.importorskip("matplotlib")
    path = write_stages_png(runs, tmp_path / "new" / "curves.png")
    assert path.read_bytes().startswith(b"\x89PNG")
