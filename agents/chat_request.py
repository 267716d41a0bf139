"""What goes into a request of OpenAI's chat API and what its response says; nothing is sent from here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from toolgym.types import Observation

from .chat_messages import action_text, native_messages, prompt_messages


class NoAnswer(ValueError):
    """The response holds no answer of the model: it is not a chat completion, or the server failed on the way."""


class ChatRequest:
    """Builds the requests of an endpoint and reads the responses. Threads may share an instance.

    Args:
        settings: fields of every request (model, temperature, ...).
        native: whether the tools are sent to the server.
    """

    def __init__(self, settings: Mapping[str, Any], *, native: bool):
        self.settings = dict(settings)
        self.native = native

    def body(self, observation: Observation) -> tuple[dict[str, Any], dict[str, str]]:
        """The request for an observation, and the names in it: the name that was sent -> the tool's own name."""
        convert = native_messages if self.native else prompt_messages
        body = {"messages": convert(observation["messages"]), **self.settings}
        if self.native and observation["tools"]:
            body["tools"] = list(observation["tools"])
        return body, {}

    def read(self, response: Any, names: Mapping[str, str]) -> str:
        """The action in a response with status 200, as decoded from JSON; ``names`` come from ``body``.

        An answer that did not end by itself is an UnfinishedAnswer. Raises NoAnswer if there is no answer to read.
        """
        try:
            return action_text(response["choices"][0]["message"], native=self.native)
        except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError) as error:
            raise NoAnswer(f"the answer is not a chat completion ({type(error).__name__})") from None

    def refusal(self, body: Mapping[str, Any], error: Any) -> str | None:
        """The answer that an error response stands for (a content filter), or None. ``error`` is the decoded JSON."""
        return None

    def adapt(self, body: Mapping[str, Any], error: Any) -> bool:
        """Whether ``body``, which the server refused with ``error`` (decoded JSON), differs from what is sent now.

        If the error says that a field is unsupported, later requests are made without the field.
        """
        return False
