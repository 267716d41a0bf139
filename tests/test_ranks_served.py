"""Several ranks that ask one vLLM server train as one process does, whatever the server does; and end together."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("aiohttp")

from ranks_cases import trainer  # noqa: E402
from ranks_served import CASES, ENDING  # noqa: E402
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
    """Never answers again once an episode is sampled by the weights of the second step."""

    dead = False

    def post(self, path, body):
        samples = path.endswith("generate") and "logprob_token_ids" not in body["sampling_params"]
        self.dead |= samples and self.label.endswith(":3")  # the first ones are a trial with noise
        return None if self.dead else super().post(path, body)


def server(kind=FakeVLLM):
    return kind(tiny_model(seed=1), byte_tokenizer(), seeds=[f"0 {step}" for step in range(5)])


@pytest.fixture(scope="module")
def both(tmp_path_factory, one_thread):
    """Folders of the runs of two ranks and of one process; and the servers of each."""
    two, one = tmp_path_factory.mktemp("two"), tmp_path_factory.mktemp("one")
    servers = {name: server() for name in CASES} | {name: server(Mortal) for name in ENDING}
    alone = {name: server() for name in CASES}
    for name, answers in RESTARTED_AFTER.items():
        servers[name].faults = [""] * answers + ["restart"]
    with ExitStack() as stack:
        addresses = [stack.enter_context(serving(each)) for each in servers.values()]
        processes = start([str(HERE / "ranks_served.py"), str(two), *addresses], two)
        try:
            for name, settings in CASES.items():
                address = stack.enter_context(serving(alone[name]))
                trainer(one / name, sampler=address, **{**settings, "fsdp": False}).run()
            for process in processes:
                process.wait(timeout=300)
        finally:
            for process in processes:
                process.kill()
    assert (two / "done-0").is_file(), (two / "said-0").read_text()
    assert (two / "done-1").is_file(), (two / "said-1").read_text()
    return two, one, servers, alone


def check_same(two, one):
    assert max(differences(two, one).values()) < 1e-6
    assert len(rows(two)) == len(rows(one))
    for a, b in zip(rows(two), rows(one), strict=True):
        a.pop("sampler/refused", 0), b.pop("sampler/refused", 0)
        assert a == pytest.approx(b, rel=2e-6, abs=1e-6)
    groups = [{path.read_bytes() for path in folder.glob("groups/*/episodes.jsonl")} for folder in (two, one)]
    assert set() < groups[0] <= groups[1], "the same samples, if they were saved as often"


@pytest.mark.parametrize("name", CASES)
def test_two_ranks_and_a_server_are_one_process(both, name):
    two, one, servers, alone = both
    check_same(two / name, one / name)
    sent = [len([path for path in each[name].requests if "pause" in path]) for each in (servers, alone)]
    assert sent[0] == sent[1] + 1, "rank 0 alone sends weights, and once more after the restart"
    assert not (two / name / "sampler-weights").exists()


@pytest.mark.parametrize("name", CASES)
def test_a_server_that_comes_back_with_old_weights_gets_them_again(both, name):
    two, _, servers, _ = both
    assert servers[name].restarts == 1
    assert sum(row.get("sampler/refused", 0) for row in rows(two / name)) > 0


@pytest.mark.parametrize("name", CASES)
def test_a_server_that_is_gone_ends_all_ranks_with_one_reason_and_one_process_goes_on(both, name):
    two, one, _, _ = both
    reasons = [(two / f"{name}-ends-{rank}").read_text() for rank in (0, 1)]
    assert reasons[0] == reasons[1]
    assert reasons[0].startswith("TrainingStopped: step ")
    assert "the vLLM server at" in reasons[0]
    assert checkpoint.latest(two / f"{name}-ends")["step"] == 1
    settings = {**ENDING[f"{name}-ends"], "fsdp": False}
    with serving(server()) as address:
        trainer(two / f"{name}-ends", resume=True, sampler=address, **settings).run()
    check_same(two / f"{name}-ends", one / name)
