"""Endpoint and AsyncEndpoint: an agent on any server with OpenAI's /chat/completions API."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from copy import copy
from typing import Any, Literal, Self
from urllib.parse import urlsplit

import gymnasium as gym

from toolgym.dialects import Dialect
from toolgym.rollout import AgentError, ContextFull
from toolgym.secrets import url_secrets
from toolgym.types import Observation
from toolgym.web import Connections, Failure, Secrets, Tries, below, shown_url, wait_for

from .chat.answer import NoAnswer
from .chat.error_body import read_error_body
from .chat.headers import Headers, refuse_secrets
from .chat.refusals import TooLong, failure, shortened
from .chat.request import ChatRequest

try:
    import aiohttp  # noqa: F401  said when the agent is made, not in each episode
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        "the endpoint agent needs aiohttp: pip install 'toolgym[endpoint]'", name="aiohttp"
    ) from error

LONGEST_WAIT = 60.0
"""The longest wait between two tries, in seconds, even if the server asks for more."""
OPENAI = "https://api.openai.com/v1"
_SHOWN = 500
_KEPT = 4000
"""Characters of a body that are kept for an error, of which ``_SHOWN`` are shown."""


class _Address:
    """The URL of a server. Its repr hides what is secret in it."""

    def __init__(self, base_url: str):
        try:
            base_url.encode()  # half of a character cannot be sent
            self.url = below(base_url, "/chat/completions")
        except ValueError:
            shown = shown_url(base_url).rpartition("@")[2]
            raise ValueError(f"base_url must be an address, http://... or https://..., got {shown!r}") from None
        self.signs_in = urlsplit(self.url).username is not None

    def __repr__(self) -> str:
        return shown_url(self.url)


class _Server:
    """An agent on an OpenAI-compatible server (OpenAI, vLLM, llama.cpp, Ollama, OpenRouter, ...).

    Retries follow 408, 409, 425, 429 (rate limit), 5xx, broken connections, time-outs and answers that are not chat
    completions. Waits are random and grow exponentially, or follow ``Retry-After`` (60 s at most). If all tries fail,
    or the server refuses the request, ``act`` raises AgentError: a server's failure is not an answer of the model.

    If the conversation fits into the context and ``max_tokens`` more do not, the request is repeated with a
    ``max_tokens`` that fits. Redirects are not followed. An answer has at most 8 MB.

    Args:
        model: the server's name for the model.
        base_url: up to and including /v1. A query (``?api-version=...``) is kept. ``user:password@`` is sent as basic
            authorization if there is no key. Neither is stored or shown.
        api_key_env: environment variable with the key; None or "" for a server without keys. The key is read for
            each request, and is neither stored nor shown.
        tools: "prompt": the dialect's instructions describe the tools, and only text is exchanged. "native": the
            tools are sent to the server; the env needs ``dialect="openai"``.
        temperature, max_tokens: fields of the request; None leaves them to the server. A server that refuses them gets
            requests without temperature, or with max_completion_tokens; ``learned`` says so.
        timeout: seconds for one answer, from the look-up of the server's name to the end of the body.
        max_retries: tries after the first.
        requests_per_minute: limit for all requests together, retries included; None means unlimited.
        extra: further fields of the request (top_p, reasoning_effort, chat_template_kwargs, ...); they override the
            fields above, None leaves a field out, and max_completion_tokens takes the place of max_tokens.
        headers: further headers; ``$NAME`` in a value stands for an environment variable, which is not stored.
        first_wait: longest wait before the first retry, in seconds; doubled for each further retry.
        sleep: called with the seconds to wait, on a thread, in place of the agent's own wait; a test may wait less.

    Raises AgentError if the variable ``api_key_env`` is not set.
    """

    def __init__(
        self,
        model: str,
        base_url: str = OPENAI,
        api_key_env: str | None = "OPENAI_API_KEY",
        *,
        tools: Literal["prompt", "native"] = "prompt",
        temperature: float | None = 0.0,
        max_tokens: int | None = 1024,
        timeout: float = 60.0,
        max_retries: int = 5,
        requests_per_minute: float | None = None,
        extra: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        first_wait: float = 1.0,
        sleep: Callable[[float], object] | None = None,
    ):
        if tools not in ("prompt", "native"):
            raise ValueError(f"tools must be 'prompt' or 'native', got {tools!r}")
        if not timeout > 0 or max_retries < 0 or not (requests_per_minute or 1) > 0:
            raise ValueError("timeout and requests_per_minute must be positive, max_retries at least 0")
        self.model = self.name = model
        self._address = _Address(base_url)
        self.url = repr(self._address)
        self.api_key_env = api_key_env or None
        self.tools = tools
        self.timeout = timeout
        extra = dict(extra or {})
        refuse_secrets(extra)
        if extra.get("max_completion_tokens") is not None:
            max_tokens = None
        fields = {"model": model, "temperature": temperature, "max_tokens": max_tokens, **extra}
        self._chat = ChatRequest(fields, native=tools == "native")
        self._headers = Headers(headers or {})
        self.settings = {**self._chat.settings, **({"headers": self._headers.written} if headers else {})}
        self._tries = Tries(max_retries, requests_per_minute, first_wait, LONGEST_WAIT, sleep)
        self._connections = Connections()
        self._reads: Callable[[str], bool] | None = None
        self._key()

    @property
    def learned(self) -> dict[str, str]:
        """What the server has refused so far, and how requests differ from ``settings`` since."""
        return self._chat.learned

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.model!r}, {self.url!r})"

    def for_env(self, env: gym.Env[Any, Any]) -> Self:
        """This agent, or with tools in the prompt one that shares everything with it and knows the env's dialect.

        Such an agent tells calls that the dialect does not read from answers without calls. Raises AgentError if the
        env's dialect and ``tools`` do not fit.
        """
        own = getattr(env.unwrapped, "dialect", None)
        dialect = getattr(own, "name", None)
        if dialect is not None and (dialect == "openai") != (self.tools == "native"):
            fit = "tools='native' goes with dialect='openai'; with tools='prompt' any other dialect"
            raise AgentError(f"the env's dialect is {dialect!r} and the endpoint has tools={self.tools!r}: {fit}")
        if self.tools == "native" or not isinstance(own, Dialect):
            return self
        bound = copy(self)
        bound._reads = lambda text: bool(own.parse(text).calls)
        return bound

    async def _answer(self, observation: Observation) -> str:
        try:
            return await self._tries.run(lambda: self._post(observation))
        except Failure as error:
            secrets = Secrets([self._key() or "", *self._headers.secrets(), *url_secrets(self._address.url)])
            too_long = isinstance(error, TooLong)
            told = f"{self.model} at {self.url}: {error.told(secrets, _SHOWN)}"
        # outside of the handler, so that it does not refer to errors that name secrets
        raise ContextFull(told) if too_long else AgentError(told, kind="server")

    async def _post(self, observation: Observation) -> str:
        """One try. Raises Failure if the response gives no action."""
        body, names = self._chat.body(observation)
        shorter = False
        while True:
            key = self._key()
            headers = self._headers.filled({} if key is None else {"Authorization": f"Bearer {key}"})
            response = await self._connections.send("POST", self._address.url, self.timeout, json=body, headers=headers)
            succeeded = 200 <= response.status < 300
            try:
                found = response.json()
            except ValueError:
                found = None
            if succeeded:
                try:
                    return self._chat.read(found, names, self._reads)
                except NoAnswer as problem:
                    if not isinstance(found, dict) or not found.get("error") or found.get("choices"):
                        raise Failure(f"{problem}: {response.text[:_KEPT]}", True) from None
            answer = self._chat.refusal(response.status, found)
            if answer is not None:
                return answer
            error = read_error_body(response, found)
            status = (error.status or 500) if succeeded else response.status
            fits = None if shorter else shortened(body, status, error)
            if fits is not None:
                body, shorter = fits, True
            elif self._chat.adapt(
                body, found, max(error.status or 0, response.status)
            ):  # the next request leaves out what the server refused
                body, names = self._chat.body(observation)
            else:
                raise failure(response, status, error)

    def _key(self) -> str | None:
        if self.api_key_env is None:
            return None
        key = os.environ.get(self.api_key_env, "").strip()
        if not key and not self._address.signs_in:
            raise AgentError(
                f"no API key: set the environment variable {self.api_key_env}, or name another one with --api-key-env "
                "(in Python api_key_env); for a server that wants no key, --api-key-env '' (in Python None)"
            )
        return key or None


class Endpoint(_Server):
    """An agent on an OpenAI-compatible server, on threads; ``AsyncEndpoint`` is the same without threads, and faster.

    Args:
        concurrency: on how many threads ``evaluate`` plays, each with one request in flight.
        settings: as for ``AsyncEndpoint``.
    """

    def __init__(
        self,
        model: str,
        base_url: str = OPENAI,
        api_key_env: str | None = "OPENAI_API_KEY",
        *,
        concurrency: int = 8,
        **settings: Any,
    ):
        if concurrency < 1:
            raise ValueError(f"concurrency must be at least 1, got {concurrency}")
        super().__init__(model, base_url, api_key_env, **settings)
        self.concurrency = concurrency

    def act(self, observation: Observation) -> str:
        """The model's answer as the env's action. May be called from several threads, and inside an event loop.

        Raises AgentError if the server gives no answer, ContextFull if the server says the conversation is too long.
        """
        return wait_for(self._answer(observation))


class AsyncEndpoint(_Server):
    __doc__ = _Server.__doc__

    async def act(self, observation: Observation) -> str:
        """The model's answer as the env's action. One instance serves any number of tasks and event loops.

        Raises AgentError if the server gives no answer, ContextFull if the server says the conversation is too long.
        """
        return await self._answer(observation)
