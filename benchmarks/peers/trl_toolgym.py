"""ToolGym's side of trl_step.py: sample, credit, differentiate, step, by the parts that ``toolgym train`` uses."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from trl_workload import (
    GROUP,
    LEARNING_RATE,
    MAX_GRAD_NORM,
    PROMPTS,
    PROMPTS_PER_STEP,
    Line,
    Meter,
    Settings,
    conversations,
    reward,
    settings,
)

from toolgym.agents.config import TrainConfig
from toolgym.agents.model import load_model
from toolgym.agents.policy import Policy
from toolgym.agents.tokens import Sample
from toolgym.agents.training.advantages import group_advantages
from toolgym.agents.training.forward import TrainingForward
from toolgym.agents.training.optimizer import MasterAdamW
from toolgym.agents.training.update import GRPOUpdate


class Side:
    def __init__(self, asked: Settings):
        self.asked = asked
        self.meter = Meter()
        self.model, self.tokenizer = pair = load_model(asked.model, device="cpu", dtype=asked.dtype)
        self.policy = Policy(pair, max_new_tokens=asked.completion_tokens, temperature=1.0, batch_size=64)
        self.policy.end_ids = frozenset()  # every completion has the full length
        self.sample_ids = self.meter.timed("sampling", self.policy.sample_ids)
        self.forward = TrainingForward(self.model)
        self.forward.logprobs = self.meter.timed("forward", self.forward.logprobs)  # type: ignore[method-assign]
        torch.Tensor.backward = self.meter.timed("backward", torch.Tensor.backward)  # type: ignore[method-assign]
        self.optimizer = MasterAdamW(self.model.parameters(), max_grad_norm=MAX_GRAD_NORM)
        self.conversations = conversations(self.tokenizer, asked.prompt_tokens)

    def config(self, **more: Any) -> TrainConfig:
        return TrainConfig(max_completion_length=self.asked.completion_tokens, num_generations=self.asked.group, **more)

    def step(self, number: int) -> dict[str, Any]:
        """One optimizer step, timed."""
        self.meter.start()
        first = number * PROMPTS_PER_STEP % PROMPTS
        chosen = [self.policy.encode(messages) for messages in self.conversations[first : first + PROMPTS_PER_STEP]]
        answers = self.sample_ids([prompt for prompt in chosen for _ in range(GROUP)])
        rewards = torch.tensor([reward(answer.text) for answer in answers]).view(PROMPTS_PER_STEP, GROUP)
        advantages, _ = group_advantages(rewards)
        samples = []
        for answer, advantage in zip(answers, advantages.flatten().tolist(), strict=True):
            sample = as_sample(answer.prompt_ids, answer.token_ids, answer.logprobs)
            sample.credit(advantage)
            samples.append(sample)
        GRPOUpdate(samples, self.forward, self.config()).gradients(0)
        norm = self.meter.timed("optimizer", self.optimizer.step)(LEARNING_RATE)
        return {
            **self.meter.stop(),
            "prompts": [list(prompt) for prompt in chosen],
            "completion_tokens": sum(len(answer.token_ids) for answer in answers),
            "grad_norm": norm,
        }

    # The check -------------------------------------------------------------------------------------------------------

    def make_batch(self) -> dict[str, Any]:
        """Sample episodes, cut them to unequal lengths, make up environment tokens, rewards and an older policy."""
        stream = random.Random(0)
        asked = self.asked
        chosen = [self.policy.encode(messages) for messages in self.conversations[:PROMPTS_PER_STEP]]
        answers = self.policy.sample_ids([prompt for prompt in chosen for _ in range(asked.group)])
        self.samples, rewards = [], []
        for i, answer in enumerate(answers):
            length = 1 + i * 7 % asked.completion_tokens
            sample = as_sample(answer.prompt_ids, answer.token_ids[:length], answer.logprobs[:length])
            if length > 8:  # as if a tool had replied in the middle
                start = sample.prompt_length
                sample.loss_mask[start + 3 : start + 6] = [0, 0, 0]
                sample.turns = [(start, start + 3), (start + 6, start + length)]
            self.samples.append(sample)
            rewards.append(stream.choice([0.0, 0.25, 0.5, 1.0]))
        shaped = torch.tensor(rewards, dtype=torch.float64).view(PROMPTS_PER_STEP, -1)
        self.advantages = group_advantages(shaped)[0].flatten().tolist()
        for sample, advantage in zip(self.samples, self.advantages, strict=True):
            sample.credit(advantage)
        # the older policy: this one's numbers, moved enough for some ratios to be clipped
        update = GRPOUpdate(self.samples, self.forward, self.config(num_iterations=2))
        assert update.policy.old is not None
        noise = torch.randn(update.policy.old.shape, generator=torch.Generator().manual_seed(0)) * 0.2
        self.old = update.policy.old + noise * (update.policy.weights != 0)
        batch = {
            "prompt_ids": [sample.token_ids[: sample.prompt_length] for sample in self.samples],
            "completion_ids": [sample.token_ids[sample.prompt_length :] for sample in self.samples],
            "masks": [sample.loss_mask[sample.prompt_length :] for sample in self.samples],
            "rewards": rewards,
            "advantages": self.advantages,
            "old_logprobs": self.old.tolist(),
        }
        (Path(asked.folder) / "batch.json").write_text(json.dumps(batch))
        lengths = [len(ids) for ids in batch["completion_ids"]]
        return {"samples": len(lengths), "shortest": min(lengths), "longest": max(lengths)}

    def check(self, case: dict[str, Any]) -> dict[str, Any]:
        """The loss, its gradients left in a file."""
        config = self.config(num_iterations=2, loss_type=case["loss_type"], epsilon_high=case["epsilon_high"])
        update = GRPOUpdate(self.samples, self.forward, config)
        update.policy.old = self.old
        losses: list[float] = []
        keep = torch.Tensor.backward

        def noting(loss: torch.Tensor) -> None:
            losses.append(loss.item())
            keep(loss)

        torch.Tensor.backward = noting  # type: ignore[method-assign,assignment]
        metrics = update.gradients(0 if case["first_update"] else 1)
        torch.Tensor.backward = keep  # type: ignore[method-assign]
        gradients = {name: p.grad for name, p in self.model.named_parameters() if p.grad is not None}
        save_file(gradients, Path(self.asked.folder) / "gradients.safetensors")
        self.model.zero_grad(set_to_none=True)
        return {"loss": sum(losses), "clipped": metrics["clip_ratio/low"] + metrics["clip_ratio/high"]}


def as_sample(prompt: tuple[int, ...], tokens: tuple[int, ...], logprobs: tuple[float, ...]) -> Sample:
    before, after = len(prompt), len(tokens)
    return Sample(
        [*prompt, *tokens], [0] * before + [1] * after, [0.0] * before + list(logprobs), [0.0] * (before + after),
        before, [(before, before + after)],
    )  # fmt: skip


def main() -> None:
    line, asked = Line(), settings()
    torch.set_num_threads(asked.threads)
    side = Side(asked)
    line.answer({"torch": torch.__version__, "layout": side.forward.layout})
    for number, command in enumerate(line.commands()):
        match command["do"]:
            case "step":
                line.answer(side.step(number))
            case "batch":
                line.answer(side.make_batch())
            case "check":
                line.answer(side.check(command))


if __name__ == "__main__":
    main()
