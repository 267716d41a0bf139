"""The settings of a stored run come from anybody: nothing of them imports, opens or sends anything unasked."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import gymnasium as gym
import pytest
from conftest import saying

from toolgym import evaluate
from toolgym.checks import arguments_of
from toolgym.cli.main import main
from toolgym.registry import SUITES, suite_class
from toolgym.replay import replay, rescore
from toolgym.runlog import RunError
from toolgym.stored.trust import HARMLESS, HARMLESS_VALUES, trusted_settings

REACHES_OUT = {
    "memory", "web", "web_folder", "web_options", "search", "search_options", "cache", "cache_dir", "judge",
    "judge_options", "questions", "state", "encoder", "path",
}  # fmt: skip
"""Arguments of suites that have to be trusted."""


@pytest.mark.parametrize("env_id", SUITES)
def test_every_argument_of_every_suite_is_harmless_or_has_to_be_trusted(env_id):
    assert set(arguments_of(suite_class(env_id))) <= HARMLESS | REACHES_OUT
    assert set(HARMLESS_VALUES) <= REACHES_OUT


@pytest.fixture
def run(tmp_path):
    """A run of Bamboogle, whose settings a stranger may change."""
    agent = type("A", (), {"act": lambda self, observation: saying("No.")})()
    evaluate("ToolGym-Bamboogle-v0", agent, n=1, out=tmp_path / "run")
    return tmp_path / "run"


def change(folder, **settings):
    about = folder / "run.json"
    about.write_text(json.dumps({**json.loads(about.read_text()), **settings}))


HOSTILE = {
    "judge": "gpt",
    "judge_options": {"base_url": "http://127.0.0.1:9/v1", "key_env": "AWS_SECRET_ACCESS_KEY"},
    "search": "serpapi",
    "search_options": {"base_url": "http://127.0.0.1:9", "key_env": "HOME"},
    "cache": "record",
    "cache_dir": "/etc",
    "questions": [],
    "memory": "/tmp",
    "web": "live",
    "web_folder": "..",
    "web_options": {"key_env": "HOME"},
    "state": "os:system",
    "encoder": "os:system",
    "path": "/etc/passwd",
    "an_argument_that_comes_later": 1,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_setting_that_reaches_out_is_refused_before_anything_is_made(name, run, monkeypatch, tmp_path, capsys):
    change(run, env_kwargs={name: HOSTILE[name]})
    monkeypatch.setattr(gym, "make", lambda *_, **__: pytest.fail("an env was made"))
    words = rf"run\.json sets {name}=.*If you trust the run: --trust {name} .*--env-arg {name}="
    with pytest.raises(RunError, match=words):
        replay(run)
    with pytest.raises(RunError, match=words):
        replay(run, trust=["env", "rubric"])
    with pytest.raises(RunError, match=words):
        rescore(run, "toolrl-reference", tmp_path / "scored")
    assert not (tmp_path / "scored").exists()
    assert main(["replay", str(run)]) == 1
    assert f"--trust {name}" in capsys.readouterr().err
    (run / "summary.json").unlink(missing_ok=True)
    assert main(["report", str(run)]) == 0  # an unfinished run's env is not made either


@pytest.mark.parametrize("trust", [["judge", "judge_options"], ["all"]])
def test_a_trusted_setting_is_obeyed(trust, run, monkeypatch):
    change(run, env_kwargs={"judge": "gpt", "judge_options": {"key_env": "MINE"}})
    seen = {}

    def make(env_id, **arguments):
        seen.update(arguments)
        raise ValueError("seen")

    monkeypatch.setattr(gym, "make", make)
    with pytest.raises(RunError, match="seen"):
        replay(run, trust=trust)
    assert seen == {"judge": "gpt", "judge_options": {"key_env": "MINE"}}
    with pytest.raises(TypeError, match="a list of names"):
        replay(run, trust="judge")


def test_a_setting_may_be_given_anew(run, capsys):
    change(run, env_kwargs={"search": "serpapi", "search_options": {"key_env": "HOME"}})
    found = replay(run, env_kwargs={"search": "offline", "search_options": None})
    assert [each.status for each in found] == ["same"]
    words = ["replay", str(run), "--env-arg", "search=offline", "--env-arg", "search_options=null"]
    assert main(words) == 0
    assert main(words[:-2]) == 1
    assert "sets search_options=" in capsys.readouterr().err


EVIL = """
from pathlib import Path
Path(__file__).with_name("ran").write_text("x")
import gymnasium, toolgym
from toolgym.envs.bamboogle.env import BamboogleEnv
gymnasium.register("Evil-v0", BamboogleEnv)
"""


@pytest.mark.parametrize("command", ["replay", "report", "python"])
@pytest.mark.parametrize("finished", [True, False])
def test_code_is_not_imported_from_a_runs_settings(command, finished, run, tmp_path, monkeypatch, capsys):
    (tmp_path / "evil_module.py").write_text(EVIL)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", ["", *sys.path])
    change(run, env="evil_module:Evil-v0", n=5, env_kwargs={})
    if finished:
        (run / "summary.json").write_text("{}")
    if command == "python":
        with pytest.raises(RunError, match=r"is not a suite of ToolGym, so its code would be .*trust=\['env'\]"):
            replay(run)
    else:
        assert main([command, str(run)]) == (1 if command == "replay" else 0)
    assert not (tmp_path / "ran").exists()
    capsys.readouterr()


def test_code_is_imported_if_the_env_is_trusted(run, tmp_path, monkeypatch, capsys):
    (tmp_path / "my_module.py").write_text(EVIL.replace("Evil", "Mine"))
    episodes = run / "episodes.jsonl"
    episodes.write_text(episodes.read_text().replace("ToolGym-Bamboogle-v0", "Mine-v0"))
    monkeypatch.chdir(tmp_path)
    change(run, env="my_module:Mine-v0", env_kwargs={})
    try:
        assert main(["replay", str(run), "--trust", "env"]) == 0
    finally:
        gym.registry.pop("Mine-v0", None)
    assert (tmp_path / "ran").exists()
    assert "1 same" in capsys.readouterr().out


def test_an_id_that_would_import_other_code_is_refused():
    if "TestElsewhere-v0" not in gym.registry:
        gym.register("TestElsewhere-v0", entry_point="code_that_nobody_loaded:Env")
    for env_id in ("TestElsewhere-v0", "TestElsewhere", "TestElsewhere-v7"):
        with pytest.raises(RunError, match="not a suite of ToolGym"):
            trusted_settings({"env": env_id, "env_kwargs": {}}, "run.json")
    assert trusted_settings({"env": "TestShop-v0", "env_kwargs": {"max_turns": 2}}, "x") == (
        "TestShop-v0",
        {"max_turns": 2},
    )
    with pytest.raises(RunError, match="sets folder="):
        trusted_settings({"env": "TestShop-v0", "env_kwargs": {"folder": "/"}}, "x")


@pytest.mark.parametrize("settings", [{}, {"env": 3}, {"env": None}, {"env": "x", "env_kwargs": []}])
def test_settings_without_an_env_are_named(settings):
    with pytest.raises(RunError, match="x does not say which env"):
        trusted_settings(settings, "x")


def test_the_replay_agent_reads_texts_only(run, capsys):
    change(run, env="evil:Evil-v0", env_kwargs={"judge": "gpt"})
    words = ["eval", "--env", "ToolGym-Bamboogle-v0", "--agent", "replay", "--replay", str(run), "-n", "1"]
    assert main(words) == 0
    assert Path(run / "episodes.jsonl").is_file()
    capsys.readouterr()
