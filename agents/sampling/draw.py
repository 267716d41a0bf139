"""Sampling one token per row from logits: pure functions of tensors."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def choose(
    logits: Tensor, uniforms: Tensor | None, *, temperature: float, top_p: float = 1.0, top_k: int = 0
) -> tuple[Tensor, Tensor]:
    """Sample a token for each row by inverting the cumulative distribution.

    Args:
        logits: (rows, V), of any float type; computed in float32.
        uniforms: (rows,) float64 in [0, 1), the only source of randomness; not needed at temperature 0.
        temperature: 0 takes the most likely token.
        top_p: keep the fewest tokens, most likely first, that together have this probability. 1 keeps all.
        top_k: keep this many tokens, and tokens tied with the last. 0 keeps all.

    Returns:
        tokens (rows,) int64, and their log-probabilities (rows,) float32 under softmax(logits / temperature). The
        softmax is over the whole vocabulary, without ``top_p`` and ``top_k``; at temperature 0 it is softmax(logits).
    """
    logits = logits.float()
    if temperature == 0 or uniforms is None:
        tokens = logits.argmax(-1, keepdim=True)
        return tokens[:, 0], logits.log_softmax(-1).gather(1, tokens)[:, 0]
    weights = (logits if temperature == 1 else logits / temperature).softmax(-1)
    # ``weights`` keeps the whole vocabulary, (rows, V): a trainer computes its log-probabilities the same way
    tokens = invert(truncate(weights, top_p, top_k), uniforms.to(weights.device))
    return tokens, weights.gather(1, tokens[:, None])[:, 0].log()


_BLOCK = 256


def invert(weights: Tensor, uniforms: Tensor) -> Tensor:
    """The first index in each row at which the running sum of ``weights`` exceeds ``uniforms`` times the total.

    Sums run over blocks first, then within a block, in float64: in a float32 running sum over 10^5 weights, small
    weights vanish.

    Args:
        weights: (rows, n), not negative.
        uniforms: (rows,) float64 in [0, 1).

    Returns:
        (rows,) int64. The weight at the index is above 0, unless the whole row is 0.
    """
    # (rows, blocks, 256), padded with weights of 0
    blocks = F.pad(weights, (0, -weights.shape[1] % _BLOCK)).view(len(weights), -1, _BLOCK)
    block, inside = _first_above(blocks.sum(-1), uniforms)
    chosen = blocks[torch.arange(len(block), device=block.device), block]
    index = block * _BLOCK + _first_above(chosen, inside)[0]
    return index.clamp_(max=weights.shape[1] - 1)


def _first_above(weights: Tensor, uniforms: Tensor) -> tuple[Tensor, Tensor]:
    """The index that ``invert`` returns, and the target's place within the weight at that index, in [0, 1)."""
    sums = weights.double().cumsum(1)
    total = sums[:, -1]
    # rounding must not carry the target past the last weight above 0
    target = torch.minimum(uniforms * total, total.nextafter(torch.zeros_like(total)))
    index = torch.searchsorted(sums, target[:, None], right=True).clamp_(max=weights.shape[1] - 1)
    here = weights.gather(1, index).double()
    into = (target[:, None] - sums.gather(1, index) + here) / here
    return index[:, 0], into[:, 0].nan_to_num(0.0).clamp_(0.0, 1 - 2.0**-53)


def truncate(weights: Tensor, top_p: float, top_k: int) -> Tensor:
    """Set weights (rows, V) to 0 outside ``top_k``, then outside ``top_p`` of the remaining weight."""
    if 0 < top_k < weights.shape[1]:
        smallest = weights.topk(top_k).values[:, -1:]
        weights = weights.where(weights >= smallest, 0)
    if top_p < 1:
        ordered, order = weights.sort(descending=True)
        before = ordered.cumsum(-1) - ordered  # without the token itself: the token that reaches top_p is kept
        kept = ordered.where(before < top_p * ordered.sum(-1, keepdim=True), 0)
        weights = torch.zeros_like(weights).scatter_(1, order, kept)
    return weights
