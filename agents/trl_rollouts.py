"""``rollout_func`` for TRL's GRPOTrainer: episodes of any suite, sampled from the trainer's model by the Collector.

The tokens that TRL trains on are those that were sampled; what the environment wrote between them has ``env_mask`` 0.
``toolgym.exports.trl`` makes the data set and the reward function that belong to it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeAlias

import gymnasium as gym

from .policy import Policy
from .training.collect import Collector, Rollout

RolloutFunc: TypeAlias = Callable[[Sequence[Any], Any], dict[str, list[Any]]]
_NOT_SAMPLED_WITH = {"repetition_penalty": 1.0, "min_p": None}
"""Settings of TRL that the sampler does not have, and the values that mean nothing."""


def rollout_func(
    env_id: str,
    env_kwargs: Mapping[str, Any],
    task_of: Callable[[Any], str],
    *,
    max_new_tokens: int | None = None,
    max_tokens: int | None = None,
) -> RolloutFunc:
    """A ``rollout_func``. See ``toolgym.exports.trl.rollout_spec`` for the limits.

    Args:
        task_of: the task's id of a prompt, as the trainer hands it over.

    The function returns, for each prompt, one episode: ``prompt_ids``, ``completion_ids``, ``logprobs``, ``env_mask``,
    and for reward functions ``toolgym_reward`` (None if the episode is unscored), ``toolgym_success``,
    ``toolgym_verdict``, ``toolgym_turn_rewards`` and ``toolgym_error``. It raises ValueError for a trainer that samples
    in another way (vLLM, continuous batching, a repetition penalty, min_p).
    """
    collectors: dict[int, Collector] = {}

    def play(prompts: Sequence[Any], trainer: Any) -> dict[str, list[Any]]:
        model = trainer.accelerator.unwrap_model(trainer.model)
        training = model.training
        try:
            collector = collectors.get(id(model))
            if collector is None:
                made = _policy(model, trainer, max_new_tokens)
                collector = Collector([partial(gym.make, env_id, **env_kwargs)], made, made.chat, max_tokens)
                collectors[id(model)] = collector
            model.eval()
            policy: Any = collector.policy
            policy.batch_size = max(policy.batch_size, len(prompts))
            policy.reseed(f"{trainer.args.seed} {trainer.state.global_step} {trainer.accelerator.process_index}")
            collector.set_step(trainer.state.global_step)
            # every prompt is due one episode: TRL has repeated the prompts of a group
            groups = collector.play([(0, task_of(prompt)) for prompt in prompts])
        finally:
            model.train(training)
        return _columns([rollout for group in groups for rollout in group], policy)

    return play


def _policy(model: Any, trainer: Any, max_new_tokens: int | None) -> Policy:
    args = trainer.args
    if getattr(args, "use_vllm", False) or getattr(args, "use_transformers_continuous_batching", False):
        raise ValueError("ToolGym's rollout_func samples from the trainer's own model: set use_vllm=False")
    for name, nothing in _NOT_SAMPLED_WITH.items():
        if (value := getattr(args, name, nothing)) not in (nothing, None, 0.0):
            raise ValueError(f"ToolGym's rollout_func has no {name}, got {value}: leave it out of GRPOConfig")
    return Policy(
        (model, trainer.processing_class),
        max_new_tokens=max_new_tokens or args.max_completion_length,
        temperature=args.temperature,
        top_p=args.top_p,
        top_k=args.top_k or 0,
    )


def _columns(rollouts: Sequence[Rollout], policy: Policy) -> dict[str, list[Any]]:
    rows = [_row(rollout, policy) for rollout in rollouts]
    return {name: [row[name] for row in rows] for name in rows[0]}


def _row(rollout: Rollout, policy: Policy) -> dict[str, Any]:
    sample, played = rollout.sample, rollout.trajectory
    start, valid = sample.prompt_length, rollout.valid
    # TRL needs a token: an episode whose prompt leaves no room gets an end that is not trained on
    empty = start == len(sample.token_ids)
    return {
        "prompt_ids": sample.token_ids[:start],
        "completion_ids": [policy.tokenizer.eos_token_id] if empty else sample.token_ids[start:],
        "logprobs": [0.0] if empty else sample.logprobs[start:],
        "env_mask": [0] if empty else sample.loss_mask[start:],
        "toolgym_reward": played.reward if valid else None,
        "toolgym_success": played.success if valid else None,
        "toolgym_verdict": played.verdict,
        "toolgym_turn_rewards": [turn.reward.total for turn in played.turns],
        "toolgym_error": played.error,
    }
