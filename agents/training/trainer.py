"""The training loop: draw tasks, play or imitate them, update, evaluate, save. ``toolgym train`` runs it.

Tasks and sampling follow from (seed, step) alone: no random state is kept between steps. A killed run that is resumed
from its last checkpoint ends in the same weights, byte for byte on a CPU.
"""

from __future__ import annotations

import copy
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

from toolgym.disk import read_object, write_atomic
from toolgym.playing.left_out import left_out, left_out_words
from toolgym.runlog import RunError, check_same_run, hold_folder, open_folder
from toolgym.types import Trajectory

from .. import checkpoint
from ..config import TrainConfig
from ..lora import with_lora
from ..model import choose_device, choose_dtype, load_model
from ..policy import Policy
from ..sampler import Sampler
from ..step_folders import begins_again
from ..token_policy import TokenPolicy
from .collect import Collector, Rollout, TaskName
from .credit import grpo_advantages
from .distributed import sharded
from .distributed.launch import HOW
from .distributed.ranks import join
from .distributed.shares import TaskShares
from .drawing import Drawing
from .dynamic_sampling import PlayedGroups, play_until_signal, replacement_metrics
from .forward import TrainingForward
from .guided import guide
from .kept_episodes import eval_metrics, eval_tasks, forget_after, keep_evaluation, keep_group
from .metrics import MetricsLog, episode_metrics
from .optimizer import MasterAdamW
from .ppo import VALUE_RATE, ValueHead
from .recompute import recompute_layers
from .reference import Reference, reference_of
from .served import ServedSampler
from .texts import Texts
from .update import GRPOUpdate, PPOUpdate, SFTUpdate, has_part

logger = logging.getLogger(__name__)

Update: TypeAlias = Callable[[int], dict[str, float]]
"""Adds up the gradients of update number n on a batch; returns the metrics. See update.py."""

UNSCORED_STEPS = 5
"""A run stops after this many steps in a row without a scored episode."""
FREE = (
    "out",
    "steps",
    "save_every",
    "trust_remote_code",
    "sampler",
    "sampler_folder",
    "fsdp",
    "gradient_checkpointing",
)
"""Settings that a resumed run may have otherwise."""


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
        for name, value in asdict(config).items():
            self.ranks.check_same(value, f"the setting {name}")
        self.ranks.from_first(self._check_ranks)
        state = self._open(resume)
        self.model, self.tokenizer = loaded if loaded is not None else self._load_model()
        if config.lora_rank:
            self.model = with_lora(self.model, config.lora_rank, config.seed)
        self.model.eval()  # no dropout: the policy that is trained is the policy that samples, and nothing is random
        self.ranks.spread(weight for weight in self.model.parameters() if weight.is_floating_point())
        self._stale = False  # whether self.model, a whole copy of the divided model, lacks the last update
        self.forward, self.reference = self._forwards()
        self.value_head = None
        self.optimizer = MasterAdamW(self.forward.model.parameters(), ranks=self.ranks)
        self._optimizers = {"optimizer": (self.optimizer, 1.0)}  # name in checkpoints -> it, and its learning rate
        if config.algo == "ppo":
            if not self.forward.width:
                raise ValueError("ppo needs a model with an output layer: its value head reads what enters that layer")
            self.value_head = ValueHead(self.forward.width).to(self.model.device)
            self._optimizers["value_optimizer"] = (
                MasterAdamW(self.value_head.parameters(), ranks=self.ranks),
                VALUE_RATE,
            )
        self.step = 0
        if state is not None:
            self._load(state)
        self._stop = False
        self._unscored_steps = 0
        self._told: set[str] = set()  # kinds of reasons for which episodes were left out
        self._shown: Sequence[Rollout] = ()
        self._shown_suite = 0
        self.texts: Texts | None = None
        self.served: ServedSampler | None = None
        if config.algo == "pretrain":
            self._read_texts(state)
        else:
            self._prepare_to_play(state)
        # only now: a run that fails to start must not leave a folder that blocks the next attempt
        self.log: MetricsLog | None = None
        self.ranks.from_first(self._begin)

    def _read_texts(self, state: dict[str, Any] | None) -> None:
        """The documents of a run that plays nothing. Its model needs no chat template."""
        config = self.config
        context = getattr(self.forward.config, "max_position_embeddings", None) or config.max_tokens
        self.texts = Texts(
            config.text,
            self.tokenizer,
            max_tokens=min(config.max_tokens, context),
            held_out=config.eval_tasks if config.eval_every else 0,
            seed=config.seed,
        )
        if state is not None:
            self.texts.check(state)

    def _prepare_to_play(self, state: dict[str, Any] | None) -> None:
        """The policy, its environments, and the drawing of tasks."""
        config = self.config
        if config.sampler:
            self.served = ServedSampler(config, self.model, self.tokenizer, self.forward, self.folder)
        policy: TokenPolicy = self._policy() if self.served is None else self.served.policy
        self.policy = policy
        self.chat = policy.chat
        self.collector = self._collector(config.suites(), policy, config.max_tokens, config.credit == "term")
        self.drawing = Drawing(self.collector, config)
        if state is not None:
            self.drawing.load_state_dict(state)
        self._held_out = (config.env, config.held_out())
        # SFT's max_tokens limits the gold episodes; a model trained on short episodes still answers long prompts
        longest = None if config.algo == "sft" else config.max_tokens
        self.evaluator = self._collector([self._held_out], policy.greedy(), longest)
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
        UNSCORED_STEPS steps could be scored.
        """
        metrics: dict[str, float] = {}
        evaluated: dict[str, float] = {}
        before = signal.getsignal(signal.SIGINT)
        try:
            signal.signal(signal.SIGINT, self._interrupt)
        except ValueError:  # not in the main thread: the caller handles Ctrl-C
            before = None
        try:
            if self.step == 0 and self.config.eval_every:
                evaluated = self.evaluate()
                self._log({"step": 0, **evaluated})
            saved = self.ranks.from_first(lambda: self.step if checkpoint.all_of(self.folder) else -1)
            while self.step < self.config.steps and not self._stops():
                metrics = self._train_step()
                last = self.step == self.config.steps
                if self.config.eval_every and (last or self.step % self.config.eval_every == 0):
                    evaluated = self.evaluate()
                    metrics |= evaluated
                self._log(metrics)
                unscored = self._unscored_steps >= UNSCORED_STEPS
                if last or self._stops() or unscored or self.step % self.config.save_every == 0:
                    self.save()
                    saved = self.step
                if unscored:
                    raise self._nothing_scored()
            stopped = self._stops()
            if stopped and self.step != saved:
                self.save()
        except BaseException as error:
            raise self.ranks.explained(error) from error.__cause__
        finally:
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
        tasks = eval_tasks(self.evaluator, self.config.eval_tasks)
        self.shares.begin_step()
        self._renew_copy()
        trajectories = [group[0].trajectory for group in self._played(self.evaluator, tasks)]
        if self.ranks.first:
            with self._needs_room():
                keep_evaluation(self.folder, self.step, self._held_out, trajectories)
        return eval_metrics(trajectories)

    def save(self) -> Path:
        """Write a checkpoint, and the first group of the step; returns the checkpoint's folder."""
        self._renew_copy()
        state = {}
        if self.config.fsdp or self.ranks.first:
            state = {name: optimizer.state_dict() for name, (optimizer, _) in self._optimizers.items()}
        if self.config.fsdp:
            state = sharded.gathered(state, keep=self.ranks.first)
        if not self.ranks.first:
            return checkpoint.folder_of(self.folder, self.step)
        with self._needs_room():
            if self._shown and self.config.plays:
                suite = self.config.suites()[self._shown_suite]
                decode = self.tokenizer.decode
                keep_group(
                    self.folder, self.step, suite, self.config.temperature, self._shown, lambda token: decode([token])
                )
            state |= (self.drawing if self.texts is None else self.texts).state_dict()
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
        self.shares.begin_step()
        metrics: dict[str, float] = {}
        if self.texts is None:
            self.collector.set_step(step)
            self.policy.reseed(f"{config.seed} {step}")
        if not config.plays:
            rollouts = drawn = self._shown = self._gold(step)
            played = perf_counter()
            metrics, updates = self._imitation(rollouts)
        else:
            batch = self._play(step)
            played = perf_counter()
            stale = 0 if self.served is None else self.served.refuse_stale(batch.groups, step)
            metrics, updates = self._policy_update(batch.groups)
            rollouts = [rollout for _, group in batch.played for rollout in group]
            drawn = batch.drawn_first
            if config.dynamic_sampling:
                metrics |= replacement_metrics(batch)
            self._shown, self._shown_suite = batch.groups[0], batch.tasks[0][0]
        self._tell_left_out([rollout.trajectory for rollout in rollouts])
        self._unscored_steps = 0 if any(rollout.valid for rollout in rollouts) else self._unscored_steps + 1
        norm = 0.0
        for update in range(config.num_iterations):
            with self.optimizer.summing():
                metrics |= updates(update)
            if self.served is not None and update == 0:
                self.served.check(metrics)
            for optimizer, rate in reversed(self._optimizers.values()):  # the policy's last: its norm is reported
                norm = optimizer.step(rate * config.learning_rate_at(step))
                if not math.isfinite(norm):
                    self._keep_batch(rollouts, norm)
        self._stale = self.config.fsdp
        self.step += 1
        seconds = perf_counter() - began
        tokens = sum(sum(rollout.sample.loss_mask) for rollout in rollouts)
        return {
            "step": self.step,
            **metrics,
            **episode_metrics(drawn, sampled=config.plays),
            **(self.drawing.metrics() if self.texts is None else self.texts.metrics(step, len(drawn))),
            **({} if self.served is None else {**self.served.metrics(), "sampler/stale": float(stale)}),
            "grad_norm": norm,
            "learning_rate": config.learning_rate_at(step),
            "seconds": round(seconds, 3),
            "seconds/play": round(played - began, 3),
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
        held_to = self.reference if config.algo == "grpo" else None
        told: dict[str, float] = {}
        if config.guided != "off":
            groups, told = guide(groups, self.collector, config)
        metrics = told | grpo_advantages(groups, config, self.forward, held_to, self.chat.decode)
        used = [r for group in groups for r in group if r.valid]
        samples = [r.sample for r in used]
        if not any(has_part(sample, config) for sample in samples):
            return metrics, _no_update
        if self.value_head is None:
            return metrics, GRPOUpdate(samples, self.forward, config, self.reference).gradients
        rewards = [[turn.reward.total for turn in r.trajectory.turns] for r in used]
        update = PPOUpdate(samples, rewards, self.forward, config, self.value_head, self.reference)
        return metrics, update.gradients

    def _play(self, step: int) -> PlayedGroups:
        """Groups of episodes of the step's tasks."""
        self._renew_copy()
        self._publish()
        config, draw = self.config, self.drawing.of_step(step)
        forks = config.forks if config.credit == "fork" else 0
        play = partial(self._played, self.collector, num_generations=config.num_generations, forks=forks)
        tasks = draw.first(config.prompts_per_step)
        batch = play_until_signal(tasks, play, draw.another, self._teaches, config.dynamic_sampling)
        for task, group in batch.played:
            draw.record(task, group)
        return batch

    def _publish(self) -> None:
        """Let the sampler have the weights of this step."""
        if self.served is not None:
            self.served.publish(self.step)
        self.policy.version = self.step

    def _golds(self, tasks: Sequence[TaskName]) -> list[Rollout]:
        """Each task's gold episode, each rank playing its share."""
        return self.shares.map(tasks, self.collector.opening, lambda mine: [self.collector.gold(task) for task in mine])

    def _played(self, collector: Collector, tasks: Sequence[TaskName], **how: int) -> list[list[Rollout]]:
        """``collector.play``, each rank its share of the tasks."""
        return self.shares.map(tasks, collector.opening, lambda mine: collector.play(mine, **how))

    def _teaches(self, group: Sequence[Rollout]) -> bool:
        """Whether a group, guided or not, has an advantage that is not 0. Dynamic sampling replaces other groups."""
        if self.config.guided != "off":
            (group,), _ = guide([group], self.collector, self.config)
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

    def _load_model(self) -> tuple[Any, Any]:
        config = self.config
        device = "cpu" if config.fsdp else "auto"  # a divided model goes to the GPU layer by layer
        dtype = config.dtype if config.dtype != "auto" else choose_dtype("auto", choose_device("auto"))
        trust = config.trust_remote_code
        return load_model(config.model, device, dtype, trust_remote_code=trust, quantize=config.quantize)

    def _forwards(self) -> tuple[TrainingForward, Reference | None]:
        """The policy that is trained, and the reference if there is a KL.

        If the model is divided, ``self.model`` becomes a whole copy of it.
        """
        config, model = self.config, self.model
        if config.fsdp:
            self.model = copy.deepcopy(model).requires_grad_(False).to(choose_device("auto"))
        forward = TrainingForward(self.model, ranks=self.ranks)
        reference: Reference | None = None
        if config.beta and not config.lora_rank and config.fsdp:
            reference = sharded.ShardedForward(copy.deepcopy(model).requires_grad_(False).eval(), forward)
        elif config.beta and not config.lora_rank:
            reference = reference_of(forward, new_adapters=False)
        if config.gradient_checkpointing:
            recompute_layers(model)
        if config.fsdp:
            forward = sharded.ShardedForward(model, forward)
        if config.beta and config.lora_rank:
            reference = reference_of(forward, new_adapters=True)
        return forward, reference

    def _renew_copy(self) -> None:
        """Bring the whole copy of a divided model up to date, on all ranks at once."""
        if self._stale:
            sharded.copy_weights(self.forward.model, self.model)
            self._stale = False

    def _check_ranks(self) -> None:
        """Raises RunError if a rank would have nothing to play, or if there is nothing to divide."""
        size = self.ranks.size
        if self.config.fsdp and size == 1:
            raise RunError(f"fsdp divides a model among several ranks, and this is one process alone: {HOW}")
        if self.config.sampler and size > 1:
            raise RunError("a vLLM server (sampler) serves one process: leave out sampler, or start one process")
        if self.config.prompts_per_step < size:
            raise RunError(
                f"prompts_per_step ({self.config.prompts_per_step}) is less than the number of ranks ({size}), so a "
                "rank would have nothing to play: raise it, or start fewer ranks"
            )

    def _open(self, resume: bool) -> dict[str, Any] | None:
        """Make or check the folder; returns the state to resume from, or None."""
        state: dict[str, Any] | None = None

        def open_first() -> int:
            nonlocal state
            state = self._open_first(resume)
            return -1 if state is None else int(state["step"])

        step = self.ranks.from_first(open_first)
        if step >= 0 and not self.ranks.first:
            state = checkpoint.latest(self.folder)
            if state is None or state["step"] != step:
                raise RunError(
                    f"rank {self.ranks.rank} does not find the checkpoint of step {step} in {self.folder} that rank 0 "
                    "reads: the folder must be on a disk that all machines share"
                )
        return state

    def _open_first(self, resume: bool) -> dict[str, Any] | None:
        about = self.folder / "config.json"
        if about.is_file():
            asked = json.loads(json.dumps(asdict(self.config)))
            ours = asdict(TrainConfig())  # the run may be older than some settings
            check_same_run(
                self.folder,
                asked,
                lambda: ours | read_object(about, "the settings of a training run", RunError),
                resume=resume,
                free=FREE,
            )
        open_folder(self.folder, about)
        hold_folder(self.folder, self)
        state = checkpoint.latest(self.folder) if resume else None
        if resume and state is None:
            begins_again(self.folder, self.config.save_every)
        return state

    def _begin(self) -> None:
        config, kept = self.config, self.step or -1  # at step 0, the first evaluation is run again
        write_atomic(self.folder / "config.json", json.dumps(asdict(config), indent=2) + "\n")
        self.log = MetricsLog(self.folder, kept)
        forget_after(self.folder, kept)

    def _load(self, state: dict[str, Any]) -> None:
        """Go on from a checkpoint's state. Raises RunError if it is the state of another model or algorithm, or of a
        step after the last one."""
        if state["step"] > self.config.steps:
            raise RunError(
                f"{self.folder} has {state['step']} steps already, and steps={self.config.steps} asks for fewer: "
                "give at least as many, or another folder"
            )
        try:
            for name, (optimizer, _) in self._optimizers.items():
                optimizer.load_state_dict(sharded.divided(state[name], optimizer.masters))
            self._stale = self.config.fsdp
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            raise RunError(
                f"the checkpoint of step {state['step']} in {self.folder} does not fit the model {self.config.model!r} "
                f"({type(error).__name__}: {error}). Has the model changed since the run began?"
            ) from error
        self.step = state["step"]

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
