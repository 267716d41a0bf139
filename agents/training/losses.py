"""The losses of GRPO and its relatives, as pure functions: tensors in, (loss, metrics) out.

One optimizer step over N samples, whose completions have at most T tokens:

    weights = token_weights(mask, loss_type="dapo")            # (N, T), over all of the optimizer batch
    for rows in micro_batches:                                 # any split: the sum of gradients is the same
        loss, metrics = policy_loss(logprobs, advantages[rows], weights[rows], loss_type="dapo")
        loss.backward()
    mean_metrics(all_metrics)

Losses are summed, not averaged: the divisor is in the weights. So accumulation over micro-batches is exact. A mean per
micro-batch would give tokens of short micro-batches more weight.

A new loss is a function (Ratios -> TokenLosses) and a row in ``LOSSES``; its name also goes into ``LossType`` of
``config.py``, which is the command line's list of choices.

Names and conventions are TRL's (``GRPOConfig``). Left out of TRL's GRPO, and why:

    bnpo                           its divisor depends on how the batch is split into micro-batches
    sapo, luspo, vespo             variants for ratios far from 1: with one update per batch, the default, it is 1
    top-entropy filtering          every sampled token counts here
    off-policy sequence masking    samples are fewer than ``num_iterations`` updates old here; ratios are clipped

Advantages are per token, so credit may differ between the turns or calls of an episode (``advantages.py``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Literal, NamedTuple, TypeAlias

import torch
from torch import Tensor

from ..config import LossType

KLEstimator: TypeAlias = Literal["k2", "k3"]
Metrics: TypeAlias = dict[str, Tensor]
LOG_RATIO_LIMIT = 20.0
CISPO_EPSILON_HIGH = 5.0


class Ratios(NamedTuple):
    """The input of a loss; tensors are (N, T). ``logprobs`` and ``log_ratio`` are 0 at tokens that do not count."""

    logprobs: Tensor
    """Of the policy being trained, with gradient."""
    log_ratio: Tensor
    """Log of new over old probability, with gradient, within +-LOG_RATIO_LIMIT."""
    advantages: Tensor
    counts: Tensor
    """bool: tokens with a weight."""
    epsilon: float
    epsilon_high: float | None
    delta: float | None


class TokenLosses(NamedTuple):
    """The output of a loss, (N, T) each."""

    losses: Tensor
    log_ratio: Tensor
    """As the loss used it, for the metrics."""
    low: Tensor
    """bool: clipped below."""
    high: Tensor
    """bool: ratio above the upper bound; clipped if the advantage is above 0."""


def clipped(x: Ratios) -> TokenLosses:
    """PPO's clipped loss of each token: -min(r A, clip(r, 1 - epsilon, 1 + epsilon_high) A)."""
    epsilon_high = x.epsilon if x.epsilon_high is None else x.epsilon_high
    ratio = x.log_ratio.exp()
    # delta bounds the ratio where A < 0, for which clipping has no upper bound
    held = ratio.clamp(max=torch.inf if x.delta is None else x.delta)
    losses = -torch.min(held * x.advantages, ratio.clamp(1 - x.epsilon, 1 + epsilon_high) * x.advantages)
    low = (ratio < 1 - x.epsilon) & (x.advantages < 0)
    return TokenLosses(losses, x.log_ratio, low, ratio > 1 + epsilon_high)


def sequence_clipped(x: Ratios) -> TokenLosses:
    """GSPO: ``clipped`` with the sample's geometric mean ratio at every token."""
    mean = x.log_ratio.detach().sum(1, keepdim=True) / x.counts.sum(1, keepdim=True).clamp(min=1)  # (N, 1)
    # the value is the mean's; the gradient is each token's own
    return clipped(x._replace(log_ratio=mean + (x.logprobs - x.logprobs.detach())))


def truncated_weight(x: Ratios) -> TokenLosses:
    """CISPO: the log-probability, times the advantage and a constant ratio of at most epsilon_high."""
    cap = CISPO_EPSILON_HIGH if x.epsilon_high is None else x.epsilon_high
    if cap < 1 or x.delta is not None:
        raise ValueError(f"cispo caps the ratio itself: epsilon_high from 1, and no delta; got {cap}, {x.delta}")
    ratio = x.log_ratio.exp()
    # detached: no gradient through the ratio, so a token above the cap still learns
    losses = -ratio.detach().clamp(max=cap) * x.advantages * x.logprobs
    return TokenLosses(losses, x.log_ratio, torch.zeros_like(x.counts), ratio > cap)


class Loss(NamedTuple):
    """How a loss treats a token, and what ``token_weights`` averages over."""

    of_tokens: Callable[[Ratios], TokenLosses]
    mean: Literal["token", "sample", "length"]


LOSSES: dict[LossType, Loss] = {
    "dapo": Loss(clipped, mean="token"),
    "grpo": Loss(clipped, mean="sample"),
    "dr_grpo": Loss(clipped, mean="length"),
    "gspo": Loss(sequence_clipped, mean="sample"),
    "cispo": Loss(truncated_weight, mean="token"),
}


def token_weights(
    mask: Tensor,
    *,
    loss_type: LossType = "dapo",
    max_completion_length: int | None = None,
    truncated: Tensor | None = None,
) -> Tensor:
    """The factor of each token's loss before everything is summed: (N, T) float32, 0 for tokens that do not count.

    dapo, cispo   1 / (tokens in the batch): every token the same (DAPO, arXiv 2503.14476, section 3.3)
    grpo, gspo    1 / (tokens of its sample) / (samples): every sample the same
    dr_grpo       1 / (samples * max_completion_length): no preference for short answers (arXiv 2503.20783)

    Args:
        mask: (N, T) bool: the sampled tokens of the whole optimizer batch.
        max_completion_length: for dr_grpo, the constant length to divide by.
        truncated: (N,) bool: samples to leave out because they were cut off (TRL's ``mask_truncated_completions``).

    A sample without a token that counts is not counted in (samples) either; TRL's grpo and dr_grpo count it.
    """
    if loss_type not in LOSSES:
        raise ValueError(f"unknown loss_type {loss_type!r}: choose {', '.join(LOSSES)}")
    counts = mask.bool() if truncated is None else mask.bool() & ~truncated[:, None]
    lengths = counts.sum(1, keepdim=True)  # (N, 1)
    samples = (lengths > 0).sum().clamp(min=1)
    mean = LOSSES[loss_type].mean
    if mean == "token":
        total = lengths.sum().clamp(min=1).expand_as(lengths)
    elif mean == "sample":
        total = samples * lengths.clamp(min=1)
    else:
        if max_completion_length is None or max_completion_length < 1:
            raise ValueError("loss_type dr_grpo needs max_completion_length, the length to divide by")
        total = (samples * max_completion_length).expand_as(lengths)
    return counts / total.float()


def policy_loss(
    logprobs: Tensor,
    advantages: Tensor,
    weights: Tensor,
    *,
    old_logprobs: Tensor | None = None,
    loss_type: LossType = "dapo",
    epsilon: float = 0.2,
    epsilon_high: float | None = None,
    delta: float | None = None,
    importance: Tensor | None = None,
    ref_logprobs: Tensor | None = None,
    beta: float = 0.0,
    kl_estimator: KLEstimator = "k2",
    entropy: Tensor | None = None,
) -> tuple[Tensor, Metrics]:
    """The policy's loss, summed over a micro-batch; every tensor is (N, T).

    With r = exp(logprobs - old_logprobs), A the advantages:

    dapo, grpo, dr_grpo   -min(r A, clip(r, 1 - epsilon, 1 + epsilon_high) A); with ``delta``, r in the first term is
                          at most delta (INTELLECT-2, arXiv 2505.07291)
    gspo                  the same with the sample's geometric mean ratio (arXiv 2507.18071, GSPO-token of section 4.3:
                          each token keeps its own advantage and gradient; their epsilons are near 0.0003)
    cispo                 -min(r, epsilon_high) A logprobs, the factor constant (arXiv 2506.13585)

    Args:
        logprobs: of the policy being trained, with gradient.
        weights: of ``token_weights``, with the same loss_type. A token of weight 0 has no effect, whatever the other
            tensors hold there.
        old_logprobs: of the policy that sampled. None on the first update after sampling, when that policy is this
            one: then r = 1, the value of the loss means nothing, and its gradient is -A grad logprobs. None is better
            than the sampler's own numbers: in bfloat16 they differ from the trainer's by tenths of a nat.
        epsilon, epsilon_high: epsilon_high defaults to epsilon. For cispo it is the ratio's cap itself and defaults
            to 5.
        delta: see above; not for cispo.
        importance: of ``importance_weights``: multiplies each token's loss, but not the KL term.
        ref_logprobs, beta, kl_estimator: adds beta * KL to a reference policy. k2 = log-ratio squared / 2 has the KL's
            gradient if the batch is on-policy. k3 = exp(-log-ratio) - 1 + log-ratio has the KL's value, but the
            gradient of the forward KL; it is here for comparison with trainers that use it. For k1 see ``kl_rewards``.
        entropy: for the metrics.

    Returns:
        The loss, a scalar, and sums over tokens for ``mean_metrics``.
    """
    counts = weights != 0  # (N, T) bool
    if not logprobs.shape == advantages.shape == weights.shape:
        shapes = ", ".join(str(tuple(x.shape)) for x in (logprobs, advantages, weights))
        raise ValueError(f"logprobs, advantages and weights must have one shape, got {shapes}")
    if beta and ref_logprobs is None:
        raise ValueError(f"beta {beta} needs ref_logprobs")
    # masked first: nan or inf at a token that does not count must reach neither the loss nor its gradient
    logprobs = logprobs.masked_fill(~counts, 0.0)
    old = logprobs.detach() if old_logprobs is None else old_logprobs.masked_fill(~counts, 0.0)
    log_ratio = (logprobs - old).clamp(-LOG_RATIO_LIMIT, LOG_RATIO_LIMIT)  # exp cannot overflow
    losses, log_ratio, low, high = LOSSES[loss_type].of_tokens(
        Ratios(logprobs, log_ratio, advantages, counts, epsilon, epsilon_high, delta)
    )
    ratio = log_ratio.detach().exp()
    if importance is not None:
        losses = losses * importance
    metrics = {
        "tokens": _sum(counts, counts),
        "ratio": _sum(ratio, counts),
        "approx_kl": _sum(ratio - 1 - log_ratio, counts),
        "clip_ratio/low": _sum(low, counts),
        "clip_ratio/high": _sum(high & (advantages > 0), counts),
    }
    if ref_logprobs is not None:
        k1 = logprobs - ref_logprobs.masked_fill(~counts, 0.0)  # (N, T) log-ratio to the reference
        k3 = (-k1).exp() - 1 + k1
        metrics["kl"] = _sum(k3, counts)
        losses = losses + beta * (k1.square() / 2 if kl_estimator == "k2" else k3)
    if entropy is not None:
        metrics["entropy"] = _sum(entropy, counts)
    # masked before the product: 0 * nan is nan
    return (losses.masked_fill(~counts, 0.0) * weights).sum(), metrics


def importance_weights(
    logprobs: Tensor, sampler_logprobs: Tensor, mask: Tensor, *, cap: float = 2.0
) -> tuple[Tensor, Metrics]:
    """Truncated importance weights min(pi_trainer / pi_sampler, cap), (N, T), and sums over tokens for the metrics.

    They correct for a sampler whose numbers differ from the trainer's with the same model weights: another engine or
    another precision (TRL's ``token_truncate``).

    Args:
        logprobs: the trainer's own, of the policy that sampled; no gradient goes through them.
        mask: (N, T) bool: tokens that count. All other tokens get weight 1.
    """
    log_ratio = (logprobs.detach() - sampler_logprobs).masked_fill(~mask, 0.0)
    weights = log_ratio.exp()
    metrics = {
        "importance": _sum(weights, mask),
        "importance/capped": _sum(weights > cap, mask),
        "importance/log_ratio": _sum(log_ratio.abs(), mask),
    }
    return weights.clamp(max=cap), metrics


def kl_rewards(logprobs: Tensor, ref_logprobs: Tensor, mask: Tensor, beta: float) -> Tensor:
    """k1 as a reward: -beta times each token's log-ratio to the reference, 0 outside the mask; all (N, T).

    Added to an episode's reward without scaling, it has the gradient of the KL, as k2 in the loss has. k1 in the loss
    has an expected gradient of 0.
    """
    return -beta * (logprobs.detach() - ref_logprobs).masked_fill(~mask, 0.0)


def mean_metrics(parts: Iterable[Mapping[str, Tensor | float]]) -> dict[str, float]:
    """The mean of each metric over the tokens of all micro-batches, and ``tokens``, their number.

    With a metric ``a/tokens``, the metrics ``a/...`` are means over these tokens instead.
    """
    totals: dict[str, float] = {}
    for part in parts:
        for name, value in part.items():
            totals[name] = totals.get(name, 0.0) + float(value)
    tokens = totals.pop("tokens", 0.0)
    own = {name: totals.pop(name) for name in list(totals) if name.endswith("/tokens")}
    means = {
        name: total / max(own.get(f"{name.rpartition('/')[0]}/tokens", tokens), 1.0) for name, total in totals.items()
    }
    return {"tokens": tokens, **own, **means}


def _sum(x: Tensor, counts: Tensor) -> Tensor:
    return x.detach().double().masked_fill(~counts, 0.0).sum()
