"""OpenEnv (0.10): a suite as its server, for TRL, verifiers and everybody else who has a client of it.

    import uvicorn
    from toolgym.exports.openenv import app

    uvicorn.run(app("ToolGym-Office-v0"), port=8000)

and on the other side, with any client (an action has one required field, ``text``):

    from toolgym.exports.openenv import client

    with client("http://localhost:8000").sync() as env:
        result = env.reset(split="test", index=3)       # or task_id=..., or seed=...
        result = env.step("<think>...</think>...")      # result.reward, result.done, result.observation["messages"]

The verdict and the call records are in the last observation, and at any time in ``state()``: not in the observations
before, which clients show to the model. The reward of an unscored episode is None. There is one environment per
WebSocket session; plain HTTP has no sessions.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any
from uuid import uuid4

import msgspec

from toolgym.exports.session import Session
from toolgym.registry import SUITES

PREVIEW = 1000
"""Tasks that ``list_tasks`` lists at most; ``num_tasks`` says how many there are."""


@cache
def _types() -> dict[str, Any]:
    """The pydantic models of an action, an observation and a state."""
    from openenv.core.env_server.types import Action, Observation, State
    from pydantic import Field

    class ToolGymAction(Action):
        text: str = Field(description="The assistant's text; in the dialect openai, or its message as JSON.")
        unfinished: str | None = Field(
            default=None, description="Why it did not end by itself: length, content_filter, refusal."
        )

    class ToolGymObservation(Observation):
        messages: list[dict[str, Any]] = Field(
            default_factory=list, description="What the model reads next: after a reset, the conversation so far."
        )
        tools: list[dict[str, Any]] = Field(default_factory=list, description="For the API; [] if the messages do it.")
        task_id: str = ""
        outcome: dict[str, Any] | None = Field(
            default=None, description="At the end: success, verdict, unscored, turn_rewards, turns with call records."
        )

    class ToolGymState(State):
        outcome: dict[str, Any] | None = None

    return {"action": ToolGymAction, "observation": ToolGymObservation, "state": ToolGymState}


def environment(env_id: str, env_kwargs: Mapping[str, Any] | None = None) -> Any:
    """A new ``Environment`` of OpenEnv, for a server of your own."""
    from openenv.core.env_server.interfaces import Environment

    types, kwargs = _types(), dict(env_kwargs or {})

    class ToolGymEnvironment(Environment):
        SUPPORTS_CONCURRENT_SESSIONS = True

        def __init__(self) -> None:
            super().__init__()
            self._sessions: dict[str | None, Session] = {}
            self._session = self._of(None)
            self._episode: str | None = None

        def _of(self, split: str | None) -> Session:
            if split not in self._sessions:
                chosen = {} if split in (None, "default") else {"split": split}
                self._sessions[split] = Session(env_id, {**kwargs, **chosen})
            return self._sessions[split]

        def reset(
            self,
            seed: int | None = None,
            episode_id: str | None = None,
            split: str | None = None,
            index: int | None = None,
            task_id: str | None = None,
            **unknown: Any,
        ) -> Any:
            if unknown:
                raise ValueError(f"reset takes seed, episode_id, split, index and task_id; not {', '.join(unknown)}")
            self._session = self._of(split)
            if index is not None:
                task_id = self._session.env.tasks[index].id
            messages = self._session.reset(task_id=task_id, seed=seed)
            self._episode = episode_id or str(uuid4())
            return types["observation"](messages=messages, tools=self._session.tools, task_id=self._session.env.task.id)

        def step(self, action: Any, timeout_s: float | None = None, **_: Any) -> Any:
            reply = self._session.step(action.text, action.unfinished)
            return types["observation"](
                messages=reply.messages,
                tools=self._session.tools,
                task_id=self._session.env.task.id,
                reward=reply.reward,
                done=reply.done,
                outcome=msgspec.to_builtins(self._session.outcome) if reply.done else None,
            )

        @property
        def state(self) -> Any:
            env = self._session.env
            outcome = None if env.episode.task is None else msgspec.to_builtins(self._session.outcome)
            return types["state"](episode_id=self._episode, step_count=len(env.turns), outcome=outcome)

        # The Task API

        def list_splits(self) -> list[str]:
            if "split" in kwargs or env_id not in SUITES:
                return [kwargs.get("split", "default")]
            return list(SUITES[env_id].tasks)

        def num_tasks(self, split: str) -> int:
            return len(self._of(split).env.tasks)

        def get_task(self, split: str, index: int) -> dict[str, Any]:
            return {"id": self._of(split).env.tasks[index].id, "index": index}

        def get_task_range(self, split: str, start: int | None = None, stop: int | None = None) -> list[dict[str, Any]]:
            return [self.get_task(split, index) for index in range(*slice(start, stop).indices(self.num_tasks(split)))]

        def list_tasks(self, split: str) -> list[dict[str, Any]]:
            return self.get_task_range(split, 0, PREVIEW)

    return ToolGymEnvironment()


def app(env_id: str, env_kwargs: Mapping[str, Any] | None = None, *, max_concurrent_envs: int = 64) -> Any:
    """The FastAPI app of a suite, with ``max_concurrent_envs`` sessions at most. Its name in the Task API is "toolgym".

    Raises what ``gym.make`` raises.
    """
    from openenv.core.env_server.http_server import create_fastapi_app

    environment(env_id, env_kwargs)  # says now what is wrong
    types = _types()
    return create_fastapi_app(
        lambda: environment(env_id, env_kwargs),
        types["action"],
        types["observation"],
        max_concurrent_envs=max_concurrent_envs,
        env_name="toolgym",
        state_cls=types["state"],
    )


def client(base_url: str) -> Any:
    """An ``EnvClient`` whose actions are texts. ``.sync()`` makes it a plain one."""
    from openenv.core.generic_client import GenericEnvClient

    class ToolGymClient(GenericEnvClient):
        def _step_payload(self, action: Any) -> dict[str, Any]:
            return {"text": action} if isinstance(action, str) else dict(action)

    return ToolGymClient(base_url=base_url)
