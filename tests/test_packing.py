"""Short samples of an SFT or pre-training batch stand side by side in one row, and are learnt as if alone."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from tiny_lm import tiny_model  # noqa: E402

from toolgym.agents.tokens import Sample  # noqa: E402
from toolgym.agents.training.forward import TrainingForward  # noqa: E402
from toolgym.agents.training.update import SFTUpdate  # noqa: E402

pytestmark = pytest.mark.usefixtures("one_thread")


def sample(stream, prompt, length):
    n = prompt + length
    ids = torch.randint(0, 256, (n,), generator=stream).tolist()
    return Sample(ids, [0] * prompt + [1] * length, [0.0] * n, [0.0] * n, prompt)


@pytest.fixture
def samples():
    stream = torch.Generator().manual_seed(0)
    return [sample(stream, *lengths) for lengths in [(5, 3), (1, 30), (9, 1), (2, 7), (1, 12)]]


def test_a_batch_is_one_row_without_padding(samples):
    model = tiny_model()
    forward = TrainingForward(model)
    read = []
    model.model.embed_tokens.register_forward_hook(lambda _, args, __: read.append(tuple(args[0].shape)))
    SFTUpdate(samples, forward).gradients(0)
    # the last token of a sample is predicted, and not read
    assert read == [(1, sum(len(each.token_ids) - 1 for each in samples))]


def test_loss_and_gradients_are_those_of_each_sample_alone(samples):
    model = tiny_model().double()
    forward = TrainingForward(model)
    assert forward.layout == "split"
    packed = SFTUpdate(samples, forward).gradients(0)["nll"]
    found = torch.cat([p.grad.flatten() for p in model.parameters()])
    model.zero_grad()
    nll = torch.zeros((), dtype=torch.float64)
    for each in samples:
        ids = torch.tensor(each.token_ids)
        logprobs = model(ids[None]).logits[0, :-1].log_softmax(-1).gather(1, ids[1:, None])[:, 0]
        nll = nll - logprobs[torch.tensor(each.loss_mask[1:], dtype=torch.bool)].sum()
    nll = nll / sum(sum(each.loss_mask) for each in samples)
    nll.backward()
    wanted = torch.cat([p.grad.flatten() for p in model.parameters()])
    assert packed == pytest.approx(nll.item(), rel=1e-6)
    assert (found - wanted).norm() < 1e-6 * wanted.norm()
