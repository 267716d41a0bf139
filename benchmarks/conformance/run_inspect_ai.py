"""Plays under inspect_ai: its eval, its log; the model is its mockllm."""

from __future__ import annotations

import json
import math
import sys
import tempfile
from typing import Any

from inspect_ai import eval as inspect_eval
from inspect_ai.model import ChatCompletionChoice, ChatMessageAssistant, ModelOutput, ModelUsage, get_model
from inspect_ai.tool import ToolCall
from plays import Play, Played, message, read, report

from toolgym.exports.inspect_ai import suite_task


def play(each: Play, folder: str) -> Played:
    def says(messages: list[Any], *_: Any) -> Any:
        said = message(each.text(sum(one.role == "assistant" for one in messages)))
        calls = [
            ToolCall(call["id"], call["function"]["name"], json.loads(call["function"]["arguments"]))
            for call in said.get("tool_calls", ())
        ]
        answer = ChatMessageAssistant(content=said["content"] or "", tool_calls=calls or None)
        choice = ChatCompletionChoice(message=answer, stop_reason="stop")
        usage = ModelUsage(input_tokens=1, output_tokens=1, total_tokens=2)  # else it downloads a tokenizer to count
        return ModelOutput(model="mockllm", choices=[choice], usage=usage)

    task = suite_task(each.suite, each.kwargs, task_ids=[each.task_id])
    model = get_model("mockllm/model", custom_outputs=says, memoize=False)
    (log,) = inspect_eval(task, model=model, log_dir=folder, display="none")
    if log.status != "success":
        raise SystemExit(f"{each.name}: {log.error.message}\n{log.error.traceback}")
    (sample,) = log.samples
    verdict, reward = (sample.scores[f"toolgym_{name}"] for name in ("verdict", "reward"))
    unscored = math.isnan(reward.as_float()) if isinstance(reward.value, float) else False
    metadata = reward.metadata or {}
    return Played(
        None if unscored else reward.as_float(),
        unscored,
        sample.store["toolgym"]["turn_rewards"],
        turns=sum(one.role == "assistant" for one in sample.messages),
        success=None if unscored else verdict.value == "C",
        verdict=sample.store["toolgym"]["verdict"],
        calls=len(metadata["calls"]) if "calls" in metadata else None,
    )


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        report([play(each, folder) for each in read(sys.argv[1])])
