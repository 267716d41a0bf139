"""``--report-to``: the metrics of a training run in wandb, mlflow, trackio."""

from __future__ import annotations

import importlib.machinery
import json
import logging
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from toolgym.cli.main import main
from toolgym.report.trackers import Trackers


@dataclass
class Config:
    out: str
    env_kwargs: dict


@pytest.fixture
def config(tmp_path):
    return Config(str(tmp_path), {"base_url": "http://user:secret@a.test/v1"})


class Library(ModuleType):
    """Stands for wandb, trackio and mlflow at once: it notes what it was told."""

    def __init__(self, name):
        super().__init__(name)
        self.__spec__ = importlib.machinery.ModuleSpec(name, None)
        self.said = []

    def init(self, **how):
        self.said.append(("init", how))
        return SimpleNamespace(log=self.log, finish=lambda: self.said.append(("finish",)))

    def log(self, row, step):
        if row.get("broken"):
            raise OSError("no network")
        self.said.append((step, row))

    def set_experiment(self, name):
        self.said.append(("experiment", name))

    def start_run(self, run_id, run_name):
        self.said.append(("start", run_id, run_name))
        return SimpleNamespace(info=SimpleNamespace(run_id=run_id or "new"))

    def log_params(self, settings):
        self.said.append(("params", settings))

    def log_metrics(self, row, step):
        self.log(row, step)

    def end_run(self):
        self.said.append(("finish",))


@pytest.fixture
def library(monkeypatch):
    def make(name):
        monkeypatch.setitem(sys.modules, name, Library(name))
        return sys.modules[name]

    return make


@pytest.mark.parametrize("name", ["wandb", "trackio"])
def test_rows_reach_the_tracker_and_a_resumed_run_goes_on_there(name, config, library):
    said = library(name).said
    for step in (1, 2):
        trackers = Trackers([name, name], config)
        trackers({"step": step, "reward": 0.5})
        trackers.close()
    (first, how), row, end, (again, later), *_ = said
    assert (first, row, end, again) == ("init", (1, {"reward": 0.5}), ("finish",), "init")
    assert how["project"] == "toolgym"
    key = "id" if name == "wandb" else "name"
    assert how[key] == later[key] == json.loads((Path(config.out) / "trackers.json").read_text())[name]
    assert "secret" not in str(how)
    assert len(said) == 6


def test_mlflow(config, library):
    said = library("mlflow").said
    for step in (1, 2):
        trackers = Trackers(["mlflow"], config)
        trackers({"step": step, "reward": 0.5})
        trackers.close()
    name = Path(config.out).name
    assert [each[:2] for each in said] == [
        ("experiment", "toolgym"), ("start", None), ("params", said[2][1]), (1, {"reward": 0.5}), ("finish",),
        ("start", "new"), (2, {"reward": 0.5}), ("finish",),
    ]  # fmt: skip
    assert said[1][2] == name
    assert "secret" not in str(said)


def test_a_tracker_that_fails_does_not_stop_the_training(config, library, caplog):
    said = library("wandb").said
    trackers = Trackers(["wandb"], config)
    trackers({"step": 1, "reward": 0.5})
    with caplog.at_level(logging.WARNING):
        trackers({"step": 2, "broken": 1.0})
        trackers({"step": 3, "reward": 0.5})
    trackers.close()
    assert "wandb gets no more metrics: OSError: no network" in caplog.text
    assert [each[0] for each in said] == ["init", 1, "finish"]


def test_what_is_not_there(config, monkeypatch):
    with pytest.raises(ValueError, match="no tracker 'neptune': choose from tensorboard, wandb"):
        Trackers(["neptune"], config)
    monkeypatch.setattr("toolgym.report.trackers.find_spec", lambda name: None)
    with pytest.raises(ModuleNotFoundError, match="pip install trackio"):
        Trackers(["trackio"], config)


def test_the_command_says_what_is_missing_before_it_begins(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr("toolgym.report.trackers.find_spec", lambda name: None)
    code = main(["train", "--algo", "sft", "--out", str(tmp_path / "run"), "--steps", "64", "--report-to", "wandb"])
    assert code == 1
    assert "pip install wandb" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_the_command_reports(library, tmp_path):
    said = library("wandb").said
    arguments = ["train", "--algo", "sb3-ppo", "--out", str(tmp_path / "run"), "--steps", "64", "--eval-every", "0"]
    assert main([*arguments, "--report-to", "wandb", "--env-kwargs", '{"level": "choose"}']) == 0
    assert said[0][0] == "init"
    assert said[-1] == ("finish",)
    rows = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    assert [step for step, _ in said[1:-1]] == [row["step"] for row in rows]
