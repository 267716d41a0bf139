"""Log-probabilities of chosen tokens without keeping a [tokens x vocabulary] matrix.

With 16 rollouts of 64 tokens and a vocabulary of 49,152, the logits alone are 200 MB in float32, and autograd keeps
them and their softmax until backward. Here logits exist for one chunk of tokens at a time, and backward computes them
again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.utils.checkpoint import checkpoint

_CHUNK_ELEMENTS = {"cpu": 2**23}  # logits alive at once: 32 MB in float32; larger where launching kernels costs
_CHUNK_ELEMENTS_DEFAULT = 2**26


def token_logprobs(
    hidden: Tensor,
    head: Tensor | Callable[[Tensor], Tensor],
    targets: Tensor,
    *,
    temperature: float = 1.0,
    entropy: bool = False,
    chunk: int | None = None,
) -> tuple[Tensor, Tensor | None]:
    """log softmax(head(hidden) / temperature) at the targets.

    Args:
        hidden: (n, H), the states that predict the targets.
        head: the output layer: its weight (V, H), or any module from (n, H) to logits (n, V).
        targets: (n,) int64.
        temperature: the temperature of sampling.
        entropy: also compute each distribution's entropy, in nats, without gradient.
        chunk: tokens at a time; None for a size that suits the device.

    Returns:
        (n,) log-probabilities and (n,) entropies or None, both float32 (float64 for float64 states). Logits are
        computed in the dtype of ``hidden``, or autocast's; everything after them in float32.

    Raises ValueError for a temperature that is not above 0.
    """
    if temperature <= 0:
        raise ValueError(f"temperature must be above 0 in training, got {temperature}")
    device = hidden.device.type
    if torch.is_autocast_enabled(device):
        dtype = torch.get_autocast_dtype(device)
        hidden = hidden.to(dtype)
        head = head.to(dtype) if isinstance(head, Tensor) else head
    if chunk is None:
        vocabulary = head.shape[0] if isinstance(head, Tensor) else 2**16
        chunk = max(1, _CHUNK_ELEMENTS.get(device, _CHUNK_ELEMENTS_DEFAULT) // vocabulary)
    if isinstance(head, Tensor):
        apply: Any = _HeadLogprobs.apply
        with torch.autocast(device, enabled=False):
            logprobs, entropies = apply(hidden, head, targets, temperature, chunk, entropy)
    else:
        logprobs, entropies = _through_module(hidden, head, targets, temperature, chunk)
    return logprobs, entropies if entropy else None


def _through_module(
    hidden: Tensor, head: Callable[[Tensor], Tensor], targets: Tensor, temperature: float, chunk: int
) -> tuple[Tensor, Tensor]:
    """For an output layer with a bias or an adapter: checkpointed chunk by chunk."""

    def one(states: Tensor, chosen: Tensor) -> tuple[Tensor, Tensor]:
        logprobs = (_wide(head(states)) / temperature).log_softmax(-1)  # (chunk, V)
        entropies = -(logprobs.detach().exp() * logprobs.detach()).sum(-1)
        return logprobs.gather(1, chosen[:, None])[:, 0], entropies

    parts = [
        checkpoint(one, states, chosen, use_reentrant=False)
        for states, chosen in zip(torch.split(hidden, chunk), torch.split(targets, chunk), strict=True)
    ]
    return torch.cat([logprobs for logprobs, _ in parts]), torch.cat([entropies for _, entropies in parts])


def _wide(x: Tensor) -> Tensor:
    return x if x.dtype == torch.float64 else x.float()


class _HeadLogprobs(torch.autograd.Function):
    """(hidden, weight, targets) -> (logprobs, entropies); the softmax is computed again in backward."""

    @staticmethod
    def forward(
        ctx: Any, hidden: Tensor, weight: Tensor, targets: Tensor, temperature: float, chunk: int, entropy: bool
    ) -> tuple[Tensor, Tensor]:
        n = hidden.shape[0]
        kind = torch.float64 if hidden.dtype == torch.float64 else torch.float32
        logprobs = torch.empty(n, dtype=kind, device=hidden.device)
        entropies = torch.zeros(n, dtype=kind, device=hidden.device)
        for i in range(0, n, chunk):
            part = slice(i, i + chunk)
            logits = _wide(hidden[part] @ weight.t()).div_(temperature)  # (chunk, V)
            total = logits.logsumexp(-1)  # (chunk,)
            logprobs[part] = logits.gather(1, targets[part, None])[:, 0] - total
            if entropy:
                # H = logsumexp - E[logit]
                mean = torch.linalg.vecdot((logits - total[:, None]).exp_(), logits)
                entropies[part] = total - mean
        ctx.save_for_backward(hidden, weight, targets)
        ctx.temperature, ctx.chunk = temperature, chunk
        ctx.mark_non_differentiable(entropies)
        return logprobs, entropies

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Any) -> Any:
        # d logp_y / d logit_v = ([v = y] - p_v) / temperature
        gradient = gradients[0] / ctx.temperature
        hidden, weight, targets = ctx.saved_tensors
        to_hidden = torch.empty_like(hidden) if ctx.needs_input_grad[0] else None
        to_weight = None
        if ctx.needs_input_grad[1]:
            # summed over chunks in float32: bfloat16 would lose the small ones
            to_weight = torch.zeros(weight.shape, dtype=gradient.dtype, device=weight.device)
        for i in range(0, hidden.shape[0], ctx.chunk):
            part = slice(i, i + ctx.chunk)
            # (chunk, V): the softmax, then in place the loss's derivative by the logits
            slope = _wide(hidden[part] @ weight.t()).div_(ctx.temperature).softmax(-1)
            slope.mul_(-gradient[part, None])
            slope.scatter_add_(1, targets[part, None], gradient[part, None])
            slope = slope.to(hidden.dtype)
            if to_hidden is not None:
                to_hidden[part] = slope @ weight
            if to_weight is not None and to_weight.dtype == slope.dtype:
                to_weight.addmm_(slope.t(), hidden[part])
            elif to_weight is not None:
                to_weight += slope.t() @ hidden[part]
        return to_hidden, to_weight if to_weight is None else to_weight.to(weight.dtype), None, None, None, None
