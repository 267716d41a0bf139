"""SkyRL-gym (0.4), the environments of SkyRL: rows for its data set, and the environment class that plays them.

    from toolgym.exports.skyrl_gym import register, write_rows

    register()                                                        # in the trainer's entry point
    write_rows("train.parquet", "ToolGym-Office-v0", n=1000)          # environment.env_class=toolgym

Rewards go out per turn, and SkyRL puts each on the turn's last token. SkyRL has no word for an unscored episode: its
last step raises Unscored.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from toolgym.exports.parquet import write_parquet
from toolgym.exports.session import ChatMessage, Session, task_rows

ENV_CLASS = "toolgym"


def register() -> None:
    """Make ``skyrl_gym.make("toolgym")`` work."""
    import skyrl_gym

    skyrl_gym.register(id=ENV_CLASS, entry_point="toolgym.exports.skyrl_gym:ToolGymTextEnv")


def rows(env_id: str, env_kwargs: Mapping[str, Any] | None = None, **which: Any) -> Iterator[dict[str, Any]]:
    """The rows of SkyRL's data set. ``which``: the tasks, as in ``task_rows``.

    Raises ValueError for the dialect "openai": SkyRL gives the model no tools but those that the messages describe.
    """
    suite = {"env_id": env_id, "env_kwargs": json.dumps(dict(env_kwargs or {}))}
    for row in task_rows(env_id, env_kwargs, in_messages=True, **which):
        yield {"prompt": row.messages, "env_class": ENV_CLASS, "toolgym": {**suite, "task_id": row.task_id}}


def write_rows(path: str | Path, env_id: str, env_kwargs: Mapping[str, Any] | None = None, **which: Any) -> int:
    """Write ``rows`` to a parquet file. Returns their number."""
    return write_parquet(path, rows(env_id, env_kwargs, **which))


class Episodes:
    """The methods of ToolGymTextEnv, which is this class and SkyRL's ``BaseTextEnv``.

    Args:
        env_config: not used.
        extras: the columns of the row: ``toolgym`` has the suite and the task.

    Raises KeyError for a row that ``rows`` has not made.
    """

    def __init__(self, env_config: Any = None, extras: Mapping[str, Any] | None = None):
        super().__init__()
        self._row = (extras or {})["toolgym"]
        self._session = Session(self._row["env_id"], json.loads(self._row["env_kwargs"]))

    def init(self, prompt: Any) -> tuple[list[ChatMessage], dict[str, Any]]:
        """Start the episode. Returns its first messages, which are the row's prompt."""
        return self._session.reset(task_id=self._row["task_id"]), {}

    def step(self, action: str) -> dict[str, Any]:
        """Play an answer. Raises Unscored at the end of an episode that has no reward."""
        reply, outcome = self._session.step(action), self._session.outcome
        if reply.done:
            outcome.scored()
        return {
            "observations": reply.messages,
            "reward": outcome.turn_rewards[-1],
            "done": reply.done,
            "metadata": msgspec.to_builtins(outcome),
            "postprocessed_action": None,
        }

    def get_metrics(self) -> dict[str, float]:
        """Success, reward and turns of the episode; SkyRL reports their means."""
        outcome = self._session.outcome
        return {
            "success": float(bool(outcome.success)),
            "reward": sum(outcome.turn_rewards),
            "turns": float(len(outcome.turns)),
        }


@cache
def _environment() -> type:
    from skyrl_gym.envs.base_text_env import BaseTextEnv

    return type("ToolGymTextEnv", (Episodes, BaseTextEnv), {"__doc__": Episodes.__doc__, "__module__": __name__})


def __getattr__(name: str) -> Any:
    if name != "ToolGymTextEnv":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return _environment()
