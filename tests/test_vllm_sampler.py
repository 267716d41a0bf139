"""Training with a vLLM server as the sampler: the same run as without, whatever the server does."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from test_train import config, metrics  # noqa: E402
from tiny_lm import byte_tokenizer, tiny_model  # noqa: E402
from vllm_server import FakeVLLM, serving  # noqa: E402

from toolgym.agents.training.trainer import Trainer  # noqa: E402

pytestmark = pytest.mark.usefixtures("one_thread")


def train(out, resume=False, on_step=None, **kwargs):
    run = Trainer(config(out, **kwargs), resume=resume, on_step=on_step, loaded=(tiny_model(), byte_tokenizer()))
    run.run()
    return run


def test_a_run_through_a_server_is_the_same_run(tmp_path):
    alone = train(tmp_path / "alone", importance_cap=2.0)
    fake = FakeVLLM(tiny_model(seed=1), byte_tokenizer(), seeds=[f"0 {step}" for step in range(3)])
    with serving(fake) as address:
        served = train(tmp_path / "served", sampler=address)
    ours, theirs = (metrics(tmp_path / name) for name in ("alone", "served"))
    assert [row["reward"] for row in ours] == [row["reward"] for row in theirs]
    for one, other in zip(alone.model.parameters(), served.model.parameters(), strict=True):
        assert torch.allclose(one, other, atol=1e-5)
    assert all(row["sampler/refused"] == row["sampler/stale"] == 0 for row in theirs)
    assert all(row["sampler/canary"] < 1e-5 and row["importance/log_ratio"] < 1e-5 for row in theirs)
