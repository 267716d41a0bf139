"""Plays under TRL's own tool loop: tools as methods of an environment_factory, calls in Qwen3's chat template."""

from __future__ import annotations

import json
import sys
import tempfile
from typing import Any

from plays import Play, Played, message, read, report
from run_trl import seen, tokenizer, trainer
from trl.chat_template_utils import qwen3_chat_template

from toolgym.exports.trl import tools_spec

tokenizer.chat_template = qwen3_chat_template


def says(text: str) -> list[int]:
    """The tokens of an answer, as Qwen3 writes calls."""
    said = message(text)
    written = said["content"] or ""
    for call in said.get("tool_calls", ()):
        about = {"name": call["function"]["name"], "arguments": json.loads(call["function"]["arguments"])}
        written += f"<tool_call>\n{json.dumps(about)}\n</tool_call>"
    return [*tokenizer.encode(written, add_special_tokens=False), tokenizer.eos_token_id]


def play(each: Play, folder: str) -> Played:
    spec = tools_spec(each.suite, each.kwargs, task_ids=[each.task_id])

    def reward(**columns: Any) -> list[float | None]:
        seen["rewards"] = spec.reward_funcs(**columns)
        return seen["rewards"]

    owner = trainer(
        folder, train_dataset=spec.train_dataset, environment_factory=spec.environment_factory, reward_funcs=reward
    )
    owner.model.train()
    owner.max_completion_length = 10_000
    turns = 0

    def sampled(prompt_ids: Any, *_: Any, **__: Any) -> Any:
        nonlocal turns
        turns += 1
        return [says(each.text(turns - 1)) for _ in prompt_ids], None

    owner._generate_single_turn = sampled
    owner._generate_and_score_completions([dict(spec.train_dataset[0]) for _ in range(2)])
    reward_ = seen["rewards"][0]
    return Played(reward_, reward_ is None, turns=turns)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        report([play(each, folder) for each in read(sys.argv[1])])
