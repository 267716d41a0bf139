"""Agents that run a whole episode themselves: those of LangGraph, the Agents SDK, smolagents and the like.

Such an agent has ``play(episode)`` in place of ``act``. It asks its model, sends the tools' calls to the episode, and
returns its last words:

    class Mine:
        def play(self, episode):
            return my_framework.run(
                messages=episode.messages,
                tools=episode.tools,
                call_tool=episode.call,
            )

``evaluate`` and ``rollout`` take it like any other agent. ``play`` may be a coroutine: then many episodes run at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from threading import Lock
from typing import TYPE_CHECKING, Any, Protocol

from toolgym.agent import NotAnAgent
from toolgym.dialects import get_dialect
from toolgym.stored.strict_json import to_json
from toolgym.types import Completion, FrozenDict, Message, ToolCall

if TYPE_CHECKING:
    from collections.abc import Callable

    from toolgym.env import ToolEnv

STOPPED = "the agent stopped before the episode ended"


class EpisodeAgent(Protocol):
    """An agent with a loop of its own. ``for_env``, ``concurrency``, ``name`` and ``settings`` are as in ``Agent``."""

    def play(self, episode: LiveEpisode) -> str | Mapping[str, Any] | None:
        """Play the episode; returns the last answer, as text or message, if it was not given to the episode yet."""


class EpisodeOver(RuntimeError):
    """The episode has ended: nothing more can be called or answered. An agent may let it pass out of ``play``."""


class LiveEpisode:
    """An episode under way, for an agent that plays it itself. Threads may share it.

    Args:
        env: the ToolEnv, after its reset.
        step: takes an action.
    """

    def __init__(self, env: ToolEnv, step: Callable[[str], None]):
        self._env = env
        self._step = step
        self._lock = Lock()

    @property
    def messages(self) -> tuple[Message, ...]:
        """The conversation so far; at first the system message and the request."""
        return self._env.episode.messages

    @property
    def tools(self) -> tuple[FrozenDict, ...]:
        """OpenAI-style schemas of the tools on offer."""
        return self._env.observe().tools

    @property
    def over(self) -> bool:
        """Whether the episode has ended."""
        return self._env.over

    def answer(self, answer: str | Mapping[str, Any]) -> tuple[Message, ...]:
        """Take the model's answer as one action; returns what came back: a tool's result for each call, or what the
        user says next; () at the end.

        A str is an action in the env's dialect. A mapping is an assistant message of OpenAI's API, with
        ``tool_calls``; it is written in the env's dialect. Raises EpisodeOver after the end, NotAnAgent for
        anything else.
        """
        with self._lock:
            if self.over:
                raise EpisodeOver("the episode is over")
            self._step(_as_action(answer, self._env))
            return self._env.turns[-1].messages[1:]

    def call(self, name: str, arguments: Mapping[str, Any] | None = None) -> str:
        """Call one tool, as an action of its own; returns the result, or the error that a model would read.

        A model's answer with several calls is one action: give the whole message to ``answer``. Raises EpisodeOver.
        """
        made = ToolCall(name, dict(arguments or {}))
        self.answer(self._env.dialect.render(Completion("", (made,))))
        records = self._env.turns[-1].reward.calls
        result = records[0].result if records else None
        return "" if result is None else result.content


def has_own_loop(agent: object) -> bool:
    """Whether an agent plays whole episodes: it has ``play`` and no ``act``."""
    return callable(getattr(agent, "play", None)) and not callable(getattr(agent, "act", None))


def acting(agent: Any) -> Callable[..., Any]:
    """What is called to play: ``play`` of an agent with a loop of its own, else ``act``."""
    found: Callable[..., Any] = agent.play if has_own_loop(agent) else agent.act
    return found


def close(live: LiveEpisode, last: object) -> None:
    """Give the last answer to an episode that has not ended. Raises NotAnAgent for anything else."""
    if last is not None and not live.over:
        live.answer(last)  # type: ignore[arg-type]


def _as_action(answer: Any, env: ToolEnv) -> str:
    if isinstance(answer, str):
        return answer
    if not isinstance(answer, Mapping):
        raise NotAnAgent(f"an answer is text, or an assistant message (a mapping), not {type(answer).__name__}")
    written = to_json({"role": "assistant", **answer})
    if env.dialect.name == "openai":
        return written
    read = get_dialect("openai").parse(written)
    if any(call.error for call in read.calls):  # a malformed call stays one
        return written
    return env.dialect.render(read)
