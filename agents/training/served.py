"""A vLLM server as the trainer's sampler: weights are sent before answers are asked for, and old answers are refused.

publish         before episodes are played, the server gets the weights of this step
play            episodes are played; those that met other weights are played again, after the weights were sent again
refuse_stale    episodes by weights that are too old leave the update, and are counted
check           the run stops if the episodes' log-probabilities are not those of the trainer's weights

Of several ranks each asks the server for its own episodes, and rank 0 alone sends weights, while no rank plays. What
ends the run of one rank, e.g. a server that is gone, is raised by every rank at once. On a Ray cluster the actors of
rank 0 play instead of the ranks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar, cast

from toolgym.agent import AgentError

from ..config import TrainConfig
from ..tokens import Sample
from ..vllm.policy import SENDINGS, VLLMPolicy, other_weights
from ..vllm.server import VLLMServer
from ..vllm.weights import Probe, SentWeights, ServedWeights, WeightsDiffer, WeightsLost
from .batch import Batch
from .collect import Collector, Rollout, TaskName
from .distributed.ranks import Ranks
from .distributed.shares import TaskShares
from .learner import Learner
from .ray_players import Group, RayPlayers, tried

T = TypeVar("T")

MISMATCH = {False: 0.25, True: 1.0}
"""Overlap -> the largest mean of |log-ratio| of a batch's tokens, trainer to sampler, nats per token. In bfloat16 it is
about 0.05; with overlap, one step of training comes on top."""


class ServedSampler:
    """The server, its policy, and the weights that it is sent. Every rank has one, and calls its methods at once.

    Args:
        folder: of the run.

    Raises AgentError if the server cannot be reached.
    """

    def __init__(self, config: TrainConfig, server: VLLMServer, learner: Learner, ranks: Ranks, folder: Path):
        self.config, self.learner, self.ranks = config, learner, ranks
        self._told = 0  # of the answers that were refused
        model = learner.model
        ranks.from_first(lambda: server.ask(server.model))
        self.weights: ServedWeights | None = None
        if ranks.first:
            place = Path(config.sampler_folder) if config.sampler_folder else folder / "sampler-weights"
            self.weights = ServedWeights(server, place, model, self._score, config.temperature)
        # one process alone sends lost weights again in the middle of an episode
        alone = self.weights if ranks.size == 1 else None
        self.sent = alone or SentWeights(adapter=hasattr(model, "peft_config"))
        self.policy = VLLMPolicy(
            server,
            (model, learner.tokenizer),
            max_new_tokens=config.max_completion_length,
            temperature=config.temperature,
            template_kwargs=config.template_kwargs,
            tools=config.tools,
            weights=self.sent,
        )
        self.players: RayPlayers | None = None
        if config.ray:
            ranks.from_first(self._connect)

    def _connect(self) -> None:
        self.players = RayPlayers(self.config)

    def meet(self, training: Collector, held_out: Collector) -> None:
        """Say which episodes will be played. Raises RunError if actors are to play, and cannot."""

        def meet() -> None:
            assert self.players is not None
            self.players.meet(self.policy, self.learner.model, training, held_out)

        if self.config.ray:
            self.ranks.from_first(meet)

    def publish(self, step: int) -> None:
        """Send the weights of ``step``, unless the server has them; the first ones after ``ServedWeights.prove``.

        Raises AgentError if the server is lost, WeightsDiffer if it does not take the weights.
        """

        def send(weights: ServedWeights) -> tuple[int, str]:
            if weights.version < 0:
                weights.prove()
            weights.publish(step)
            return weights.version, weights.label

        self.sent.version, self.sent.label = self._by_first(send, self.ranks)

    def play(
        self, collector: Collector, tasks: Sequence[TaskName], shares: TaskShares, **how: int
    ) -> list[list[Rollout]]:
        """``collector.play``, each rank its share of the tasks. Raises AgentError, the same one on every rank."""
        groups = list(self._play_once(collector, tasks, shares, how))
        for _ in range(SENDINGS):
            lost = _lost(groups)
            if not lost:
                return cast("list[Group]", groups)
            self._by_first(ServedWeights.send, shares.ranks)
            for i, group in zip(lost, self._play_once(collector, [tasks[i] for i in lost], shares, how), strict=True):
                groups[i] = group
        if _lost(groups):
            raise other_weights(self.policy.server)
        return cast("list[Group]", groups)

    def _play_once(
        self, collector: Collector, tasks: Sequence[TaskName], shares: TaskShares, how: dict[str, int]
    ) -> Sequence[Group | BaseException]:
        """The groups of the tasks, or for each the error that all ranks are to know."""
        if not self.config.ray:
            play = partial(tried, collector, policy=self.policy, how=how)
            return shares.map(tasks, collector.opening, play)

        def by_actors() -> Sequence[Group | BaseException]:
            try:
                return cast("RayPlayers", self.players).play(collector, tasks, self.sent, how)
            except (AgentError, KeyboardInterrupt) as error:
                return [error] * len(tasks)

        return shares.ranks.from_first(by_actors)

    def _by_first(self, do: Callable[[ServedWeights], T], ranks: Ranks) -> T:
        """``do(weights)`` on rank 0. What it raises is raised on every rank."""

        def attempt() -> tuple[T | None, BaseException | None]:
            try:
                return do(cast("ServedWeights", self.weights)), None
            except (AgentError, KeyboardInterrupt) as error:
                return None, error

        result, error = ranks.from_first(attempt)
        if error is not None:
            raise error
        return cast("T", result)

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
        if self.weights is not None:
            self.weights.close()

    def dismiss(self) -> None:
        """End the actors, if there are any."""
        if self.players is not None:
            self.players.close()

    def metrics(self, stale: int) -> dict[str, float]:
        """Of one step: ``sampler/canary``, nats per token; ``sampler/refused``, answers that other weights had written
        and that were sampled anew; ``sampler/stale``, the result of ``refuse_stale``."""
        gap = 0.0 if self.weights is None else self.weights.gap
        refused, self._told = self.sent.refused - self._told, self.sent.refused
        return {
            "sampler/canary": gap,
            "sampler/refused": float(sum(self.ranks.gather(refused))),
            "sampler/stale": float(stale),
        }

    def _score(self, probes: Sequence[Probe]) -> list[list[float]]:
        """The trainer's log-probabilities of the tokens of each probe."""
        pairs = [(prompt, token) for prompt, tokens in probes for token in tokens]
        samples = [
            Sample([*prompt, token], [0] * len(prompt) + [1], zeros := [0.0] * (len(prompt) + 1), zeros, len(prompt))
            for prompt, token in pairs
        ]
        scores = iter(self.learner.whole.score(Batch.of(samples), self.config.temperature)[:, 0].tolist())
        return [[next(scores) for _ in tokens] for _, tokens in probes]


def _lost(groups: Sequence[Group | BaseException]) -> list[int]:
    """The places of the groups that met other weights. Raises another error that stands in for a group."""
    for group in groups:
        if isinstance(group, BaseException) and not isinstance(group, WeightsLost):
            raise group
    return [i for i, group in enumerate(groups) if isinstance(group, WeightsLost)]
