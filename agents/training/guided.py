"""Guided groups: if all episodes of a group failed, the task's gold answer joins the group as one more member.

A group in which all failed tells GRPO little: without spread it is silent, and with spread it prefers the better
failure. The gold answer shows what success is. It is in the group's mean and standard deviation as every member is, so
its tokens get an advantage above 0, and most failures one below 0. With G equal failures and ``scale_rewards="group"``
these are G / sqrt(G + 1) and -1 / sqrt(G + 1).

Gold as an off-policy member of the group is LUFFY's mixed-policy GRPO (arXiv 2504.14945), which has one in every group.
Demonstrations only for tasks at which all rollouts fail are ToolExpander's (arXiv 2510.07737), which puts them into the
prompt.

The policy did not sample the gold tokens, so they have a loss of their own, ``guided_loss``, and no KL. The gradient is
biased, on purpose: it also imitates, as long as the policy fails. And the baseline of the failures depends on them,
since the gold joins only if all failed.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ..config import TrainConfig
from .collect import Collector, Rollout
from .losses import Metrics

GAMMA = 0.1
"""Of the shaped ratio, as in LUFFY."""


def guide(
    groups: Sequence[Sequence[Rollout]], collector: Collector, config: TrainConfig
) -> tuple[list[list[Rollout]], dict[str, float]]:
    """The groups, each failed one with the task's gold answer as its last member; and metrics.

    A group failed if it has a valid episode, and no valid episode is a success. Its gold joins if all of these hold:

    - the gold is valid, a success, and has a higher reward than every episode of the group;
    - it has at most ``max_tokens`` tokens, and each of its answers has at most ``max_completion_length``: the policy
      could not have sampled a longer one.

    The metrics count groups: ``guided`` with a gold member; ``guided/too_long`` and ``guided/unusable``, failed groups
    whose gold is too long, or not a better example.
    """
    out: list[list[Rollout]] = []
    counts = {"guided": 0.0, "guided/too_long": 0.0, "guided/unusable": 0.0}
    for group in groups:
        out.append(list(group))
        valid = [rollout for rollout in group if rollout.valid]
        if not valid or any(rollout.trajectory.success for rollout in valid):
            continue
        gold = collector.gold((group[0].suite, group[0].trajectory.task_id))
        longest = max((end - start for start, end in gold.sample.turns), default=0)
        best = max(rollout.reward for rollout in valid)
        if not gold.valid or not gold.trajectory.success or gold.reward <= best:
            counts["guided/unusable"] += 1
        elif len(gold.sample.token_ids) > config.max_tokens or longest > config.max_completion_length:
            counts["guided/too_long"] += 1
        else:
            gold.sample.off_policy = True
            out[-1].append(gold)
            counts["guided"] += 1
    return out, counts


def guided_loss(logprobs: Tensor, advantages: Tensor, weights: Tensor, shape: str) -> tuple[Tensor, Metrics]:
    """The loss of gold tokens, summed with the weights; tensors are (N, T).

    Per token, p = exp(logprobs) being the policy's probability of the gold token, and A its advantage, at least 0:

    plain    -A log p; its gradient is -A grad log p, as if the ratio were 1: imitation weighted by the advantage
    shaped   -A f(p), f(p) = p / (p + 0.1); its gradient is -A 0.1 p / (p + 0.1)^2 grad log p. It is LUFFY's: the ratio
             of p to an old probability of 1, shaped by f and not clipped

    Take plain for a policy that starts cold. The factor of shaped is 1/4 at p = 0.1 and falls on both sides of it: to
    0.01 at p = 0.001, so the tokens that are farthest from the policy teach it least. On a small model from random
    weights, plain learnt the gold several times as fast. shaped leaves alone what the policy knows, and what is out
    of its reach.

    An advantage below 0 counts as 0. Credit by turn, call or term may give one to a part of the gold answer, and
    nothing would stop a token from falling that is never sampled.

    Args:
        weights: of ``token_weights``; 0 for tokens that do not count.

    Returns the loss, and sums over tokens for ``mean_metrics``: ``guided/prob``, the mean of p.
    """
    counts = weights != 0
    logprobs = logprobs.masked_fill(~counts, 0.0)
    probs = logprobs.exp()
    gains = logprobs if shape == "plain" else probs / (probs + GAMMA)
    losses = -advantages.clamp(min=0.0).masked_fill(~counts, 0.0) * gains
    metrics = {
        "guided/tokens": counts.sum().double(),
        "guided/prob": probs.detach().double().masked_fill(~counts, 0.0).sum(),
    }
    return torch.sum(losses * weights), metrics
