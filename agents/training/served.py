"""A vLLM server as the trainer's sampler: weights are sent before answers are asked for, and old answers are refused.

publish         before episodes are played, the server gets the weights of this step
refuse_stale    episodes by weights that are too old leave the update, and are counted
check           the run stops if the episodes' log-probabilities are not those of the trainer's weights
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..config import TrainConfig
from ..tokens import Sample
from ..vllm.policy import VLLMPolicy
from ..vllm.server import VLLMServer
from ..vllm.weights import Probe, ServedWeights, WeightsDiffer
from .batch import Batch
from .collect import Rollout
from .forward import TrainingForward

MISMATCH = {False: 0.25, True: 1.0}
"""Overlap -> the largest mean of |log-ratio| of a batch's tokens, trainer to sampler, nats per token. In bfloat16 it is
about 0.05; with overlap, one step of training comes on top."""


class ServedSampler:
    """The server, its policy, and the weights that it is sent.

    Args:
        folder: of the run.

    Raises AgentError if the server cannot be reached or does not take weights.
    """

    def __init__(self, config: TrainConfig, model: Any, tokenizer: Any, forward: TrainingForward, folder: Path):
        self.config, self.forward = config, forward
        self._told = 0  # of the answers that were refused
        server = VLLMServer(config.sampler)
        place = Path(config.sampler_folder) if config.sampler_folder else folder / "sampler-weights"
        self.weights = ServedWeights(server, place, model, self._score, config.temperature)
        self.policy = VLLMPolicy(
            server,
            (model, tokenizer),
            max_new_tokens=config.max_completion_length,
            temperature=config.temperature,
            template_kwargs=config.template_kwargs,
            tools=config.tools,
            weights=self.weights,
        )

    def publish(self, step: int) -> None:
        """Send the weights of ``step``, unless the server has them; the first ones after ``ServedWeights.prove``."""
        if self.weights.version < 0:
            self.weights.prove()
        self.weights.publish(step)

    def refuse_stale(self, groups: Sequence[Sequence[Rollout]], step: int) -> int:
        """Make episodes not valid that were sampled by weights older than allowed; returns their number."""
        oldest, refused = step - self.config.overlap, 0
        for rollout in (rollout for group in groups for rollout in group):
            if rollout.sample.turns and rollout.sample.version < oldest:
                refused += 1
                about = rollout.trajectory
                about.reward_valid, about.success, about.error_kind = False, None, "stale"
                about.error = (
                    f"sampled by the weights of step {rollout.sample.version}, and step {step} takes {oldest} on"
                )
        return refused

    def check(self, metrics: dict[str, float]) -> None:
        """Raises WeightsDiffer if the first update's mismatch cannot be that of one set of weights."""
        gap, limit = metrics.get("importance/log_ratio", 0.0), MISMATCH[self.config.overlap]
        if self.config.demonstrations_in == "prompt" and gap > limit:
            drift = "; with overlap, a lower learning rate may do" if self.config.overlap else ""
            raise WeightsDiffer(
                f"the tokens that {self.policy.server} sampled have other log-probabilities in the trainer: the mean "
                f"of |log-ratio| is {gap:.3g} nats per token, and at most {limit:g} is expected of equal weights. "
                "Start the server by `toolgym serve-sampler`, which sets --logprobs-mode processed_logprobs and "
                f"--generation-config vllm{drift}",
                kind="server",
            )

    def close(self) -> None:
        """Remove the folder of the weights."""
        self.weights.close()

    def metrics(self, stale: int) -> dict[str, float]:
        """Of one step: ``sampler/canary``, nats per token; ``sampler/refused``, answers that other weights had written
        and that were sampled anew; ``sampler/stale``, the result of ``refuse_stale``."""
        refused, self._told = self.weights.refused - self._told, self.weights.refused
        return {
            "sampler/canary": self.weights.gap,
            "sampler/refused": float(refused),
            "sampler/stale": float(stale),
        }

    def _score(self, probes: Sequence[Probe]) -> list[list[float]]:
        """The trainer's log-probabilities of the tokens of each probe."""
        pairs = [(prompt, token) for prompt, tokens in probes for token in tokens]
        samples = [
            Sample([*prompt, token], [0] * len(prompt) + [1], zeros := [0.0] * (len(prompt) + 1), zeros, len(prompt))
            for prompt, token in pairs
        ]
        scores = iter(self.forward.score(Batch.of(samples), self.config.temperature)[:, 0].tolist())
        return [[next(scores) for _ in tokens] for _, tokens in probes]
