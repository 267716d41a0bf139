"""VLLMServer: requests to a vLLM server under limits and retries. A server that is down is waited for."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar, cast

import msgspec

from toolgym.agent import AgentError
from toolgym.web import Connections, Failure, Response, Secrets, Tries, below, wait_for

logger = logging.getLogger(__name__)

T = TypeVar("T")

FIRST_WAIT, LONGEST_WAIT = 0.5, 6.0
"""Seconds before the first retry, and the most before a later one."""
PATIENCE = 200
"""Tries while the server cannot be reached: ten minutes, for waits are half of the longest one on average."""
LOOK = 5.0
"""Seconds in which the server is expected to say that it is there."""
REFUSALS = 5
"""Tries if the server can be reached, but fails or answers what cannot be right."""
_SHOWN = 500


class Refusal(Failure):
    """The server says no: ``status`` is that of HTTP."""

    def __init__(self, path: str, response: Response):
        busy = response.status in (408, 409, 425, 429) or response.status >= 500
        super().__init__(f"{path}: HTTP {response.status}: {response.text}", busy)
        self.status = response.status


class ServedModel(msgspec.Struct):
    """A model by its name in requests, and the most tokens of a conversation with it."""

    name: str = msgspec.field(name="id")
    context: int | None = msgspec.field(name="max_model_len", default=None)


class _Models(msgspec.Struct):
    data: list[ServedModel]


class VLLMServer:
    """A vLLM server (0.32 or later) by its address.

    Args:
        address: http://host:port, without a path.
        timeout: seconds for one request, in which the server may also queue it.

    Raises ValueError if the address is not one.
    """

    def __init__(self, address: str, *, timeout: float = 600.0):
        try:
            self.address = below(address, "").rstrip("/")
        except ValueError as error:
            raise ValueError(f"a vLLM server's address is http://host:port, got {address!r}: {error}") from None
        if self.address.endswith("/v1"):
            raise ValueError(f"a vLLM server's address is http://host:port, without /v1, got {address!r}")
        if "@" in self.address:
            raise ValueError("a vLLM server's address must not hold a password: it is stored with the run")
        self.timeout = timeout
        self._tries = Tries(PATIENCE, None, FIRST_WAIT, LONGEST_WAIT)
        self._connections = Connections()
        self._down = False
        self._model: ServedModel | None = None

    def __str__(self) -> str:
        return f"the vLLM server at {self.address}"

    def ask(self, *requests: Callable[[], Coroutine[Any, Any, T]]) -> list[T]:
        """The results of all requests, made at once. Raises AgentError for the first one that failed for good."""
        return wait_for(self.gather(*requests))

    def look(self) -> None:
        """Say so if nothing answers yet. Never waits for the server: later requests do."""

        async def once() -> None:
            try:
                await self._connections.send("GET", f"{self.address}/v1/models", LOOK)
            except Failure as failure:
                self._note(failure)

        wait_for(once())

    async def model(self) -> ServedModel:
        """The model that is served, without its adapters."""
        if self._model is None:
            try:
                self._model = await self.send("/v1/models", read=_first_model)
            except Refusal as refusal:
                if refusal.status != 404:
                    raise
                raise Failure("/v1/models: HTTP 404: this is not a vLLM server", False) from None
        return self._model

    async def send(self, path: str, body: Any = None, read: Callable[[bytes], T] | None = None) -> T:
        """``read`` of the body of the response, after as many tries as it takes.

        Args:
            body: of a POST; None for a POST without a body if ``read`` is None, else for a GET.
            read: raises Failure if the body cannot be the answer; the request is then made again.

        Raises Failure, or Refusal if the server itself refuses.
        """
        refused = 0
        method = "GET" if body is None and read is not None else "POST"

        async def once() -> T:
            nonlocal refused
            try:
                response = await self._connections.send(method, self.address + path, self.timeout, json=body)
            except Failure as failure:
                self._note(failure)
                raise
            self._down = False
            refused += 1
            try:
                if 200 <= response.status < 300:
                    return cast(T, None) if read is None else read(response.body)
                raise Refusal(path, response)
            except Failure as failure:
                failure.worth_retrying = failure.worth_retrying and refused < REFUSALS
                raise

        return await self._tries.run(once)

    async def gather(self, *requests: Callable[[], Coroutine[Any, Any, T]]) -> list[T]:
        """``ask`` inside of an event loop."""
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(request()) for request in requests]
        except* Failure as failures:
            first: BaseException = failures
            while isinstance(first, BaseExceptionGroup):
                first = first.exceptions[0]
            assert isinstance(first, Failure)
            told = f"{self}: {first.told(Secrets([]), _SHOWN)}"
        else:
            return [task.result() for task in tasks]
        raise AgentError(told, kind="server")

    def _note(self, failure: Failure) -> None:
        """Say once that the server is down."""
        if failure.worth_retrying and not self._down:
            self._down = True
            logger.warning(
                "%s does not answer (%s): waiting up to 10 minutes for it. `toolgym serve-sampler` starts one",
                self,
                failure.reason,
            )


def _first_model(body: bytes) -> ServedModel:
    try:
        return msgspec.json.decode(body, type=_Models).data[0]
    except (msgspec.DecodeError, UnicodeDecodeError, LookupError) as error:
        raise Failure(f"/v1/models: not the answer of a vLLM server ({error})", False) from None
