"""Plays under TRL: a real GRPOTrainer with a tiny model generates and scores each play; then one real training step.

The texts of a play are put in the place of what the model would sample, as tokens. At the end, a group with an unscored
member: the advantages of the others must be those of a group without it.
"""

from __future__ import annotations

import os
import sys
import tempfile
from typing import Any

os.environ |= {"HF_HUB_OFFLINE": "1", "TRL_EXPERIMENTAL_SILENCE": "1"}

import torch
from plays import Play, Played, read, report
from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM
from trl import GRPOConfig, GRPOTrainer

from toolgym.agents import trl_rollouts
from toolgym.agents.model import smollm2_folder
from toolgym.agents.policy import Generation, Policy
from toolgym.exports.trl import rollout_spec

tokenizer = AutoTokenizer.from_pretrained(smollm2_folder())
seen: dict[str, Any] = {}


class Scripted(Policy):
    """Says ``seen["says"](turn)``: a text for each episode that goes on."""

    def forget(self) -> None:
        super().forget()
        self.turn = 0

    def sample_ids(self, prompts: Any, max_tokens: Any = None) -> list[Generation]:
        texts = seen["says"](self.turn)
        self.turn += 1
        return [self.said(prompt, text) for prompt, text in zip(prompts, texts, strict=True)]

    def said(self, prompt: Any, text: str) -> Generation:
        ids = [*tokenizer.encode(text, add_special_tokens=False), tokenizer.eos_token_id]
        if self.decode(ids) != text:
            raise SystemExit(f"the text is another one as tokens: {text[:100]!r}")
        return Generation(tuple(prompt), tuple(ids), (-1.0,) * len(ids), text, "end")


def trainer(folder: str, size: int = 2, **how: Any) -> GRPOTrainer:
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2,
        max_position_embeddings=65536, bos_token_id=tokenizer.bos_token_id, eos_token_id=tokenizer.eos_token_id,
    )  # fmt: skip
    settings = GRPOConfig(
        output_dir=folder, use_cpu=True, bf16=False, per_device_train_batch_size=size, num_generations=size,
        max_steps=1, max_completion_length=24, report_to="none", save_strategy="no", disable_tqdm=True, beta=0.0,
    )  # fmt: skip
    return GRPOTrainer(LlamaForCausalLM(config), args=settings, processing_class=tokenizer, **how)


def group(each: Play, folder: str, size: int, says: Any) -> tuple[Any, dict[str, Any]]:
    """What TRL makes of a group: its batch, and the columns that reward functions get."""
    spec = rollout_spec(each.suite, each.kwargs, task_ids=[each.task_id])

    def reward(**columns: Any) -> list[float | None]:
        seen["columns"] = columns
        return spec.reward_funcs(**columns)

    owner = trainer(folder, size, train_dataset=spec.train_dataset, rollout_func=spec.rollout_func, reward_funcs=reward)
    owner.model.train()
    seen["says"] = says
    batch = owner._generate_and_score_completions([dict(spec.train_dataset[0]) for _ in range(size)])
    return batch, seen["columns"]


def play(each: Play, folder: str) -> Played:
    batch, columns = group(each, folder, 2, lambda turn: [each.text(turn)] * 2)
    rewards, turns = columns["toolgym_reward"], columns["toolgym_turn_rewards"][0]
    sampled = int((batch["completion_mask"] * batch["tool_mask"])[0].sum())
    texts = [each.text(i) for i in range(len(turns))]
    if sampled != sum(len(tokenizer.encode(text, add_special_tokens=False)) + 1 for text in texts):
        raise SystemExit(f"{each.name}: {sampled} tokens are trained on")
    if rewards[0] != rewards[1] or batch["advantages"].abs().sum() != 0:
        raise SystemExit(f"{each.name}: two equal episodes, rewards {rewards}, advantages {batch['advantages']}")
    verdict = columns["toolgym_verdict"][0]
    return Played(rewards[0], rewards[0] is None, turns, len(turns), columns["toolgym_success"][0], verdict)


def masked(crash: Play, folder: str) -> None:
    """The first of three members is unscored."""
    say = "<think>No.</think>\n<response>I do not know.</response>"
    other = crash.texts[0].replace("bolt", "nut")
    texts = [[crash.texts[0], say, other], [crash.texts[1], say]]
    batch, columns = group(crash, folder, 3, lambda turn: texts[turn])
    _, one, two = columns["toolgym_reward"]
    alone = torch.tensor([one, two])
    wanted = torch.tensor([0.0, *((alone - alone.mean()) / (alone.std() + 1e-4)).tolist()])
    if one == two or not torch.allclose(batch["advantages"], wanted):
        raise SystemExit(f"an unscored member moved its group: {batch['advantages']}, not {wanted}")


def real_step(folder: str) -> None:
    """Without a script: what is sampled is trained on."""
    spec = rollout_spec("ToolGym-Functions-v0", {"category": "single"}, n=2)
    before = trl_rollouts.Policy
    trl_rollouts.Policy = Policy
    owner = trainer(
        folder, train_dataset=spec.train_dataset, rollout_func=spec.rollout_func, reward_funcs=spec.reward_funcs
    )
    owner.train()
    trl_rollouts.Policy = before


if __name__ == "__main__":
    trl_rollouts.Policy = Scripted
    with tempfile.TemporaryDirectory() as folder:
        real_step(folder)
        found = read(sys.argv[1])
        played = [play(each, folder) for each in found]
        masked(next(each for each in found if each.kind == "crash"), folder)
    report(played)
