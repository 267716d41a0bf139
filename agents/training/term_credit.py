"""Advantages that change within an answer: each token gets the part of the reward that it can still change.

The milestones of a turn (milestones.py) are its beginning and the ends of the parts of its calls. With E(i,k,s) the
reward that episode i's answer of turn k would earn if it ended at its milestone s, and R(i,k) its return to go, the
tokens of turn k after milestone s and up to the next one get

    A(i,k,s) = (R(i,k) - E(i,k,s)) - mean of (R(j,k) - E(j,k,s)) over the other members j that passed milestone s

A milestone that no other member passed keeps the baseline of the milestone before it; the beginning of a turn that no
other member reached keeps that of the turn before it.

E and the choice of the members depend on the tokens before milestone s alone, and the other members on none of episode
i's tokens. So both are a baseline, and credit by term is unbiased in the sense of advantages.py. It is the baseline of
a value function V = E + constant, as in potential-based shaping (Ng, Harada and Russell, 1999): exact as far as what an
answer will still earn does not depend on what it earned so far.
"""

from __future__ import annotations

import torch
from torch import Tensor

from .advantages import ScaleRewards, checked, compared_turns, deviation, group_advantages, silent_share


def term_advantages(
    rewards: Tensor,
    reached: Tensor,
    earned: Tensor,
    passed: Tensor,
    *,
    scale_rewards: ScaleRewards = "group",
    eps: float = 1e-4,
) -> tuple[Tensor, dict[str, float]]:
    """The advantages of the tokens after each milestone.

    Args:
        rewards, reached: (groups, G, K), as for ``turn_advantages``.
        earned: (groups, G, K, S): the reward if the answer ended at the milestone; S is the largest number of them.
        passed: (groups, G, K, S) bool: milestones that there are. Every turn that was reached has its beginning.
        scale_rewards: divide by a standard deviation of the group or of the batch, or by nothing. It is that of the
            returns to go, as for credit by turn, or that over all milestones if that is larger: what was earned may
            differ in a group of equal rewards.

    Returns:
        (groups, G, K, S) advantages, 0 for milestones that there are not, and the metrics of ``group_advantages``. A
        group is silent if all its advantages are 0. ``turns_of_one`` counts the turns that no other member reached,
        and ``milestones`` is their mean number in a turn, without its beginning.

    Raises ValueError for a reward that is not finite, and for a turn that was reached without the turn before it.
    """
    checked(scale_rewards, rewards, reached, earned, passed)
    passed = passed & reached[..., None]
    if bool((reached != passed[..., 0]).any()):
        raise ValueError("a turn was reached without its first milestone")
    rewards = rewards.double().masked_fill(~reached, 0.0)
    returns = rewards.flip(2).cumsum(2).flip(2)
    _, metrics = group_advantages(returns[:, :, 0], reached[:, :, 0], scale_rewards="none")
    left = (returns[..., None] - earned.double()).masked_fill(~passed, 0.0)  # (groups, G, K, S)
    differences, weights = _compared(left, passed)
    turns, turn_weights = compared_turns(returns, reached)
    scale = torch.ones(len(rewards), 1, 1, 1, dtype=torch.float64)
    if scale_rewards == "group":
        scale = torch.maximum(deviation(turns, turn_weights), deviation(differences, weights)).view_as(scale) + eps
    elif scale_rewards == "batch":
        whole = compared_turns(*[x.flatten(0, 1)[None] for x in (returns, reached)])
        every = _compared(*[x.flatten(0, 1)[None] for x in (left, passed)])
        scale = torch.maximum(deviation(*whole), deviation(*every)).view(1, 1, 1, 1) + eps
    metrics["frac_reward_zero_std"] = silent_share(differences)
    metrics["turns_of_one"] = float((reached.sum(1) == 1).sum())
    metrics["milestones"] = float((passed.sum() - reached.sum()) / reached.sum().clamp(min=1))
    return (differences / scale).float(), metrics


def _compared(left: Tensor, passed: Tensor) -> tuple[Tensor, Tensor]:
    """What is left to earn minus the mean of the other members, and each one's weight in the spread, as for turns."""
    others = (passed.sum(1, keepdim=True) - passed.long()).double()
    baseline = (left.sum(1, keepdim=True) - left) / others.clamp(min=1)
    for k in range(1, left.shape[2]):
        baseline[:, :, k, 0] = torch.where(others[:, :, k, 0] == 0, baseline[:, :, k - 1, 0], baseline[:, :, k, 0])
    for s in range(1, left.shape[3]):
        baseline[..., s] = torch.where(others[..., s] == 0, baseline[..., s - 1], baseline[..., s])
    nobody = passed[:, :, 0, 0].sum(1)[:, None, None, None] < 2
    without = ~passed | nobody
    differences = (left - baseline).masked_fill(without, 0.0)
    noise = 1e-12 * torch.maximum(left.abs(), baseline.abs()).clamp(min=1.0)  # equal, but for rounding
    differences = differences.masked_fill(differences.abs() <= noise, 0.0)
    weights = torch.where(others == 0, 1.0, others / (others + 1)).masked_fill(without, 0.0)
    return differences, weights
