"""Log-probabilities in chunks are those of the plain formula, with its gradients."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from toolgym.agents.training.logprobs import token_logprobs


def problem(n=7, width=5, vocabulary=11, dtype=torch.float64):
    torch.manual_seed(0)
    hidden = torch.randn(n, width, dtype=dtype, requires_grad=True)
    weight = torch.randn(vocabulary, width, dtype=dtype, requires_grad=True)
    return hidden, weight, torch.randint(0, vocabulary, (n,))


def plain(hidden, weight, targets, temperature):
    return (hidden @ weight.t() / temperature).log_softmax(-1).gather(1, targets[:, None])[:, 0]


@pytest.mark.parametrize("chunk", [1, 3, 7, 100, None])
@pytest.mark.parametrize("temperature", [1.0, 0.6])
def test_values_and_gradients_are_the_plain_formulas(chunk, temperature):
    hidden, weight, targets = problem()
    upstream = torch.randn(7, dtype=torch.float64)
    got, _ = token_logprobs(hidden, weight, targets, temperature=temperature, chunk=chunk)
    wanted = plain(hidden, weight, targets, temperature)
    torch.testing.assert_close(got, wanted)
    for a, b in zip(
        torch.autograd.grad(got @ upstream, (hidden, weight)),
        torch.autograd.grad(wanted @ upstream, (hidden, weight)),
        strict=True,
    ):
        torch.testing.assert_close(a, b)


def test_gradients_against_finite_differences():
    hidden, weight, targets = problem()
    assert torch.autograd.gradcheck(
        lambda h, w: token_logprobs(h, w, targets, temperature=0.8, chunk=3)[0], (hidden, weight)
    )


@pytest.mark.parametrize("as_module", [False, True])
def test_entropies(as_module):
    hidden, weight, targets = problem()
    head = (lambda x: x @ weight.t()) if as_module else weight
    assert token_logprobs(hidden, head, targets)[1] is None
    logprobs, entropies = token_logprobs(hidden, head, targets, temperature=0.5, entropy=True, chunk=2)
    all_logprobs = (hidden @ weight.t() / 0.5).log_softmax(-1)
    torch.testing.assert_close(entropies, -(all_logprobs.exp() * all_logprobs).sum(-1).detach())
    assert not entropies.requires_grad
    assert logprobs.requires_grad


def test_a_head_with_a_bias_and_a_frozen_weight():
    hidden, weight, targets = problem()
    head = nn.Linear(5, 11, dtype=torch.float64)
    got, _ = token_logprobs(hidden, head, targets, temperature=0.7, chunk=3)
    wanted = (head(hidden) / 0.7).log_softmax(-1).gather(1, targets[:, None])[:, 0]
    torch.testing.assert_close(got, wanted)
    inputs = (hidden, head.weight, head.bias)
    for a, b in zip(torch.autograd.grad(got.sum(), inputs), torch.autograd.grad(wanted.sum(), inputs), strict=True):
        torch.testing.assert_close(a, b)
    token_logprobs(hidden, weight.detach(), targets)[0].sum().backward()
    assert hidden.grad is not None


def test_half_precision_states_give_float32_and_lose_little():
    hidden, weight, targets = problem(n=300, width=32, vocabulary=50, dtype=torch.float32)
    exact = plain(hidden, weight, targets, 1.0)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        mixed, _ = token_logprobs(hidden, weight, targets, chunk=16)
    half, _ = token_logprobs(hidden.bfloat16(), weight.bfloat16(), targets, chunk=16)
    assert mixed.dtype == half.dtype == torch.float32
    torch.testing.assert_close(mixed, half)
    assert (mixed - exact).abs().mean() < 0.05
    gradients = [torch.autograd.grad(x.sum(), weight)[0] for x in (exact, mixed)]
    assert (gradients[1] - gradients[0]).norm() < 0.02 * gradients[0].norm()


def test_a_half_precision_head_loses_no_small_gradients_over_many_chunks():
    hidden = torch.ones(1000, 2, dtype=torch.bfloat16)
    weight = torch.zeros(4, 2, dtype=torch.bfloat16, requires_grad=True)
    token_logprobs(hidden, weight, torch.zeros(1000, dtype=torch.int64), chunk=1)[0].sum().backward()
    # each token adds 1 - 1/4 to the target's row and -1/4 to the others; bfloat16 would stop counting at 256
    assert weight.grad[:, 0].tolist() == pytest.approx([750, -250, -250, -250], rel=0.01)


def test_only_a_chunk_of_logits_is_alive():
    class Largest(torch.utils._python_dispatch.TorchDispatchMode):
        elements = 0

        def __torch_dispatch__(self, function, types, args=(), kwargs=None):
            out = function(*args, **(kwargs or {}))
            if isinstance(out, torch.Tensor) and out.shape[-1:] == (11,):
                self.elements = max(self.elements, out.numel())
            return out

    hidden, weight, targets = problem(n=64, width=3)
    with Largest() as seen:
        token_logprobs(hidden, weight, targets, chunk=4, entropy=True)[0].sum().backward()
    assert 0 < seen.elements <= 4 * 11


def test_a_temperature_of_0_is_refused():
    hidden, weight, targets = problem()
    with pytest.raises(ValueError, match="above 0"):
        token_logprobs(hidden, weight, targets, temperature=0.0)
