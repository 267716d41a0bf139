"""NeMo Gym (0.7): a resources server and an agent that play any suite, and the rows of their data set.

    # resources_servers/toolgym/app.py                             # responses_api_agents/toolgym/app.py
    from toolgym.exports.nemo_gym import ToolGymServer              from toolgym.exports.nemo_gym import ToolGymAgent

    if __name__ == "__main__":                                     if __name__ == "__main__":
        ToolGymServer.run_webserver()                                   ToolGymAgent.run_webserver()

    python -c "from toolgym.exports.nemo_gym import write_rows; write_rows('train.jsonl', 'ToolGym-Office-v0', n=1000)"

Their configs are those of NeMo's blackjack with other names; ``max_steps`` should be the suite's ``max_turns`` or more.
The agent adds the rewards of the turns; the outcome is in ``info["toolgym"]``. An unscored episode has
``mask_sample=True`` and the ``failure_kind`` "toolgym:tool" or "toolgym:environment": that is what the agent is for, as
NeMo's own does not pass it on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from toolgym.exports.session import ChatMessage, Session, task_rows
from toolgym.stored.strict_json import to_json

AGENT = {"type": "responses_api_agents", "name": "toolgym_agent"}


def rows(env_id: str, env_kwargs: Mapping[str, Any] | None = None, **which: Any) -> Iterator[dict[str, Any]]:
    """The rows of a data set. ``which``: the tasks, as in ``task_rows``."""
    for row in task_rows(env_id, env_kwargs, **which):
        asked: dict[str, Any] = {"input": [item for message in row.messages for item in _items(message)]}
        if row.tools:
            asked["tools"] = [{"type": "function", "strict": False, **tool["function"]} for tool in row.tools]
        suite = {"env_id": env_id, "env_kwargs": dict(env_kwargs or {}), "task_id": row.task_id}
        yield {"responses_create_params": asked, "toolgym": suite, "agent_ref": AGENT}


def write_rows(path: str | Path, env_id: str, env_kwargs: Mapping[str, Any] | None = None, **which: Any) -> int:
    """Write ``rows`` to a JSONL file. Returns their number."""
    lines = [to_json(row) for row in rows(env_id, env_kwargs, **which)]
    Path(path).write_text("\n".join(lines) + "\n")
    return len(lines)


class Episodes:
    """The methods of ToolGymServer, which is this class and NeMo's ``GymnasiumServer``."""

    session_state: dict[Any, Any]

    async def reset(self, metadata: dict[str, Any], session_id: str | None = None) -> tuple[None, dict[str, Any]]:
        """Start the episode of a row, whose prompt the row has already."""
        row = metadata["toolgym"]
        session = Session(row["env_id"], row["env_kwargs"])
        session.reset(task_id=row["task_id"])
        self.session_state[session_id] = session
        return None, {}

    async def step(
        self, action: Any, metadata: dict[str, Any], session_id: str | None = None
    ) -> tuple[str | None, float, bool, bool, dict[str, Any]]:
        """Play an answer, a response of the Responses API."""
        session: Session = self.session_state[session_id]
        reason = getattr(getattr(action, "incomplete_details", None), "reason", None)
        unfinished = {"max_output_tokens": "length", "content_filter": "content_filter"}.get(reason or "")
        reply = await session.step_async(message_of(action), unfinished)
        outcome, info = session.outcome, dict[str, Any]()
        if reply.done:
            info["toolgym"] = msgspec.to_builtins(outcome)
        if outputs := [message for message in reply.messages if message["role"] == "tool"]:
            info["tool_outputs"] = [{"call_id": one["tool_call_id"], "output": one["content"]} for one in outputs]
        said = "\n\n".join(message["content"] for message in reply.messages if message["role"] == "user")
        truncated = reply.done and outcome.truncated
        return said or None, outcome.turn_rewards[-1], reply.done and not truncated, truncated, info


def masked(response: Any) -> Any:
    """The response of a run, masked if its episode is unscored."""
    outcome = (response.info or {}).get("toolgym")
    if not outcome or not outcome["unscored"]:
        return response
    kind = f"toolgym:{outcome['error_kind']}"
    return response.model_copy(
        update={"mask_sample": True, "failure_kind": kind, "failure_reason": outcome["error"], "reward": 0.0}
    )


def message_of(response: Any) -> ChatMessage:
    """The message of the chat API that a response of the Responses API is."""
    texts, thoughts, calls = [], [], []
    for item in response.output:
        if item.type == "message":
            parts = [item.content] if isinstance(item.content, str) else item.content
            texts += [part if isinstance(part, str) else getattr(part, "text", "") for part in parts]
        elif item.type == "reasoning":
            thoughts += [part.text for part in [*(item.summary or ()), *(getattr(item, "content", None) or ())]]
        elif item.type == "function_call":
            function = {"name": item.name, "arguments": item.arguments}
            calls.append({"id": item.call_id, "type": "function", "function": function})
    found: ChatMessage = {"role": "assistant", "content": "".join(texts) if texts or not calls else None}
    if thoughts:
        found["reasoning_content"] = "\n".join(thoughts)
    return {**found, "tool_calls": calls} if calls else found


def _items(message: ChatMessage) -> list[dict[str, Any]]:
    """A message of the chat API as items of the Responses API."""
    if message["role"] == "tool":
        return [{"type": "function_call_output", "call_id": message["tool_call_id"], "output": message["content"]}]
    calls = [
        {"type": "function_call", "call_id": call["id"], **call["function"]} for call in message.get("tool_calls", ())
    ]
    said = {"role": message["role"], "content": message["content"] or ""}
    return [*([said] if message["content"] or not calls else []), *calls]


@cache
def _classes() -> dict[str, type]:
    from resources_servers.gymnasium import GymnasiumServer
    from responses_api_agents.gymnasium_agent.app import GymnasiumAgent

    class ToolGymServer(Episodes, GymnasiumServer):
        """Plays the episodes of rows."""

        ray_enabled = False

    class ToolGymAgent(GymnasiumAgent):
        """NeMo's agent of Gymnasium-like servers, which masks unscored episodes."""

        ray_enabled = False

        async def run(self, request: Any, body: Any) -> Any:
            return masked(await super().run(request, body))

        run.__annotations__ = dict(GymnasiumAgent.run.__annotations__)  # FastAPI reads them

    return {"ToolGymServer": ToolGymServer, "ToolGymAgent": ToolGymAgent}


def __getattr__(name: str) -> Any:
    if name not in ("ToolGymServer", "ToolGymAgent"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return _classes()[name]
