"""PPO on tokens, as pure functions, and a value head. The policy's loss is ``policy_loss`` of ``losses.py``.

    states = forward.hidden(batch)                                            # (n, H) before each sampled token
    values = batch.place(value_head(states.detach()))                         # (N, T)
    advantages, returns = gae(rewards, values.detach(), mask)                 # once, before the first update
    loss, _ = value_loss(values, returns, weights, old_values=...)            # in every update, beside policy_loss

The time steps of an episode are its sampled tokens. Environment tokens between them are skipped: they are not steps,
and a reward on an environment token belongs to the sampled token before it.

As in verl, which the ToolRL paper used: gamma and lambda are 1, and the critic's learning rate is ten times the
policy's. With a lambda of 0.95, an untrained critic passes only 5 % of the final reward back over 60 tokens. The critic
is a head on the policy's hidden states; its gradients do not reach the policy.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ..tokens import Sample
from .losses import Metrics

VALUE_RATE = 10.0
"""The value head's learning rate, as a multiple of the policy's."""


class ValueHead(nn.Module):
    """The value of a state: a linear function of its hidden state, 0 at first, computed in float32."""

    def __init__(self, hidden_size: int):
        super().__init__()
        self.linear = nn.Linear(hidden_size, 1)
        nn.init.zeros_(self.linear.weight)
        nn.init.zeros_(self.linear.bias)

    def forward(self, hidden: Tensor) -> Tensor:
        """(..., H) -> (...)"""
        with torch.autocast(hidden.device.type, enabled=False):
            value: Tensor = self.linear(hidden.to(self.linear.weight.dtype)).squeeze(-1)
        return value


def token_rewards(samples: Sequence[Sample], rewards: Sequence[Sequence[float]], width: int) -> Tensor:
    """Each turn's reward on the turn's last token: (N, width) float32, ``width`` being the tokens of a completion.

    Raises ValueError if a sample's numbers of turns and rewards differ.
    """
    placed = torch.zeros(len(samples), width)
    for i, (sample, values) in enumerate(zip(samples, rewards, strict=True)):
        if len(values) != len(sample.turns):
            raise ValueError(f"sample {i} has {len(sample.turns)} turns and {len(values)} rewards")
        for (_, end), value in zip(sample.turns, values, strict=True):
            placed[i, end - 1 - sample.prompt_length] = value
    return placed


def gae(
    rewards: Tensor,
    values: Tensor,
    mask: Tensor,
    *,
    gamma: float = 1.0,
    lam: float = 1.0,
    last_values: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Generalised advantage estimation (arXiv 1506.02438) over the sampled tokens.

    Args:
        rewards: (N, T). A reward on a token with mask 0 counts for the sampled token before it.
        values: (N, T), of the state before each sampled token; other entries are ignored.
        mask: (N, T) bool: sampled tokens.
        last_values: (N,), of the state after the last token, for episodes that were cut off; None for 0.

    Returns:
        Advantages and returns (advantages + values), both (N, T), 0 outside the mask.

    Raises ValueError for a reward before the first sampled token: no token can be credited with it.
    """
    early = (rewards != 0) & (mask.cumsum(1) == 0)
    if bool(early.any()):
        row, column = early.nonzero()[0].tolist()
        raise ValueError(f"the reward at token {column} of sample {row} comes before any sampled token")
    values = values.masked_fill(~mask, 0.0)
    advantages = torch.zeros_like(values)
    after = torch.zeros_like(values[:, 0]) if last_values is None else last_values
    running = torch.zeros_like(after)  # (N,) advantage of the next sampled token
    earned = torch.zeros_like(after)  # (N,) rewards on environment tokens before the next sampled token
    for t in range(values.shape[1] - 1, -1, -1):
        here = mask[:, t]
        earned = earned + rewards[:, t]
        step = earned + gamma * after - values[:, t] + gamma * lam * running
        running = torch.where(here, step, running)
        after = torch.where(here, values[:, t], after)
        earned = earned.masked_fill(here, 0.0)
        advantages[:, t] = step.masked_fill(~here, 0.0)
    return advantages, advantages + values


def whiten(advantages: Tensor, mask: Tensor, eps: float = 1e-8) -> Tensor:
    """Mean 0 and standard deviation 1 over the masked-in tokens of the whole batch; 0 elsewhere."""
    chosen = advantages[mask]
    if chosen.numel() < 2:
        return torch.zeros_like(advantages)
    return ((advantages - chosen.mean()) / (chosen.std() + eps)).masked_fill(~mask, 0.0)


def value_loss(
    values: Tensor,
    returns: Tensor,
    weights: Tensor,
    *,
    old_values: Tensor | None = None,
    cliprange_value: float = 0.2,
) -> tuple[Tensor, Metrics]:
    """Half the squared error to the returns, summed with ``weights`` (of ``token_weights``); all (N, T).

    Args:
        old_values: the values that ``gae`` used. With them, each token counts the larger of two errors: of its value,
            and of its value held within ``cliprange_value`` of the old one, as in OpenAI's baselines and in TRL.

    Returns the loss, and sums over tokens for ``mean_metrics``.
    """
    counts = weights != 0
    values = values.masked_fill(~counts, 0.0)
    errors = (values - returns).square()
    if old_values is not None:
        held = old_values + (values - old_values).clamp(-cliprange_value, cliprange_value)
        clipped = (held - returns).square()
        above = clipped > errors  # (N, T): no gradient there
        errors = torch.maximum(errors, clipped)
    else:
        above = torch.zeros_like(counts)
    metrics = {
        "value": values.detach().double().masked_fill(~counts, 0.0).sum(),
        "value_error": errors.detach().double().masked_fill(~counts, 0.0).sum(),
        "value_clipped": (above & counts).double().sum(),
    }
    return (0.5 * errors.masked_fill(~counts, 0.0) * weights).sum(), metrics
