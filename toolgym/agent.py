"""What an agent is, and how it says that it cannot answer."""

from __future__ import annotations

from typing import Any, ClassVar, Protocol, cast

import gymnasium as gym

from toolgym.types import Observation


class Agent(Protocol):
    """Anything with ``act(observation) -> str``, the text in the env's dialect.

    All of the following are optional:

    - ``async def act``: many episodes run concurrently on one event loop.
    - ``act_batch(observations) -> texts``: called with many episodes at once. An AgentError may stand in for a text.
    - ``for_env(env) -> Agent``: an agent for that env alone.
    - ``concurrency: int``: how many threads may call ``act`` at once.
    - ``name: str``: shown in tables.
    - ``settings: dict``: a run can only be resumed with the same settings.
    - ``resume(trajectories)``: called before a resumed run goes on, with the episodes played so far.
    - ``play_elsewhere(env, todo, batch_size, on_agent_error) -> trajectories``: plays the episodes of ``todo`` (task
      ids and repeats) in other processes, in place of all the above. See ``toolgym.playing.ray_actors``.

    An agent with a loop of its own has ``play(episode)`` in place of ``act``: see ``toolgym.playing.own_loop``.
    """

    def act(self, observation: Observation) -> str: ...


class AgentError(RuntimeError):
    """The agent could not answer, and the policy is not the reason: a server is down, memory ran out.

    ``evaluate`` records the episode with ``reward_valid=False`` and goes on. ``kind`` groups such episodes in tables;
    it is stored as ``Trajectory.error_kind``: ``AgentError("HTTP 503", kind="server")``.
    """

    default_kind: ClassVar[str] = "agent"

    def __init__(self, *args: object, kind: str | None = None):
        super().__init__(*args)
        self.kind = self.default_kind if kind is None else kind


class Refused(AgentError):
    """The conversation cannot be continued: its chat template, or the server, refuses it.

    Once the policy has acted, its own words are part of what was refused. So an episode that has begun ends like one
    that ran out of turns, and counts. If the first prompt is refused, the episode is not valid.
    """

    default_kind = "refused"


class ContextFull(Refused):
    """The conversation is longer than the agent's context. That is the agent's own limit.

    An episode that has begun ends like one that ran out of turns, and counts. If the first prompt is already too long,
    the episode is not valid.
    """

    default_kind = "context"


class NotAnAgent(TypeError):
    """The object passed as an agent has no ``act``, or ``act`` did not return text."""


def agent_name(agent: Agent) -> str:
    """The agent's name in tables: its ``name``, or the name of its class."""
    return str(getattr(agent, "name", None) or type(agent).__name__)


def check_agent(agent: object) -> None:
    """Raises NotAnAgent for a class, and for an object that has neither ``act`` nor ``for_env``."""
    if isinstance(agent, type):
        raise NotAnAgent(f"an agent is an instance, got the class {agent.__name__}: pass {agent.__name__}(...)")
    if not hasattr(agent, "for_env") and not _plays(agent):
        raise NotAnAgent(f"an agent needs act(observation) -> str; {type(agent).__name__} has none")


def bind(agent: Agent, env: gym.Env[Any, Any]) -> Agent:
    """The agent for this env: the result of its ``for_env``, or the agent itself. Raises NotAnAgent."""
    check_agent(agent)
    for_env = getattr(agent, "for_env", None)
    bound = agent if for_env is None else for_env(env)
    if not _plays(bound):
        raise NotAnAgent(f"an agent needs act(observation) -> str; {type(bound).__name__} has none")
    return cast(Agent, bound)


def _plays(agent: object) -> bool:
    return callable(getattr(agent, "act", None)) or callable(getattr(agent, "play", None))


def checked_answer(agent: Agent, text: object) -> str:
    """The answer, if it is text. Raises NotAnAgent."""
    if not isinstance(text, str):
        raise NotAnAgent(f"an agent answers with text (str); {type(agent).__name__} gave {type(text).__name__}")
    return text
