"""``toolgym train``: its last words, and folders that do not hold a model."""

from __future__ import annotations

import shlex

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from tiny_lm import byte_tokenizer, tiny_model  # noqa: E402

from toolgym.agents.model import load_model  # noqa: E402
from toolgym.assets import AssetError  # noqa: E402
from toolgym.cli.main import main  # noqa: E402

pytestmark = pytest.mark.usefixtures("one_thread")
CHOOSE = ["--env-kwargs", '{"level": "choose"}']


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model") / "tiny"
    tiny_model().save_pretrained(folder)
    byte_tokenizer().save_pretrained(folder)
    return folder


@pytest.fixture
def train(model, capsys):
    def train(out, *words):
        few = ["--eval-every", "0", "--max-completion-length", "4", "--prompts-per-step", "1"]
        status = main(["train", "--model", str(model), *few, *CHOOSE, "--out", str(out), *map(str, words)])
        said = capsys.readouterr()
        return status, said.out, said.err

    return train


def test_a_run_without_room_for_an_answer_ends_as_an_error(train, tmp_path):
    status, _, err = train(tmp_path / "run", "--max-tokens", 10, "--steps", 1)
    assert status == 1
    assert "nothing was learnt: no token was sampled" in err
    assert "max_tokens (10)" in err


def test_a_run_of_ties_says_that_nothing_was_learnt(train, tmp_path):
    status, out, _ = train(tmp_path / "run", "--num-generations", 2, "--max-tokens", 4000, "--steps", 2)
    assert status == 0
    assert out.count("nothing was learnt") == 1
    assert "all episodes of a group got the same reward" in " ".join(out.split())


def test_what_is_tried_are_the_held_out_tasks(train, tmp_path, capsys):
    out = tmp_path / "a run"
    status, said, _ = train(out, "--algo", "sft", "--max-tokens", 9000, "--steps", 1)
    assert status == 0
    assert "nothing was learnt" not in said
    (line,) = [line for line in said.splitlines() if line.startswith("Try it: toolgym ")]
    command = shlex.split(line.removeprefix("Try it: toolgym "))
    assert command[:-2] == [
        "eval", "--env", "ToolGym-Office-v0", "--env-arg", "level=choose", "--env-arg", "split=val",
        "--agent", "policy", "--model", f"{out}/checkpoints/step-000001",
    ]  # fmt: skip
    assert main([*command[:-1], "1", "--max-new-tokens", "4", "--out", str(tmp_path / "eval")]) == 0
    assert '"task_id": "val-' in (tmp_path / "eval" / "episodes.jsonl").read_text()
    shown = (tmp_path / "eval" / "report.html").read_text("utf-8")
    for words in ("max_new_tokens=4", "temperature=0.0", "dialect=toolrl", f"model={out}/checkpoints/step-000001"):
        assert words in shown

    status = main(["eval", "--env", "ToolGym-Office-v0", "--agent", "policy", "--model", str(out), "-n", "1"])
    assert status == 1
    assert f"give its last checkpoint, {out}/checkpoints/step-000001" in capsys.readouterr().err


def test_why_a_folder_is_no_model_is_said_to_the_end(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(AssetError) as error:
        load_model(tmp_path)
    why, _, advice = str(error.value).partition(" Give 'smollm2'")
    assert why.endswith(".")
    assert not why.endswith((":.", " ."))
    assert advice
