"""The files of a run, changed in every way: reading them ends in a message that names the file, or in a result."""

from __future__ import annotations

import json
import os
import random
import shutil

import msgspec
import pytest
from conftest import calling, saying

from toolgym import evaluate
from toolgym.cli.main import main
from toolgym.cli.report import with_wanted
from toolgym.cli.resolve import UserError
from toolgym.playing.left_out import as_data
from toolgym.replay import replay, rescore
from toolgym.report.page import page
from toolgym.report.results import write_results
from toolgym.report.table import load_runs, make_run, rows
from toolgym.report.training import is_training, load_training_runs
from toolgym.report.training_page import training_page
from toolgym.runlog import RunError, write_run
from toolgym.types import UnfinishedAnswer

ENV, ARGUMENTS = "ToolGym-Functions-v0", {"split": "test", "level": "choose"}
CALL = calling(("no_such_tool", {"a": 1.5, "b": [None, "x"]}))


class Mixed:
    """Calls, then says; cut off now and then."""

    played = 0

    def act(self, observation):
        self.played += 1
        return [CALL, saying("Hello."), UnfinishedAnswer("Let me", "length")][self.played % 3]


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """An evaluation's folder and a training run's."""
    folder = tmp_path_factory.mktemp("original")
    played = evaluate(ENV, Mixed(), env_kwargs=ARGUMENTS, n=3, out=folder / "run")
    about = json.loads((folder / "run" / "run.json").read_text())
    write_results(make_run(played, "mixed", settings=about), folder / "run")
    training = folder / "training"
    (training / "evaluations" / "step-000000").mkdir(parents=True)
    (training / "groups" / "step-000002").mkdir(parents=True)
    (training / "evaluations" / "step-000002").mkdir(parents=True)
    config = {"algo": "grpo", "env": ENV, "steps": 2, "eval_tasks": 3, "env_kwargs": ARGUMENTS, "lora_rank": 0}
    (training / "config.json").write_text(json.dumps(config))
    metrics = [
        {"step": step, "reward": 0.5, "eval/success": 0.5, "eval/episodes": 3, "seconds": 1} for step in range(3)
    ]
    (training / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in metrics))
    about = {"agent": "a", "env": ENV, "env_kwargs": ARGUMENTS, "step": 2}
    for kept in (training / "evaluations").iterdir():
        write_run(kept, about, played)
        outcomes = {t.task_id: {"success": True, "reward": 1.0} for t in played}
        (kept / "outcomes.json").write_text(json.dumps(outcomes))
    write_run(training / "groups" / "step-000002", about | {"temperature": 1.0}, played)
    return folder


def files(folder):
    found = sorted(path for path in folder.rglob("*.json*") if path.name != "summary.json")
    return [*found, folder / "run/summary.json"]


ODD = [
    None, True, -1, 0, 2**70, 10**400, 1e308, float("nan"), float("inf"), "", "x", "\ud800", "../..", [], {}, [[]],
    [1, "a"], {"role": 3}, {"role": "user"}, "a" * 5000, [None] * 50, {"": {}},
]  # fmt: skip
WHOLE = [
    b"", b"\n", b"\0" * 40, b"{}", b"[]", b"null\n", b"3", b"{}\n{}\n", b'{"exact": [[["a"], "1"]]}\n', b"[" * 5000,
    b"\xff\xfe{\0", b"not json\n", b'{"a": NaN}',
]  # fmt: skip


def places(value, path=()):
    """Every place in a JSON value."""
    yield path
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inside:
        yield from places(item, (*path, key))


def replaced(value, path, new, remove):
    if not path:
        return new
    holder = value
    for key in path[:-1]:
        holder = holder[key]
    if remove:
        del holder[path[-1]]
    else:
        holder[path[-1]] = new
    return value


def mutated(data, source):
    """The bytes of a file, changed in one way."""
    kind = source.randrange(8)
    at = source.randrange(len(data))
    if kind == 0:
        return data[:at]
    if kind == 1:
        return data[:at] + source.randbytes(source.randrange(1, 6)) + data[at + source.randrange(4) :]
    if kind == 2:
        return source.choice([*WHOLE, b"\n" + data, data + data])
    lines = data.split(b"\n")
    i = source.randrange(len(lines))
    whole = len(lines) > 1 and not data.startswith(b"{\n") and not data.startswith(b"{ ")
    text = lines[i] if whole and lines[i] else data
    try:
        value = json.loads(text)
    except ValueError:
        value = json.loads(data) if not whole else {}
    path = source.choice(list(places(value)))
    value = replaced(value, path, source.choice(ODD), remove=kind == 3)
    written = json.dumps(value).encode()
    return b"\n".join([*lines[:i], written, *lines[i + 1 :]]) if whole and lines[i] else written + b"\n"


def read_everything(folder, tmp_path, path):
    """All that reads a run with this file; each part may refuse it with a RunError or a UserError."""

    def evaluations():
        runs = [with_wanted(run) for run in load_runs([folder / "run"])]
        page(runs)
        msgspec.to_builtins([rows(run.trajectories) for run in runs])
        json.dumps([as_data(run.trajectories) for run in runs])

    def training():
        assert is_training(folder / "training") in (True, False)
        training_page(load_training_runs([folder / "training"]))

    def resumed():
        evaluate(ENV, Mixed(), env_kwargs=ARGUMENTS, n=3, out=folder / "run", resume=True)

    def scored():
        rescore(folder / "run", "toolrl", tmp_path / "scored")

    if path.is_relative_to(folder / "run"):
        parts = [evaluations, lambda: replay(folder / "run"), scored, resumed]
    else:
        parts = [training, lambda: replay(folder / "training")]
    for part in parts:
        try:
            part()
        except (RunError, UserError) as error:
            unnamed = str(folder) not in str(error)
            if unnamed:
                raise AssertionError(f"the message names no file: {error}") from error
        shutil.rmtree(tmp_path / "scored", ignore_errors=True)


MUTATIONS = int(os.environ.get("TOOLGYM_FUZZ", "300"))


@pytest.mark.parametrize("part", range(10))
def test_changed_files_are_read_or_refused_by_name(part, original, tmp_path):
    for i in range(part * MUTATIONS // 10, (part + 1) * MUTATIONS // 10):
        source = random.Random(i)
        folder = tmp_path / str(i)
        shutil.copytree(original, folder)
        path = source.choice(files(folder))
        path.write_bytes(mutated(path.read_bytes(), source))
        try:
            read_everything(folder, tmp_path, path)
        except Exception as error:
            raise AssertionError(f"mutation {i} of {path.relative_to(folder)}: {error!r}") from error
        shutil.rmtree(folder)


def as_directory(path):
    path.unlink()
    path.mkdir()


def as_loop(path):
    path.unlink()
    path.symlink_to(path)


def as_fifo_like(path):
    path.unlink()
    path.symlink_to("/dev/null")


def unreadable(path):
    path.chmod(0)


@pytest.mark.parametrize("change", [as_directory, as_loop, as_fifo_like, unreadable, os.remove])
def test_what_is_no_file_is_refused_by_name(change, original, tmp_path):
    for number in range(len(files(original))):
        folder = tmp_path / str(number)
        shutil.copytree(original, folder)
        path = files(folder)[number]
        change(path)
        try:
            read_everything(folder, tmp_path, path)
        except Exception as error:
            raise AssertionError(f"{path}: {error!r}") from error


ODD_ONES = ["run/run.json", "run/episodes.jsonl", "training/config.json", "training/metrics.jsonl"]


@pytest.mark.parametrize("command", ["report", "replay"])
@pytest.mark.parametrize("name", ODD_ONES)
def test_the_commands_say_it_without_a_traceback(command, name, original, tmp_path, capsys):
    folder = tmp_path / "copy"
    shutil.copytree(original, folder)
    (folder / name).write_bytes(b"\x80\x81[\n\n")
    reads = command == "report" or name.startswith("run/")
    assert main([command, str(folder / name.partition("/")[0])]) == int(reads)
    err = capsys.readouterr().err
    assert "Traceback" not in err
    assert not reads or f"error: {folder / name}" in err
