"""TRL's side of trl_step.py: GRPOTrainer as its documentation shows it, its parts timed where they are called."""

from __future__ import annotations

import json
import math
import os
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ["HF_HUB_OFFLINE"] = "1"

import torch
import trl
from datasets import Dataset
from safetensors.torch import load_file
from transformers import AutoTokenizer, TrainerCallback
from trl import GRPOConfig, GRPOTrainer
from trl_workload import (
    BETAS,
    LEARNING_RATE,
    MAX_GRAD_NORM,
    PROMPTS_PER_STEP,
    Line,
    Meter,
    Settings,
    conversations,
    reward,
    settings,
)


def rewards(completions: list[list[dict[str, str]]], **_: Any) -> list[float]:
    return [reward(completion[0]["content"]) for completion in completions]


def trainer(asked: Settings, reward_function: Any, folder: str) -> GRPOTrainer:
    """What is not set is TRL's default; gradient checkpointing and bf16 are, and are switched off by ``asked``."""
    tokenizer = AutoTokenizer.from_pretrained(asked.model, trust_remote_code=False)
    config = GRPOConfig(
        output_dir=folder,
        use_cpu=True,
        bf16=asked.dtype == "bf16",
        gradient_checkpointing=asked.checkpointing,
        model_init_kwargs={"dtype": "bfloat16"} if asked.bf16_weights else None,
        per_device_train_batch_size=PROMPTS_PER_STEP * asked.group,
        num_generations=asked.group,
        max_completion_length=asked.completion_tokens,
        generation_kwargs={"min_new_tokens": asked.completion_tokens},
        temperature=1.0,
        beta=0.0,
        loss_type="dapo",
        learning_rate=LEARNING_RATE,
        lr_scheduler_type="constant",
        adam_beta1=BETAS[0],
        adam_beta2=BETAS[1],
        max_grad_norm=MAX_GRAD_NORM,
        max_steps=10**6,
        shuffle_dataset=False,
        dataloader_pin_memory=False,
        report_to="none",
        save_strategy="no",
        disable_tqdm=True,
    )
    prompts = Dataset.from_list([{"prompt": messages} for messages in conversations(tokenizer, asked.prompt_tokens)])
    return GRPOTrainer(
        model=asked.model, reward_funcs=reward_function, args=config, train_dataset=prompts, processing_class=tokenizer
    )


# Steps ---------------------------------------------------------------------------------------------------------------


class Timed(TrainerCallback):
    """Waits for a command before each step, and answers with what the step took."""

    def __init__(self, line: Line, owner: GRPOTrainer):
        self.line, self.commands, self.meter = line, line.commands(), Meter()
        generate, accelerator = owner._generate_single_turn, owner.accelerator
        owner._get_per_token_logps_and_entropies = self.meter.timed("forward", owner._get_per_token_logps_and_entropies)
        backward, clip = self.meter.timed("backward", accelerator.backward), owner._clip_grad_norm

        def generating(prompt_ids: list[list[int]], *args: Any, **kwargs: Any) -> Any:
            out = self.meter.timed("sampling", generate)(prompt_ids, *args, **kwargs)
            self.prompts = [list(prompt) for prompt in dict.fromkeys(map(tuple, prompt_ids))]
            self.tokens = sum(map(len, out[0]))
            return out

        def differentiating(*args: Any, **kwargs: Any) -> None:
            backward(*args, **kwargs)
            self.differentiated = time.perf_counter()

        def clipping(*args: Any, **kwargs: Any) -> Any:
            self.norm = clip(*args, **kwargs)
            return self.norm

        owner._generate_single_turn = generating
        owner._clip_grad_norm = clipping
        accelerator.backward = differentiating

    def on_step_begin(self, *_: Any, **__: Any) -> None:
        if next(self.commands, None) is None:
            raise SystemExit
        self.meter.start()

    def on_step_end(self, *_: Any, **__: Any) -> None:
        self.meter.parts["optimizer"] = time.perf_counter() - self.differentiated
        measured = self.meter.stop()
        about = {"prompts": self.prompts, "completion_tokens": self.tokens, "grad_norm": float(self.norm)}
        self.line.answer({**measured, **about})


def steps(line: Line, owner: GRPOTrainer) -> None:
    owner.add_callback(Timed(line, owner))
    model = owner.model
    about = {"weights": str(model.dtype), "attention": model.config._attn_implementation}
    line.answer({"trl": trl.__version__, "torch": torch.__version__, **about})
    owner.train()


# The check -----------------------------------------------------------------------------------------------------------


def check(line: Line, asked: Settings, folder: str) -> None:
    """Feed TRL's own pipeline the batch that the other side made, and compare losses and gradients."""
    given: dict[str, Any] = {}
    owner = trainer(asked, lambda **_: given["rewards"], folder)
    owner.current_gradient_accumulation_steps = 1
    owner.model.train()
    line.answer({"trl": trl.__version__, "torch": torch.__version__})
    for command in line.commands():
        given |= json.loads((Path(asked.folder) / "batch.json").read_text())
        line.answer(compared(owner, given, command, asked.folder))


def compared(owner: GRPOTrainer, batch: dict[str, Any], case: dict[str, Any], folder: str) -> dict[str, Any]:
    sequence = case["loss_type"] == "gspo"
    owner.loss_type = "grpo" if sequence else case["loss_type"]
    owner.importance_sampling_level = "sequence" if sequence else "token"
    owner.epsilon_high = case["epsilon_high"] or owner.epsilon_low
    texts = [[{"role": "assistant", "content": ""}] for _ in batch["rewards"]]
    played = batch["prompt_ids"], batch["completion_ids"], batch["masks"], texts, None, {}, None, []
    owner._generate = lambda _: played
    rows = [owner.train_dataset[i // owner.num_generations] for i in range(len(texts))]
    inputs = owner._generate_and_score_completions(rows)
    wanted = torch.tensor(batch["advantages"])
    if not case["first_update"]:
        inputs["old_per_token_logps"] = torch.tensor(batch["old_logprobs"])
    owner.model.zero_grad(set_to_none=True)
    loss = owner._compute_loss(owner.model, inputs)
    loss.backward()
    theirs = {name: p.grad for name, p in owner.model.named_parameters() if p.grad is not None}
    ours = load_file(Path(folder) / "gradients.safetensors")
    if set(ours) != set(theirs):
        raise SystemExit(f"gradients of different parameters: {sorted(set(ours) ^ set(theirs))[:4]}")
    each = {name: float((ours[name] - theirs[name]).norm() / theirs[name].norm()) for name in theirs}
    difference = math.hypot(*(float((ours[name] - theirs[name]).norm()) for name in theirs))
    norm = math.hypot(*(float(gradient.norm()) for gradient in theirs.values()))
    return {
        "loss": loss.item(),
        "gradient_norm": norm,
        "gradient_difference": difference / norm,
        "worst_parameter": max(each.values()),
        "advantage_difference": float((inputs["advantages"] - wanted).abs().max()),
    }


def main() -> None:
    line, asked = Line(), settings()
    torch.set_num_threads(asked.threads)
    with tempfile.TemporaryDirectory() as folder:
        if asked.folder:
            check(line, asked, folder)
        else:
            steps(line, trainer(asked, rewards, folder))


if __name__ == "__main__":
    main()
