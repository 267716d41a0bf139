"""The training loop: draw tasks, play or imitate them, update, evaluate, save. ``toolgym train`` runs it.

Nothing random is kept from step to step: tasks and sampling follow from (seed, step), so a run that was killed goes
on from its last checkpoint to the same weights, byte for byte on a CPU.
"""

from __future__ import annotations

import json
import math
import random
import signal
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from time import perf_counter
from typing import Any

import gymnasium as gym
import torch

from toolgym.runlog import RunError, open_folder, write_atomic

from . import checkpoint
from .collect import Collector, Rollout
from .config import TrainConfig
from .forward import TrainingForward
from .model import load_model
from .optimizer import MasterAdamW
from .policy import Policy
from .ppo import ValueHead
from .tokens import ChatTokens
from .update import PolicyUpdate, grpo_advantages, sft_gradients


class TrainingStopped(RuntimeError):
    """Training cannot go on; the message says why and what was kept."""


class Trainer:
    """One run in one folder: ``config.json``, ``metrics.jsonl`` and ``checkpoints/``.

    Args:
        config: what to do.
        resume: go on with the run that ``config.out`` holds.
        on_step: called with each step's metrics, for a progress bar.
        loaded: (model, tokenizer) instead of what ``config.model`` names.

    Raises RunError where the folder holds another run, AssetError where the model cannot be had.
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
        state = self._open(resume)
        self.model, self.tokenizer = loaded if loaded is not None else load_model(config.model)
        if config.lora_rank:
            self.model = with_lora(self.model, config.lora_rank, config.seed)
        self.forward = TrainingForward(self.model)
        self.reference = self._frozen_copy() if config.beta else None
        self.value_head = None
        trained = list(self.model.parameters())
        if config.algo == "ppo":
            self.value_head = ValueHead(self.model.config.get_text_config().hidden_size).to(self.model.device)
            trained += self.value_head.parameters()
        self.optimizer = MasterAdamW(trained)
        self.step = 0
        if state is not None:
            self.optimizer.load_state_dict(state["optimizer"])
            self.step = state["step"]
        self.chat = ChatTokens(self.tokenizer)
        self.collector = self._collector(config.env_kwargs, config.temperature)
        self.evaluator = self._collector({**config.env_kwargs, **config.eval_kwargs}, 0.0)
        self._stop = False
        # only now, so that a run that cannot begin leaves nothing to be in the way of the next try
        write_atomic(self.folder / "config.json", json.dumps(asdict(config), indent=2) + "\n")
        self._cut_metrics(-1 if state is None else state["step"])

    def run(self) -> dict[str, float]:
        """Train to the end, or on to it; returns the last evaluation's (else the last step's) metrics.

        Ctrl-C finishes the step, saves a checkpoint and raises KeyboardInterrupt. Raises TrainingStopped for a
        step whose loss or gradients are not finite, with the batch saved in the folder.
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
            while self.step < self.config.steps and not self._stop:
                metrics = self._train_step()
                last = self.step == self.config.steps
                if self.config.eval_every and (last or self.step % self.config.eval_every == 0):
                    evaluated = self.evaluate()
                    metrics |= evaluated
                self._log(metrics)
                if last or self._stop or self.step % self.config.save_every == 0:
                    self.save()
        finally:
            if before is not None:
                signal.signal(signal.SIGINT, before)
        if self._stop:
            raise KeyboardInterrupt
        return evaluated or metrics

    def evaluate(self) -> dict[str, float]:
        """Greedy episodes on the held-out tasks: ``eval/success``, ``eval/reward``; and one success per category."""
        rollouts = [group[0] for group in self.evaluator.play(self._eval_tasks())]
        scored = [rollout.trajectory for rollout in rollouts if rollout.trajectory.reward_valid]
        out = {
            "eval/success": _mean([float(bool(t.success)) for t in scored]),
            "eval/reward": _mean([t.reward for t in scored]),
            "eval/unscored": float(len(rollouts) - len(scored)),
        }
        for name in sorted({t.category for t in scored if t.category}):
            out[f"eval/success/{name}"] = _mean([float(bool(t.success)) for t in scored if t.category == name])
        return out

    def save(self) -> Path:
        """Write a checkpoint."""
        state = {"optimizer": self.optimizer.state_dict()}
        try:
            return checkpoint.save(self.folder, self.step, self.model, self.tokenizer, state)
        except OSError as error:
            raise TrainingStopped(
                f"cannot write a checkpoint to {self.folder}: {error}. Earlier ones are whole; make room and resume."
            ) from error

    # --------------------------------------------------------------------------------------------

    def _train_step(self) -> dict[str, float]:
        began = perf_counter()
        config, step = self.config, self.step
        tasks = self._draw(step)
        self.collector.set_step(step)
        self.collector.policy.reseed(f"{config.seed} {step}")
        metrics: dict[str, float] = {}
        if config.algo == "sft":
            self.model.train()
            rollouts = [self.collector.gold(task) for task in tasks]
            played = perf_counter()
            updates: Callable[[int], dict[str, float]] = lambda _: sft_gradients(rollouts, self.forward)  # noqa: E731
        else:
            self.model.eval()
            groups = self.collector.play(tasks, config.num_generations)
            played = perf_counter()
            metrics, updates = self._policy_update(groups)
            rollouts = [rollout for group in groups for rollout in group]
        norm = 0.0
        for update in range(config.num_iterations):
            metrics |= updates(update)
            norm = self.optimizer.step(config.learning_rate_at(step))
            if not math.isfinite(norm):
                self._keep_batch(rollouts, norm)
        self.step += 1
        seconds = perf_counter() - began
        tokens = sum(sum(rollout.sample.loss_mask) for rollout in rollouts)
        return {
            "step": self.step,
            **metrics,
            **_episode_metrics(rollouts),
            "grad_norm": norm,
            "learning_rate": config.learning_rate_at(step),
            "seconds": round(seconds, 3),
            "seconds/play": round(played - began, 3),
            "tokens_per_second": round(tokens / seconds, 1),
        }

    def _policy_update(
        self, groups: Sequence[Sequence[Rollout]]
    ) -> tuple[dict[str, float], Callable[[int], dict[str, float]]]:
        metrics = grpo_advantages(groups, self.config)
        used = [r for group in groups for r in group if r.valid]
        if self.config.algo == "grpo":  # a sample without advantage has no gradient, unless a KL pulls at it
            used = [r for r in used if self.config.beta or any(r.sample.advantages)]
        if not used:
            return metrics, lambda _: {}
        rewards = [[turn.reward.total for turn in r.trajectory.turns] for r in used]
        samples = [r.sample for r in used]
        return metrics, PolicyUpdate(
            samples, self.forward, self.config, self.reference, self.value_head, rewards
        ).gradients

    def _draw(self, step: int) -> list[str]:
        """The tasks of a step, by (seed, step) alone."""
        tasks = self.collector.env().tasks
        stream = random.Random(f"tasks {self.config.seed} {step}")
        return [tasks[stream.randrange(len(tasks))].id for _ in range(self.config.prompts_per_step)]

    def _eval_tasks(self) -> list[str]:
        tasks = self.evaluator.env().tasks
        count = min(self.config.eval_tasks, len(tasks))
        return [tasks[i].id for i in random.Random("evaluation").sample(range(len(tasks)), count)]

    def _collector(self, env_kwargs: dict[str, Any], temperature: float) -> Collector:
        config = self.config
        policy = Policy(
            (self.model, self.tokenizer),
            max_new_tokens=config.max_completion_length,
            temperature=temperature,
            batch_size=64 if self.model.device.type == "cpu" else 512,
        )
        return Collector(lambda: gym.make(config.env, **env_kwargs), policy, self.chat, config.max_tokens)

    def _frozen_copy(self) -> TrainingForward:
        import copy

        return TrainingForward(copy.deepcopy(self.model).requires_grad_(False).eval())

    def _open(self, resume: bool) -> dict[str, Any] | None:
        """Make or check the folder; the state to resume from, or None."""
        about = self.folder / "config.json"
        if about.is_file():
            if not resume:
                raise RunError(f"{self.folder} already holds a run; use --resume to go on with it, or another folder")
            kept, asked = json.loads(about.read_text("utf-8")), json.loads(json.dumps(asdict(self.config)))
            differing = [name for name in asked if asked[name] != kept.get(name) and name not in ("out", "steps")]
            if differing:
                was = ", ".join(f"{name}={kept.get(name)!r}" for name in differing)
                raise RunError(f"{self.folder} holds a run with other settings ({was}); resume it with the same")
        open_folder(self.folder, about)
        return checkpoint.latest(self.folder) if resume else None

    def _cut_metrics(self, step: int) -> None:
        """Forget the metrics of steps after the checkpoint: they will come again."""
        path = self.folder / "metrics.jsonl"
        if path.is_file():
            lines = path.read_text("utf-8").splitlines()
            whole = [line for line in lines if line.endswith("}") and json.loads(line)["step"] <= step]
            write_atomic(path, "".join(line + "\n" for line in whole))

    def _log(self, metrics: dict[str, float]) -> None:
        with (self.folder / "metrics.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(metrics) + "\n")
        if self.on_step is not None:
            self.on_step(metrics)

    def _interrupt(self, *_: Any) -> None:
        if self._stop:  # asked twice: at once
            raise KeyboardInterrupt
        self._stop = True

    def _keep_batch(self, rollouts: Sequence[Rollout], norm: float) -> None:
        path = self.folder / f"broken-step-{self.step:06d}.pt"
        torch.save([asdict_sample(rollout) for rollout in rollouts], path)
        raise TrainingStopped(
            f"the gradient's norm at step {self.step} is {norm}: the weights were not changed. The batch is in {path}; "
            "lower the learning rate, or resume from the last checkpoint with another seed."
        )


def asdict_sample(rollout: Rollout) -> dict[str, Any]:
    """What is needed to look at a batch that broke."""
    import msgspec

    return {"task_id": rollout.trajectory.task_id, "reward": rollout.reward, **msgspec.structs.asdict(rollout.sample)}


def with_lora(model: Any, rank: int, seed: int) -> Any:
    """The model with LoRA adapters on its linear layers, begun from ``seed``. Raises RunError without peft."""
    try:
        from peft import LoraConfig, get_peft_model
    except ImportError:
        raise RunError("lora_rank needs peft: pip install 'toolgym[lora]'") from None
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return get_peft_model(model, LoraConfig(r=rank, lora_alpha=2 * rank, target_modules="all-linear"))


def _episode_metrics(rollouts: Sequence[Rollout]) -> dict[str, float]:
    """How the batch's episodes went."""
    valid = [rollout for rollout in rollouts if rollout.trajectory.reward_valid]
    return {
        "success": _mean([float(bool(rollout.trajectory.success)) for rollout in valid]),
        "completion_length": _mean([float(sum(rollout.sample.loss_mask)) for rollout in rollouts]),
        "turns": _mean([float(len(rollout.trajectory.turns)) for rollout in rollouts]),
        "truncated": _mean([float(rollout.sample.truncated) for rollout in rollouts]),
    }


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else float("nan")
