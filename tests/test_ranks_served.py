"""Several ranks that ask one vLLM server train as one process does, whatever the server does; and end together."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from shutil import copytree

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("aiohttp")

from ranks_cases import trainer  # noqa: E402
from ranks_served import CASES  # noqa: E402
from test_ranks import differences, rows, start  # noqa: E402
from tiny_lm import byte_tokenizer, tiny_model  # noqa: E402
from vllm_server import FakeVLLM, serving  # noqa: E402

from toolgym.agents import checkpoint  # noqa: E402

pytestmark = [
    pytest.mark.usefixtures("one_thread"),
    pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing. is deprecated:FutureWarning"),
]
RESTARTED_AFTER = {"overlap": 25, "fsdp": 12}
"""Answers after which a case's server is killed once, and comes back with the weights it was started with."""
HERE = Path(__file__).parent


class Mortal(FakeVLLM):
    """Never answers again once an episode is sampled by the weights of the third step."""

    dead, sent = False, 0

    def post(self, path, body):
        samples = path.endswith("generate") and "logprob_token_ids" not in body["sampling_params"]
        self.dead |= samples and self.label.endswith(":4")  # the first ones are a trial with noise
        return None if self.dead else super().post(path, body)

    def update_weight_version(self, body):
        self.sent += 1
        return super().update_weight_version(body)


def server(kind=FakeVLLM):
    return kind(tiny_model(seed=1), byte_tokenizer(), seeds=[f"0 {step}" for step in range(5)])


@pytest.fixture(scope="module")
def both(tmp_path_factory, one_thread):
    """Folders of the runs of two ranks and of one process; and the servers of the ranks."""
    two, one = tmp_path_factory.mktemp("two"), tmp_path_factory.mktemp("one")
    servers = {name: server(Mortal) for name in CASES}
    for name, answers in RESTARTED_AFTER.items():
        servers[name].faults = [""] * answers + ["restart"]
    with ExitStack() as stack:
        addresses = [stack.enter_context(serving(each)) for each in servers.values()]
        processes = start([str(HERE / "ranks_served.py"), str(two), *addresses], two)
        try:
            for name, settings in CASES.items():
                address = stack.enter_context(serving(server()))
                trainer(one / name, sampler=address, **{**settings, "fsdp": False}).run()
            for process in processes:
                process.wait(timeout=300)
        finally:
            for process in processes:
                process.kill()
    assert (two / "done-0").is_file(), (two / "said-0").read_text()
    assert (two / "done-1").is_file(), (two / "said-1").read_text()
    return two, one, servers


@pytest.mark.parametrize("name", CASES)
def test_a_server_that_comes_back_with_old_weights_gets_them_again(both, name):
    two, _, servers = both
    assert servers[name].restarts == 1
    assert sum(row.get("sampler/refused", 0) for row in rows(two / name)) > 0
    assert servers[name].sent == 5, (
        "rank 0 alone sends weights: with noise, of three steps, and once more after the restart"
    )


@pytest.mark.parametrize("name", CASES)
def test_a_server_that_is_gone_ends_all_ranks_with_one_reason(both, name):
    two, _, _ = both
    reasons = [(two / f"{name}-{rank}").read_text() for rank in (0, 1)]
    assert reasons[0] == reasons[1]
    assert reasons[0].startswith(f"TrainingStopped: step {3 + (name == 'overlap')}: the vLLM server at")
    assert checkpoint.latest(two / name)["step"] == 2


@pytest.mark.parametrize("name", CASES)
def test_two_ranks_and_a_server_and_then_one_process_are_one_process(both, tmp_path, name):
    two, one = tmp_path / name, both[1] / name
    copytree(both[0] / name, two)
    with serving(server()) as address:
        trainer(two, resume=True, sampler=address, **{**CASES[name], "fsdp": False}).run()
    assert max(differences(two, one).values()) < 1e-6
    assert len(rows(two)) == len(rows(one))
    for a, b in zip(rows(two), rows(one), strict=True):
        a.pop("sampler/refused", 0), b.pop("sampler/refused", 0)
        assert a == pytest.approx(b, rel=2e-6, abs=1e-6)
    groups = [{path.read_bytes() for path in folder.glob("groups/*/episodes.jsonl")} for folder in (two, one)]
    assert set() < groups[1] <= groups[0], "the same samples; the run that was stopped saved some more"
    assert not (two / "sampler-weights").exists()
