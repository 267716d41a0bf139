"""The ``toolgym`` command: its output, its errors, and that a stopped run continues."""

from __future__ import annotations

import argparse
import inspect
import io
import json
import re
import subprocess
import sys
from pathlib import Path

import gymnasium as gym
import pytest
from conftest import Shop, calling, saying, shop_tasks

import toolgym.cli.main
from toolgym import Rubric, ToolEnv, registry
from toolgym.cli.docstring import fitted
from toolgym.cli.main import COMMANDS, EXTRAS, main
from toolgym.cli.options import env_kwargs, env_options
from toolgym.cli.play import HELP
from toolgym.cli.resolve import AGENTS, env_argument, env_arguments, make_agent
from toolgym.disk import write_atomic
from toolgym.rollout import AgentError

MILK = calling(("add", {"item": "milk", "quantity": 2}))


class ShopEnv(ToolEnv):
    """A shop with a cart.

    Args:
        category: "all" or "greetings".
    """

    def __init__(self, category="all", **kwargs):
        if category not in ("all", "greetings", ["all", "greetings"]):
            raise ValueError(f"no category {category!r}: there are all and greetings")
        tasks = shop_tasks()
        super().__init__(tasks[2:] if category == "greetings" else tasks, state=Shop, **kwargs)


class PlainEnv(ToolEnv):
    """A suite without categories."""

    def __init__(self, **kwargs):
        super().__init__(shop_tasks(), state=Shop, **kwargs)


class Unjudged(ToolEnv):
    def judge(self):
        return "yes"


class Buyer:
    """Buys milk, then says goodbye."""

    played = 0
    stop_at = None

    def act(self, observation):
        if observation["messages"][-1]["role"] != "user":
            return saying("Bye.")
        if Buyer.played == Buyer.stop_at:
            raise KeyboardInterrupt
        Buyer.played += 1
        return MILK


class Broken:
    def act(self, observation):
        raise AgentError("the server is down")


class Mute:
    def act(self, observation):
        return None


class Buggy:
    def act(self, observation):
        raise ValueError("my agent broke")


class Unmade:
    def __init__(self):
        raise ValueError("no shop today")


class NeedsTorch:
    def __init__(self):
        raise ModuleNotFoundError("No module named 'torch'", name="torch")


class Hostile:
    def act(self, observation):
        return "\x1b[31m[red]\ud800[/nonsense]" + calling(("\x1b]0;x\x07[/b]", {"\x1b": "[bold]"}))


BUYER, HERE = f"{__name__}:Buyer", __name__


@pytest.fixture(autouse=True)
def suites(monkeypatch):
    for cls in (ShopEnv, PlainEnv):
        env_id = f"Test{cls.__name__}-v0"
        suite = registry.Suite(env_id, f"{__name__}:{cls.__name__}", "A shop to test with", assets=("smollm2",))
        monkeypatch.setitem(registry.SUITES, env_id, suite)
        if env_id not in gym.registry:
            registry.register(env_id, cls)
    monkeypatch.setattr(Buyer, "played", 0)
    monkeypatch.setattr(Buyer, "stop_at", None)
    monkeypatch.setenv("COLUMNS", "80")


@pytest.fixture
def run(capsys, monkeypatch):
    """Run a command; returns (status, stdout, stderr)."""

    def run(*words, stdin=""):
        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        status = main(list(map(str, words)))
        out, err = capsys.readouterr()
        assert "\x1b" not in out + err
        # a path is as long as it is
        lines = [line for line in out.splitlines() if not line.startswith(("Wrote ", "In ", "Look at the episodes: "))]
        assert max(map(len, lines), default=0) <= 80
        return status, out, err

    return run


def test_help_teaches_every_command_in_80_columns(run):
    status, out, _ = run("--help")
    assert status == 0
    for command in COMMANDS:
        assert command in out
        status, about, _ = run(command, "--help")
        assert status == 0
        assert f"examples:\n  toolgym {command}" in about


def test_alone_it_shows_its_help(run):
    status, _, err = run()
    assert status == 2
    assert all(f"    {command}" in err for command in COMMANDS)


WRONG = [
    ["nonsense"],
    ["eval"],
    ["eval", "--env", "x", "--agent", "y", "-n", "0"],
    ["eval", "--env", "x", "--agent", "oracle", "--repeat", "3"],
    ["train", "--step", "3"],
    ["--hel"],
]


@pytest.mark.parametrize("words", WRONG)
def test_wrong_usage_ends_with_2(run, words):
    assert run(*words)[0] == 2


@pytest.mark.parametrize(("option", "value", "least"), [("-n", "x", 1), ("--repeats", "0", 1), ("--seed", "-1", 0)])
def test_a_number_that_cannot_be_meant_is_named_with_its_option(run, option, value, least):
    status, _, err = run("eval", "--env", "x", "--agent", "y", option, value)
    assert status == 2
    assert f"argument {option}: '{value}' is not a whole number from {least}" in err


@pytest.mark.parametrize("value", ["-1", "warm", "nan", "inf"])
def test_a_temperature_is_a_number_from_zero(run, value):
    status, _, err = run("eval", "--env", "x", "--agent", "y", "--temperature", value)
    assert status == 2
    assert f"argument --temperature: '{value}' is not a number from 0" in err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["show", "TestShopEnv-v1"], "Did you mean TestShopEnv-v0"),
        (["show", "TestShopEnv-v0", "mlik"], "did you mean milk"),
        (["show", "TestShopEnv-v0", "--category", "beer"], "there are all and greetings"),
        (["show", "TestPlainEnv-v0", "--category", "all"], "takes no 'category'"),
        (["show", "TestShopEnv-v0", "--dialect", "latin"], "toolrl, hermes"),
        (["show", "TestShopEnv-v0", "--rubric", "mean"], "toolrl-reference"),
        (["show", "TestShopEnv-v0", "--env-arg", "max_turns"], "name=value"),
        (["show", "TestShopEnv-v0", "--env-arg", "max_turn=3"], "Did you mean max_turns"),
        (["show", "TestShopEnv-v0", "--env-arg", "max_turns=0"], "at least 1"),
        (["show", "TestShopEnv-v0", "--env-arg", 'max_turns="3"'], "max_turns must be a whole number, got '3'"),
        (["show", "TestShopEnv-v0", "--env-arg", "max_turns=true"], "max_turns must be a whole number"),
        (["show", "TestPlainEnv-v0", "--category", "all"], "--env-arg NAME=VALUE"),
        (["show", "ToolGym-ToolRL-v0", "--category", "test"], "takes no 'category'"),
        (["show", "ToolGym-APIBank-v0", "--category", "9"], "level"),
        (["show", "ToolGym-Office-v0", "--env-arg", "outcome=x"], "a wrong verdict costs, a number; got 'x'"),
        (["show", "toolgym-bfcl-v0"], "Did you mean ToolGym-BFCL-v0"),
        (["show", "TestShopEnv-v0", "--env-arg", "max_action_chars=0"], "max_action_chars must be at least 1, got 0"),
        (["report", "--html", "/proc/x.html", "{run}"], "cannot write the page /proc/x.html"),
        (["show", "TestShopEnv-v0", "--category", ","], "name a category"),
        (["show", "TestShopEnv-v0", "--category", ""], "name a category"),
        (["show", "TestShopEnv-v0", "--category", "all", "--env-arg", "category=greetings"], "given twice"),
        (
            ["show", "TestShopEnv-v0", "--env-arg", "max_turns=2", "--env-arg", "max_turns=3"],
            "max_turns is given twice",
        ),
        (["show", "nosuchmodule:Env-v0"], "nosuchmodule"),
        (["show", "CartPole-v1"], "no suite"),
        (["play", "TestShopEnv-v0", "mlik"], "did you mean milk"),
        (["eval", "--env", "TestShopEnv-v0", "--agent", "oracel"], "Did you mean oracle"),
        (["eval", "--env", "TestShopEnv-v0", "--agent", "oracle", "--model", "x"], "--model: not for agent 'oracle'"),
        (["eval", "--env", "TestShopEnv-v0", "--agent", "replay"], "needs --replay"),
        (["eval", "--env", "TestShopEnv-v0", "--agent", "endpoint"], "needs --model"),
        (["eval", "--env", "TestShopEnv-v0", "--agent", f"{HERE}:Nobody"], "Nobody"),
        (["eval", "--env", "TestShopEnv-v0", "--agent", "nosuch.module:Agent"], "no agent 'nosuch.module:Agent'"),
        (["eval", "--env", "TestShopEnv-v0", "--agent", f"{HERE}:Mute"], "answers with text (str); Mute gave NoneType"),
        (["eval", "--env", "TestShopEnv-v0", "--agent", f"{HERE}:PlainEnv"], "needs act(observation) -> str"),
        (["eval", "--env", "TestShopEnv-v0", "--agent", f"{HERE}:Unmade"], "no shop today (test_cli.py, line "),
        (["eval", "--env", "TestShopEnv-v0", "--agent", f"{HERE}:NeedsTorch"], "pip install 'toolgym[train]'"),
        (["eval", "--env", "TestShopEnv-v0", "--agent", BUYER, "--resume"], "--out"),
        (["report", "nowhere"], "nowhere"),
        (["audit", "--rubric", "mean"], "toolrl-reference"),
        (["fetch", "gold"], "choose bfcl"),
    ],
)
def test_a_mistake_is_explained_without_a_traceback(run, words, says, tmp_path):
    if "{run}" in words:
        evaluate(run, "--out", tmp_path / "run")
        words = [*words[:-1], tmp_path / "run"]
    status, _, err = run(*words)
    assert status == 1
    assert err.startswith("error: ")
    assert says in err
    assert "Traceback" not in err


def test_data_that_cannot_be_had_is_explained(run, tmp_path, monkeypatch):
    monkeypatch.setenv("TOOLGYM_DATA", str(tmp_path))
    (tmp_path / "bfcl_eval-2026.3.23-py3-none-any.whl").write_bytes(b"half a download")
    status, _, err = run("fetch", "bfcl")
    assert status == 1
    assert "sha256" in err


def test_list_names_suites_with_their_data(run):
    status, out, _ = run("list")
    assert status == 0
    for words in ("ToolGym-BFCL-v0", "TestShopEnv-v0", "A shop to test with", "bfcl-eval==2026.3.23", "Apache-2.0"):
        assert words in out
    for suite in registry.SUITES.values():
        assert any(line.endswith(suite.entry_point) for line in map(str.rstrip, out.splitlines())), "it can be copied"


def test_fetch_list_says_what_is_here(run, tmp_path, monkeypatch):
    monkeypatch.setenv("TOOLGYM_DATA", str(tmp_path))
    monkeypatch.setenv("TOOLGYM_CACHE", str(tmp_path / "none"))
    (tmp_path / "bfcl_eval-2026.3.23-py3-none-any.whl").touch()
    _, out, _ = run("fetch", "--list")
    assert re.search(r"bfcl .* yes", out)
    assert re.search(r"smollm2 .* no", out)


def test_show_a_suite(run):
    status, out, _ = run("show", "TestShopEnv-v0")
    assert status == 0
    for words in ("A shop with a cart.", "3 tasks", "Two cartons of milk", "item: string, quantity?: integer"):
        assert words in out


DOCSTRING = """A suite: ``Name-v0``,
which goes on. There are levels:

- ``one``: the first, about which there is a great deal
  to be said;
- ``two``.

Two commands::

    toolgym eval --env Name-v0 --env-arg memory=runs/m/memory \\
        --out ``x``

Args:
    level: one of them, or ``None``: then there are all of
        them, in turn.
    **kwargs: others.
"""


def test_docstrings_are_fitted_to_the_width():
    assert fitted(inspect.cleandoc(DOCSTRING), 40).splitlines() == [
        "A suite: Name-v0, which goes on. There",
        "are levels:",
        "",
        "- one: the first, about which there is a",
        "  great deal to be said;",
        "- two.",
        "",
        "Two commands:",
        "",
        "    toolgym eval --env Name-v0 --env-arg memory=runs/m/memory \\",
        "        --out ``x``",
        "",
        "Args:",
        "    level: one of them, or None: then",
        "        there are all of them, in turn.",
        "    **kwargs: others.",
    ]


@pytest.mark.parametrize("suite", sorted(registry.SUITES))
def test_every_suites_docstring_fits_in_80_columns(suite):
    shown = fitted(inspect.getdoc(registry.suite_class(suite)), 80)
    assert max(map(len, shown.splitlines())) <= 80
    assert "``" not in shown


def test_show_a_task_with_its_gold_action_and_what_that_scores(run):
    status, out, _ = run("show", "TestShopEnv-v0", "count", "--dialect", "hermes")
    assert status == 0
    for words in (
        "turn 1 of ",
        'add {"item": "milk", "quantity": 2}',
        "<tool_call>",
        "All is done.",
        "passed",
        "+12.000",
    ):
        assert words in out


# Playing ----------------------------------------------------------------------------------------


def test_a_person_plays_from_a_pipe(run):
    status, out, _ = run("play", "TestShopEnv-v0", "milk", stdin=f":tools\n:gold\n\n{MILK}\n\n{saying('Bye.')}\n\n")
    assert status == 0
    for words in (
        "item: string, quantity?: integer",
        "reward +4.000",
        'result: {"milk":2}',
        "██████████",
        "2 of 2",
        "passed",
    ):
        assert words in out


def test_a_wrong_call_is_told_why(run):
    wrong = calling(("add", {"item": "beer", "quantity": 2}), ("pay", {}))
    _, out, _ = run("play", "TestShopEnv-v0", "milk", stdin=f"{wrong}\n\n{saying('Bye.')}")
    for words in ("value differs: item", "1 of 2", "there is no tool 'pay'", "failed"):
        assert words in out


@pytest.mark.parametrize("stdin", ["", ":quit\n", ":q", ":help\n:nonsense\n:prompt\n"])
def test_play_ends_when_input_does(run, stdin):
    status, out, _ = run("play", "TestShopEnv-v0", "--seed", "3", stdin=stdin)
    assert status == 0
    assert "stopped before the end" in out


def test_what_a_person_types_cannot_steer_the_terminal(run):
    status, out, _ = run("play", "TestShopEnv-v0", "hello", stdin=f"{Hostile().act(None)}\n\n")
    assert status == 0
    assert "[red]" in out


# Evaluating -------------------------------------------------------------------------------------


def evaluate(run, *words):
    return run("eval", "--env", "TestShopEnv-v0", "--agent", BUYER, *words)


def test_eval_prints_the_numbers_and_keeps_the_run(run, tmp_path):
    status, out, _ = evaluate(run, "--out", tmp_path / "run")
    assert status == 0
    assert re.search(r"all +33\.3 \[ 6\.1, +79\.2\] +3", out)
    assert len((tmp_path / "run" / "episodes.jsonl").read_text().splitlines()) == 3
    assert json.loads((tmp_path / "run" / "summary.json").read_text())["rows"][0]["successes"] == 1
    assert "<!doctype html>" in (tmp_path / "run" / "report.html").read_text("utf-8")


def test_eval_options_reach_the_env(run, tmp_path):
    out = tmp_path / "run"
    words = ("--category", "greetings", "--dialect", "hermes", "--env-arg", "max_turns=4", "-n", 1, "--repeats", 2)
    assert evaluate(run, *words, "--out", out)[0] == 0
    kept = json.loads((out / "run.json").read_text())
    assert kept["env_kwargs"] == {"category": "greetings", "dialect": "hermes", "max_turns": 4}
    assert (kept["n"], kept["repeats"]) == (1, 2)
    lines = (out / "episodes.jsonl").read_text().splitlines()
    assert [json.loads(line)["task_id"] for line in lines] == ["hello"] * 2


@pytest.mark.parametrize("words", [["--category=all,greetings"], ["--category", "all", "--category", "greetings"]])
def test_several_categories_may_be_given_either_way(run, words):
    assert evaluate(run, *words)[0] == 0


def test_ctrl_c_keeps_what_was_played_and_resume_goes_on(run, tmp_path, monkeypatch):
    out = tmp_path / "run"
    Buyer.stop_at = 2
    status, _, err = evaluate(run, "--out", out)
    assert status == 130
    assert "2 episodes are saved" in err
    assert "--resume" in err
    status, _, err = evaluate(run, "--out", out)
    assert (status, "--resume" in err) == (1, True)
    Buyer.stop_at, Buyer.played = None, 0
    status, shown, _ = evaluate(run, "--out", out, "--resume")
    assert status == 0
    assert Buyer.played == 1
    assert "3/3" in shown


def test_ctrl_c_without_a_folder_says_that_nothing_is_kept(run):
    Buyer.stop_at = 0
    status, _, err = evaluate(run)
    assert status == 130
    assert "--out" in err


def test_episodes_lost_to_a_failure_are_counted_apart_and_explained(run):
    status, out, _ = run("eval", "--env", "TestShopEnv-v0", "--agent", f"{HERE}:Broken")
    assert status == 1
    assert "3 invalid" in out
    assert "the server is down" in out
    assert re.search(r"all +– \[ 0\.0, +100\.0\] +0", out)
    assert "3 episodes are not valid and count in" in out
    assert (
        "1 episode is not valid and counts in"
        in run("eval", "--env", "TestShopEnv-v0", "--agent", f"{HERE}:Broken", "-n", 1)[1]
    )


def test_a_key_is_not_sent_to_another_server_unasked(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    monkeypatch.setenv("MY_KEY", "mine")
    given = {"model": "x", "base_url": "http://127.0.0.1:9/v1"}
    assert make_agent("endpoint", given).api_key_env is None
    assert make_agent("endpoint", {**given, "api_key_env": "MY_KEY"}).api_key_env == "MY_KEY"
    assert make_agent("endpoint", {"model": "x"}).api_key_env == "OPENAI_API_KEY"


def test_what_a_model_writes_cannot_steer_the_terminal(run, tmp_path):
    status, _, _ = run("eval", "--env", "TestShopEnv-v0", "--agent", f"{HERE}:Hostile", "--out", tmp_path / "run")
    assert status == 0
    assert "\x1b" not in (tmp_path / "run" / "report.html").read_text("utf-8")


@pytest.mark.parametrize("agent", ["oracle", "random", "silent"])
def test_the_scripted_agents_play(run, agent):
    status, out, _ = run("eval", "--env", "TestShopEnv-v0", "--agent", agent, "--seed", 1)
    assert status == 0
    assert "100.0" in out or agent != "oracle"


def test_a_run_is_replayed(run, tmp_path):
    evaluate(run, "--out", tmp_path / "run")
    status, out, _ = run("eval", "--env", "TestShopEnv-v0", "--agent", "replay", "--replay", tmp_path / "run")
    assert status == 0
    assert re.search(r"all +33\.3", out)


def test_report_compares_runs_and_writes_a_page(run, tmp_path):
    evaluate(run, "--out", tmp_path / "a")
    evaluate(run, "--out", tmp_path / "b", "-n", 2)
    status, out, _ = run("report", tmp_path / "a", tmp_path / "b", "--html", tmp_path / "both.html")
    assert status == 0
    assert out.count("mean per episode") == 2
    assert (tmp_path / "both.html").read_text("utf-8").count("class='episode'") == 5


@pytest.mark.parametrize("holding", ["another agent's", "[]", "{", None])
def test_a_run_that_cannot_be_gone_on_with_is_refused_before_the_bar(run, tmp_path, holding):
    out = tmp_path / "run"
    evaluate(run, "--out", out)
    if holding is None:
        (out / "run.json").unlink()
    elif not holding.startswith("another"):
        (out / "run.json").write_text(holding)
    status, shown, err = run("eval", "--env", "TestShopEnv-v0", "--agent", "oracle", "--out", out, "--resume")
    assert (status, shown) == (1, "")
    assert str(out) in err
    assert holding != "another agent's" or "not 'oracle'" in err  # what it was, and what was asked for


def test_all_tasks_may_be_asked_for_in_words(run):
    shown = [run("eval", "--env", "TestShopEnv-v0", "--agent", BUYER, *words)[1] for words in ([], ["-n", "all"])]
    assert re.sub(r"[\d.]+ s\b", "", shown[0]) == re.sub(r"[\d.]+ s\b", "", shown[1])


def test_an_exception_of_the_users_own_agent_is_shown_with_its_lines(run):
    words = ("eval", "--env", "TestShopEnv-v0", "--agent", f"{HERE}:Buggy")
    status, _, err = run(*words, "--on-agent-error", "raise")
    assert status == 1
    assert err.startswith("Traceback")
    assert 'raise ValueError("my agent broke")' in err
    assert f"error: in the agent {HERE}:Buggy: ValueError: my agent broke" in err
    status, out, err = run(*words)
    assert (status, err) == (1, "")
    assert "3 exception (the agent's own code raised an exception)" in out
    assert re.search(r"ValueError: my\s+agent\s+broke\s+\(test_cli.py,\s+line \d+\)", out)
    status, _, err = run(*words, "--repeats", 10)
    assert status == 1
    assert "the agent failed 20 times in a row, so the run stops" in err
    assert err.count("test_cli.py, line") == 1


@pytest.mark.parametrize("name", ["saying", "MILK"])
def test_an_agent_that_is_no_class_is_named(run, name):
    status, _, err = run("eval", "--env", "TestShopEnv-v0", "--agent", f"{HERE}:{name}")
    assert status == 1
    assert f"error: agent '{HERE}:{name}': " in err
    assert "name a class, or a function that makes an agent" in err


def test_a_verdict_that_is_not_one_is_explained_without_a_traceback(run):
    registry.register("TestNoVerdict-v0", lambda: Unjudged(shop_tasks(), state=Shop))
    status, _, err = run("eval", "--env", f"{HERE}:TestNoVerdict-v0", "--agent", "oracle", "-n", 1)
    assert status == 1
    assert err.startswith(
        f"error: in the env {HERE}:TestNoVerdict-v0: TypeError: Unjudged.judge() must return a Verdict"
    )


def test_a_term_without_a_number_is_explained_without_a_traceback(run):
    rubric = Rubric([("mine", lambda evidence: None, 1.0)])
    registry.register("TestNoNumber-v0", lambda: ToolEnv(shop_tasks(), state=Shop, rubric=rubric))
    status, _, err = run("eval", "--env", f"{HERE}:TestNoNumber-v0", "--agent", "oracle", "-n", 1)
    assert status == 1
    assert err.startswith(f"error: in the env {HERE}:TestNoNumber-v0: TypeError: term 'mine' must return a number")


def test_the_lines_of_play_fit_into_60_columns(run, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    _, out, _ = run("play", "TestShopEnv-v0")
    assert HELP in "\n".join(line.rstrip() for line in out.splitlines())


def test_a_page_that_cannot_be_written_is_named_and_leaves_nothing(run, tmp_path):
    evaluate(run, "--out", tmp_path / "run")
    (tmp_path / "folder").mkdir()
    before = sorted(tmp_path.iterdir())
    status, out, err = run("report", tmp_path / "run", "--html", tmp_path / "folder")
    assert (status, out) == (1, "")
    assert "is a folder: name a file" in err
    with pytest.raises(OSError, match=r"folder'$"):
        write_atomic(tmp_path / "folder", "text")
    assert sorted(tmp_path.iterdir()) == before


# The rest ---------------------------------------------------------------------------------------


def test_audit_shows_both_rubrics_and_judges_the_default_one(run):
    status, out, _ = run("audit")
    assert status == 0
    assert "rubric toolrl-reference" in out


def test_audit_fails_on_a_rubric_that_can_be_cheated(run):
    assert run("audit", "--rubric", "toolrl")[0] == 0
    assert run("audit", "--rubric", "toolrl-reference")[0] == 1


def test_every_extra_named_in_an_error_exists():
    from importlib.metadata import metadata

    assert set(EXTRAS.values()) <= set(metadata("toolgym").get_all("Provides-Extra"))


def test_every_agent_takes_the_options_it_lists():
    import inspect
    from importlib import import_module

    for name, entry in AGENTS.items():
        module, _, cls = entry.entry_point.partition(":")
        parameters = inspect.signature(getattr(import_module(module), cls)).parameters
        assert set(entry.options.values()) <= set(parameters), name


@pytest.mark.parametrize(("words", "heavy"), [("--help", "rich torch requests"), ("train --help", "torch requests")])
def test_help_is_quick_to_load(words, heavy):
    source = "import sys; from toolgym.cli.main import main; main(sys.argv[1:])\n"
    source += f"sys.exit(any(m in sys.modules for m in {heavy.split()}))"
    done = subprocess.run([sys.executable, "-c", source, *words.split()], stdout=subprocess.DEVNULL, timeout=60)
    assert done.returncode == 0


def test_the_command_is_a_module_too():
    done = subprocess.run([sys.executable, "-m", "toolgym", "--help"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0
    assert done.stdout.startswith("usage: toolgym [-h] COMMAND")


def test_every_command_has_a_file_and_every_setting_of_training_a_heading(run):
    from dataclasses import fields

    from toolgym.agents.config import TrainConfig
    from toolgym.cli.train_options import HEADINGS

    for command in COMMANDS:
        assert (Path(toolgym.cli.main.__file__).parent / f"{command.replace('-', '_')}.py").is_file()
    placed = [name for names in HEADINGS.values() for name in names]
    assert len(placed) == len(set(placed))
    more = {"config", "resume", "max_invalid", "data", "report_to", "category", "dialect", "rubric", "env_arg"}
    settings = {field.name for field in fields(TrainConfig)} - {"template_kwargs"} | {"template_kwarg"}
    assert set(placed) == settings | more
    about = run("train", "--help-all")[1]
    places = [about.index(f"\n{heading}:") for heading in HEADINGS]
    assert places == sorted(places)


@pytest.mark.parametrize(
    ("env", "given", "kept"),
    [
        ("ToolGym-APIBank-v0", ["--category", "1,2"], {"level": [1, 2]}),
        ("ToolGym-Math-v0", ["--category", "sets"], {"category": "sets"}),
        ("TestShopEnv-v0", ["--category", "all"], {"category": "all"}),
        ("module:Own-v0", ["--category", "all"], {"category": "all"}),
    ],
)
def test_a_category_is_given_by_the_name_that_the_suite_has_for_it(env, given, kept):
    parser = argparse.ArgumentParser()
    env_options(parser)
    args = parser.parse_args(given)
    args.env = env
    assert env_kwargs(args) == kept


def test_a_level_may_be_given_as_a_category(run):
    status, out, _ = run("show", "ToolGym-Office-v0", "--category", "chain")
    assert status == 0
    assert "a task: train-" in out


@pytest.mark.parametrize("value", ["val", "1", "true", "", '"a"', "a=b", 3, 0.5, True, None, ["x", 1], {"a": [1]}])
def test_an_argument_of_the_env_is_written_as_it_is_read(value):
    assert env_arguments([env_argument("split", value)]) == {"split": value}
    assert env_argument("split", "val") == "split=val"
