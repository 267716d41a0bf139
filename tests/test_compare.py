"""``toolgym compare``: pass@k, the tables and the picture, and the command itself."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolgym.assets import AssetError
from toolgym.cli import compare
from toolgym.cli.agent_specs import Player, agent_specs, options_of
from toolgym.cli.main import main
from toolgym.cli.resolve import UserError, check_arguments
from toolgym.report.compare.comparison import Comparison, as_data, numbers, played
from toolgym.report.compare.comparison_png import write_comparison_png
from toolgym.report.compare.comparison_tables import markdown
from toolgym.report.compare.passk import estimate, pass_at_k
from toolgym.report.compare.suite_set import (
    BFCL_MULTI_TURN,
    BFCL_SINGLE_TURN,
    FUNCTIONS_LEVELS,
    MATH_LEVELS,
    OFFICE_LEVELS,
    STANDARD,
)
from toolgym.report.table import wilson
from toolgym.rollout import AgentError
from toolgym.types import RewardBreakdown, Trajectory, Turn

KEPT = Path(__file__).resolve().parent.parent / "benchmarks" / "results"
COUNTS = st.integers(1, 12).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n)))


def episode(task, success=True, *, env="ToolGym-Office-v0", category="single", valid=True, texts=("a b",), repeat=0):
    turns = [Turn(text, (), RewardBreakdown()) for text in texts]
    return Trajectory(
        env, task, (), turns, success=success, category=category, reward_valid=valid, repeat=repeat, seconds=2.0
    )


# pass@k -----------------------------------------------------------------------------------------


@given(COUNTS, st.data())
def test_pass_at_k_is_the_share_of_sets_of_k_in_which_one_passed(count, data):
    episodes, passed = count
    k = data.draw(st.integers(1, episodes))
    outcomes = [True] * passed + [False] * (episodes - passed)
    sets = list(itertools.combinations(outcomes, k))
    assert pass_at_k(episodes, passed, k) == pytest.approx(sum(map(any, sets)) / len(sets))


@given(st.integers(1, 2000).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n))))
def test_pass_at_k_grows_from_the_share_to_certainty(count):
    episodes, passed = count
    values = [pass_at_k(episodes, passed, k) for k in sorted({1, (episodes + 1) // 2, episodes})]
    assert values[0] == pytest.approx(passed / episodes)
    assert values == sorted(values)
    assert values[-1] == (passed > 0)


@given(st.floats(0, 1), st.integers(2, 6), st.integers(1, 6))
def test_pass_at_k_is_without_bias(chance, episodes, k):
    """Over what n episodes may bring, its mean is the chance that one of k passes."""
    k = min(k, episodes)
    outcomes = itertools.product([True, False], repeat=episodes)
    mean = sum(
        pass_at_k(episodes, sum(each), k) * chance ** sum(each) * (1 - chance) ** (episodes - sum(each))
        for each in outcomes
    )
    assert mean == pytest.approx(1 - (1 - chance) ** k)


@pytest.mark.parametrize("wrong", [(2, 3, 1), (2, -1, 1), (2, 1, 3), (2, 1, 0)])
def test_pass_at_k_refuses_what_cannot_be(wrong):
    with pytest.raises(ValueError, match="1 <= k <= episodes"):
        pass_at_k(*wrong)


@given(st.lists(COUNTS, max_size=20), st.integers(1, 4))
def test_the_interval_holds_the_mean_over_the_tasks_with_k_episodes(counts, k):
    found = estimate(counts, k)
    values = [pass_at_k(*count, k) for count in counts if count[0] >= k]
    assert found.tasks == len(values)
    if not values:
        assert (found.mean, found.interval) == (None, (0.0, 1.0))
    else:
        assert found.mean == pytest.approx(sum(values) / len(values))
        assert 0 <= found.interval[0] <= found.mean + 1e-12
        assert found.mean - 1e-12 <= found.interval[1] <= 1


@given(st.lists(st.booleans(), min_size=1, max_size=40), st.integers(1, 5))
def test_repeats_that_come_out_alike_are_not_further_tasks(outcomes, repeats):
    found = estimate([(repeats, repeats * passed) for passed in outcomes])
    assert found.interval == wilson(sum(outcomes), len(outcomes))


# Numbers ----------------------------------------------------------------------------------------


def test_numbers_are_over_valid_episodes_and_tasks_apart():
    found = numbers(
        [
            episode("x", True, texts=("one two", "three"), repeat=0),
            episode("x", False, repeat=1),
            episode("x", False, category="choose"),  # another task
            episode("y", True, valid=False),
        ],
        (1, 2),
        lambda text: len(text.split()),
    )
    assert (found.tasks, found.episodes, found.invalid) == (2, 3, 1)
    assert found.success.mean == 0.25
    assert (found.pass_at["2"].mean, found.pass_at["2"].tasks) == (1.0, 1)
    assert found.tokens == pytest.approx(7 / 3)
    assert numbers([episode("x")]).tokens is None
    assert numbers([episode("y", valid=False)]).success.mean is None


def bfcl(categories, accuracy=0.5):
    return {
        name: [
            episode(f"{name}_{i}", i < 2 * accuracy, env="ToolGym-BFCL-v0", category=name, texts=()) for i in range(2)
        ]
        for name in categories
    }


def test_bfcls_overall_says_what_it_lacks():
    every = played("a", STANDARD["bfcl"], bfcl([*BFCL_SINGLE_TURN, *BFCL_MULTI_TURN]))
    assert every.scores["v3 overall"] == every.scores["v4 multi turn"] == 0.5
    assert every.scores["v4 overall"] is None
    assert every.scores["v4 overall, not run as 0"] == pytest.approx(0.3)
    assert "v3 overall, not run as 0" not in every.scores
    assert set(every.not_run) == {"v4"}
    some = played("a", STANDARD["bfcl"], bfcl(BFCL_SINGLE_TURN))
    assert some.scores["v3 overall"] is None
    assert set(some.not_run["v3"]) == set(BFCL_MULTI_TURN)
    comparison = Comparison({"k": [1], "n": 2}, {"bfcl": "BFCL"}, {}, [some])
    text = markdown(comparison)
    assert "| BFCL v3 overall | – |" in text
    assert "BFCL v3 overall needs what was not run: multi_turn_base" in text


def test_the_standard_set_is_what_the_suites_have():
    from toolgym.envs.apibank.tasks import COUNTS as apibank
    from toolgym.envs.bfcl.multi_turn.tasks import CATEGORIES
    from toolgym.envs.bfcl.tasks import COUNTS as bfcl_counts
    from toolgym.envs.functions.tasks import LEVELS as functions
    from toolgym.envs.math.tasks import LEVELS
    from toolgym.envs.office.tasks import LEVELS as office

    assert set(BFCL_SINGLE_TURN) == set(bfcl_counts)
    assert set(BFCL_MULTI_TURN) == set(CATEGORIES)
    assert set(MATH_LEVELS) == set(LEVELS)
    assert set(FUNCTIONS_LEVELS) == set(functions)
    assert set(OFFICE_LEVELS) == set(office)
    assert len(STANDARD["apibank"].parts) == len(apibank)
    for plan in STANDARD.values():
        assert len({part.name for part in plan.parts}) == len(plan.parts)
        for part in plan.parts:
            check_arguments(part.env_id, part.env_kwargs)


# Agents -----------------------------------------------------------------------------------------


def test_options_belong_to_the_agent_before_them():
    text = "oracle, policy:model=smollm2,temperature=0.8,mine.agents:First,random:seed=3,oracle"
    specs = ["oracle", "policy:model=smollm2,temperature=0.8", "mine.agents:First", "random:seed=3"]
    assert agent_specs(text) == specs
    assert options_of(specs[1]) == ("policy", {"model": "smollm2", "temperature": 0.8})
    assert options_of(specs[2]) == ("mine.agents:First", {})
    assert options_of("endpoint:model=m,base_url=http://localhost:8000/v1")[1]["base_url"] == "http://localhost:8000/v1"


def test_an_option_without_a_value_is_told_from_a_module(monkeypatch):
    with pytest.raises(UserError, match="options are written name=value, policy:seed=1"):
        agent_specs("policy:model")


@pytest.mark.parametrize("wrong", ["", " , ", "oracel", "seed=3", "polcy:model=x"])
def test_an_agent_that_is_not_there_is_named(wrong):
    with pytest.raises(UserError, match="choose oracle, random"):
        agent_specs(wrong)


def test_each_repeat_has_a_seed_of_its_own_whatever_came_before():
    player = Player("random:seed=3", 0, 1)
    assert [player.for_repeat(repeat).seed for repeat in (0, 2, 0)] == [3, 5, 3]
    assert Player("random", 7, 1).for_repeat(1).seed == 8
    assert player.count_tokens is None


# The command ------------------------------------------------------------------------------------


@pytest.fixture
def run(monkeypatch):
    """Runs the command; returns the exit code."""
    monkeypatch.setenv("COLUMNS", "80")
    return lambda words: main(["compare", *words])


SMALL = ["--agents", "oracle,silent", "--agents", "random", "--suites", "office,math", "-n", "1"]


def result(folder):
    """``suites.json`` without the seconds."""

    def timeless(value):
        if isinstance(value, dict):
            return {key: timeless(item) for key, item in value.items() if key != "seconds"}
        return [timeless(item) for item in value] if isinstance(value, list) else value

    return timeless(json.loads((folder / "suites.json").read_text()))


def lines(folder):
    return {str(path): path.read_text() for path in folder.rglob("episodes.jsonl")}


def test_one_command_one_table(run, tmp_path, capsys):
    assert run([*SMALL, "--out", str(tmp_path / "a")]) == 0
    shown = capsys.readouterr().out
    assert all(len(line) <= 80 or line.startswith(("In /", "Look at")) for line in shown.splitlines())
    assert "100.0 [67.6, 100.0]" in shown  # oracle, eight levels of Office
    found = result(tmp_path / "a")
    assert [(each["agent"], each["suite"]) for each in found["played"]] == [
        (agent, suite) for agent in ("oracle", "silent", "random") for suite in ("office", "math")
    ]
    assert list(found["played"][0]["parts"]) == list(OFFICE_LEVELS)
    assert (tmp_path / "a" / "suites.png").read_bytes().startswith(b"\x89PNG")
    text = (tmp_path / "a" / "suites.md").read_text("utf-8")
    assert "| Maths level-5 | 1 | 100.0 [20.7, 100.0] | 0.0 [0.0, 79.3] |" in text

    before = lines(tmp_path / "a")
    assert run([*SMALL, "--out", str(tmp_path / "a"), "--results", str(tmp_path / "b")]) == 0
    assert lines(tmp_path / "a") == before  # nothing is played twice
    assert json.loads((tmp_path / "b/suites.json").read_text()) == json.loads((tmp_path / "a/suites.json").read_text())


def test_episodes_that_are_not_valid_say_why(run, tmp_path, capsys, monkeypatch):
    def fails(self, *_):
        raise AgentError("the model has gone")

    monkeypatch.setattr("toolgym.agents.scripted.Silent.act", fails)
    assert run(["--agents", "silent", "--suites", "math", "-n", "1", "--out", str(tmp_path)]) == 1
    said = " ".join(capsys.readouterr().out.split())
    assert "5 episodes are not valid and count in no other number" in said
    assert "- 5 agent (the agent could not answer). The first, " in said
    assert "the model has gone" in said
    assert said.endswith("all episodes left the score (silent on math): there is no score.")
    assert result(tmp_path)["played"][0]["total"]["left_out"] == {"agent": 5}


def test_agentic_categories_begin_with_memories_of_the_agents_own(run, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(compare, "cache_folder", lambda: tmp_path / "cache")
    arguments = [
        "--agents",
        "oracle,silent",
        "--suites",
        "bfcl",
        "-n",
        "2",
        "--seed",
        "1",
        "--agentic",
        "--out",
        str(tmp_path / "a"),
    ]
    assert run(arguments) == 0
    oracle, silent = result(tmp_path / "a")["played"]
    asked = [name for name in oracle["parts"] if name.startswith(("memory", "web"))]
    assert asked == ["memory_kv", "memory_vector", "memory_rec_sum"]
    assert [oracle["parts"][name]["success"]["mean"] for name in asked] == [1, 1, 1]
    # .4 of it agentic: all memories, and no web
    assert oracle["scores"]["v4 overall, not run as 0"] == pytest.approx(0.6 + 0.4 * (0 + 1) / 2, abs=1e-5)
    assert silent["parts"]["memory_kv"]["invalid"] == 0  # it made a memory too, an empty one
    assert silent["parts"]["memory_kv"]["success"]["mean"] == 0
    made = tmp_path / "a" / "oracle" / "bfcl" / "memory" / "0" / "kv" / "memory_snapshot" / "prereq_checkpoints"
    assert len(list(made.glob("*.json"))) == 37
    shown = capsys.readouterr().out.replace("\n", " ")
    assert "nothing is recorded. With a key" in shown
    assert f"{oracle['total']['success']['mean']:.0%} ok" in shown  # the bar and the table count the same
    played = lines(tmp_path / "a")
    assert run(arguments) == 0
    assert lines(tmp_path / "a") == played
    assert run([word for word in arguments if word != "--agentic"]) == 1
    assert "has results of --agentic too" in capsys.readouterr().err


def test_the_seed_decides_the_tasks_and_everything_but_the_seconds(run, tmp_path):
    arguments = ["--agents", "random", "--suites", "office", "-n", "1", "--repeats", "2", "--out"]
    for name, seed in [("a", 1), ("b", 1), ("c", 2)]:
        assert run([*arguments, str(tmp_path / name), "--seed", str(seed)]) == 0
    assert result(tmp_path / "a") == result(tmp_path / "b")
    assert "pass@2" in (tmp_path / "a" / "suites.md").read_text("utf-8")

    def tasks(name, repeat):
        return [
            json.loads(each.read_text())["task_id"]
            for each in sorted(tmp_path.glob(f"{name}/random/office/*/{repeat}/*.jsonl"))
        ]

    assert tasks("a", 0) == tasks("a", 1) != tasks("c", 0)


def test_a_killed_run_goes_on_to_the_same_result(run, tmp_path):
    arguments = ["--agents", "oracle,random", "--suites", "office", "-n", "12", "--repeats", "2"]
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    command = [sys.executable, "-m", "toolgym", "compare", *arguments, "--out", str(killed)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ})
    deadline = time.monotonic() + 60
    while len(lines(killed)) < 3 and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.005)
    assert process.poll() is None, "it ended before it could be killed"
    process.send_signal(signal.SIGKILL)
    process.wait()
    saved = lines(killed)
    assert 3 <= len(saved) < 32
    assert not (killed / "suites.json").exists()
    assert run([*arguments, "--out", str(killed)]) == 0
    assert run([*arguments, "--out", str(whole)]) == 0
    assert result(killed) == result(whole)
    after = lines(killed)
    assert all(after[path].startswith(text[: text.rfind("\n") + 1]) for path, text in saved.items())


def test_what_is_missing_is_shown_and_the_rest_goes_on(run, tmp_path, monkeypatch, capsys):
    make = compare.make_env

    def without(env_id, arguments):
        if "APIBank" in env_id or arguments.get("level") == "chain":
            raise AssetError("cannot download 'apibank-1': no network")
        return make(env_id, arguments)

    monkeypatch.setattr(compare, "make_env", without)
    arguments = ["--agents", "silent", "--suites", "apibank,office", "-n", "1", "--out", str(tmp_path)]
    assert run(arguments) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "API-Bank: 3 of 3 parts are missing here" in shown
    assert "API-Bank – missing" in shown
    assert "API-Bank, level-1, level-2, level-3: missing: cannot download 'apibank-1': no network" in shown
    found = result(tmp_path)
    assert set(found["missing"]["apibank"]) == {"level-1", "level-2", "level-3"}
    assert set(found["missing"]["office"]) == {"chain"}
    (office,) = found["played"]
    assert (office["suite"], office["total"]["tasks"]) == ("office", 7)
    assert (tmp_path / "suites.png").is_file()
    assert run([*arguments[:3], "apibank", "--out", str(tmp_path / "none")]) == 1


def test_without_matplotlib_no_picture_is_promised(run, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    assert run(["--agents", "silent", "--suites", "math", "-n", "1", "--out", str(tmp_path)]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "suites.json, suites.md (suites.png too with" in shown
    assert "pip install 'toolgym[report]'" in shown
    assert not (tmp_path / "suites.png").exists()


def test_agents_of_one_name_are_told_apart(run, tmp_path):
    arguments = [
        "--agents",
        "random:seed=1,random:seed=2,silent",
        "--suites",
        "math",
        "-n",
        "1",
        "--out",
        str(tmp_path),
    ]
    assert run(arguments) == 0
    assert [each["agent"] for each in result(tmp_path)["played"]] == ["random:seed=1", "random:seed=2", "silent"]


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (["--suites", "bfcl2"], "no suite 'bfcl2'"),
        (["-n", "many"], "-n is a number or all"),
        (["-n", "0"], "at least 1"),
        (["--repeats", "2", "--k", "4"], "pass@4 needs --repeats 4"),
    ],
)
def test_a_wrong_option_is_named(run, capsys, wrong, says):
    assert run(["--agents", "silent", *wrong]) == 2
    assert says in capsys.readouterr().err


@pytest.mark.parametrize("words", [[], ["--suites", "all"]])
def test_all_suites_are_the_default_and_have_a_name(run, monkeypatch, tmp_path, words):
    monkeypatch.setattr(compare, "STANDARD", {name: compare.STANDARD[name] for name in ("office", "math")})
    assert run(["--agents", "silent", "-n", "1", "--out", str(tmp_path), *words]) == 0
    assert result(tmp_path)["settings"]["suites"] == ["office", "math"]


def test_another_run_in_the_folder_is_not_mixed_in(run, tmp_path, capsys):
    arguments = ["--agents", "silent", "--suites", "math", "--out", str(tmp_path), "-n"]
    assert run([*arguments, "1"]) == 0
    assert run([*arguments, "2"]) == 0
    assert run([*arguments, "1"]) == 1
    said = capsys.readouterr().err
    assert "silent/math/level-1/0 holds a run with n=2, not 1" in said
    assert run([*arguments, "2", "--seed", "1"]) == 1
    assert "silent/math/level-1/0 holds another run" in capsys.readouterr().err


def test_fewer_agents_or_suites_do_not_replace_the_results(run, tmp_path, capsys):
    few = ["-n", "1", "--out", str(tmp_path)]
    assert run(["--agents", "silent,oracle", "--suites", "math", *few]) == 0
    before = result(tmp_path)
    for asked, lost in ((["silent", "--suites", "math"], "oracle"), (["silent", "--suites", "toolrl"], "oracle, math")):
        assert run(["--agents", *asked, *few]) == 1
        assert f"results of {lost} too" in capsys.readouterr().err
    assert result(tmp_path) == before
    assert run(["--agents", "silent,oracle,random", "--suites", "math", *few]) == 0
    assert len(result(tmp_path)["played"]) == 3
    assert run(["--agents", "silent", "--suites", "math", *few, "--results", str(tmp_path / "other")]) == 0


def test_words_are_of_the_columns_that_are_there():
    def text(**kind):
        one = played("a", STANDARD["office"], {"single": [episode("x"), episode("y", **kind)]})
        return markdown(Comparison({"k": [1], "n": 1}, {"office": "Office"}, {}, [one]))

    assert "per episode: calls, seconds\n" in text()
    assert "inv." not in text()
    assert text(valid=False).count("inv.") == 2
    one = played("a", STANDARD["office"], {"single": [episode("x")]}, (1,), len)
    assert "per episode: calls, tokens, seconds\n" in markdown(
        Comparison({"k": [1], "n": 1}, {"office": "Office"}, {}, [one])
    )


def test_any_name_can_be_drawn(tmp_path):
    name = "policy:model=/a/$x^$,\u202estop=<b>|"
    one = played(name, STANDARD["office"], {"single": [episode("x"), episode("x", repeat=1)]}, (1, 2))
    none = played("lost", STANDARD["office"], {"single": [episode("x", valid=False)]}, (1, 2))
    missing = {"math": {"level-1": "no $\\frac$ here"}}
    comparison = Comparison({"k": [1, 2], "n": 1}, {"office": "Office", "math": "Maths"}, missing, [one, none])
    assert write_comparison_png(comparison, tmp_path / "x.png").stat().st_size > 5000
    assert "\u202e" not in markdown(comparison)
    assert json.dumps(as_data(comparison))


class Buggy:
    def act(self, observation):
        raise ValueError("my agent broke")


def test_an_exception_of_the_users_own_agent_is_shown_with_its_lines(run, tmp_path, capsys):
    agents = f"silent,{__name__}:Buggy"
    assert run(["--agents", agents, "--suites", "math", "-n", "1", "--out", str(tmp_path)]) == 1
    said = " ".join(capsys.readouterr().out.split())
    assert "- 5 exception (the agent's own code raised an exception)" in said
    assert "ValueError: my agent broke (test_compare.py, line " in said


@pytest.mark.parametrize("name", ["suites", "suites_smollm2"])
def test_kept_results_are_still_read(name):
    kept = (KEPT / f"{name}.json").read_text("utf-8")
    comparison = msgspec.json.decode(kept, type=Comparison)
    assert as_data(comparison) == json.loads(kept)
    tables = (KEPT / f"{name}.md").read_text("utf-8")
    assert markdown(comparison).splitlines()[4:8] == tables.splitlines()[4:8]
