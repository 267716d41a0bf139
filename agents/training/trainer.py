"""The training loop: draw tasks, play or imitate them, update, evaluate, save. ``toolgym train`` runs it.

Tasks and sampling follow from (seed, step) alone: no random state is kept between steps. A killed run that is resumed
from its last checkpoint ends in the same weights, byte for byte on a CPU.
"""

from __future__ import annotations

import json
import logging
import math
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any, TypeAlias

import gymnasium as gym
import msgspec
import torch

from toolgym.agent import AgentError
from toolgym.disk import write_atomic
from toolgym.playing.left_out import left_out, left_out_words
from toolgym.types import Trajectory

from .. import checkpoint
from ..config import TrainConfig
from ..policy import Policy
from ..sampler import Sampler
from ..vllm.policy import VLLMPolicy
from ..vllm.server import VLLMServer
from .ahead import Ahead
from .collect import Collector, Rollout, TaskName
from .credit import grpo_advantages
from .distributed.ranks import join
from .distributed.shares import TaskShares
from .drawing import Drawing
from .dynamic_sampling import PlayedGroups, play_until_signal, replacement_metrics
from .guided import guide
from .kept_episodes import eval_metrics, eval_tasks, forget_after, keep_evaluation, keep_group
from .learner import Learner
from .metrics import MetricsLog, episode_metrics
from .run_start import check_ranks, open_run
from .served import ServedSampler
from .texts import Documents, Texts
from .update import GRPOUpdate, PPOUpdate, SFTUpdate, has_part

logger = logging.getLogger(__name__)

Update: TypeAlias = Callable[[int], dict[str, float]]
"""Adds up the gradients of update number n on a batch; returns the metrics. See update.py."""

UNSCORED_STEPS = 5
"""A run stops after this many steps in a row without a scored episode."""


class TrainingStopped(RuntimeError):
    """Training cannot go on; the message says why, and which results were kept."""


class Trainer:
    """One run in one folder: ``config.json``, ``metrics.jsonl``, ``tensorboard/``, ``checkpoints/``, ``evaluations/``
    and ``groups/``. ``toolgym report`` shows it, also while it is running.

    Args:
        config: the settings.
        resume: continue the run in ``config.out``.
        on_step: called with each step's metrics, for a progress bar.
        loaded: (model, tokenizer) instead of the model that ``config.model`` names.

    Raises RunError if the folder holds another run, AssetError if the model cannot be loaded.
    """

    def __init__(
        self,
        config: TrainConfig,
        *,
        resume: bool = False,
        on_step: Callable[[dict[str, float]], None] | None = None,
        loaded: tuple[Any, Any] | None = None,
    ):
        self.config = config
        self.on_step = on_step
        self.folder = Path(config.out)
        self.ranks = join()
        self.shares = TaskShares(self.ranks)
        check_ranks(config, self.ranks)
        state = open_run(config, self.ranks, self, resume=resume)
        # before the model is loaded: a bad line, or a server that is not there, is told at once
        documents = Documents.read(config.text) if config.algo == "pretrain" else None
        server = VLLMServer(config.sampler) if config.sampler else None
        if server is not None and self.ranks.first:
            server.look()
        self.learner = Learner(config, self.ranks, loaded)
        self.model, self.tokenizer, self.forward = self.learner.model, self.learner.tokenizer, self.learner.forward
        self.step = 0
        if state is not None:
            self.learner.load_state_dict(state)
            self.step = state["step"]
        self._stop = False
        self._unscored_steps = 0
        self._told: set[str] = set()  # kinds of reasons for which episodes were left out
        self._shown: Sequence[Rollout] = ()
        self._shown_suite = 0
        self.texts: Texts | None = None
        self.served: ServedSampler | None = None
        self.ahead = Ahead(self._play)
        if documents is not None:
            self._encode(documents, state)
        else:
            self._prepare_to_play(server, state)
        # only now: a run that fails to start must not leave a folder that blocks the next attempt
        self.log: MetricsLog | None = None
        self.ranks.from_first(self._begin)

    def _encode(self, documents: Documents, state: dict[str, Any] | None) -> None:
        """Prepare to train on documents. Nothing is played, so the model needs no chat template."""
        config = self.config
        context = getattr(self.forward.config, "max_position_embeddings", None) or config.max_tokens
        self.texts = Texts(
            documents,
            self.tokenizer,
            max_tokens=min(config.max_tokens, context),
            held_out=config.eval_tasks if config.eval_every else 0,
            seed=config.seed,
        )
        if state is not None:
            self.texts.check(state)

    def _prepare_to_play(self, server: VLLMServer | None, state: dict[str, Any] | None) -> None:
        """The policy, its environments, and the drawing of tasks."""
        config = self.config
        if server is not None:
            self.served = ServedSampler(config, server, self.learner, self.ranks, self.folder)
        policy: Policy | VLLMPolicy = self._policy() if self.served is None else self.served.policy
        self.policy = policy
        self.chat = policy.chat
        # with overlap, two batches are under way at once: each has environments of its own, and what the ranks tell
        # each other about the one must not meet what they tell about the other
        self._play_shares = TaskShares(self.ranks.beside()) if config.overlap else self.shares
        self._collectors = [
            self._collector(config.suites(), policy, config.max_tokens, config.credit == "term")
            for _ in range(1 + config.overlap)
        ]
        self.collector = self._collectors[0]
        """Of the step that is being trained."""
        self.drawing = Drawing(self.collector, config)
        if state is not None:
            self.drawing.load_state_dict(state)
            self.ahead.load_state_dict(state)
        self._held_out = (config.env, config.held_out())
        # SFT's max_tokens limits the gold episodes; a model trained on short episodes still answers long prompts
        longest = None if config.algo == "sft" else config.max_tokens
        self.evaluator = self._collector([self._held_out], policy.greedy(), longest)
        if self.served is not None:
            self.served.meet(self.collector, self.evaluator)
        self.model.generation_config.eos_token_id = sorted(policy.end_ids)  # saved with the model, for other programs
        alone = config.num_generations == 1 and config.credit != "fork" and config.guided == "off"
        if config.algo == "grpo" and alone:
            logger.warning("num_generations is 1: an episode alone in its group has no advantage, and teaches nothing")
        if config.tools == "template":  # an env that does not fit is said at once
            self.evaluator.env()
            for suite in range(len(config.suites())):
                self.collector.env(suite)

    def run(self) -> dict[str, float]:
        """Train to the last step; returns the last evaluation's metrics, or the last step's without evaluations.

        Of several ranks, all call this, and rank 0 alone writes and calls ``on_step``. Raises RankLost if a rank ends.

        Ctrl-C finishes the step, saves a checkpoint and raises KeyboardInterrupt. Raises TrainingStopped if a step's
        gradients are not finite (the batch is saved in the folder), if the disk is full, and if no episode of
        UNSCORED_STEPS steps could be scored; or if the sampler is lost, or has other weights.
        """
        metrics: dict[str, float] = {}
        evaluated: dict[str, float] = {}
        before = signal.getsignal(signal.SIGINT)
        logged = self.step
        saved = self.ranks.from_first(lambda: self.step if checkpoint.all_of(self.folder) else -1)
        try:
            signal.signal(signal.SIGINT, self._interrupt)
        except ValueError:  # not in the main thread: the caller handles Ctrl-C
            before = None
        try:
            if self.step == 0 and self.config.eval_every:
                evaluated = self.evaluate()
                self._log({"step": 0, **evaluated})
            while self.step < self.config.steps and not self._stops():
                metrics = self._train_step()
                last = self.step == self.config.steps
                if self.config.eval_every and (last or self.step % self.config.eval_every == 0):
                    evaluated = self.evaluate()
                    metrics |= evaluated
                self._log(metrics)
                logged = self.step
                unscored = self._unscored_steps >= UNSCORED_STEPS
                if last or self._stops() or unscored or self.step % self.config.save_every == 0:
                    self.save()
                    saved = self.step
                if unscored:
                    raise self._nothing_scored()
            stopped = self._stops()
            if stopped and self.step != saved:
                self.save()
            if self.served is not None:
                self.served.close()
        except AgentError as error:
            if self.served is None:
                raise
            # with overlap, the next batch would be missing; in an evaluation, the step's row: a checkpoint has both
            if self.step not in (0, saved) and self.step == logged and not self.config.overlap:
                self.save()
            raise TrainingStopped(f"step {self.step + 1}: {error}. Then go on with --resume") from error
        except BaseException as error:
            raise self.ranks.explained(error) from error.__cause__
        finally:
            self.ahead.stop()
            if self.served is not None:
                self.served.dismiss()
            if self.log is not None:
                self.log.close()
            if before is not None:
                signal.signal(signal.SIGINT, before)
        if stopped:
            raise KeyboardInterrupt
        return evaluated or metrics

    def evaluate(self) -> dict[str, float]:
        """Play the held-out tasks greedily; returns ``eval_metrics``. Some episodes are kept in ``evaluations/``.

        A reward with a schedule stays at its first step here, so evaluations can be compared. In pre-training it is the
        loss of the held-out text instead.
        """
        if self.texts is not None:
            return self.texts.evaluate(self.forward)
        self._publish()
        self.shares.begin_step()
        tasks = eval_tasks(self.evaluator, self.config.eval_tasks)
        trajectories = [group[0].trajectory for group in self._played(self.evaluator, self.shares, tasks)]
        if self.ranks.first:
            with self._needs_room():
                keep_evaluation(self.folder, self.step, self._held_out, trajectories)
        return eval_metrics(trajectories)

    def save(self) -> Path:
        """Write a checkpoint, and the first group of the step; returns the checkpoint's folder."""
        self.learner.renew_copy()
        state = self.learner.state_dict()
        if self.texts is None:
            state |= self.ahead.state_dict()  # every rank waits for the batch: what playing it raised, all raise
        if not self.ranks.first:
            return checkpoint.folder_of(self.folder, self.step)
        with self._needs_room():
            if self._shown and self.config.plays:
                suite = self.config.suites()[self._shown_suite]
                decode = self.tokenizer.decode
                keep_group(
                    self.folder, self.step, suite, self.config.temperature, self._shown, lambda token: decode([token])
                )
            if self.texts is not None:
                state |= self.texts.state_dict()
            else:
                state |= self.drawing.state_dict()  # after the batch was waited for
            return checkpoint.save(self.folder, self.step, self.model, self.tokenizer, state)

    # --------------------------------------------------------------------------------------------

    def _policy(self) -> Policy:
        config = self.config
        return Policy(
            (self.model, self.tokenizer),
            max_new_tokens=config.max_completion_length,
            temperature=config.temperature,
            batch_size=64 if self.model.device.type == "cpu" else 512,
            template_kwargs=config.template_kwargs,
            tools=config.tools,
        )

    def _train_step(self) -> dict[str, float]:
        began = perf_counter()
        config, step = self.config, self.step
        metrics: dict[str, float] = {}
        if self.texts is None:
            self.collector = self._collectors[step % len(self._collectors)]
            self.collector.set_step(step)
        if not config.plays:
            rollouts = drawn = self._shown = self._gold(step)
            played = perf_counter()
            metrics, updates = self._imitation(rollouts)
            drawing = self.drawing.metrics() if self.texts is None else self.texts.metrics(step, len(drawn))
        else:
            batch, waited = self._batch(step)
            played = perf_counter()
            stale = 0 if self.served is None else self.served.refuse_stale(batch.groups, step)
            metrics, updates = self._policy_update(batch.groups)
            rollouts = [rollout for _, group in batch.played for rollout in group]
            drawn, drawing = batch.drawn_first, batch.drawing
            if config.dynamic_sampling:
                metrics |= replacement_metrics(batch)
            self._shown, self._shown_suite = batch.groups[0], batch.tasks[0][0]
        self._tell_left_out([rollout.trajectory for rollout in rollouts])
        self._unscored_steps = 0 if any(rollout.valid for rollout in rollouts) else self._unscored_steps + 1
        norm = 0.0
        for update in range(config.num_iterations):
            with self.learner.summing():
                metrics |= updates(update)
            if self.served is not None and update == 0:
                self.served.check(metrics)
            norm = self.learner.step(config.learning_rate_at(step))
            if not math.isfinite(norm):
                self._keep_batch(rollouts, norm)
        self.step += 1
        seconds = perf_counter() - began
        tokens = sum(sum(rollout.sample.loss_mask) for rollout in rollouts)
        return {
            "step": self.step,
            **metrics,
            **episode_metrics(drawn, sampled=config.plays),
            **drawing,
            **({} if self.served is None else self.served.metrics(stale)),
            "grad_norm": norm,
            "learning_rate": config.learning_rate_at(step),
            "seconds": round(seconds, 3),
            "seconds/play": round(played - began, 3),
            **({"seconds/wait": round(waited, 3)} if config.overlap else {}),
            "tokens_per_second": round(tokens / seconds, 1),
        }

    def _tell_left_out(self, trajectories: Sequence[Trajectory]) -> None:
        """Log why episodes were left out of an update, each kind of reason once in a run."""
        new = [group for group in left_out(trajectories) if group.kind not in self._told]
        if new:
            self._told |= {group.kind for group in new}
            logger.warning("step %d: %s", self.step + 1, left_out_words(trajectories))

    def _imitation(self, rollouts: Sequence[Rollout]) -> tuple[dict[str, float], Update]:
        used = [rollout for rollout in rollouts if rollout.valid]
        metrics = {"unscored": float(len(rollouts) - len(used))}
        update = SFTUpdate([rollout.sample for rollout in used], self.forward) if used else None
        return metrics, update.gradients if update is not None else _no_update

    def _policy_update(self, groups: Sequence[Sequence[Rollout]]) -> tuple[dict[str, float], Update]:
        """Credit the groups' samples; the metrics of that, and the update on the samples with a valid reward."""
        config = self.config
        # PPO takes the KL off each token's reward itself
        held_to = self.learner.reference if config.algo == "grpo" else None
        told: dict[str, float] = {}
        if config.guided != "off":
            groups, told = guide(groups, self.collector, config)
        metrics = told | grpo_advantages(groups, config, self.forward, held_to, self.chat.decode)
        used = [r for group in groups for r in group if r.valid]
        samples = [r.sample for r in used]
        if not any(has_part(sample, config) for sample in samples):
            return metrics, _no_update
        if self.learner.value_head is None:
            return metrics, GRPOUpdate(samples, self.forward, config, self.learner.reference).gradients
        rewards = [[turn.reward.total for turn in r.trajectory.turns] for r in used]
        update = PPOUpdate(samples, rewards, self.forward, config, self.learner.value_head, self.learner.reference)
        return metrics, update.gradients

    def _batch(self, step: int) -> tuple[PlayedGroups, float]:
        """The groups of a step, and the seconds that were waited for them. With overlap, the next step's are begun."""
        began = perf_counter()
        batch = self.ahead.take(step)
        if batch is None:
            self._publish()
            batch = self._play(step)
        waited = perf_counter() - began
        if self.config.overlap and step + 1 < self.config.steps:
            self._publish()
            self.ahead.start(step + 1)
        return batch, waited

    def _play(self, step: int) -> PlayedGroups:
        """Groups of episodes of the step's tasks. With overlap, this runs on a thread of its own."""
        config, draw = self.config, self.drawing.of_step(step)
        collector = self._collectors[step % len(self._collectors)]
        collector.set_step(step)
        self._play_shares.begin_step()
        self.policy.reseed(f"{config.seed} {step}")
        forks = config.forks if config.credit == "fork" else 0
        play = partial(self._played, collector, self._play_shares, num_generations=config.num_generations, forks=forks)
        tasks = draw.first(config.prompts_per_step)
        teaches = partial(self._teaches, collector=collector)
        batch = play_until_signal(tasks, play, draw.another, teaches, config.dynamic_sampling)
        for task, group in batch.played:
            draw.record(task, group)
        batch.drawing = self.drawing.metrics()
        return batch

    def _publish(self) -> None:
        """Let the sampler have the weights of this step."""
        self.ahead.wait()  # an episode's answers are all of one version
        self.learner.renew_copy()
        if self.served is not None:
            self.served.publish(self.step)
        self.policy.version = self.step

    def _golds(self, tasks: Sequence[TaskName]) -> list[Rollout]:
        """Each task's gold episode, each rank playing its share."""
        return self.shares.map(tasks, self.collector.opening, lambda mine: [self.collector.gold(task) for task in mine])

    def _played(
        self, collector: Collector, shares: TaskShares, tasks: Sequence[TaskName], **how: int
    ) -> list[list[Rollout]]:
        """``collector.play``, each rank its share of the tasks."""
        if self.served is not None:
            return self.served.play(collector, tasks, shares, **how)
        return shares.map(tasks, collector.opening, lambda mine: collector.play(mine, **how))

    def _teaches(self, group: Sequence[Rollout], collector: Collector | None = None) -> bool:
        """Whether a group, guided or not, has an advantage that is not 0. Dynamic sampling replaces other groups.

        Args:
            collector: of the group's step; that of the step that is being trained if not given.
        """
        if self.config.guided != "off":
            (group,), _ = guide([group], collector or self.collector, self.config)
        grpo_advantages([group], self.config, decode=self.chat.decode)
        return any(any(r.sample.advantages) and has_part(r.sample, self.config) for r in group if r.valid)

    def _gold(self, step: int) -> list[Rollout]:
        """Gold episodes of a step's tasks. An episode longer than ``max_tokens`` is replaced by another task's. In
        pre-training, the step's pieces of text.

        Raises TrainingStopped if none of 20 times the needed number is short enough.
        """
        wanted, limit = self.config.prompts_per_step, self.config.max_tokens
        if self.texts is not None:
            return self.texts.of_step(step, wanted)
        self.shares.begin_step()
        draw, rollouts = self.drawing.of_step(step), list[Rollout]()
        tasks, played = draw.first(wanted), 0
        while tasks and played < 20 * wanted:
            tasks = tasks[: 20 * wanted - played]
            played += len(tasks)
            golds = self._golds(tasks)
            fits = [len(gold.sample.token_ids) <= limit for gold in golds]
            rollouts += [gold for gold, short in zip(golds, fits, strict=True) if short]
            tasks = [draw.another(task) for task, short in zip(tasks, fits, strict=True) if not short]
        if not rollouts:
            raise TrainingStopped(f"no gold episode of {20 * wanted} had at most max_tokens ({limit}): raise it")
        return rollouts

    def _collector(
        self,
        suites: Sequence[tuple[str, dict[str, Any]]],
        policy: Sampler,
        max_tokens: int | None,
        milestones: bool = False,
    ) -> Collector:
        made = [partial(gym.make, name, **kwargs) for name, kwargs in suites]
        demonstrations = self.config.demonstrations_in == "prompt"
        return Collector(made, policy, self.chat, max_tokens, milestones, demonstrations)

    def _begin(self) -> None:
        config, kept = self.config, self.step or -1  # at step 0, the first evaluation is run again
        write_atomic(self.folder / "config.json", json.dumps(asdict(config), indent=2) + "\n")
        self.log = MetricsLog(self.folder, kept)
        forget_after(self.folder, kept)

    def _log(self, metrics: dict[str, float]) -> None:
        if self.log is None:  # of another rank
            return
        with self._needs_room():
            row = self.log.append(metrics)
        if self.on_step is not None:
            self.on_step(row)

    @contextmanager
    def _needs_room(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise TrainingStopped(
                f"cannot write to {self.folder} at step {self.step}: {error}. Earlier checkpoints are whole; "
                "make room and resume."
            ) from error

    def _interrupt(self, *_: Any) -> None:
        if self._stop:  # the second Ctrl-C stops at once
            raise KeyboardInterrupt
        self._stop = True

    def _stops(self) -> bool:
        """Whether a rank was interrupted: the same answer on every rank."""
        return self.ranks.any(self._stop)

    def _nothing_scored(self) -> TrainingStopped:
        episode = self._shown[-1]
        why = f"{episode.trajectory.error}. Put it right and resume from step {self.step}"
        if episode.trajectory.error_kind == "context":
            length, anew = episode.sample.prompt_length, self._anew("a larger one")
            why = f"its prompt of {length} tokens left no room within max_tokens. {anew}"
        return TrainingStopped(
            f"no episode of the last {UNSCORED_STEPS} steps could be scored, so nothing was learnt. "
            f"The last one: {why}."
        )

    def _anew(self, change: str) -> str:
        """The advice if a setting has to change: a run cannot be resumed with other settings."""
        kept = checkpoint.all_of(self.folder)
        start = f" and --model {kept[-1]}" if kept else ""
        return f"Begin a run in another folder with {change}{start}"

    def _keep_batch(self, rollouts: Sequence[Rollout], norm: float) -> None:
        step = self.step + 1  # as the metrics and checkpoints count
        path = self.folder / f"broken-step-{step:06d}.pt"
        if self.ranks.first:
            with self._needs_room(), checkpoint.writing():
                torch.save([asdict_sample(rollout) for rollout in rollouts], path)
        raise TrainingStopped(
            f"the gradient's norm at step {step} is {norm}: this update was not made. The batch is in {path}. "
            f"{self._anew('a lower learning rate or another seed')}."
        )


def _no_update(_: int) -> dict[str, float]:
    """The update of a batch without any gradient."""
    return {}


def asdict_sample(rollout: Rollout) -> dict[str, Any]:
    """A rollout of a broken batch, as plain data for inspection."""
    return {"task_id": rollout.trajectory.task_id, "reward": rollout.reward, **msgspec.structs.asdict(rollout.sample)}
