"""Activation checkpointing: the same gradients in every layout, with fewer activations kept."""

from __future__ import annotations

import copy

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from tiny_lm import tiny_model  # noqa: E402

from toolgym.agents.tokens import Sample  # noqa: E402
from toolgym.agents.training.batch import Batch  # noqa: E402
from toolgym.agents.training.forward import TrainingForward  # noqa: E402
from toolgym.agents.training.recompute import layers_of, recompute_layers, recomputes  # noqa: E402
from toolgym.runlog import RunError  # noqa: E402

pytestmark = pytest.mark.usefixtures("one_thread")


def batch():
    answers = [[9, 8, 7], [3] * 20, [5, 6]]
    return Batch.of(
        [Sample([1, 2, 4, 4, *ids], [0] * 4 + [1] * len(ids), *[[0.0] * (4 + len(ids))] * 2, 4) for ids in answers]
    )


def gradients(model, forward):
    """Of the mean log-probability; and the number of values that autograd kept for backward."""
    kept = []
    with torch.autograd.graph.saved_tensors_hooks(lambda x: kept.append(x.numel()) or x, lambda x: x):
        logprobs, _ = forward.logprobs(batch())
    logprobs.mean().backward()
    found = [parameter.grad.clone() for parameter in model.parameters()]
    model.zero_grad()
    return found, sum(kept)


@pytest.mark.parametrize("layout", ["split", "cached", "padded", "single"])
def test_gradients_are_the_same_and_fewer_activations_are_kept(layout):
    model = tiny_model(num_hidden_layers=4)
    forward = TrainingForward(model, layout)
    plain, kept = gradients(model, forward)
    recompute_layers(model)
    assert recomputes(model)
    assert forward.layout == layout
    again, fewer = gradients(model, forward)
    for a, b in zip(plain, again, strict=True):
        if layout == "cached":  # the plain layout takes its place
            torch.testing.assert_close(a, b, atol=1e-5, rtol=1e-4)
        else:
            assert torch.equal(a, b)
    assert fewer < kept / 2


def test_copies_recompute_by_themselves_and_names_stay():
    model = tiny_model()
    names = list(model.state_dict())
    recompute_layers(model)
    other = copy.deepcopy(model)
    assert list(model.state_dict()) == names
    with torch.no_grad():
        next(layers_of(model)).mlp.up_proj.weight.zero_()
    mine, theirs = (gradients(each, TrainingForward(each))[0] for each in (model, other))
    assert not all(torch.equal(a, b) for a, b in zip(mine, theirs, strict=True))


def test_a_model_without_layers_is_refused():
    with pytest.raises(RunError, match="gradient_checkpointing and fsdp take layers"):
        list(layers_of(torch.nn.Linear(1, 1)))
