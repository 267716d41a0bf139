"""Endpoint: an agent on any server with OpenAI's /chat/completions API."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Mapping
from typing import Any, Literal

import gymnasium as gym

from toolgym.rollout import AgentError, ContextFull
from toolgym.types import Observation
from toolgym.web import Connections, Failure, Tries, retry_after

from .chat_request import ChatRequest, NoAnswer

try:
    import requests
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        "the endpoint agent needs requests: pip install 'toolgym[endpoint]'", name="requests"
    ) from error

LONGEST_WAIT = 60.0
"""The longest wait between two tries, in seconds, even if the server asks for more."""
_RETRIED = {408, 409, 429}
_SHOWN = 500
_OUT_OF_CREDIT = "insufficient_quota"


class Endpoint:
    """An agent on an OpenAI-compatible server (OpenAI, vLLM, llama.cpp, Ollama, OpenRouter, ...).

    Retries follow 408, 409, 429 (rate limit), 5xx, broken connections, time-outs and answers that are not chat
    completions. Waits are random and grow exponentially, or follow ``Retry-After`` (60 s at most). If all tries fail,
    or the server refuses the request, ``act`` raises AgentError: a server's failure is not an answer of the model.

    Args:
        model: the server's name for the model.
        base_url: up to and including /v1.
        api_key_env: environment variable with the key; None or "" for a server without keys. The key is read for
            each request, and is neither stored nor shown.
        tools: "prompt": the dialect's instructions describe the tools, and only text is exchanged. "native": the
            tools are sent to the server; the env needs ``dialect="openai"``.
        temperature, max_tokens: fields of the request; None leaves them to the server.
        timeout: seconds to wait for the answer.
        max_retries: tries after the first.
        requests_per_minute: limit for all threads together, retries included; None means unlimited.
        concurrency: requests in flight at once.
        extra: further fields of the request (top_p, seed, ...); they override the fields above.
        first_wait: longest wait before the first retry, in seconds; doubled for each further retry.
        sleep: called with the seconds to wait; a test may wait less.

    Raises AgentError if the variable ``api_key_env`` is not set.
    """

    def __init__(
        self,
        model: str,
        base_url: str = "https://api.openai.com/v1",
        api_key_env: str | None = "OPENAI_API_KEY",
        *,
        tools: Literal["prompt", "native"] = "prompt",
        temperature: float | None = 0.0,
        max_tokens: int | None = 1024,
        timeout: float = 60.0,
        max_retries: int = 5,
        requests_per_minute: float | None = None,
        concurrency: int = 8,
        extra: Mapping[str, Any] | None = None,
        first_wait: float = 1.0,
        sleep: Callable[[float], None] = time.sleep,
    ):
        if tools not in ("prompt", "native"):
            raise ValueError(f"tools must be 'prompt' or 'native', got {tools!r}")
        if not base_url.startswith(("http://", "https://")):
            raise ValueError(f"base_url must start with http:// or https://, got {base_url!r}")
        if timeout <= 0 or max_retries < 0 or concurrency < 1 or (requests_per_minute or 1) <= 0:
            raise ValueError("timeout, requests_per_minute and concurrency must be positive, max_retries at least 0")
        self.model = self.name = model
        self.url = base_url.rstrip("/") + "/chat/completions"
        self.api_key_env = api_key_env or None
        self.tools = tools
        self.timeout = timeout
        self.concurrency = concurrency
        settings = {"model": model, "temperature": temperature, "max_tokens": max_tokens, **(extra or {})}
        self.settings = {key: value for key, value in settings.items() if value is not None}
        self._chat = ChatRequest(self.settings, native=tools == "native")
        self._tries = Tries(max_retries, requests_per_minute, first_wait, LONGEST_WAIT, sleep)
        self._connections = Connections()
        self._key()

    def __repr__(self) -> str:
        return f"Endpoint({self.model!r}, {self.url!r})"

    def for_env(self, env: gym.Env[Any, Any]) -> Endpoint:
        """This agent itself. Raises AgentError if the env's dialect and ``tools`` do not fit."""
        dialect = getattr(getattr(env.unwrapped, "dialect", None), "name", None)
        if dialect is not None and (dialect == "openai") != (self.tools == "native"):
            fit = "tools='native' goes with dialect='openai'; with tools='prompt' any other dialect"
            raise AgentError(f"the env's dialect is {dialect!r} and the endpoint has tools={self.tools!r}: {fit}")
        return self

    def act(self, observation: Observation) -> str:
        """The model's answer as the env's action. May be called from several threads.

        Raises AgentError if the server gives no answer, ContextFull if the server says the conversation is too long.
        """
        try:
            return self._tries.run(lambda: self._post(observation))
        except Failure as failure:
            kind = ContextFull if isinstance(failure, _TooLong) else AgentError
            raise kind(f"{self.model} at {self.url}: {failure.told(self.api_key_env, _SHOWN)}") from None

    def _post(self, observation: Observation) -> str:
        """One try. Raises Failure if the response gives no action."""
        while True:
            body, names = self._chat.body(observation)
            response = self._connections.send("POST", self.url, self.timeout, json=body, auth=self._authorise)
            try:
                found = response.json()
            except (ValueError, RecursionError):
                found = None
            if response.status_code == 200:
                try:
                    return self._chat.read(found, names)
                except NoAnswer as error:
                    raise Failure(f"{error}: {response.text}", True) from None
            answer = self._chat.refusal(response.status_code, found)
            if answer is not None:
                return answer
            if not self._chat.adapt(body, found):  # else the next request leaves out what the server refused
                raise _refusal(response)

    def _key(self) -> str | None:
        if self.api_key_env is None:
            return None
        key = os.environ.get(self.api_key_env, "").strip()
        if not key:
            raise AgentError(
                f"no API key: set the environment variable {self.api_key_env}, or name another one with --api-key-env "
                "(in Python api_key_env); for a server that wants no key, --api-key-env '' (in Python None)"
            )
        return key

    def _authorise(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        # passed as `auth`, because requests otherwise prefers the credentials in ~/.netrc
        key = self._key()
        if key is not None:
            request.headers["Authorization"] = f"Bearer {key}"
        return request


class _TooLong(Failure):
    """The conversation does not fit into the model's context."""


_CONTEXT = re.compile(r"context[ _](length|size|window)", re.IGNORECASE)
"""Matches the errors of OpenAI, vLLM, SGLang and llama.cpp for a conversation that is too long."""


def _refusal(response: requests.Response) -> Failure:
    """The failure that a response with a status other than 200 describes."""
    status = response.status_code
    text = response.text.strip()
    try:
        error = response.json()["error"]
        text = error["message"] if isinstance(error, dict) else str(error)
    except (ValueError, KeyError, TypeError, RecursionError):
        pass
    reason = f"HTTP {status}: {text or response.reason}"
    if _CONTEXT.search(response.text):
        return _TooLong(reason, False)
    worth_retrying = (status in _RETRIED or status >= 500) and _OUT_OF_CREDIT not in response.text
    return Failure(reason, worth_retrying, retry_after(response))
