"""RayPlayers: the episodes of a training batch are played by actors of a Ray cluster, against the vLLM server.

Each actor has environments, a tokenizer and a connection to the server; no weights. This process alone draws tasks,
sends weights, trains and writes. What an actor plays follows from what it is told: tasks, the seed, and how often their
prompts were sampled before. So an actor that dies is replaced, and what it had not handed over is played again, to the
same tokens.
"""

from __future__ import annotations

import pickle
from collections import Counter, deque
from collections.abc import Hashable, Iterator, Sequence
from copy import deepcopy
from functools import partial
from types import SimpleNamespace
from typing import Any, TypeAlias

import gymnasium as gym
import msgspec

from toolgym.agent import AgentError
from toolgym.playing.crew import Died, Lost, Played, Ready, share_out
from toolgym.playing.ray_cluster import Home, RayCrew, connected
from toolgym.playing.same_source import code_of
from toolgym.types import Trajectory, message

from ..config import TrainConfig
from ..vllm.policy import VLLMPolicy
from ..vllm.weights import SentWeights
from .collect import Collector, Rollout, TaskName

Group: TypeAlias = list[Rollout]
Places: TypeAlias = tuple[int, ...]
"""Of the tasks with one opening: one actor plays them all, because repeats of a prompt get new samples."""


class _Suites(msgspec.Struct, frozen=True):
    """What a collector is made from."""

    specs: list[Any]
    max_tokens: int | None
    milestones: bool
    demonstrations: bool


class _Plan(msgspec.Struct, frozen=True):
    """What an actor is made from."""

    config: TrainConfig
    model: Any
    tokenizer: Any
    adapter: bool
    training: _Suites
    held_out: _Suites


class _MadeFrom(msgspec.Struct, frozen=True):
    """A pickled ``_Plan``, to be read when its modules can be found."""

    home: Home
    plan: bytes


class _Asked(msgspec.Struct, frozen=True):
    """What is played at once."""

    tasks: list[TaskName]
    how: dict[str, int]
    """Arguments of ``Collector.play``."""
    evaluates: bool
    step: int | None
    seed: int | str
    sampled: Counter[str]
    """How often each prompt was sampled before."""
    version: int
    label: str


class _Share(msgspec.Struct, frozen=True):
    """What an actor hands over, all at once."""

    groups: list[tuple[Places, list[Group | BaseException]]]
    sampled: Counter[str]
    refused: int


class RayPlayers:
    """Actors on the cluster ``config.ray``, made when they are needed, and kept until ``close``.

    Raises ModuleNotFoundError without the package ray, RunError if the cluster cannot be reached.
    """

    def __init__(self, config: TrainConfig):
        self.config = config
        self._ray, self._started = connected(config.ray, config.ray_actors)
        self.actors = config.ray_actors or max(1, int(self._ray.cluster_resources().get("CPU", 1)))
        self._crew: _Players | None = None

    def meet(self, policy: VLLMPolicy, model: Any, training: Collector, held_out: Collector) -> None:
        """Start the first actor. Raises RunError if the cluster has no place for it or other code than this process,
        and what its environments raise.

        Args:
            policy: that samples the training episodes. ``held_out`` has a greedy one.
            model: of which no weights are used.
        """
        suites = [_suites(collector) for collector in (training, held_out)]
        code: dict[str, str] = {}
        for spec in (spec for each in suites for spec in each.specs):
            code |= code_of(spec.entry_point if isinstance(spec.entry_point, str) else spec.entry_point.__module__)
        about = SimpleNamespace(
            name_or_path=str(model.name_or_path),
            config=deepcopy(model.config),
            generation_config=deepcopy(model.generation_config),
        )
        adapter = hasattr(model, "peft_config")
        plan = _Plan(self.config, about, policy.tokenizer, adapter, *suites)
        made_from = _MadeFrom(Home.here(code), self._ray.cloudpickle.dumps(plan))
        self._policy = policy
        self._crew = _Players(self._ray, _Player, {"num_cpus": 1, "num_gpus": 0}, made_from)
        self._crew.first()

    def play(
        self, collector: Collector, tasks: Sequence[TaskName], sent: SentWeights, how: dict[str, int]
    ) -> list[Group | BaseException]:
        """``collector.play`` by the actors, by the weights that were ``sent``. For a task, an AgentError of its actor
        may stand in for its group. A group whose actors died three times has no valid episode (``error_kind="actor"``).
        """
        assert self._crew is not None
        openings: dict[Hashable, list[int]] = {}
        for i, task in enumerate(tasks):
            openings.setdefault(collector.opening(task), []).append(i)
        todo = [tuple(places) for places in openings.values()]
        policy, workers = self._policy, max(1, min(self.actors, len(todo)))
        evaluates = collector.policy is not policy
        asked = _Asked(
            list(tasks), how, evaluates, collector.step, policy.seed, policy.sampled, sent.version, sent.label
        )
        groups: list[Group | BaseException] = [[] for _ in tasks]
        self._crew.plays(workers, asked)
        try:
            for found in share_out(todo, self._crew, workers, len(todo)):
                for k, i in enumerate(found.key):
                    groups[i] = found.result[k] if isinstance(found, Played) else _lost(collector, tasks[i], found, how)
        except BaseException:
            self._crew.dismiss()
            raise
        self._crew.rest()
        counts, refused = self._crew.taken()
        policy.sampled = policy.sampled + counts
        sent.refused += refused
        return groups

    def close(self) -> None:
        """End the actors, and the connection to the cluster if it was opened here."""
        if self._started:
            self._ray.shutdown()
        elif self._crew is not None:
            self._crew.dismiss()


def _suites(collector: Collector) -> _Suites:
    specs = [collector.env(suite).spec for suite in range(len(collector.make_envs))]
    return _Suites(specs, collector.max_tokens, collector.milestones, collector.demonstrations)


def _lost(collector: Collector, task: TaskName, lost: Lost[Places], how: dict[str, int]) -> Group:
    suite, task_id = task
    spec = collector.env(suite).spec
    group = []
    for repeat in range(how.get("num_generations", 1)):
        about = Trajectory(spec.id if spec else "", task_id, (), repeat=repeat, reward_valid=False)
        about.error, about.error_kind = lost.reason, "actor"
        sample = collector.chat.transcript([message("user", "")]).sample(truncated=False)
        group.append(Rollout(about, sample, suite=suite))
    return group


class _Players(RayCrew):
    """The actors. A share is handed over as a whole."""

    imports = 480.0  # of torch, by every actor at once, perhaps over a network

    def __init__(self, *args: Any):
        super().__init__(*args)
        self._handed_over: deque[tuple[Any, Played[Places, Any]]] = deque()
        self._sampled, self._refused = Counter[str](), 0

    def next_event(self) -> tuple[Any, Played[Places, Any] | Ready | Died]:
        if not self._handed_over:
            actor, event = super().next_event()
            if not isinstance(event, Played):
                return actor, event
            share: _Share = event.result
            self._sampled += share.sampled
            self._refused += share.refused
            self._handed_over += [(actor, Played(*each)) for each in share.groups]
        return self._handed_over.popleft()

    def taken(self) -> tuple[Counter[str], int]:
        """How often prompts were sampled, and how many answers were refused, since the last call."""
        found = self._sampled, self._refused
        self._sampled, self._refused = Counter(), 0
        return found

    def dismiss(self) -> None:
        """End all actors."""
        super().dismiss()
        self._handed_over.clear()
        self.taken()


class _Player:
    """What runs in the process of an actor."""

    def alive(self) -> None:
        """Does nothing: the actor lives."""

    def prepare(self, made_from: _MadeFrom, again: str) -> dict[str, Any]:
        """Make the policy and the environments. ``again``: the actor replaces another one, and plays the same."""
        made_from.home.enter()
        plan: _Plan = pickle.loads(made_from.plan)
        config = plan.config
        self._sent = SentWeights(plan.adapter)
        self._policy = VLLMPolicy(
            config.sampler,
            (plan.model, plan.tokenizer),
            max_new_tokens=config.max_completion_length,
            temperature=config.temperature,
            template_kwargs=config.template_kwargs,
            tools=config.tools,
            weights=self._sent,
        )
        policies = self._policy, self._policy.greedy()
        self._training, self._held_out = (
            Collector(
                [partial(gym.make, spec) for spec in each.specs],
                policy,
                policy.chat,
                each.max_tokens,
                each.milestones,
                each.demonstrations,
            )
            for each, policy in zip((plan.training, plan.held_out), policies, strict=True)
        )
        for collector in (self._training, self._held_out):
            for suite in range(len(collector.make_envs)):
                collector.env(suite)
        return {}

    def play(self, share: list[Places], asked: _Asked) -> Iterator[Any]:
        """Play the tasks of a share, all at once."""
        policy, sent = self._policy, self._sent
        collector = self._held_out if asked.evaluates else self._training
        if asked.step is not None:
            collector.set_step(asked.step)
        policy.seed, policy.sampled = asked.seed, asked.sampled
        sent.version, sent.label, sent.refused = asked.version, asked.label, 0
        groups = tried(collector, [asked.tasks[i] for places in share for i in places], policy, asked.how)
        parts = iter(groups)
        handed_over = [(places, [next(parts) for _ in places]) for places in share]
        yield Played((), _Share(handed_over, policy.sampled - asked.sampled, sent.refused))
        yield None


def tried(
    collector: Collector, tasks: Sequence[TaskName], policy: VLLMPolicy, how: dict[str, int]
) -> Sequence[Group | BaseException]:
    """``collector.play``; if it ends by an AgentError or is stopped, that for each task, and nothing counts as sampled.

    The result may be given to other processes, which are to end with the same reason.
    """
    before = policy.sampled
    try:
        return collector.play(tasks, **how)
    except (AgentError, KeyboardInterrupt) as error:
        policy.sampled = before
        return [error] * len(tasks)
