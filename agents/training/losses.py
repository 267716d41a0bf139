"""GRPO and its relatives as pure functions: tensors in, (loss, metrics) out.

One optimizer step over N samples, whose completions have at most T tokens:

    advantages, about = group_advantages(rewards)              # (groups, G), then Sample.credit
    weights = token_weights(mask, loss_type="dapo")            # (N, T), over all of the optimizer batch
    for rows in micro_batches:                                 # any split: the sum of gradients is the same
        loss, metrics = policy_loss(logprobs, advantages[rows], weights[rows], loss_type="dapo")
        loss.backward()
    mean_metrics(all_metrics)

Losses are summed, not averaged: what they are divided by is in the weights. That makes accumulation exact, where a
mean per micro-batch gives tokens of short micro-batches more weight.

Names and conventions are TRL's (``GRPOConfig``). Left out: bnpo (its normaliser depends on the micro-batch), sapo,
luspo, vespo, top-entropy filtering, off-policy sequence masking. A new loss is a row in ``LOSSES``.

Advantages are per token, so credit may differ between the turns or calls of an episode (``credit.py``);
``group_advantages`` gives one per episode.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple, TypeAlias

import torch
from torch import Tensor

ScaleRewards: TypeAlias = Literal["group", "batch", "none"]
LossType: TypeAlias = Literal["dapo", "grpo", "dr_grpo", "gspo", "cispo"]
KLEstimator: TypeAlias = Literal["k2", "k3"]
Metrics: TypeAlias = dict[str, Tensor]


class Loss(NamedTuple):
    """How the losses differ."""

    mean: Literal["token", "sample", "length"] = "token"
    sequence_ratio: bool = False
    truncated_weight: bool = False


LOSSES: dict[LossType, Loss] = {
    "dapo": Loss(),
    "grpo": Loss(mean="sample"),
    "dr_grpo": Loss(mean="length"),
    "gspo": Loss(mean="sample", sequence_ratio=True),
    "cispo": Loss(truncated_weight=True),
}
LOG_RATIO_LIMIT = 20.0
CISPO_EPSILON_HIGH = 5.0


def group_advantages(
    rewards: Tensor, valid: Tensor | None = None, *, scale_rewards: ScaleRewards = "group", eps: float = 1e-4
) -> tuple[Tensor, dict[str, float]]:
    """How much better each episode did than its group: (R - mean of the group) / (std + eps).

    Args:
        rewards: (groups, G).
        valid: (groups, G) bool; False for an episode whose reward was never given, or that a smaller group lacks.
            It takes no part in any statistic, and its advantage is 0.
        scale_rewards: the std of the group, of all valid rewards, or none (Dr. GRPO). Unbiased (n - 1), as in TRL.

    Returns:
        (groups, G) advantages, and metrics. A group in which fewer than two episodes count, or all have the same
        reward, says nothing about what was better: its advantages are 0, and ``frac_reward_zero_std`` counts it.

    Raises ValueError for a valid reward that is not finite.
    """
    if scale_rewards not in ("group", "batch", "none"):
        raise ValueError(f"scale_rewards must be group, batch or none, got {scale_rewards!r}")
    valid = torch.ones_like(rewards, dtype=torch.bool) if valid is None else valid
    if valid.shape != rewards.shape or rewards.dim() != 2:
        raise ValueError(f"rewards and valid must be (groups, G), got {tuple(rewards.shape)}, {tuple(valid.shape)}")
    broken = (valid & ~rewards.isfinite()).nonzero()
    if len(broken):
        group, member = broken[0].tolist()
        raise ValueError(f"the reward of episode {member} of group {group} is {rewards[group, member].item()}")
    rewards = rewards.double().masked_fill(~valid, 0.0)
    n = valid.sum(1, keepdim=True)
    centred = (rewards - rewards.sum(1, keepdim=True) / n.clamp(min=1)).masked_fill(~valid, 0.0)
    std = (centred.square().sum(1, keepdim=True) / (n - 1).clamp(min=1)).sqrt()
    lowest = rewards.masked_fill(~valid, torch.inf).amin(1, keepdim=True)
    highest = rewards.masked_fill(~valid, -torch.inf).amax(1, keepdim=True)
    silent = (n < 2) | (highest <= lowest)
    every = rewards[valid]
    spread = every.std() if len(every) > 1 else every.new_zeros(())
    scale = {"group": std + eps, "batch": spread + eps, "none": torch.ones_like(std)}[scale_rewards]
    advantages = (centred / scale).masked_fill(silent, 0.0)
    metrics = {
        "reward": float(every.mean()) if len(every) else float("nan"),
        "reward_std": float(std[n > 1].mean()) if bool((n > 1).any()) else 0.0,
        "frac_reward_zero_std": float(silent.double().mean()) if len(silent) else 0.0,
        "groups_of_one": float((n == 1).sum()),
        "unscored": float((~valid).sum()),
    }
    return advantages.float(), metrics


def token_weights(
    mask: Tensor,
    *,
    loss_type: LossType = "dapo",
    max_completion_length: int | None = None,
    truncated: Tensor | None = None,
) -> Tensor:
    """What each token's loss is multiplied by before everything is summed; (N, T) float32, 0 where it does not count.

    dapo, cispo   1 / (tokens in the batch): every token the same (DAPO, arXiv 2503.14476, section 3.3)
    grpo, gspo    1 / (tokens of its sample) / (samples): every sample the same
    dr_grpo       1 / (samples * max_completion_length): no preference for short answers (arXiv 2503.20783)

    Args:
        mask: (N, T) bool, over all of the optimizer batch: sampled tokens.
        max_completion_length: for dr_grpo, the constant length to divide by.
        truncated: (N,) bool: samples to leave out because they were cut off (TRL's ``mask_truncated_completions``).

    A sample without a token that counts is not counted as a sample either (TRL's grpo and dr_grpo count it).
    """
    if loss_type not in LOSSES:
        raise ValueError(f"unknown loss_type {loss_type!r}: choose {', '.join(LOSSES)}")
    counts = mask.bool() if truncated is None else mask.bool() & ~truncated[:, None]
    lengths = counts.sum(1, keepdim=True)
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
        weights: of ``token_weights``, with the same loss_type. Where they are 0, nothing else is looked at.
        old_logprobs: of the policy that sampled; None on the first update after sampling, when it is this one: then
            r = 1, the loss says nothing, and its gradient is -A grad logprobs. In bfloat16 a sampler's own numbers
            differ from the trainer's by tenths of a nat, so None is better than passing them.
        epsilon, epsilon_high: epsilon_high defaults to epsilon; for cispo, where it is the ratio's cap itself, to 5.
        importance: of ``importance_weights``: multiplies each token's loss, but not the KL term.
        ref_logprobs, beta, kl_estimator: adds beta * KL to a reference policy. k2 = log-ratio squared / 2 has the KL's
            gradient, on-policy; k3 = exp(-log-ratio) - 1 + log-ratio has its value but another gradient: that of the
            forward KL, and is here because others use it. For k1 see ``kl_rewards``.
        entropy: for the metrics.

    Returns:
        The loss, and sums over tokens for ``mean_metrics``.
    """
    counts = weights != 0
    if not logprobs.shape == advantages.shape == weights.shape:
        shapes = ", ".join(str(tuple(x.shape)) for x in (logprobs, advantages, weights))
        raise ValueError(f"logprobs, advantages and weights must have one shape, got {shapes}")
    logprobs = logprobs.masked_fill(~counts, 0.0)
    old = logprobs.detach() if old_logprobs is None else old_logprobs.masked_fill(~counts, 0.0)
    kind = LOSSES[loss_type]
    if epsilon_high is None:
        epsilon_high = CISPO_EPSILON_HIGH if kind.truncated_weight else epsilon
    if kind.truncated_weight and (epsilon_high < 1 or delta is not None):
        raise ValueError(f"cispo caps the ratio itself: epsilon_high from 1, and no delta; got {epsilon_high}, {delta}")
    if beta and ref_logprobs is None:
        raise ValueError(f"beta {beta} needs ref_logprobs")
    log_ratio = (logprobs - old).clamp(-LOG_RATIO_LIMIT, LOG_RATIO_LIMIT)
    if kind.sequence_ratio:
        mean = log_ratio.detach().sum(1, keepdim=True) / counts.sum(1, keepdim=True).clamp(min=1)
        log_ratio = mean + (logprobs - logprobs.detach())
    ratio = log_ratio.exp()
    if kind.truncated_weight:
        losses = -ratio.detach().clamp(max=epsilon_high) * advantages * logprobs
        low, high = torch.zeros_like(counts), ratio > epsilon_high
    else:
        held = ratio.clamp(max=torch.inf if delta is None else delta)
        losses = -torch.min(held * advantages, ratio.clamp(1 - epsilon, 1 + epsilon_high) * advantages)
        low, high = (ratio < 1 - epsilon) & (advantages < 0), (ratio > 1 + epsilon_high)
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
        k1 = logprobs - ref_logprobs.masked_fill(~counts, 0.0)
        k3 = (-k1).exp() - 1 + k1
        metrics["kl"] = _sum(k3, counts)
        losses = losses + beta * (k1.square() / 2 if kl_estimator == "k2" else k3)
    if entropy is not None:
        metrics["entropy"] = _sum(entropy, counts)
    return (losses.masked_fill(~counts, 0.0) * weights).sum(), metrics


def importance_weights(
    logprobs: Tensor, sampler_logprobs: Tensor, mask: Tensor, *, cap: float = 2.0
) -> tuple[Tensor, Metrics]:
    """Truncated importance weights min(pi_trainer / pi_sampler, cap), (N, T), for a sampler whose numbers differ from
    the trainer's for the same weights: another engine, another precision (TRL's ``token_truncate``).

    Args:
        logprobs: the trainer's own, of the policy that sampled, without gradient.
        mask: (N, T) bool; the weight is 1 elsewhere.
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
    """k1 in the reward: -beta times each token's log-ratio to the reference, 0 where the mask is; all (N, T).

    Added to what an episode earns, without being scaled with it, this has the gradient of the KL, as k2 in the loss;
    k1 in the loss has none at all.
    """
    return -beta * (logprobs.detach() - ref_logprobs).masked_fill(~mask, 0.0)


def mean_metrics(parts: Iterable[Metrics]) -> dict[str, float]:
    """Means over the tokens of all micro-batches, and ``tokens``, how many there were."""
    totals: dict[str, float] = {}
    for part in parts:
        for name, value in part.items():
            totals[name] = totals.get(name, 0.0) + float(value)
    tokens = totals.pop("tokens", 0.0)
    return {"tokens": tokens, **{name: total / max(tokens, 1.0) for name, total in totals.items()}}


def _sum(x: Tensor, counts: Tensor) -> Tensor:
    return x.detach().double().masked_fill(~counts, 0.0).sum()
