"""Several ranks train as one process does: the same samples, gradients and metrics; and end together."""

from __future__ import annotations

import gc
import json
import os
import socket
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from ranks_cases import CASES, SETTINGS, trainer  # noqa: E402
from tiny_lm import byte_tokenizer, tiny_model  # noqa: E402

from toolgym.agents import checkpoint  # noqa: E402
from toolgym.agents.training.batch import Row  # noqa: E402
from toolgym.agents.training.distributed.launch import Place, place  # noqa: E402
from toolgym.agents.training.distributed.ranks import Ranks, _short  # noqa: E402
from toolgym.agents.training.distributed.shares import TaskShares, divide  # noqa: E402
from toolgym.cli.main import main  # noqa: E402
from toolgym.runlog import RunError  # noqa: E402

pytestmark = pytest.mark.usefixtures("one_thread")
HERE = Path(__file__).parent


def start(command, folder, size=2):
    """The processes of ``size`` ranks, started as a launcher does it; what they say is in ``folder``."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    processes = []
    for rank in range(size):
        place = {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(size)}
        place |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "CUDA_VISIBLE_DEVICES": ""}
        with (folder / f"said-{rank}").open("w") as said:
            processes.append(
                subprocess.Popen([sys.executable, *command], env=os.environ | place, stdout=said, stderr=said)
            )
    return processes


@pytest.fixture(scope="module")
def both(tmp_path_factory, one_thread):
    """Folders of the runs of two ranks and of one process."""
    two, one = tmp_path_factory.mktemp("two"), tmp_path_factory.mktemp("one")
    tiny_model().save_pretrained(two / "model")
    byte_tokenizer().save_pretrained(two / "model")
    for name in ("resumed", "fsdp-resumed"):
        trainer(two / name, steps=1).run()
    gc.collect()  # trainers let go of their folders
    processes = start([str(HERE / "ranks_cases.py"), str(two)], two)
    try:
        for name, settings in CASES.items():
            alone = {key: value for key, value in settings.items() if key not in ("fsdp", "gradient_checkpointing")}
            trainer(one / name, **alone).run()
        trainer(one / "killed", steps=9).run()
        for process in processes:
            process.wait(timeout=300)
    finally:
        for process in processes:
            process.kill()
    assert (two / "lost").is_file(), (two / "said-0").read_text()
    return two, one


def differences(two, one):
    """The largest difference between two runs' optimizer states: weights, and running means of the gradients."""
    largest = {}
    states = [checkpoint.latest(folder) for folder in (two, one)]
    for part in ("optimizer", "value_optimizer"):
        if part in states[1]:
            a, b = (state[part] for state in states)
            pairs = list(zip(a["masters"], b["masters"], strict=True))
            for i, moments in b["adamw"]["state"].items():
                pairs.append((a["adamw"]["state"][i]["exp_avg"], moments["exp_avg"]))
            largest[part] = max(float((x - y).abs().max()) for x, y in pairs)
    return largest


def rows(folder):
    lines = (folder / "metrics.jsonl").read_text().splitlines()
    return [{name: x for name, x in json.loads(line).items() if "second" not in name} for line in lines]


@pytest.mark.parametrize("name", CASES)
def test_two_ranks_are_one_process(both, name):
    two, one = (folder / name for folder in both)
    assert max(differences(two, one).values()) < 1e-6
    assert len(rows(two)) == len(rows(one)) == SETTINGS["steps"] + 1
    for a, b in zip(rows(two), rows(one), strict=True):
        assert a == pytest.approx(b, rel=2e-6, abs=1e-6)
    groups = [sorted(path.read_bytes() for path in folder.glob("groups/*/episodes.jsonl")) for folder in (two, one)]
    assert groups[0] == groups[1], "the same samples"


def test_a_model_with_windows_is_called_equally_often_on_every_rank(both):
    assert all(float((both[0] / f"windowed-{rank}").read_text()) < 1e-5 for rank in (0, 1))


@pytest.mark.parametrize("name", ["resumed", "fsdp-resumed"])
def test_two_ranks_resume_the_run_of_one_process(both, tmp_path, name):
    trainer(tmp_path / "run").run()
    assert max(differences(both[0] / name, tmp_path / "run").values()) < 1e-6


def test_a_rank_that_is_killed_ends_the_run_which_then_resumes_alone(both):
    two, one = both
    when, reason = (two / "lost").read_text().split(" ", 1)
    assert reason.startswith("RankLost: another rank has ended without a word")
    assert float(when) - (checkpoint.all_of(two / "killed")[-1] / "trainer.pt").stat().st_mtime < 20
    trainer(two / "killed", steps=9, resume=True).run()
    assert max(differences(two / "killed", one / "killed").values()) < 1e-5


def test_the_command_speaks_on_the_first_rank_alone(both):
    two, _ = both
    said = [(two / f"said-{rank}").read_text() for rank in (0, 1)]
    assert [(two / f"command-{rank}").read_text() for rank in (0, 1)] == ["0", "0"]
    assert "The model is in" in said[0]
    assert said[1] == ""
    assert checkpoint.problem_of(checkpoint.all_of(two / "command")[-1]) == ""
    assert [(two / f"few-{rank}").read_text() for rank in (0, 1)] == ["1", "1"]
    assert said[0].count("prompts_per_step (1) is less than the number of ranks (2)") == 1


def test_an_error_of_one_rank_is_the_reason_for_all(tmp_path):
    source = """
        from toolgym.agents.training.distributed.ranks import join
        ranks = join()
        assert ranks.from_first(lambda: ranks.rank) == 0
        try:
            if ranks.rank == 1:
                raise ValueError("no memory")
            ranks.gather(0)
        except Exception as error:
            if ranks.leave(error):
                raise
            print(f"{type(error).__name__}: {error}")
    """
    for process in start(["-c", textwrap.dedent(source)], tmp_path):
        process.wait(timeout=300)
    assert (tmp_path / "said-0").read_text().startswith("RankLost: rank 1: ValueError: no memory. ")
    assert "ValueError: no memory" in (tmp_path / "said-1").read_text()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"RANK": "0", "WORLD_SIZE": "2"},
            "LOCAL_RANK, MASTER_ADDR, MASTER_PORT is not set: start all ranks with torchrun",
        ),
        ({"RANK": "2"}, "RANK=2 is not one of the WORLD_SIZE=2 ranks"),
        ({"WORLD_SIZE": "two"}, "WORLD_SIZE must be a whole number from 0, got 'two'"),
    ],
    ids=["missing", "too large", "no number"],
)
def test_an_environment_that_makes_no_sense_is_refused(monkeypatch, given, message):
    whole = {"RANK": "1", "WORLD_SIZE": "2", "LOCAL_RANK": "1", "MASTER_ADDR": "localhost", "MASTER_PORT": "1"}
    for name in whole:
        monkeypatch.delenv(name, raising=False)
    assert place() == Place(0, 1, 0), "no launcher"
    for name, value in (given if len(given) > 1 else {**whole, **given}).items():
        monkeypatch.setenv(name, value)
    with pytest.raises(RunError, match=message):
        place()
    monkeypatch.setenv("WORLD_SIZE", "1")
    assert place() == Place(0, 1, 0)


@pytest.mark.parametrize("rank", [0, 1])
def test_an_evaluation_is_for_one_process(monkeypatch, capsys, rank):
    launched = {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": "2", "MASTER_ADDR": "h", "MASTER_PORT": "1"}
    for name, value in launched.items():
        monkeypatch.setenv(name, value)
    assert main(["eval", "--env", "ToolGym-Office-v0", "--agent", "oracle", "-n", "1"]) == 1
    said = capsys.readouterr()
    assert (said.out, said.err.count("start it without torchrun. --ray auto")) == ("", 1 - rank)


def test_fsdp_needs_several_ranks(tmp_path):
    with pytest.raises(RunError, match=r"several ranks, and this process is alone: leave it out, or start all"):
        trainer(tmp_path / "run", fsdp=True)


def test_torchs_message_is_told_without_its_source_and_its_advice():
    gloo = "[/w/gloo/transport/tcp/pair.cc:553] Connection closed by peer [::1]:3. This is typically caused by a crash."
    assert _short(RuntimeError(gloo)) == "Connection closed by peer [::1]:3."


class Pretend(Ranks):
    """One of several ranks, all of which are asked in turn."""

    def gather(self, value):
        self.store.append(value)
        return self.store


def test_tasks_with_one_opening_go_to_one_rank_and_results_come_back_in_order():
    items = ["a", "b", "a", "c", "d", "b"]
    seen, done = [], []
    for rank in range(3):
        ranks = Pretend(rank, 3, seen)

        def do(mine):
            done.append(mine)
            return [item.upper() for item in mine]

        shares = TaskShares(ranks)
        if rank < 2:
            with pytest.raises(KeyError):  # not all have answered yet
                shares.map(items, str, do)
        else:
            assert shares.map(items, str, do) == [item.upper() for item in items]
    assert done == [["a", "a"], ["b", "d", "b"], ["c"]]


@pytest.mark.parametrize("parts", [1, 2, 3, 5])
def test_rows_are_divided_by_their_tokens(parts):
    sizes = [(0, 9, 5), (0, 9, 5), (0, 9, 5), (1, 4, 30), (2, 2, 1), (2, 2, 1)]  # prompt's first token, length; answer
    rows = [Row((first,) * prompt, (0,) * (answer - 1), (0,), (0,), answer) for first, prompt, answer in sizes]
    shares = divide(rows, parts)
    assert len(shares) == parts
    assert [i for share in shares for i in share] == list(range(6))

    def cost(share):
        return sum(rows[i].length for i in share) + sum(len(p) for p in {rows[i].prompt for i in share})

    assert max(map(cost, shares)) == {1: 24 + 34 + 4, 2: 38, 3: 34, 5: 34}[parts]
    assert divide([], 2) == [[], []]
