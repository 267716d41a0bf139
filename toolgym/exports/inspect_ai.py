"""inspect_ai (0.3): a suite as its task, with a solver that plays episodes and scorers that read their outcome.

    from inspect_ai import eval
    from toolgym.exports.inspect_ai import suite_task

    eval(suite_task("ToolGym-Office-v0", n=100), model="openai/gpt-5")

For ``inspect eval`` return it from a function of your own with ``@task``. ``env_kwargs={"dialect": "openai"}`` gives
the tools to the model's API. The whole outcome, with each turn's reward and call records, is in the sample's store
("toolgym"). An unscored episode is ``Score.unscored``: inspect's metrics leave it out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from toolgym.exports.session import ChatMessage, Session, task_rows

STORE = "toolgym"
"""The key of the outcome in a sample's store."""
_UNFINISHED = {"max_tokens": "length", "content_filter": "content_filter"}


def suite_task(
    env_id: str,
    env_kwargs: Mapping[str, Any] | None = None,
    *,
    n: int | None = None,
    seed: int = 0,
    task_ids: Iterable[str] | None = None,
    **more: Any,
) -> Any:
    """The ``inspect_ai.Task`` of a suite, with the tasks of ``task_rows``.

    ``more``: arguments of ``inspect_ai.Task``, such as ``epochs``.
    """
    from inspect_ai import Task
    from inspect_ai.dataset import MemoryDataset, Sample

    samples = [
        Sample([_to_inspect(message) for message in row.messages], target=row.gold, id=row.task_id)
        for row in task_rows(env_id, env_kwargs, n=n, seed=seed, task_ids=task_ids)
    ]
    return Task(
        MemoryDataset(samples, name=env_id), solver=play(env_id, env_kwargs), scorer=[verdict(), reward()], **more
    )


def play(env_id: str, env_kwargs: Mapping[str, Any] | None = None) -> Any:
    """A solver that plays the episode of the sample's task."""
    from inspect_ai.model import get_model
    from inspect_ai.solver import solver
    from inspect_ai.tool import ToolInfo, ToolParams

    def tools(session: Session) -> list[Any]:
        functions = [tool["function"] for tool in session.tools]
        known = set(ToolParams.model_fields)
        return [
            ToolInfo(
                name=each["name"],
                description=each.get("description", ""),
                parameters=ToolParams(**{name: value for name, value in each["parameters"].items() if name in known}),
            )
            for each in functions
        ]

    @solver(name="toolgym_play")
    def made() -> Any:
        async def solve(state: Any, generate: Any) -> Any:
            session = Session(env_id, env_kwargs)
            session.reset(task_id=str(state.sample_id))
            try:
                while not session.env.over:
                    state.output = await get_model().generate(state.messages, tools=tools(session))
                    state.messages.append(state.output.message)
                    cut = _UNFINISHED.get(state.output.stop_reason)
                    reply = await session.step_async(_from_inspect(state.output.message), cut)
                    state.messages.extend(_to_inspect(message) for message in reply.messages)
            finally:  # a limit of inspect ends the episode as a limit of turns would
                if session.env.turns:
                    session.cut_off("a limit of inspect ended the episode")
                    state.store.set(STORE, msgspec.to_builtins(session.outcome))
            return state

        return solve

    return made()


def verdict() -> Any:
    """A scorer: the benchmark's own verdict."""
    from inspect_ai.scorer import accuracy, stderr

    return _scorer("toolgym_verdict", [accuracy(), stderr()], lambda outcome: "C" if outcome["success"] else "I")


def reward() -> Any:
    """A scorer: the episode's reward."""
    from inspect_ai.scorer import mean, stderr

    return _scorer("toolgym_reward", [mean(), stderr()], lambda outcome: outcome["reward"])


def _scorer(name: str, metrics: list[Any], value: Callable[[dict[str, Any]], Any]) -> Any:
    from inspect_ai.scorer import Score, scorer

    @scorer(metrics=metrics, name=name)
    def made() -> Any:
        async def score(state: Any, target: Any) -> Any:
            outcome = state.store.get(STORE)
            if outcome is None:
                return Score.unscored(reason="no_answer", explanation="the model gave no answer")
            calls = [call for turn in outcome["turns"] for call in turn["reward"]["calls"]]
            about = {"turn_rewards": outcome["turn_rewards"], "error_type": outcome["error_type"], "calls": calls}
            said = {"answer": outcome["turns"][-1]["action"], "metadata": about}
            if outcome["unscored"]:
                return Score.unscored(reason=f"toolgym:{outcome['error_kind']}", explanation=outcome["error"], **said)
            return Score(value=value(outcome), explanation=outcome["verdict"] or None, **said)

        return score

    return made()


def _to_inspect(message: ChatMessage) -> Any:
    from inspect_ai.model import ChatMessageAssistant, ChatMessageSystem, ChatMessageTool, ChatMessageUser
    from inspect_ai.tool import ToolCall

    role, content = message["role"], message["content"] or ""
    if role == "assistant":  # of a worked example
        calls = [
            ToolCall(call["id"], call["function"]["name"], msgspec.json.decode(call["function"]["arguments"]))
            for call in message.get("tool_calls", ())
        ]
        return ChatMessageAssistant(content=content, tool_calls=calls or None)
    if role == "tool":
        return ChatMessageTool(content=content, tool_call_id=message["tool_call_id"])
    return {"system": ChatMessageSystem, "user": ChatMessageUser}[role](content=content)


def _from_inspect(message: Any) -> ChatMessage:
    """The message of the API that the model gave."""
    found: ChatMessage = {"role": "assistant", "content": message.text}
    parts = message.content if isinstance(message.content, list) else []
    if thought := "\n".join(part.reasoning for part in parts if part.type == "reasoning"):
        found["reasoning_content"] = thought
    if message.tool_calls:
        found["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                # inspect keeps neither the text of arguments that it could not read, nor its place
                "function": {
                    "name": call.function,
                    "arguments": "(unreadable)" if call.parse_error else msgspec.json.encode(call.arguments).decode(),
                },
            }
            for call in message.tool_calls
        ]
    return found
