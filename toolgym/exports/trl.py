"""TRL (1.16): what GRPOTrainer takes. Any suite by ``rollout_spec``; suites with fixed tools also by ``tools_spec``.

    from toolgym.exports.trl import rollout_spec

    spec = rollout_spec("ToolGym-Office-v0", n=1000)
    GRPOTrainer(
        model, args=GRPOConfig(...), train_dataset=spec.train_dataset,
        rollout_func=spec.rollout_func, reward_funcs=spec.reward_funcs,
    )

An unscored episode has the reward None: TRL leaves it out of its group, and its advantage is 0. For further reward
functions there are the columns ``toolgym_turn_rewards``, ``toolgym_success``, ``toolgym_verdict``, ``toolgym_error``.

A ToolEnv itself is not an ``environment_factory``: TRL would offer its methods to the model as tools, ``gold`` among
them, and never tell it the final answer.
"""

from __future__ import annotations

import inspect
import keyword
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any, Literal

import msgspec

from toolgym.exports.session import Session, task_rows
from toolgym.tools import Tool
from toolgym.tools.tool import TOOLS_OWN_FAILURES
from toolgym.types import Completion, ToolCall

TASK = "toolgym_task"
"""The key of the task's id in the messages of a prompt."""


class RolloutSpec(msgspec.Struct, frozen=True):
    """Arguments of GRPOTrainer."""

    train_dataset: Any
    rollout_func: Callable[[Sequence[Any], Any], dict[str, list[Any]]]
    reward_funcs: Callable[..., list[float | None]]


class ToolsSpec(msgspec.Struct, frozen=True):
    """Arguments of GRPOTrainer."""

    train_dataset: Any
    environment_factory: Callable[[], Any]
    reward_funcs: Callable[..., list[float | None]]


def rollout_spec(
    env_id: str,
    env_kwargs: Mapping[str, Any] | None = None,
    *,
    max_new_tokens: int | None = None,
    max_tokens: int | None = None,
    **which: Any,
) -> RolloutSpec:
    """Episodes of any suite and dialect, sampled from the trainer's model (not with vLLM).

    Args:
        max_new_tokens: limit of one answer; by default ``max_completion_length`` of the GRPOConfig.
        max_tokens: limit of a whole episode, prompt included; by default the model's context.
        which: the tasks, as in ``task_rows``: ``n``, ``seed`` or ``task_ids``.
    """
    rows = task_rows(env_id, env_kwargs, **which)
    prompts = [[{**message, TASK: row.task_id} for message in row.messages] for row in rows]
    play = import_module("toolgym.agents.trl_rollouts").rollout_func(
        env_id, dict(env_kwargs or {}), _task_of, max_new_tokens=max_new_tokens, max_tokens=max_tokens
    )
    return RolloutSpec(_dataset({"prompt": prompts}), play, toolgym_reward)


def _task_of(prompt: Sequence[Mapping[str, Any]]) -> str:
    return str(prompt[0][TASK])


def toolgym_reward(toolgym_reward: Sequence[float | None], **_: Any) -> list[float | None]:
    """The episodes' rewards, as the rollout found them."""
    return list(toolgym_reward)


def _dataset(columns: dict[str, list[Any]]) -> Any:
    from datasets import Dataset

    return Dataset.from_dict(columns)


# Tools as methods -------------------------------------------------------------------------------


def tools_spec(env_id: str, env_kwargs: Mapping[str, Any] | None = None, **which: Any) -> ToolsSpec:
    """Episodes that TRL's own tool loop plays, with vLLM too: for suites in which every task offers the same tools.

    The model calls them in its own chat template. The reward plays the messages of the completion in the environment
    once more, as answers in the dialect "openai": so it knows which calls came together, and the final text.

    Raises ValueError, with the reason, for tasks that offer different tools, for tools that Python methods cannot be
    (names that are not identifiers), and for episodes in which the user replies (TRL has no user).
    """
    kwargs = {**(env_kwargs or {}), "dialect": "openai"}
    rows = list(task_rows(env_id, kwargs, **which))
    session = Session(env_id, kwargs)
    if session.env.faults is not None:
        raise ValueError("TRL's tool loop does not say which calls came together, as faults need: use rollout_spec")
    tools: tuple[Tool, ...] = session.env.find_task(rows[0].task_id).tools
    lines = [tool.line for tool in tools]
    for row in rows:
        task = session.env.find_task(row.task_id)
        if [tool.line for tool in task.tools] != lines:
            raise ValueError(
                f"the tasks {rows[0].task_id} and {row.task_id} offer different tools, and TRL offers those of an "
                "environment_factory to every prompt: use rollout_spec"
            )
        _check_alone(session, row.task_id, row.gold)
    known = {"env_id": env_id, "kwargs": kwargs, "__doc__": f"The tools of {env_id}, for TRL."}
    methods = {tool.name: _method(tool) for tool in tools}
    environment = type("ToolGymTools", (_Tools,), {**known, **methods})
    columns: dict[str, list[Any]] = {"prompt": [row.messages for row in rows], TASK: [row.task_id for row in rows]}
    return ToolsSpec(_dataset(columns), environment, replayed_reward)


class _Tools:
    """One rollout: an environment whose tools are called, and nothing else. Its methods are the tools."""

    env_id: str
    kwargs: dict[str, Any]

    def __init__(self) -> None:
        self._session = Session(self.env_id, self.kwargs)

    def reset(self, **row: Any) -> None:
        self._session.reset(task_id=row[TASK])

    def _call(self, name: str, arguments: dict[str, Any]) -> str:
        env = self._session.env
        tool, _, result = env.prepare(Completion("", (ToolCall(name, arguments),)), 0)
        if tool is not None:
            result = tool.run(arguments, env.state)
            if result.error in TOOLS_OWN_FAILURES:
                env.fail(result.content)
            env.after_call(tool, result)
        return "" if result is None else result.content


def replayed_reward(
    environments: Sequence[Any], completions: Sequence[Sequence[Mapping[str, Any]]], **columns: Any
) -> list[float | None]:
    """The rewards of completions, each played in a new environment; None for an episode that is unscored."""
    rewards = []
    for environment, completion, task_id in zip(environments, completions, columns[TASK], strict=True):
        session = Session(environment.env_id, environment.kwargs)
        session.reset(task_id=task_id)
        for message in completion:
            if message["role"] == "assistant" and not session.env.over:
                session.step(message)
        if session.env.turns:
            session.cut_off("TRL ended the episode")
        failed = environment._session.env.failed  # the model has read of it
        rewards.append(None if failed else session.outcome.reward)
    return rewards


def _check_alone(session: Session, task_id: str, gold: Sequence[str]) -> None:
    """Raises ValueError if the user speaks again while gold is played."""
    session.reset(task_id=task_id)
    for text in gold:
        if session.env.over:
            break
        reply = session.step(text)
        if any(message["role"] != "tool" for message in reply.messages):
            raise ValueError(
                f"in the task {task_id} the user replies, and in TRL's tool loop there is no user: use rollout_spec"
            )


def _method(tool: Tool) -> Callable[..., str]:
    """A plain function with the signature and the docstring from which transformers makes the tool's schema."""
    parameters = tool.schema["function"]["parameters"]
    names = {tool.name, *parameters.get("properties", {})}
    for name in names:
        if not name.isidentifier() or keyword.iskeyword(name):
            raise ValueError(f"{name!r} of the tool {tool.name!r} cannot be a name in Python: use rollout_spec")
    if tool.name in ("reset", "get_reward") or tool.name.startswith("_"):
        raise ValueError(f"TRL does not take a method {tool.name!r} as a tool: use rollout_spec")

    def method(self: Any, **arguments: Any) -> str:
        return str(self._call(tool.name, arguments))

    required = parameters.get("required", ())
    kind = inspect.Parameter.KEYWORD_ONLY
    found = [inspect.Parameter("self", inspect.Parameter.POSITIONAL_ONLY)]
    lines = [tool.description or tool.name, "", "Args:"]
    for name, schema in parameters.get("properties", {}).items():
        # a default in the signature only says that the argument is optional: the tool has its own
        default = inspect.Parameter.empty if name in required else None
        found.append(inspect.Parameter(name, kind, default=default, annotation=_annotation(schema)))
        lines.append(f"    {name}: {' '.join(str(schema.get('description') or name).split())}")
    method.__signature__ = inspect.Signature(found, return_annotation=str)  # type: ignore[attr-defined]
    method.__annotations__ = {each.name: each.annotation for each in found[1:]} | {"return": str}
    method.__name__ = method.__qualname__ = tool.name
    method.__doc__ = "\n".join(lines)
    return method


_TYPES: dict[Any, Any] = {"string": str, "integer": int, "number": float, "boolean": bool, "object": dict}


def _annotation(schema: Mapping[str, Any]) -> Any:
    """The nearest Python type; what has none (nested objects) is a dict."""
    if values := schema.get("enum"):
        return Literal[tuple(values)]
    if schema.get("type") == "array":
        return list[_annotation(schema.get("items") or {"type": "string"})]  # type: ignore[misc]  # made at run time
    kind = schema.get("type")
    return _TYPES.get(kind if isinstance(kind, str) else None, dict)
