"""Robustness: what is kept of success under perturbations and faults, its intervals, and the two commands."""

from __future__ import annotations

import json
import random
from shlex import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from toolgym.cli.main import main
from toolgym.report.robustness.condition import condition_of
from toolgym.report.robustness.measure import robustness
from toolgym.report.robustness.retention import ratio_interval, retention
from toolgym.report.robustness.tables import markdown
from toolgym.report.table import Run
from toolgym.runlog import RunError
from toolgym.types import FaultRecord, Trajectory, message

ENV = "ToolGym-Functions-v0"


def test_the_interval_holds_the_true_ratio_in_19_of_20_draws():
    stream = random.Random(0)
    for clean, stays, comes in ((0.8, 0.9, 0.1), (0.5, 0.6, 0.05)):
        true, inside = (clean * stays + (1 - clean) * comes) / clean, 0
        for _ in range(800):
            passed = [stream.random() < clean for _ in range(60)]
            pairs = [(float(p), float(stream.random() < (stays if p else comes))) for p in passed]
            low, high = retention(pairs).kept_interval
            inside += low <= true <= high
        assert 0.93 < inside / 800 < 0.985


@given(st.integers(0, 60), st.integers(0, 60), st.integers(0, 60))
def test_the_interval_holds_the_ratio_and_has_a_width(both, lost, gained):
    if both + lost == 0:
        with pytest.raises(ValueError, match="succeeded before"):
            ratio_interval(both, lost, gained)
        return
    low, high = ratio_interval(both, lost, gained)
    assert 0 <= low <= (both + gained) / (both + lost) <= high
    assert high - low > 0.01


def test_more_tasks_narrow_the_interval():
    few, many = (retention([(1.0, 1.0)] * n).kept_interval for n in (10, 100))
    assert few[0] < many[0] < 1 < many[1] < few[1]


def run(label, outcomes, *, env_kwargs=None, agent="a", env_id=ENV, opening="do it", **extra):
    """A run; ``outcomes``: task -> success, None for an episode that is not valid, or (success, kinds)."""
    found = []
    for task, outcome in outcomes.items():
        success, kinds = outcome if isinstance(outcome, tuple) else (outcome, None)
        each = Trajectory(env_id, task, (message("user", opening),), success=success, reward_valid=success is not None)
        each.perturbations = UNSET if kinds is None else tuple(kinds)
        found.append(each)
    settings = {"env": env_id, "agent": agent, "env_kwargs": env_kwargs or {}, **extra}
    return Run(label, env_id, found, settings, label)


CLEAN = {"1": True, "2": True, "3": True, "4": False, "5": True}


def test_a_kind_is_compared_on_the_tasks_that_it_changes():
    typos = {"1": (True, ["typos"]), "2": (False, ["typos"]), "3": (True, []), "4": (True, ["typos"]), "5": (None, [])}
    (found,) = robustness([run("clean", CLEAN), run("typos", typos, env_kwargs={"perturb": "typos"})])
    line = found.find("typos")
    assert (line.retention.tasks, line.left, line.unscored) == (3, 1, 1)
    assert (line.retention.clean, line.retention.under, line.retention.kept) == (2 / 3, 2 / 3, 1.0)
    assert found.clean == 0.8
    assert "typos 1" in markdown([found])


def test_a_group_is_the_mean_over_its_kinds_and_a_task_counts_once():
    first = {task: (True, ["twin_job"]) for task in "123"}
    second = {task: (False, ["redundant"]) for task in "1235"}
    kinds = [("twin_job", first), ("redundant", second)]
    (found,) = robustness([run("clean", CLEAN), *[run(k, o, env_kwargs={"perturb": k}) for k, o in kinds]])
    group = found.find("action")
    assert group.whole_group
    assert group.retention.tasks == 4
    assert group.retention.under == pytest.approx((0.5 * 3 + 0.0) / 4)
    assert [line.name for line in found.lines] == ["twin_job", "redundant", "action"]


def test_a_fault_counts_where_calls_met_it():
    faulty = run("timeout", CLEAN, env_kwargs={"faults": "timeout"})
    record = FaultRecord("timeout", 0, "f", True, False, True, 30.0)
    lost = FaultRecord("timeout", 0, "f", True, False, False, 30.0)
    for each, met in zip(faulty.trajectories, [[record], [lost], [], [record, lost], []], strict=True):
        each.faults = tuple(met)
    (found,) = robustness([run("clean", CLEAN), faulty])
    line = found.find("timeout")
    assert (line.retention.tasks, line.left) == (3, 2)
    assert (line.faults.episodes, line.faults.met, line.faults.recovered) == (3, 4, 2)


def test_nothing_is_kept_of_nothing():
    typos = {"1": (False, ["typos"])}
    (found,) = robustness([run("clean", {"1": False}), run("typos", typos, env_kwargs={"perturb": "typos"})])
    assert found.find("typos").retention.kept is None
    assert "nothing to keep" in markdown([found])


def test_a_kind_that_changed_no_task_has_no_success_and_no_interval():
    same = {"1": (True, [])}
    (found,) = robustness([run("clean", {"1": True}), run("typos", same, env_kwargs={"perturb": "typos"})])
    assert "| typos | 0 | – | – | – |" in markdown([found])


def test_kinds_that_act_together_and_settings_have_names_of_their_own():
    names = [
        condition_of(kwargs, "run").name
        for kwargs in (
            {"perturb": "typos"},
            {"perturb": ["typos"], "strength": 0.5},
            {"perturb": "typos", "faults": "timeout"},
            {"perturb": "metadata", "perturb_draw": 1},
            {"faults": "timeout", "fault_rate": [0.1, 0.5]},
            {"perturb": None, "strength": 0.5},
        )
    ]
    assert names == [
        "typos", "typos strength=0.5", "typos+timeout", "metadata draw=1", "timeout rate=0.1-0.5",
        "clean",
    ]  # fmt: skip


UNDER = {"1": (True, ["typos"]), "2": (False, [])}
TYPOS = {"env_kwargs": {"perturb": "typos"}}


@pytest.mark.parametrize(
    ("runs", "says"),
    [
        ([run("one", UNDER, **TYPOS)], "one: no clean run of a on .*Functions-v0.* only on: none"),
        ([run("clean", CLEAN, agent="b"), run("one", UNDER, **TYPOS)], "no clean run of a"),
        ([run("clean", CLEAN, env_id="ToolGym-Functions-v1"), run("one", UNDER, **TYPOS)], "only on: .*Functions-v1"),
        ([run("clean", CLEAN, env_kwargs={"split": "val"}), run("one", UNDER, **TYPOS)], "only on: .*val"),
        ([run("clean", {"9": True}), run("one", UNDER, **TYPOS)], "one and clean have no task in common"),
        ([run("clean", CLEAN), run("one", UNDER, **TYPOS), run("two", UNDER, **TYPOS)], "one and two are both typos"),
        ([run("clean", CLEAN), run("again", CLEAN)], "none of the runs was perturbed"),
        ([run("clean", CLEAN, opening="other"), run("one", UNDER, **TYPOS)], "task 2 is not the same in one and clean"),
        ([run("clean", CLEAN), run("one", UNDER, env_kwargs={"perturb": "tyops"})], "kinds that are not known here"),
    ],
)
def test_runs_that_cannot_be_compared_are_refused(runs, says):
    with pytest.raises(RunError, match=says):
        robustness(runs)


def test_agents_of_one_name_are_told_apart():
    runs = []
    for model in ("small", "large"):
        more = {"agent_settings": {"model": model, "temperature": 0}}
        runs += [run("clean", CLEAN, **more), run("typos", UNDER, **TYPOS, **more)]
    assert [each.agent for each in robustness(runs)] == ["a (model=small)", "a (model=large)"]


def play(out, *options, agents="oracle"):
    words = ["--env", "ToolGym-Office-v0", "--category", "single", "--env-arg", "split=val", "--out", str(out)]
    kinds = ["--kinds", "typos,twin_job", "--faults", "timeout,silent_noop", "--fault-rate", "1", "-n", "3"]
    return main(["robustness", *words, "--agents", agents, *kinds, *options])


def test_one_command_plays_all_and_continues(tmp_path, capsys):
    assert play(tmp_path) == 0
    shown = capsys.readouterr().out
    assert all(len(line) <= 80 for line in shown.splitlines() if not line.startswith(("In ", "Look at the episodes: ")))
    assert f"toolgym view {quote(str(tmp_path))}" in shown
    first = (tmp_path / "robustness.md").read_bytes()
    kept = {path: path.stat().st_mtime_ns for path in tmp_path.glob("oracle/*/episodes.jsonl")}
    assert len(kept) == 5
    (found,) = json.loads((tmp_path / "robustness.json").read_text())
    assert found["clean"] == 1.0
    lines = {line["name"]: line for line in found["lines"]}
    assert list(lines) == ["typos", "twin_job", "timeout rate=1", "silent_noop rate=1"]
    assert {line["retention"]["kept"] for line in lines.values()} <= {1.0, None}
    assert lines["timeout rate=1"]["faults"]["recovered"] == lines["timeout rate=1"]["faults"]["met"] == 3
    assert play(tmp_path) == 0
    assert (tmp_path / "robustness.md").read_bytes() == first
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    capsys.readouterr()
    # the same runs, read again
    runs = [str(path.parent) for path in kept]
    assert main(["compare", *runs, "--robustness", "--results", str(tmp_path / "again")]) == 0
    assert (tmp_path / "again" / "robustness.md").read_bytes() == first
    assert (tmp_path / "again" / "robustness-oracle.png").stat().st_size > 5_000


def test_wrong_usage_is_named(tmp_path, capsys):
    assert play(tmp_path, "--kinds", "tyops") == 1
    assert "did you mean typos" in capsys.readouterr().err
    assert play(tmp_path, "--env-arg", "perturb=typos") == 1
    assert "leave out --env-arg perturb" in capsys.readouterr().err
    native = "endpoint:model=m,base_url=http://127.0.0.1:9/v1,tools=native"
    assert play(tmp_path, "--dialect", "hermes", agents=native) == 1
    assert "leave out the dialect hermes" in " ".join(capsys.readouterr().err.split())
    words = ["--env", ENV, "--agents", "oracle", "--kinds", "none", "--out", str(tmp_path)]
    assert main(["robustness", *words]) == 1
    told = capsys.readouterr()
    assert "runs no calls, so there are no faults to play" in told.out
    assert "nothing is left to measure" in told.err
    assert main(["compare", "--robustness"]) == 2
    assert "toolgym robustness plays them" in capsys.readouterr().err
    assert main(["compare", str(tmp_path)]) == 2
    assert "RUNs are for --robustness" in capsys.readouterr().err
    assert main(["compare"]) == 2
    assert "name the agents" in capsys.readouterr().err
