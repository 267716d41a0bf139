"""One optimizer batch: rollouts in, gradients out. One function per algorithm."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any

import torch
from torch import Tensor

from ..call_tokens import call_parts, credit_calls
from ..config import TrainConfig
from ..tokens import Sample, completions, unpack
from .advantages import fork_advantages, padded, shared_states, turn_advantages
from .collect import Rollout
from .forward import TrainingForward
from .losses import Metrics, group_advantages, importance_weights, kl_rewards, mean_metrics, policy_loss, token_weights
from .ppo import ValueHead, gae, token_rewards, value_loss, whiten
from .sft import sft_loss

TOKENS_PER_MICRO_BATCH = {"cpu": 2048, "cuda": 65536}


def micro_batches(samples: Sequence[Sample], device: str) -> Iterator[list[int]]:
    """Indices of the samples, split by a budget of tokens. Neighbours that share a prompt, which is computed once for
    them, are only parted where all of them exceed it."""
    budget = TOKENS_PER_MICRO_BATCH.get(device, TOKENS_PER_MICRO_BATCH["cuda"])
    batch: list[int] = []
    used = 0
    for prompt, group in groupby(range(len(samples)), lambda i: samples[i].token_ids[: samples[i].prompt_length]):
        sizes = {i: len(samples[i].token_ids) - len(prompt) for i in group}
        if batch and used + len(prompt) + sum(sizes.values()) > budget:
            yield batch
            batch, used = [], 0
        used += len(prompt)
        for i, size in sizes.items():
            if batch and used + size > budget:
                yield batch
                batch, used = [], len(prompt)
            batch.append(i)
            used += size
    if batch:
        yield batch


@torch.no_grad()
def score(samples: Sequence[Sample], forward: TrainingForward, temperature: float) -> Tensor:
    """Log-probabilities of the sampled tokens under a policy that is not being trained, (N, T) on the CPU."""
    out = torch.zeros_like(completions(samples).logprobs)
    for rows in micro_batches(samples, forward.model.device.type):
        chosen = [samples[i] for i in rows]
        mask = completions(chosen, forward.model.device).mask
        logprobs, _ = forward.logprobs(chosen, temperature=temperature)
        out[rows, : mask.shape[1]] = unpack(logprobs, mask).cpu()
    return out


def sft_gradients(rollouts: Sequence[Rollout], forward: TrainingForward) -> dict[str, float]:
    """Gradients of imitating the rollouts' answers."""
    samples = [rollout.sample for rollout in rollouts]
    device = forward.model.device
    weights = token_weights(completions(samples).mask)
    parts: list[Metrics] = []
    for rows in micro_batches(samples, device.type):
        chosen = [samples[i] for i in rows]
        mask = completions(chosen, device).mask
        logprobs, _ = forward.logprobs(chosen)
        loss, metrics = sft_loss(unpack(logprobs, mask), weights[rows, : mask.shape[1]].to(device))
        loss.backward()  # type: ignore[no-untyped-call]
        parts.append(metrics)
    return mean_metrics(parts)


def grpo_advantages(
    groups: Sequence[Sequence[Rollout]],
    config: TrainConfig,
    forward: TrainingForward | None = None,
    reference: TrainingForward | None = None,
    decode: Callable[[Sequence[int]], str] | None = None,
) -> dict[str, float]:
    """Credit every sample with how much better it did than its group, by ``config.credit``; the groups' statistics.

    With both policies, and ``kl_in="reward"``, the KL between them counts as a reward (of an episode, or of the turns
    whose tokens it is on), which is compared within the group too. It is not divided by what the rewards are divided
    by: ``beta`` means the same in every group, one without any difference of rewards included. No metric but ``kl``
    has it.

    Args:
        decode: token ids to text; needed to credit calls.
    """
    metrics = _credit(groups, config, _earned, decode)
    valid = [rollout.sample for group in groups for rollout in group if rollout.valid]
    if forward is None or reference is None or config.kl_in != "reward" or not valid:
        return metrics
    samples = valid + [fork.sample for group in groups for fork in _forks(group)]
    mask = completions(samples).mask
    now, then = (score(samples, policy, config.temperature) for policy in (forward, reference))
    rewards = kl_rewards(now, then, mask, config.beta)
    by_sample = {id(sample): row for sample, row in zip(samples, rewards, strict=True)}

    def of_kl(rollout: Rollout) -> list[float]:
        sample, row = rollout.sample, by_sample.get(id(rollout.sample))
        if row is None:
            return [0.0] * len(rollout.trajectory.turns)
        start = sample.prompt_length
        return [float(row[first - start : end - start].sum()) for first, end in sample.turns]

    plain = [list(sample.advantages) for sample in valid]
    by_turn = "turn" if config.credit == "call" else config.credit
    _credit(groups, replace(config, scale_rewards="none", credit=by_turn), of_kl)
    for sample, before in zip(valid, plain, strict=True):
        sample.advantages = [a + b for a, b in zip(before, sample.advantages, strict=True)]
    gap = (now - then)[: len(valid)][mask[: len(valid)]].double()
    return {**metrics, "kl": float(((-gap).expm1() + gap).mean())}


def _earned(rollout: Rollout) -> list[float]:
    return [turn.reward.total for turn in rollout.trajectory.turns]


def _credit(
    groups: Sequence[Sequence[Rollout]],
    config: TrainConfig,
    rewards_of: Callable[[Rollout], list[float]],
    decode: Callable[[Sequence[int]], str] | None = None,
) -> dict[str, float]:
    """As ``grpo_advantages``, for what ``rewards_of`` says that the turns of an episode earned."""
    if config.credit != "episode":
        return _credit_turns(groups, config, rewards_of, decode)
    rewards = torch.tensor([[sum(rewards_of(rollout)) for rollout in group] for group in groups], dtype=torch.float64)
    valid = torch.tensor([[rollout.valid for rollout in group] for group in groups])
    advantages, metrics = group_advantages(rewards, valid, scale_rewards=config.scale_rewards)
    for group, row in zip(groups, advantages.tolist(), strict=True):
        for rollout, advantage in zip(group, row, strict=True):
            rollout.sample.credit(advantage)
    return metrics


def _credit_turns(
    groups: Sequence[Sequence[Rollout]],
    config: TrainConfig,
    rewards_of: Callable[[Rollout], list[float]],
    decode: Callable[[Sequence[int]], str] | None,
) -> dict[str, float]:
    """As ``_credit``, for each turn, or call."""

    def parts_of(rollout: Rollout) -> list[list[float]]:
        return [call_parts(turn.reward) for turn in rollout.trajectory.turns]

    def forks_of(rollout: Rollout) -> list[list[float]]:
        return [[sum(rewards_of(fork)) for fork in forks if fork.valid] for forks in rollout.forks]

    def valid(of: Callable[[Rollout], list[Any]]) -> list[list[list[Any]]]:
        return [[of(rollout) if rollout.valid else [] for rollout in group] for group in groups]

    by_call = config.credit == "call"
    rewards, reached = padded(valid(rewards_of), 3)
    if config.credit == "fork":
        states, _ = padded([shared_states([r.sample if r.valid else None for r in group]) for group in groups], 3)
        forks, forked = padded(valid(forks_of), 4)
        advantages, metrics = fork_advantages(
            rewards, reached, states, forks, forked, scale_rewards=config.scale_rewards
        )
        extra = advantages.new_zeros(*advantages.shape, 0)
        sampled = [sum(fork.sample.loss_mask) for group in groups for fork in _forks(group)]
        metrics |= {"forks": float(len(sampled)), "fork_tokens": float(sum(sampled))}
    else:
        parts, made = padded(valid(parts_of), 4) if by_call else (None, None)
        advantages, extra, metrics = turn_advantages(rewards, reached, parts, made, scale_rewards=config.scale_rewards)
    for group, rows, extras in zip(groups, advantages.tolist(), extra.tolist(), strict=True):
        for rollout, row, more in zip(group, rows, extras, strict=True):
            turns = rollout.trajectory.turns if rollout.valid else []
            rollout.sample.credit(row[: len(turns)] if turns else 0.0)
            for k, turn in enumerate(turns if by_call else ()):
                if decode is None:
                    raise ValueError('credit "call" needs decode, to find the tokens of the calls')
                credit_calls(rollout.sample, k, turn, more[k][: len(turn.reward.calls)], decode)
    return metrics


def _forks(group: Sequence[Rollout]) -> list[Rollout]:
    """All of them, valid or not."""
    return [fork for rollout in group for forks in rollout.forks for fork in forks]


def has_part(sample: Sample, config: TrainConfig) -> bool:
    """Whether the sample's tokens have a gradient: else there is no need to run them through the model."""
    if config.mask_truncated and sample.truncated:
        return False
    return config.algo == "ppo" or any(sample.advantages) or (config.beta > 0 and config.kl_in == "loss")


class PolicyUpdate:
    """Gradients of ``policy_loss`` (and for PPO the values') over one batch of episodes, update after update.

    Args:
        samples: all whose reward counts. The loss is averaged over them all, also over those that are then left out
            because they have no part in it.
        reference: the policy that a KL holds to: in the loss, or (``kl_in="reward"``, with a value head) in the
            reward of each token.
        rewards: of each sample's turns, for the value head.
    """

    def __init__(
        self,
        samples: Sequence[Sample],
        forward: TrainingForward,
        config: TrainConfig,
        reference: TrainingForward | None = None,
        value_head: ValueHead | None = None,
        rewards: Sequence[Sequence[float]] = (),
    ):
        self.forward, self.config, self.value_head = forward, config, value_head
        self.device = forward.model.device
        used = [i for i, sample in enumerate(samples) if value_head is not None or has_part(sample, config)]
        self.samples = [samples[i] for i in used]
        batch = completions(self.samples)
        self.weights = token_weights(
            completions(samples).mask,
            loss_type=config.loss_type,
            max_completion_length=config.max_completion_length,
            truncated=torch.tensor([sample.truncated for sample in samples]) if config.mask_truncated else None,
        )[used, : batch.mask.shape[-1]]
        self.sampler = batch.logprobs
        self.advantages, self.returns, self.old_values = batch.advantages, batch.advantages, batch.advantages
        self.old: Tensor | None = None
        in_reward = reference is not None and config.kl_in == "reward"
        self.beta = config.beta if config.kl_in == "loss" else 0.0
        if config.num_iterations > 1 or in_reward:
            # the trainer's own numbers: in bfloat16 the sampler's differ from them
            self.old = score(self.samples, forward, config.temperature)
        self.ref = None if reference is None else score(self.samples, reference, config.temperature)
        if value_head is not None:
            self.old_values = self._values(value_head)
            placed = token_rewards(self.samples, rewards, batch.mask.shape[1])
            if in_reward and self.old is not None and self.ref is not None:
                placed = placed + kl_rewards(self.old, self.ref, batch.mask, config.beta)
            # an episode that was cut off ends there: what it might still have earned is not guessed
            advantages, self.returns = gae(placed, self.old_values, batch.mask)
            self.advantages = whiten(advantages, batch.mask & (self.weights > 0))  # those that are in the loss

    @torch.no_grad()
    def _values(self, head: ValueHead) -> Tensor:
        out = torch.zeros_like(self.weights)
        for rows in micro_batches(self.samples, self.device.type):
            chosen = [self.samples[i] for i in rows]
            mask = completions(chosen, self.device).mask
            out[rows, : mask.shape[1]] = unpack(head(self.forward.hidden(chosen)), mask).cpu()
        return out

    def gradients(self, update: int) -> dict[str, float]:
        """Add up the gradients of update number ``update`` on this batch."""
        parts: list[Metrics] = []
        total = torch.zeros((), dtype=torch.float64, device=self.device)
        for rows in micro_batches(self.samples, self.device.type):
            chosen = [self.samples[i] for i in rows]
            mask = completions(chosen, self.device).mask
            width = mask.shape[1]

            def cut(values: Tensor, rows: list[int] = rows, width: int = width) -> Tensor:
                return values[rows, :width].to(self.device)

            # PPO's value head reads the states that the log-probabilities come from
            states = None if self.value_head is None else self.forward.hidden(chosen)
            logprobs, entropy = self.forward.logprobs(
                chosen, temperature=self.config.temperature, entropy=True, hidden=states
            )
            assert entropy is not None
            placed, weights = unpack(logprobs, mask), cut(self.weights)
            old = None if self.old is None or update == 0 else cut(self.old)
            importance, gap = importance_weights(
                placed if old is None else old,
                cut(self.sampler),
                weights != 0,
                cap=self.config.importance_cap or float("inf"),
            )
            loss, metrics = policy_loss(
                placed,
                cut(self.advantages),
                weights,
                old_logprobs=old,
                loss_type=self.config.loss_type,
                epsilon=self.config.epsilon,
                epsilon_high=self.config.epsilon_high,
                importance=importance if self.config.importance_cap else None,
                ref_logprobs=None if self.ref is None else cut(self.ref),
                beta=self.beta,
                entropy=unpack(entropy, mask),
            )
            if self.value_head is not None and states is not None:
                values = unpack(self.value_head(states.detach()), mask)
                missed, more = value_loss(values, cut(self.returns), weights, old_values=cut(self.old_values))
                loss, metrics = loss + missed, {**metrics, **more}
            loss.backward()  # type: ignore[no-untyped-call]
            total += loss.detach()
            if not self.config.importance_cap:  # how far the sampler is from the trainer is good to know anyway
                gap = {"importance/log_ratio": gap["importance/log_ratio"]}
            parts.append({**metrics, **gap})
        return {"loss": float(total), **mean_metrics(parts)}
