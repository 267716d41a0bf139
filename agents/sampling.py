"""Drawing one token per row from logits: pure functions of tensors."""

from __future__ import annotations

import torch
from torch import Tensor


def choose(
    logits: Tensor, uniforms: Tensor | None, *, temperature: float, top_p: float = 1.0, top_k: int = 0
) -> tuple[Tensor, Tensor]:
    """Draw a token for each row by inverting the distribution function.

    Args:
        logits: (rows, vocabulary), of any float type; computed with in float32.
        uniforms: (rows,) float64 in [0, 1), the only source of chance; not needed at temperature 0.
        temperature: 0 takes the most likely token.
        top_p: keep the fewest tokens, most likely first, that together have this probability. 1 keeps all.
        top_k: keep this many tokens, and those tied with the last. 0 keeps all.

    Returns:
        tokens (rows,) int64, and their log-probabilities (rows,) float32 under softmax(logits / temperature), over
        the whole vocabulary whatever ``top_p`` and ``top_k`` cut off; at temperature 0 under softmax(logits).
    """
    logits = logits.float()
    if temperature == 0 or uniforms is None:
        tokens = logits.argmax(-1, keepdim=True)
        return tokens[:, 0], logits.log_softmax(-1).gather(1, tokens)[:, 0]
    logprobs = (logits / temperature).log_softmax(-1)
    # float64, because in a float32 running sum over 10^5 tokens the unlikely ones vanish
    cumulative = truncate(logprobs.exp(), top_p, top_k).double().cumsum(-1)
    # uniform < 1, so the target is below the last sum, and the first sum above it is where the token has weight
    target = uniforms.to(cumulative).unsqueeze(1) * cumulative[:, -1:]
    tokens = torch.searchsorted(cumulative, target, right=True).clamp_(max=logits.shape[1] - 1)
    return tokens[:, 0], logprobs.gather(1, tokens)[:, 0]


def truncate(weights: Tensor, top_p: float, top_k: int) -> Tensor:
    """Set to 0 the weights of tokens outside ``top_k``, then outside ``top_p`` of what is left; (rows, vocabulary)."""
    if 0 < top_k < weights.shape[1]:
        smallest = weights.topk(top_k).values[:, -1:]
        weights = weights.where(weights >= smallest, 0)
    if top_p < 1:
        ordered, order = weights.sort(descending=True)
        before = ordered.cumsum(-1) - ordered
        kept = ordered.where(before < top_p * ordered.sum(-1, keepdim=True), 0)
        weights = torch.zeros_like(weights).scatter_(1, order, kept)
    return weights
