"""Reports on training runs, in every state of a run, with any text of a model."""

from __future__ import annotations

import io
import json
import math
import sys
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console
from test_report import ANYTHING, NASTY, Reader, episode

from toolgym.cli.main import main
from toolgym.report.curves import MOST_POINTS, bounds, lines, running_mean, step_ticks, thinned, ticks
from toolgym.report.figure import save_png
from toolgym.report.png import write_png
from toolgym.report.screen import print_training
from toolgym.report.training import changes, in_words, is_training, load_training_runs, pairs, summary
from toolgym.report.training_page import training_page
from toolgym.runlog import RunError, write_run


def row(step, reward, *, success=None, **more):
    found = {"step": step, "reward": reward, "success": 0.5, "entropy": 1.0, "grad_norm": 0.3, "loss": 0.0, **more}
    if success is not None:
        found |= {"eval/success": success, "eval/reward": reward, "eval/episodes": 64.0, "eval/unscored": 0.0}
    return found


def training_run(folder, rows, *, torn="", **config):
    folder.mkdir(parents=True)
    settings = {"algo": "grpo", "env": "Test-v0", "steps": 100, "eval_tasks": 64, "model": "smollm2", **config}
    (folder / "config.json").write_text(json.dumps(settings))
    (folder / "metrics.jsonl").write_text("".join(json.dumps(each) + "\n" for each in rows) + torn)
    return folder


def keep(folder, kind, step, episodes):
    path = folder / kind / f"step-{step:06d}"
    path.mkdir(parents=True)
    write_run(path, {"agent": f"step {step}"}, episodes)
    outcomes = {t.task_id: {"success": bool(t.success), "reward": t.reward} for t in episodes}
    (path / "outcomes.json").write_text(json.dumps(outcomes))


@pytest.fixture
def learnt(tmp_path):
    """A run that went from 1 of 4 tasks to 3 of 4, and lost one on the way."""
    rows = [row(0, -2.0, success=0.25), *(row(step, step / 10) for step in range(1, 20)), row(20, 2.0, success=0.75)]
    rows[-1]["seconds/total"] = 754.2
    folder = training_run(tmp_path / "learnt", rows, torn='{"step": 21, "rew')
    before = [episode(f"t{i}", success=i == 0, reward=-1.0, text=f"before {i}") for i in range(4)]
    keep(folder, "evaluations", 0, before)
    keep(folder, "evaluations", 20, [episode(f"t{i}", success=i != 0, text=f"after {i}") for i in range(4)])
    keep(folder, "groups", 20, [episode("g", text="once"), episode("g", text="twice", repeat=1)])
    return folder


def run(capsys, *words):
    status = main(list(map(str, words)))
    out, err = capsys.readouterr()
    return status, out, err


# The numbers ------------------------------------------------------------------------------------


def test_the_summary_has_first_last_and_best_with_their_intervals(learnt):
    (found,) = load_training_runs([learnt])
    lines = summary(found)
    assert lines["steps"] == "20 of 100"
    assert lines["time"] == "12 min 34 s"
    assert lines["success %, first"] == "25.0 [16.0, 36.8] @0"
    assert lines["success %, last"] == lines["success %, best"] == "75.0 [63.2, 84.0] @20"
    assert lines["reward, last"] == "+2.00"
    assert changes(found) == {
        "passed before and after": 0,
        "learnt: failed before, passed after": 3,
        "lost: passed before, failed after": 1,
        "failed before and after": 0,
    }
    assert [(pair.before.task_id, pair.after.turns[0].action) for pair in pairs(found)[2]][1] == ("t1", "after 1")


def test_an_older_log_without_the_number_of_episodes_still_has_intervals(tmp_path):
    old = {"step": 0, "eval/success": 0.25, "eval/reward": 0.0, "eval/unscored": 4.0, "seconds": 3.0}
    (found,) = load_training_runs([training_run(tmp_path / "old", [old])])
    assert found.evaluations()[0].episodes == 60


@pytest.mark.parametrize(
    ("seconds", "words"), [(2.34, "2.3 s"), (99, "99 s"), (3599, "59 min 59 s"), (7500, "2 h 05 min")]
)
def test_durations_read_well(seconds, words):
    assert in_words(seconds) == words


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6))
def test_ticks_are_few_round_numbers_within_the_axis(low, width):
    found = ticks(low, low + width)
    assert 2 <= len(found) <= 7
    assert all(low - 1e-6 * width <= value <= low + width * (1 + 1e-6) for value in found)


@given(st.lists(st.floats(-100, 100), max_size=2000))
@settings(max_examples=50)
def test_long_lines_are_thinned_to_means_within_their_range(values):
    points = list(enumerate(values))
    shown = thinned(running_mean(points))
    assert len(shown) <= MOST_POINTS
    assert not points or shown[-1][0] == points[-1][0]
    assert all(min(values) - 1e-6 <= value <= max(values) + 1e-6 for _, value in shown)


@given(st.lists(st.sampled_from([0.0, 1.0, -3.5, 1e9, -1e-9, math.nan]), min_size=1, max_size=30))
@settings(max_examples=40)
def test_axes_hold_every_mean_and_have_a_width(rewards):
    from pathlib import Path

    from toolgym.report.curves import PANELS
    from toolgym.report.training import TrainingRun

    found = TrainingRun("x", Path(), {}, [{"step": float(i), "reward": value} for i, value in enumerate(rewards)])
    drawn = lines(PANELS[1], [found])
    if drawn:
        low, high = bounds(drawn)
        assert low < high
        assert all(low <= value <= high for _, value in drawn[0].smooth)
    training_page([found])


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_axes_show_what_a_number_can_be(value):
    from pathlib import Path

    from toolgym.report.curves import PANELS
    from toolgym.report.training import TrainingRun

    names = [panel.training for panel in PANELS if panel.training not in ("reward", "success", "loss", "kl")]
    found = TrainingRun("x", Path(), {}, [{"step": step, **dict.fromkeys(names, value)} for step in (1, 2)])
    for panel in PANELS:
        if panel.training in names:
            low, high = bounds(lines(panel, [found]), panel.ends)
            assert low == 0.0
            assert high == 1.0 if "share" in panel.title else high > value


@given(st.integers(1, 10_000))
def test_there_is_no_half_a_step(end):
    found = step_ticks(float(end))
    assert 2 <= len(found) <= 7
    assert all(value == int(value) and 0 <= value <= end for value in found)


def test_a_run_that_took_more_steps_than_asked_for_says_so(tmp_path):
    (found,) = load_training_runs([training_run(tmp_path / "run", [row(512, 0.0)], steps=200)])
    assert summary(found)["steps"] == "512 (200 asked for)"


# The page ---------------------------------------------------------------------------------------


def test_the_page_shows_the_curves_and_the_same_tasks_before_and_after(learnt):
    html = training_page(load_training_runs([learnt]))
    text = Reader(html).text
    for words in ("Success, %", "Reward", "Entropy", "Gradient norm", "before 1", "after 1", "learnt: failed before"):
        assert words in text
    assert html.count("<svg") == html.count("<figure>") >= 5
    assert text.index("before 1") < text.index("after 1") < text.index("before 2")
    assert "twice" in text
    assert text.count("Use tools.") == 4 + 2, "the prompt of a pair is there once"


def nasty_training(tmp_path, text):
    folder = training_run(tmp_path, [row(0, 0.0, success=0.5), row(5, 1.0, success=1.0)], env=text, model=text)
    for step in (0, 5):
        keep(folder, "evaluations", step, [episode(text, success=step == 5, category=text, text=text)])
    return folder


@given(ANYTHING.filter(bool))
@settings(max_examples=25, deadline=None)
def test_no_text_can_add_to_the_page(tmp_path_factory, text):
    folder = tmp_path_factory.mktemp("run")
    (plain,) = load_training_runs([nasty_training(folder / "plain", "plain")])
    (nasty,) = load_training_runs([nasty_training(folder / "nasty", text)])
    html = training_page([nasty])
    html.encode()
    marks = {"mark"}  # a text of blanks has none
    tags, wanted = ([tag for tag in Reader(page).tags if tag not in marks] for page in (html, training_page([plain])))
    assert tags == wanted


def test_a_folders_name_cannot_add_to_the_page_or_steer_the_terminal(tmp_path):
    name = NASTY.replace("/", "").replace("\ud800", "").replace("\x00", "")
    folder = training_run(tmp_path / name, [row(0, 0.0, success=0.5), row(1, 1.0)])
    runs = load_training_runs([folder])
    assert "script" not in set(Reader(training_page(runs)).tags) - {"script"}
    assert Reader(training_page(runs)).tags.count("script") == 1
    console = Console(width=80, file=io.StringIO(), record=True)
    print_training(runs, console)
    assert "\x1b[31m" not in console.export_text(styles=False)


# The command ------------------------------------------------------------------------------------


def test_the_command_shows_the_table_and_writes_the_page_and_the_picture(learnt, capsys):
    pytest.importorskip("matplotlib")
    from PIL import Image

    status, out, _ = run(capsys, "report", learnt)
    assert status == 0
    assert "75.0 [63.2, 84.0] @20" in out
    assert "report.html" in out
    assert (learnt / "report.html").read_text("utf-8").startswith("<!doctype html>")
    with Image.open(learnt / "report.png") as picture:
        assert picture.width > 1000
        assert len(picture.convert("RGB").getcolors(maxcolors=1 << 24)) > 50


def test_a_picture_that_cannot_be_drawn_leaves_the_one_before(tmp_path):
    class Unfinished:
        def savefig(self, path, format):
            path.write_bytes(b"half")
            raise MemoryError

    path = tmp_path / "report.png"
    path.write_bytes(b"the one before")
    with pytest.raises(MemoryError):
        save_png(Unfinished(), path)
    assert [(each.name, each.read_bytes()) for each in tmp_path.iterdir()] == [("report.png", b"the one before")]


def test_several_runs_are_overlaid_and_tabled(learnt, tmp_path, capsys):
    other = training_run(tmp_path / "elsewhere" / "learnt", [row(step, 0.0) for step in range(1, 5)], algo="sft")
    target = tmp_path / "new" / "both.html"
    status, _, _ = run(capsys, "report", learnt, other, "--html", target)
    assert status == 0
    assert target.is_file()
    text = Reader(target.read_text("utf-8")).text
    assert "elsewhere/learnt" in text, "two folders of one name are told apart"
    assert "class='key b1'" in target.read_text("utf-8")
    assert "No evaluation has saved episodes" in text
    assert not (learnt / "report.html").exists()


@pytest.mark.parametrize("count", [1, 2, 5])
def test_the_table_fits_in_80_columns(tmp_path, count):
    folders = [
        training_run(tmp_path / f"grpo-on-office-with-a-long-name-{i}", [row(0, -2.345, success=0.4)])
        for i in range(count)
    ]
    console = Console(width=80, record=True, file=io.StringIO())
    print_training(load_training_runs(folders), console)
    text = console.export_text()
    assert max(map(len, text.splitlines())) <= 80
    assert text.count("@0") == 3 * count


@pytest.mark.parametrize("rows", [[], [row(0, 0.0, success=0.0)], [row(1, 0.5)], [{"step": 3, "nll": 2.0}]])
@pytest.mark.parametrize("torn", ["", "{", '{"step": 9, "reward": '])
def test_a_run_is_reported_on_as_early_as_it_exists(tmp_path, capsys, rows, torn):
    folder = training_run(tmp_path / "young", rows, torn=torn)
    status, out, err = run(capsys, "report", folder)
    assert (status, err) == (0, "")
    assert "report.html" in out


def test_a_run_killed_before_its_first_step_has_no_metrics(tmp_path, capsys):
    folder = training_run(tmp_path / "killed", [])
    (folder / "metrics.jsonl").unlink()
    status, out, _ = run(capsys, "report", folder)
    assert status == 0
    assert "0 of 100" in out
    assert "No step has been logged yet" in (folder / "report.html").read_text("utf-8")


def test_what_is_no_run_is_named(learnt, tmp_path, capsys):
    model = tmp_path / "model"
    model.mkdir()
    (model / "config.json").write_text('{"model_type": "llama"}')
    assert not is_training(model)
    for paths, says in [
        ([model], "model"),
        ([tmp_path / "nowhere"], "nowhere"),
        ([learnt, model], "is a training run and"),
    ]:
        status, _, err = run(capsys, "report", *paths)
        assert status == 1
        assert err.startswith("error: ")
        assert says in err
    (learnt / "config.json").write_text("{")
    with pytest.raises(RunError, match=r"config\.json is not the settings of a training run"):
        load_training_runs([learnt])
    (learnt / "metrics.jsonl").write_text('nonsense\n{"step": 1}\n')
    (learnt / "config.json").write_text('{"algo": "grpo"}')
    with pytest.raises(RunError, match=r"metrics\.jsonl:1"):
        load_training_runs([learnt])


def test_without_matplotlib_the_page_is_written_and_the_extra_named(learnt, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    status, out, _ = run(capsys, "report", learnt)
    assert status == 0
    assert "toolgym[report]" in out
    assert (learnt / "report.html").is_file()


def test_the_evaluations_within_a_run_are_compared_like_any_others(learnt, capsys):
    folders = sorted((learnt / "evaluations").iterdir())
    status, out, _ = run(capsys, "report", *folders)
    assert status == 0
    assert "step 20" in out


def test_a_single_step_is_drawn_as_a_dot(tmp_path, monkeypatch):
    figures = []
    figure = pytest.importorskip("matplotlib.figure").Figure
    monkeypatch.setattr(figure, "savefig", lambda self, *args, **kwargs: figures.append(self))
    for steps in (1, 3):
        rows = [{"step": step, "reward": 0.5, "entropy": 0.1} for step in range(1, steps + 1)]
        with suppress(OSError):  # nothing was written
            write_png(load_training_runs([training_run(tmp_path / str(steps), rows)]), tmp_path / "x.png")
    one, several = ([axes for axes in each.axes if axes.get_visible()] for each in figures)
    assert all(any(line.get_marker() == "o" and len(line.get_xdata()) for line in axes.lines) for axes in one)
    assert not any(line.get_marker() == "o" and len(line.get_xdata()) for axes in several for line in axes.lines)


def test_what_was_measured_first_and_last_is_drawn_whole(learnt, tmp_path, monkeypatch):
    figures = []
    figure = pytest.importorskip("matplotlib.figure").Figure
    monkeypatch.setattr(figure, "savefig", lambda self, *args, **kwargs: figures.append(self))
    with suppress(OSError):  # nothing was written
        write_png(load_training_runs([learnt]), tmp_path / "x.png")
    for axes in figures[0].axes:
        if axes.get_visible():
            left, right = axes.get_xlim()
            assert left < 0 < 20 < right
            assert all(tick == int(tick) for tick in axes.get_xticks())


def test_the_picture_has_no_empty_panels(learnt, tmp_path, monkeypatch):
    figures = []
    figure = pytest.importorskip("matplotlib.figure").Figure
    monkeypatch.setattr(figure, "savefig", lambda self, *args, **kwargs: figures.append(self))
    for names in (["reward"], ["reward", "entropy"], ["reward", "entropy", "grad_norm", "success"]):
        rows = [{"step": step, **dict.fromkeys(names, 0.5)} for step in range(1, 4)]
        with suppress(OSError):  # nothing was written
            write_png(load_training_runs([training_run(tmp_path / str(len(names)), rows)]), tmp_path / "x.png")
    assert len(figures) == 3
    assert all(axes.get_visible() == bool(axes.lines) for figure in figures for axes in figure.axes)
