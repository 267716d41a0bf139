"""Checkpoints that were damaged after they were written, and files of killed processes."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip("torch")

import torch
from tiny_lm import byte_tokenizer, tiny_model

from toolgym.agents import checkpoint
from toolgym.agents.config import TrainConfig
from toolgym.agents.export import export
from toolgym.agents.model import load_model
from toolgym.agents.training.trainer import Trainer
from toolgym.assets import AssetError
from toolgym.disk import CHECKSUMS, atomic_folder, damage, seal, temporary_folder
from toolgym.runlog import RunError


def config(folder: Path, steps: int) -> TrainConfig:
    return TrainConfig(
        algo="sft", env="ToolGym-Functions-v0", steps=steps, save_every=1, eval_every=0, prompts_per_step=1,
        max_tokens=100_000, out=str(folder), learning_rate=1e-3,
    )  # fmt: skip


def train(folder: Path, steps: int, *, resume: bool = False) -> Trainer:
    trainer = Trainer(config(folder, steps), resume=resume, loaded=(tiny_model(), byte_tokenizer()))
    trainer.run()
    return trainer


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "whole"
    train(folder, 2)
    return folder


def empty(path: Path) -> None:
    path.write_bytes(b"")


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-100] ^= 0x10
    path.write_bytes(data)


def remove(path: Path) -> None:
    path.unlink()


def unsealed_cut(path: Path) -> None:
    (path.parent / CHECKSUMS).unlink()
    cut(path)


@pytest.mark.parametrize("file", ["trainer.pt", "model.safetensors"])
@pytest.mark.parametrize("hurt", [empty, cut, flip, remove, unsealed_cut])
def test_a_damaged_checkpoint_is_found_and_the_older_whole_one_used(whole, tmp_path, caplog, file, hurt):
    run = shutil.copytree(whole, tmp_path / "run")
    first, last = checkpoint.all_of(run)
    hurt(last / file)
    assert checkpoint.of(run) == first
    with pytest.raises(RunError, match=rf"{last.name} is damaged.*"):
        checkpoint.of(last)
    export(run, tmp_path / "model")
    assert (tmp_path / "model" / "model.safetensors").read_bytes() == (first / "model.safetensors").read_bytes()
    state = checkpoint.latest(run)
    assert state is not None
    assert state["step"] == 1
    assert f"damaged checkpoint {last}" in caplog.text
    assert file in caplog.text or "a file cannot be read" in caplog.text
    assert [folder.name for folder in checkpoint.all_of(run)] == [first.name]
    assert (run / "checkpoints" / f"damaged-{last.name}").is_dir()


def test_a_run_resumed_past_a_damaged_checkpoint_ends_in_the_same_weights(whole, tmp_path):
    run = shutil.copytree(whole, tmp_path / "run")
    flip(checkpoint.all_of(run)[-1] / "trainer.pt")
    resumed, fresh = train(run, 3, resume=True), train(tmp_path / "fresh", 3)
    for ours, theirs in zip(resumed.model.parameters(), fresh.model.parameters(), strict=True):
        assert torch.equal(ours, theirs)
    rows = [json.loads(line)["step"] for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert rows == [1, 2, 3]


def test_without_a_whole_checkpoint_nothing_is_changed_and_the_reason_said(whole, tmp_path):
    run = shutil.copytree(whole, tmp_path / "run")
    for folder in checkpoint.all_of(run):
        empty(folder / "trainer.pt")
    log = (run / "metrics.jsonl").read_bytes()
    for action in (lambda: train(run, 3, resume=True), lambda: export(run, tmp_path / "model")):
        with pytest.raises(RunError, match=r"no checkpoint of .* is whole \(.*step-000002: trainer.pt is mis"):
            action()
    shutil.rmtree(run / "checkpoints")
    with pytest.raises(RunError, match="has logged 2 steps and holds no checkpoint"):
        train(run, 3, resume=True)
    assert (run / "metrics.jsonl").read_bytes() == log
    assert not (tmp_path / "model").exists()


def test_a_run_that_was_killed_before_its_first_checkpoint_begins_again(whole, tmp_path, caplog):
    run = shutil.copytree(whole, tmp_path / "run")
    shutil.rmtree(run / "checkpoints")
    line = (run / "metrics.jsonl").read_text().splitlines()[0]
    (run / "metrics.jsonl").write_text(line + "\n")
    assert train(run, 2, resume=True).step == 2
    assert "before its first checkpoint: it begins again" in caplog.text


@pytest.mark.parametrize("text", ["", "[]", "{", "null", "\xff", '"model"'])
def test_the_settings_of_a_run_are_checked_when_they_are_read(whole, tmp_path, text):
    run = shutil.copytree(whole, tmp_path / "run")
    (run / "config.json").write_text(text, "latin-1")
    with pytest.raises(RunError, match=r"config.json is not the settings of a training run"):
        train(run, 3, resume=True)


def test_a_checkpoint_of_another_model_is_refused_in_words(whole, tmp_path):
    run = shutil.copytree(whole, tmp_path / "run")
    with pytest.raises(RunError, match="does not fit the model"):
        Trainer(config(run, 3), resume=True, loaded=(tiny_model(hidden_size=16), byte_tokenizer()))


def test_a_sealed_folder_names_the_file_that_changed(tmp_path):
    (tmp_path / "part").mkdir()
    for name in ("a", "part/b"):
        (tmp_path / name).write_text(name)
    assert damage(tmp_path) == ""
    seal(tmp_path)
    assert damage(tmp_path) == ""
    (tmp_path / "part/b").write_text("c")
    assert damage(tmp_path).startswith("part/b is not what was written")
    (tmp_path / "a").unlink()
    assert damage(tmp_path) == "a is missing"
    (tmp_path / CHECKSUMS).write_text("[]")
    assert "is not the checksums of a folder, but a JSON list" in damage(tmp_path)


_HOLDS = """
import sys, time
from pathlib import Path
from toolgym.disk import atomic_folder
with atomic_folder(Path(sys.argv[1]) / "model") as folder:
    (folder / "weights").write_bytes(b"x" * 1000)
    print("ready", flush=True)
    time.sleep(60)
"""


def test_folders_of_killed_processes_are_swept_and_those_in_use_are_not(tmp_path):
    def start() -> subprocess.Popen[str]:
        process = subprocess.Popen([sys.executable, "-c", _HOLDS, str(tmp_path)], stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        return process

    killed, working = start(), start()
    assert len(list(tmp_path.iterdir())) == 2
    os.kill(killed.pid, signal.SIGKILL)
    killed.wait()
    with temporary_folder(tmp_path, ".model-"):
        assert len(list(tmp_path.iterdir())) == 2  # the working one's and ours
    working.send_signal(signal.SIGKILL)
    working.wait()
    for process in (killed, working):
        process.stdout.close()
    began = time.monotonic()
    with atomic_folder(tmp_path / "model") as folder:
        (folder / "weights").write_text("mine")
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
    assert time.monotonic() - began < 5


def test_a_damaged_checkpoint_is_no_model(whole, tmp_path):
    run = shutil.copytree(whole, tmp_path / "run")
    last = checkpoint.all_of(run)[-1]
    (last / "trainer.pt").unlink()  # a model does not need it
    load_model(last)
    flip(last / "model.safetensors")
    with pytest.raises(AssetError, match=r"checkpoint .*step-000002 is damaged: model.safetensors is not what was"):
        load_model(last)
    (last / CHECKSUMS).unlink()
    load_model(last)


def test_a_resume_that_asks_for_fewer_steps_is_refused(whole, tmp_path):
    run = shutil.copytree(whole, tmp_path / "run")
    with pytest.raises(RunError, match="has 2 steps already, and steps=1 asks for fewer"):
        train(run, 1, resume=True)


def test_a_first_prompt_without_room_leaves_the_score_in_training_too(tmp_path):
    settings = dataclasses.replace(config(tmp_path / "run", 1), algo="grpo", max_tokens=40, max_completion_length=4)
    trainer = Trainer(settings, loaded=(tiny_model(), byte_tokenizer()))
    ((rollout,),) = trainer.collector.play([(0, trainer.collector.tasks()[0].id)], 1)
    found = rollout.trajectory
    assert (found.reward_valid, found.success, found.error_kind) == (False, None, "context")
    assert "leaves no room for an answer" in found.error


@pytest.mark.parametrize("algo", ["sft", "grpo"])
def test_a_task_whose_tools_the_template_refuses_is_left_out_and_said(tmp_path, caplog, algo):
    tokenizer = byte_tokenizer()
    tokenizer.chat_template = (
        "{% if tools %}{% if tools[0].function.name[0] in 'abcdefghijkl' %}{{ raise_exception('not this tool') }}"
        "{% endif %}{% for t in tools %}{{ t | tojson }}{% endfor %}{% endif %}" + tokenizer.chat_template
    )
    settings = dataclasses.replace(
        config(tmp_path / "run", 3), algo=algo, tools="template", prompts_per_step=4, num_generations=2,
        max_completion_length=4, env_kwargs={"dialect": "hermes", "instructions": False},
    )  # fmt: skip
    Trainer(settings, loaded=(tiny_model(), tokenizer)).run()
    rows = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    assert len(rows) == 3
    each = 4 if algo == "sft" else 8
    assert 0 < sum(row["unscored"] for row in rows) < 3 * each
    assert "not this tool" in caplog.text
