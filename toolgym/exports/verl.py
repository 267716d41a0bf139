"""verl (0.9): an agent loop that plays any suite, and the rows of its data set.

    from toolgym.exports.verl import write_rows

    write_rows("train.parquet", "ToolGym-Office-v0", n=1000)            # data.train_files=train.parquet

and in the file that ``actor_rollout_ref.rollout.agent.agent_loop_config_path`` names:

    - {name: toolgym_agent, _target_: toolgym.exports.verl.ToolGymAgentLoop}

The tokens of answers are those that verl sampled. The episode's reward is ``reward_score``, which verl puts on the
last token; the rewards of turns are in ``extra_fields["turn_scores"]``, which no loss reads. verl has no word for an
unscored episode: the loop raises Unscored.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4

from toolgym.exports.parquet import write_parquet
from toolgym.exports.session import Session, task_rows

AGENT = "toolgym_agent"


def rows(env_id: str, env_kwargs: Mapping[str, Any] | None = None, **which: Any) -> Iterator[dict[str, Any]]:
    """The rows of verl's data set. ``which``: the tasks, as in ``task_rows``.

    Raises ValueError for the dialect "openai": in an agent loop the model reads its tools in the messages.
    """
    suite = {"env_id": env_id, "env_kwargs": json.dumps(dict(env_kwargs or {}))}
    for index, row in enumerate(task_rows(env_id, env_kwargs, in_messages=True, **which)):
        yield {
            "data_source": env_id,
            "agent_name": AGENT,
            "prompt": row.messages,
            "reward_model": {"style": "rule", "ground_truth": "\n".join(row.gold)},
            "extra_info": {"index": index, "toolgym": {**suite, "task_id": row.task_id}},
        }


def write_rows(path: str | Path, env_id: str, env_kwargs: Mapping[str, Any] | None = None, **which: Any) -> int:
    """Write ``rows`` to a parquet file. Returns their number."""
    return write_parquet(path, rows(env_id, env_kwargs, **which))


class Episodes:
    """``run`` of ToolGymAgentLoop, which is this class and verl's ``AgentLoopBase``."""

    tokenizer: Any
    server_manager: Any
    rollout_config: Any

    async def run(self, sampling_params: dict[str, Any], **row: Any) -> Any:
        """Play the episode of a row. Returns an AgentLoopOutput; raises Unscored without a reward."""
        about = row["extra_info"]["toolgym"]
        session = Session(about["env_id"], json.loads(about["env_kwargs"]))
        base: Any = self  # the methods of AgentLoopBase
        messages = session.reset(task_id=about["task_id"])
        ids = await base.ct_build_initial_tokens(messages)
        mask: list[int] = []
        logprobs: list[float] | None = None
        request_id, limit = uuid4().hex, int(self.rollout_config.response_length)
        extra: dict[str, Any] = {}
        while True:
            output = await self.server_manager.generate(
                request_id=request_id, prompt_ids=ids, sampling_params=sampling_params
            )
            extra |= output.extra_fields
            if output.log_probs and logprobs is None:
                logprobs = [0.0] * len(mask)
            merged, mask, logprobs = await base.ct_merge_assistant_token(
                ids, output.token_ids, mask, logprobs, assistant_logprobs=output.log_probs or None
            )
            ids, full = merged.token_ids, len(mask) >= limit
            text = self._text(output.token_ids)
            reply = await session.step_async(text, "length" if full else None)
            if reply.done or full:
                break
            said = [*messages, {"role": "assistant", "content": text}]
            messages = [*said, *reply.messages]
            merged, mask, logprobs = await base.ct_merge_context_msg(said, messages, ids, mask, logprobs)
            ids = merged.token_ids
            if len(mask) >= limit:
                break
        session.cut_off(f"the response reached {limit} tokens")
        outcome = session.outcome
        reward = outcome.scored()
        return self._output(
            prompt_ids=ids[: len(ids) - len(mask)],
            response_ids=ids[len(ids) - len(mask) :][:limit],
            response_mask=mask[:limit],
            response_logprobs=None if logprobs is None else logprobs[:limit],
            reward_score=reward,
            num_turns=2 * len(outcome.turns),
            metrics={},
            extra_fields={
                **extra,
                "turn_scores": outcome.turn_rewards,
                "tool_rewards": [],
                "reward_extra_info": {"success": float(bool(outcome.success)), "reward": reward},
            },
        )

    def _text(self, ids: list[int]) -> str:
        """An answer as text, without the tokens that end it."""
        ends = set(self.tokenizer.all_special_ids)
        last = len(ids)
        while last and ids[last - 1] in ends:
            last -= 1
        return str(self.tokenizer.decode(ids[:last], skip_special_tokens=False))

    def _output(self, **fields: Any) -> Any:
        from verl.experimental.agent_loop.agent_loop import AgentLoopOutput

        return AgentLoopOutput(**fields)


@cache
def _loop() -> type:
    from verl.experimental.agent_loop.agent_loop import AgentLoopBase

    return type("ToolGymAgentLoop", (Episodes, AgentLoopBase), {"__doc__": Episodes.__doc__, "__module__": __name__})


def __getattr__(name: str) -> Any:
    if name != "ToolGymAgentLoop":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return _loop()
