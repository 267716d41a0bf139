"""One optimizer batch: samples in, gradients out. One class per algorithm.

Each is made once per batch of episodes. Then ``gradients(update)`` is called for update 0, 1, ... of that batch, and
adds to the ``.grad`` of the trained parameters.

Shapes: N samples, T tokens in the longest completion, n sampled tokens.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import torch
from torch import Tensor

from ..config import TrainConfig
from ..tokens import Sample
from .batch import Batch
from .forward import TrainingForward
from .guided import guided_loss
from .losses import Metrics, importance_weights, kl_rewards, mean_metrics, policy_loss, token_weights
from .ppo import ValueHead, gae, token_rewards, value_loss, whiten
from .reference import Reference
from .sft import sft_loss
from .shared_opening import with_shared_openings

MicroLoss: TypeAlias = Callable[[Batch], tuple[Tensor, Metrics]]
"""The loss of one micro-batch, summed, and its metrics."""


class SFTUpdate:
    """Gradients of imitating the samples. What their prompts share is computed once."""

    def __init__(self, samples: Sequence[Sample], forward: TrainingForward):
        self.forward = forward
        self.batch = Batch.of(with_shared_openings(samples))
        self.weights = token_weights(self.batch.mask)  # (N, T): the mean over all tokens of the batch

    def gradients(self, update: int) -> dict[str, float]:
        """Add up the gradients over the batch, the same for every ``update``; returns the metrics of ``sft_loss``."""

        def loss(micro: Batch) -> tuple[Tensor, Metrics]:
            logprobs, _ = self.forward.logprobs(micro)  # (n,)
            return sft_loss(micro.place(logprobs), micro.cut(self.weights))

        _, metrics = add_gradients(self.batch, self.forward, loss)
        return metrics


class GRPOUpdate:
    """Gradients of ``policy_loss`` with the advantages that the samples hold.

    Args:
        samples: all samples with a valid reward. A sample whose advantages are 0 is not run through the model (see
            ``has_part``), but counts in the loss's average. A masked truncated sample does neither.
        reference: the policy that the KL in the loss is taken to; not used with ``beta`` 0 or ``kl_in="reward"``.
    """

    def __init__(
        self,
        samples: Sequence[Sample],
        forward: TrainingForward,
        config: TrainConfig,
        reference: Reference | None = None,
    ):
        self.forward, self.config = forward, config
        whole = Batch.of(samples)
        self.batch = batch = whole.take([i for i, sample in enumerate(samples) if has_part(sample, config)])
        in_loss = reference is not None and config.beta > 0 and config.kl_in == "loss"
        self.policy = PolicyTerm(
            config=config,
            weights=batch.cut(weights_of(whole, config)),  # (N, T), averaged over the whole batch before the cut
            # the trainer's own numbers: in bfloat16 the sampler's differ from them
            old=forward.score(batch, config.temperature) if config.num_iterations > 1 else None,
            reference=reference.score(batch, config.temperature) if reference is not None and in_loss else None,
        )

    def gradients(self, update: int) -> dict[str, float]:
        """Add up the gradients of update number ``update`` over the batch; returns ``loss`` and mean metrics."""

        def loss(micro: Batch) -> tuple[Tensor, Metrics]:
            logprobs, entropy = self.forward.logprobs(micro, temperature=self.config.temperature, entropy=True)
            return self.policy.loss(micro, logprobs, entropy, update)

        total, metrics = add_gradients(self.batch, self.forward, loss)
        return {"loss": total, **metrics}


class PPOUpdate:
    """Gradients of ``policy_loss`` with advantages from a value head, and of ``value_loss``.

    Args:
        samples: all samples with a valid reward.
        rewards: of each sample's turns. An episode that was cut off ends there: later rewards are not estimated.
        reference: the policy that a KL is taken to: in the loss, or in the reward of each token (``config.kl_in``).
    """

    def __init__(
        self,
        samples: Sequence[Sample],
        rewards: Sequence[Sequence[float]],
        forward: TrainingForward,
        config: TrainConfig,
        value_head: ValueHead,
        reference: Reference | None = None,
    ):
        self.forward, self.config, self.value_head = forward, config, value_head
        batch = Batch.of(samples)
        weights = weights_of(batch, config)
        in_reward = reference is not None and config.kl_in == "reward"
        old = forward.score(batch, config.temperature) if config.num_iterations > 1 or in_reward else None
        ref = None if reference is None else reference.score(batch, config.temperature)
        placed = token_rewards(samples, rewards, batch.mask.shape[1])  # (N, T): on the last token of each turn
        if in_reward and old is not None and ref is not None:
            placed = placed + kl_rewards(old, ref, batch.mask, config.beta)
        self.old_values = self._values(batch)
        advantages, self.returns = gae(placed, self.old_values, batch.mask)  # (N, T) each
        # whitened over the tokens in the loss alone: weights are 0 for masked truncated samples
        self.batch = replace(batch, advantages=whiten(advantages, batch.mask & (weights > 0)))
        self.policy = PolicyTerm(config=config, weights=weights, old=old, reference=ref)

    def _values(self, batch: Batch) -> Tensor:
        """The value before each sampled token, (N, T) on the CPU, 0 elsewhere."""
        return self.forward.placed(batch, lambda micro: self.value_head(self.forward.hidden(micro)))

    def gradients(self, update: int) -> dict[str, float]:
        """Add up the gradients of update number ``update`` over the batch; returns ``loss`` and mean metrics."""

        def loss(micro: Batch) -> tuple[Tensor, Metrics]:
            # one forward serves the log-probabilities and the values; states (n, H)
            states, logprobs, entropy = self.forward.with_states(
                micro, temperature=self.config.temperature, entropy=True
            )
            policy, metrics = self.policy.loss(micro, logprobs, entropy, update)
            # detached: the critic's error must not change the policy
            values = micro.place(self.value_head(states.detach()))
            critic, more = value_loss(
                values, micro.cut(self.returns), micro.cut(self.policy.weights), old_values=micro.cut(self.old_values)
            )
            return policy + critic, {**metrics, **more}

        total, metrics = add_gradients(self.batch, self.forward, loss)
        return {"loss": total, **metrics}


@dataclass(kw_only=True)
class PolicyTerm:
    """The policy's loss on one batch, for GRPO and PPO. Tensors are (N, T) over the batch, on the CPU."""

    config: TrainConfig
    weights: Tensor
    """Of ``token_weights``."""
    old: Tensor | None
    """Log-probabilities before the first update; None if there is one update only, whose ratio is 1 by definition."""
    reference: Tensor | None
    """Log-probabilities of the reference policy, for the KL; None without a KL in the update."""

    def loss(self, micro: Batch, logprobs: Tensor, entropy: Tensor | None, update: int) -> tuple[Tensor, Metrics]:
        """``policy_loss`` of a micro-batch.

        Args:
            micro: cut from the batch.
            logprobs, entropy: (n,) of its sampled tokens.
            update: number of the update on this batch.
        """
        config = self.config
        placed, every = micro.place(logprobs), micro.cut(self.weights)
        gold = micro.off_policy[:, None]  # (N, 1)
        weights = every.masked_fill(gold, 0.0)
        # update 0 changes nothing before it: the policy is the old policy, and the ratio is exactly 1
        old = None if self.old is None or update == 0 else micro.cut(self.old)
        importance, gap = importance_weights(
            placed if old is None else old, micro.logprobs, weights != 0, cap=config.importance_cap or float("inf")
        )
        loss, metrics = policy_loss(
            placed,
            micro.advantages,
            weights,
            old_logprobs=old,
            loss_type=config.loss_type,
            epsilon=config.epsilon,
            epsilon_high=config.epsilon_high,
            importance=importance if config.importance_cap else None,
            ref_logprobs=None if self.reference is None else micro.cut(self.reference),
            beta=config.beta if config.kl_in == "loss" else 0.0,
            entropy=None if entropy is None else micro.place(entropy),
        )
        if not config.importance_cap:  # the distance between sampler and trainer is reported in any case
            gap = {"importance/log_ratio": gap["importance/log_ratio"]}
        if bool(gold.any()):
            more, about = guided_loss(placed, micro.advantages, every.masked_fill(~gold, 0.0), config.guided)
            loss, metrics = loss + more, {**metrics, **about}
        return loss, {**metrics, **gap}


def add_gradients(batch: Batch, forward: TrainingForward, loss_of: MicroLoss) -> tuple[float, dict[str, float]]:
    """Differentiate the loss of every micro-batch; returns the loss of the whole batch and the means of its metrics.

    Of several ranks each differentiates its share: the batch's gradients are then the sum of the ranks'.
    """
    # e.g. an environment whose gold episodes are not the same each time they are played
    forward.ranks.check_same((len(batch), int(batch.mask.sum())), "the batch (samples, sampled tokens)")
    total = torch.zeros((), dtype=torch.float64, device=forward.model.device)
    parts: list[Metrics] = []
    for micro in forward.micro_batches(batch):
        loss, metrics = loss_of(micro)
        if micro.padding:
            (loss * 0.0).backward()  # type: ignore[no-untyped-call]  # for its part in the ranks' sums of gradients
            continue
        # losses are sums with weights over the whole batch, so gradients of micro-batches simply add up
        loss.backward()  # type: ignore[no-untyped-call]
        total += loss.detach()
        parts.append(metrics)
    numbers = [{name: float(value) for name, value in part.items()} for part in parts]
    every = forward.ranks.gather((float(total), numbers))
    return sum(loss for loss, _ in every), mean_metrics(part for _, ranks_part in every for part in ranks_part)


def weights_of(batch: Batch, config: TrainConfig) -> Tensor:
    """``token_weights`` of the batch, (N, T), by the config's loss."""
    return token_weights(
        batch.mask,
        loss_type=config.loss_type,
        max_completion_length=config.max_completion_length,
        truncated=batch.truncated if config.mask_truncated else None,
    )


def has_part(sample: Sample, config: TrainConfig) -> bool:
    """Whether the sample's tokens have a gradient. A sample without one need not be run through the model."""
    if config.mask_truncated and sample.truncated:
        return False
    return config.algo == "ppo" or any(sample.advantages) or (config.beta > 0 and config.kl_in == "loss")
