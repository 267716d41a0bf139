"""What goes into a request of OpenAI's chat API and what its response says; nothing is sent from here."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from threading import Lock
from typing import Any

from toolgym.rollout import AgentError
from toolgym.types import Observation

from ..chat_messages import native_messages, prompt_messages
from .answer import read_answer, read_error
from .error_body import words_of
from .lessons import LESSONS, TEACHING
from .names import Names
from .roles import alternating, with_content, without_system, without_tools
from .sendable import sendable

logger = logging.getLogger(__name__)

_FITTED = {"tools": without_tools, "system": without_system, "roles": alternating, "content": with_content}
"""How messages are changed by what was learned, in this order."""
_OURS = {"messages", "tools", "stream"}
"""Fields of a request that settings may not change."""


class ChatRequest:
    """Builds the requests of an endpoint and reads the responses. Threads may share an instance.

    A server may refuse what another server needs. Where its error says so (see ``adapt``), all later requests
    leave it out; ``learned`` says what was changed.

    Args:
        settings: fields of every request (model, temperature, ...); None leaves a field out.
        native: whether the tools are sent to the server.

    Raises ValueError for a setting that JSON cannot hold, or that would change the conversation or the transport.
    """

    def __init__(self, settings: Mapping[str, Any], *, native: bool):
        for name in settings:
            if name in _OURS:
                raise ValueError(f"{name!r} cannot be set: the agent fills it in")
        try:
            self.settings = {name: sendable(value) for name, value in settings.items() if value is not None}
        except (TypeError, RecursionError) as error:
            raise ValueError(f"a field of the request cannot be written as JSON: {error}") from None
        self.native = native
        self._learned: frozenset[str] = frozenset()
        self._lock = Lock()

    @property
    def learned(self) -> dict[str, str]:
        """What the server refused and how requests differ from the settings since, by name."""
        return {name: LESSONS[name].told for name in sorted(self._learned)}

    def body(self, observation: Observation) -> tuple[dict[str, Any], Names]:
        """The request for an observation, and the names in it, for ``read``.

        The request is JSON that strict servers read (see ``sendable``). Raises AgentError if the observation cannot be
        written as JSON.
        """
        learned, tools = self._learned, observation["tools"] if self.native else ()
        try:
            names = Names(observation["tools"], properties="properties" in learned)
            if self.native:
                messages = native_messages(
                    observation["messages"], names, short_ids="ids" in learned, thoughts="reasoning" not in learned
                )
            else:
                messages = prompt_messages(observation["messages"])
            for lesson, fit in _FITTED.items():
                messages = fit(messages) if lesson in learned else messages
            body = {"messages": messages, **self._fields(learned)}
            if tools:
                body["tools"] = [names.tool(tool) for tool in tools]
            _choose(body, names)
            return sendable(body), names
        except (TypeError, RecursionError) as error:
            raise AgentError(f"the conversation cannot be sent: {error}") from None

    def read(self, response: Any, names: Names, reads: Callable[[str], bool] | None = None) -> str:
        """The action in a response with status 200, as decoded from JSON; ``names`` come from ``body``.

        ``reads``: whether the env's dialect reads a call in a text, if that is known. An answer that did not end by
        itself is an UnfinishedAnswer. Raises NoAnswer without an answer to read.
        """
        answer = read_error(200, response["error"], native=self.native) if _only_error(response) else None
        if answer is not None:
            return answer
        alternatives = self.settings.get("n", 1) != 1
        return read_answer(response, names, native=self.native, alternatives=alternatives, reads=reads)

    def refusal(self, status: int, error: Any) -> str | None:
        """The answer that an error response stands for, such as a content filter's; or None.

        ``error``: the decoded response, or None.
        """
        return read_error(status, error, native=self.native)

    def adapt(self, body: Mapping[str, Any], error: Any, status: int = 400) -> bool:
        """Whether ``body``, which the server refused with ``error`` (the decoded response), would now be another.

        Learns from the error if it can. Each lesson is learned once, so True comes a few times at most. Nothing is
        learned from a ``status`` that is about the traffic, the account or a failing server.
        """
        if status not in TEACHING:
            return False
        words = words_of(error)
        for name, lesson in LESSONS.items():
            if lesson.says(words) and lesson.concerns(body) and lesson.unlike not in self._learned:
                with self._lock:
                    if name not in self._learned:
                        logger.warning("%s: the server refused a request; %s", self.settings.get("model"), lesson.told)
                    self._learned |= {name}
                return True
        return False

    def _fields(self, learned: frozenset[str]) -> dict[str, Any]:
        fields = dict(self.settings)
        if "max_tokens" in learned and "max_tokens" in fields:
            fields.setdefault("max_completion_tokens", fields.pop("max_tokens"))
        if "max_completion_tokens" in learned and "max_completion_tokens" in fields:
            fields.setdefault("max_tokens", fields.pop("max_completion_tokens"))
        if "temperature" in learned:
            fields.pop("temperature", None)
        return fields


def _choose(body: dict[str, Any], names: Names) -> None:
    """Give the tool in ``tool_choice`` the name that is sent. Without tools, servers refuse the fields about them."""
    if "tools" not in body:
        for name in ("tool_choice", "parallel_tool_calls"):
            body.pop(name, None)
    choice = body.get("tool_choice")
    if isinstance(choice, dict) and isinstance(choice.get("function"), dict) and "name" in choice["function"]:
        function = {**choice["function"], "name": names.send(choice["function"]["name"])}
        body["tool_choice"] = {**choice, "function": function}


def _only_error(response: Any) -> bool:
    return isinstance(response, dict) and bool(response.get("error")) and not response.get("choices")
