"""One episode of an environment, played from outside: chat messages in, chat messages and JSON out.

The exports play their episodes through a Session, so that they are the same episodes everywhere. Only TRL's
``rollout_spec`` does not: there ToolGym's own Collector plays them.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Iterator, Mapping
from importlib import import_module
from typing import Any, TypeAlias

import gymnasium as gym
import msgspec

from toolgym.env import ToolEnv
from toolgym.playing.wrapped import limited
from toolgym.rollout import failure_kind
from toolgym.stored.strict_json import to_json
from toolgym.tasks import task_order
from toolgym.tasks.task import shown
from toolgym.types import Turn, answer_text

ChatMessage: TypeAlias = dict[str, Any]
"""A message as OpenAI's chat API has it."""


class Unscored(RuntimeError):
    """The environment failed in this episode, and not the policy: a tool's server was down, a time limit ran out.

    Raised by exports to frameworks that have no other way to say that an episode has no reward.
    """


class Reply(msgspec.Struct, frozen=True):
    """What follows an answer of the model."""

    messages: list[ChatMessage]
    """What the model reads next, without its own answer; [] if the episode is over."""
    reward: float | None
    """The reward of this answer; None if the episode is unscored."""
    done: bool
    """Whether the episode is over."""


class Outcome(msgspec.Struct, frozen=True):
    """How an episode went so far. All of it is JSON: ``msgspec.to_builtins(outcome)``."""

    task_id: str
    done: bool
    truncated: bool
    """Whether a limit ended the episode: of turns, or one of the framework's (``Session.cut_off``)."""
    unscored: bool
    """Whether the environment failed: then the episode says nothing about the policy."""
    reward: float | None
    """The sum of ``turn_rewards``; None if the episode is unscored."""
    turn_rewards: list[float]
    success: bool | None
    """The benchmark's own verdict; None while the episode goes on, and if it is unscored."""
    verdict: str
    """The reason of the verdict; "" for a success."""
    error_type: str | None
    error: str | None
    """What failed, if the episode is unscored."""
    error_kind: str
    """"tool" or "environment" if the episode is unscored, else ""."""
    turns: list[dict[str, Any]]
    """One per answer: ``action``, and ``reward`` with its total, its terms and its call records."""

    def scored(self) -> float:
        """The reward. Raises Unscored if there is none."""
        if self.reward is None:
            raise Unscored(f"task {self.task_id}: the {self.error_kind} failed, so there is no reward: {self.error}")
        return self.reward


class Session:
    """An environment of its own, which plays one episode after the other. Not to be shared between threads.

    With the dialect "openai" the tools go to the model through the API (``tools``), and its calls come back in
    ``tool_calls``. With any other dialect the first messages describe the tools, all messages have the roles system,
    user and assistant, and tool results are a user message. Both are the messages that ToolGym's own agent for servers
    (``--agent endpoint``) sends.

    Args:
        env_id: of ``gym.make``; "module:Id" imports a module that registers it.
        env_kwargs: arguments of ``gym.make``.

    Raises TypeError for an env that is not a ToolEnv.
    """

    def __init__(self, env_id: str, env_kwargs: Mapping[str, Any] | None = None):
        made = gym.make(env_id, **(env_kwargs or {}))
        if not isinstance(made.unwrapped, ToolEnv):
            raise TypeError(f"only a ToolEnv can be exported; {env_id} is a {type(made.unwrapped).__name__}")
        self.env_id = env_id
        self.env = limited(made)
        self.native = self.env.dialect.name == "openai"
        """Whether the tools go through the API."""
        self._chat: Any = import_module("toolgym.agents.chat_messages")
        self._names: Any = import_module("toolgym.agents.chat.names").Names
        self._info: dict[str, Any] = {}
        self._truncated = False

    def reset(self, *, task_id: str | None = None, seed: int | None = None) -> list[ChatMessage]:
        """Start an episode of the task with this id, or of one drawn with ``seed``. Returns its first messages.

        Raises KeyError for an unknown id.
        """
        options = None if task_id is None else {"task_id": task_id}
        _, self._info = self.env.reset(seed=seed, options=options)
        self._truncated = False
        return self._messages()

    @property
    def tools(self) -> list[dict[str, Any]]:
        """The tools on offer now, as OpenAI's API takes them; [] if the messages describe them."""
        schemas = self.env.observe()["tools"] if self.native else ()
        names = self._names(schemas)
        return [names.tool(schema) for schema in schemas]

    def step(self, answer: str | Mapping[str, Any], unfinished: str | None = None) -> Reply:
        """Play the model's answer.

        Args:
            answer: its text, or its message: ``content``, and ``tool_calls`` and ``reasoning_content`` if there are.
            unfinished: why the answer did not end by itself ("length", "content_filter", "refusal"), if it did not.

        Raises ResetNeeded if the episode is over, TypeError for an answer that is neither, ValueError for a message
        that is not one.
        """
        if isinstance(answer, str):
            text = answer
        elif not isinstance(answer, Mapping):
            raise TypeError(
                f"the answer is a text, or a message with content and tool_calls as a dict; got {shown(answer)}"
            )
        else:
            names = self._names(self.env.observe()["tools"])
            text = self._chat.action_text(answer, native=self.native, names=names)
        _, reward, terminated, self._truncated, self._info = self.env.step(answer_text(text, unfinished))
        over = terminated or self._truncated
        # without what the model itself has just said
        messages = [] if over else self._messages(after_answer=True)
        return Reply(messages, reward if self._info["reward_valid"] else None, over)

    async def step_async(self, answer: str | Mapping[str, Any], unfinished: str | None = None) -> Reply:
        """``step``; tools that wait do not hold up the event loop."""
        if self.env.runs_inline:
            return self.step(answer, unfinished)
        return await asyncio.to_thread(self.step, answer, unfinished)

    def cut_off(self, reason: str) -> None:
        """End the episode as a limit of turns would, because the framework ended it: its context is full, for example.

        The last answer's reward gets the terms of an end. Does nothing if the episode is over. Raises ResetNeeded if
        there was no answer.
        """
        if not self.env.over:
            self._info, self._truncated = self.env.cut_off(reason), True

    @property
    def outcome(self) -> Outcome:
        """How the episode went so far."""
        turns, info, env = self.env.turns, self._info, self.env
        rewards = [turn.reward.total for turn in turns]
        scored = not env.failed
        return Outcome(
            task_id=env.task.id,
            done=env.over,
            truncated=self._truncated,
            unscored=not scored,
            reward=sum(rewards) if scored else None,
            turn_rewards=rewards,
            success=info.get("success") if scored else None,
            verdict=info.get("verdict", ""),
            error_type=info.get("error_type"),
            error=info.get("error"),
            error_kind="" if scored else failure_kind(turns),
            turns=[_record(turn) for turn in turns],
        )

    def _messages(self, *, after_answer: bool = False) -> list[ChatMessage]:
        """The conversation as the model reads it, or what follows its last answer."""
        seen = self.env.observe()
        if self.native:
            found: list[ChatMessage] = self._chat.native_messages(seen["messages"], self._names(seen["tools"]))
        else:
            found = self._chat.prompt_messages(seen["messages"])
        if not after_answer:
            return found
        last = max(at for at, message in enumerate(found) if message["role"] == "assistant")
        # the framework has the ids that the answer came with, which are not always those that a server would be sent
        sent = [call["id"] for call in found[last].get("tool_calls", ())]
        own = dict(zip(sent, [record.call.id for record in self.env.turns[-1].reward.calls], strict=False))
        return [
            {**message, "tool_call_id": own.get(message["tool_call_id"]) or message["tool_call_id"]}
            if message["role"] == "tool"
            else message
            for message in found[last + 1 :]
        ]


class TaskRow(msgspec.Struct, frozen=True):
    """A task, as data sets of prompts have it."""

    task_id: str
    messages: list[ChatMessage]
    """The first messages of its episodes."""
    tools: list[dict[str, Any]]
    """For the API; [] if the messages describe them."""
    gold: list[str]
    """The gold actions, one text per turn."""


def task_rows(
    env_id: str,
    env_kwargs: Mapping[str, Any] | None = None,
    *,
    n: int | None = None,
    seed: int = 0,
    task_ids: Iterable[str] | None = None,
    in_messages: bool = False,
) -> Iterator[TaskRow]:
    """The prompts of ``task_ids``; or else of ``n`` tasks, drawn without repetition by ``seed`` (None: all tasks).

    The tasks are those that ``evaluate`` plays with the same ``n`` and ``seed``. Raises ValueError if ``n`` is None and
    there are more than 50,000 tasks.

    ``in_messages`` is for frameworks that pass on messages only. It raises ValueError for the dialect "openai", which
    has its tools beside them.
    """
    session = Session(env_id, env_kwargs)
    if in_messages and session.native:
        raise ValueError(
            'the framework passes on messages only, and the dialect "openai" has its tools beside them: choose '
            "another dialect"
        )
    for task_id in task_order(session.env.tasks, n, seed) if task_ids is None else task_ids:
        messages = session.reset(task_id=task_id)
        yield TaskRow(task_id, messages, session.tools, list(session.env.gold(session.env.task)))


def _record(turn: Turn) -> dict[str, Any]:
    """A turn as strict JSON, whatever the model wrote."""
    found: dict[str, Any] = json.loads(to_json({"action": turn.action, "reward": msgspec.to_builtins(turn.reward)}))
    return found
