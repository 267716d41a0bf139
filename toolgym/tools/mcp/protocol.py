"""The client's side of MCP: JSON-RPC messages over any transport, the handshake, lists of tools and calls.

Speaks the protocol's versions 2024-11-05 to 2025-11-25, which begin with ``initialize``, and 2026-07-28, in which each
request says all by itself.
"""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Protocol

from toolgym import __version__
from toolgym.tools.mcp.contents import result_text
from toolgym.tools.remote import MOST_TOOLS, Listed
from toolgym.tools.sessions import Refusal
from toolgym.tools.unavailable import ToolUnavailable

HANDSHAKE_VERSIONS = ("2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05")
STATELESS_VERSION = "2026-07-28"
CLIENT = {"name": "toolgym", "version": __version__}
_INVALID_PARAMS = -32602
_METHOD_NOT_FOUND = -32601
_UNSUPPORTED_VERSION = -32022
_MOST_PAGES = 100
_KEY = "io.modelcontextprotocol/"


class RPCError(Exception):
    """A server's error answer to a request."""

    def __init__(self, code: int, message: str):
        super().__init__(message)
        self.code = code


class Transport(Protocol):
    """Carries messages. Calls ``receive`` for each message of the server, and ``ended`` if it cannot go on."""

    receive: Callable[[Any], None]
    ended: Callable[[str], None]
    version: str
    """The protocol's version that was agreed on; "" before that."""

    async def send(self, message: dict[str, Any]) -> None:
        """Send a message. Raises ToolUnavailable, or an exception of the network."""

    async def close(self) -> None: ...


class Client:
    """A connection to one MCP server. All methods run on one event loop.

    Args:
        transport: carries the messages.
        name: the server's name in error messages.
        timeout: seconds for a call.
        start_timeout: seconds for the handshake, and for the list of tools.
        masked: takes secrets out of a text of the server.
    """

    def __init__(
        self,
        transport: Transport,
        name: str,
        timeout: float,
        start_timeout: float,
        masked: Callable[[str], str] = str,
    ):
        self.transport = transport
        self.name = name
        self.timeout = timeout
        self.start_timeout = start_timeout
        self.masked = masked
        self.tools_changed = False
        """Whether the server has said that its list of tools is another one now."""
        self._ids = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._over = ""
        transport.receive = self._receive
        transport.ended = self._ended

    @property
    def alive(self) -> bool:
        return not self._over

    async def start(self) -> None:
        """Agree on a version. Raises ToolUnavailable if the server does not answer as MCP asks."""
        about = {"protocolVersion": HANDSHAKE_VERSIONS[0], "capabilities": {}, "clientInfo": CLIENT}
        try:
            result = await self._request("initialize", about, self.start_timeout)
        except RPCError as error:
            if error.code not in (_METHOD_NOT_FOUND, _UNSUPPORTED_VERSION):
                raise ToolUnavailable(f"{self.name} refuses the handshake: {error}") from None
            await self._discover()
            return
        version = result.get("protocolVersion")
        if version not in HANDSHAKE_VERSIONS:
            known = ", ".join(HANDSHAKE_VERSIONS)
            raise ToolUnavailable(f"{self.name} speaks version {str(version)[:40]!r} of MCP; known are {known}")
        self.transport.version = version
        await self.transport.send({"jsonrpc": "2.0", "method": "notifications/initialized"})

    async def _discover(self) -> None:
        """Of servers that know no handshake."""
        self.transport.version = STATELESS_VERSION
        try:
            result = await self._request("server/discover", {}, self.start_timeout)
        except RPCError as error:
            raise ToolUnavailable(f"{self.name} refuses the handshake: {error}") from None
        if STATELESS_VERSION not in (result.get("supportedVersions") or ()):
            raise ToolUnavailable(f"{self.name} speaks none of the versions of MCP that are known here")

    async def list_tools(self) -> list[Listed]:
        """All pages of the list. Raises ValueError for a list that cannot be used."""
        found: list[Listed] = []
        cursor: Any = None
        for _ in range(_MOST_PAGES):
            params = {} if cursor is None else {"cursor": cursor}
            try:
                page = await self._request("tools/list", params, self.start_timeout)
            except RPCError as error:
                raise ToolUnavailable(f"{self.name} does not list its tools: {error}") from None
            tools = page.get("tools")
            if not isinstance(tools, list):
                raise ValueError(f"{self.name}: tools/list gave no list of tools")
            found += [_listed(each, self.name) for each in tools]
            if len(found) > MOST_TOOLS:
                raise ValueError(f"{self.name} lists more than {MOST_TOOLS} tools, which is all that is read")
            cursor = page.get("nextCursor")
            if cursor is None:
                self.tools_changed = False
                return found
        raise ValueError(f"{self.name}: the list of tools has more than {_MOST_PAGES} pages")

    async def call(self, name: str, arguments: Mapping[str, Any]) -> str:
        """The result of a call as text. Raises Refusal if the server refuses it, ToolUnavailable if it failed."""
        try:
            result = await self._request("tools/call", {"name": name, "arguments": dict(arguments)}, self.timeout)
        except RPCError as error:
            if error.code == _INVALID_PARAMS:  # an answer to the arguments
                raise Refusal(self.masked(str(error))) from None
            raise ToolUnavailable(self.masked(f"{self.name}: {error} (error {error.code})")) from None
        if result.get("resultType", "complete") != "complete":
            raise ToolUnavailable(f"{self.name} asks for more input, which nobody can give here")
        text = self.masked(result_text(result))
        if result.get("isError") is True:
            raise Refusal(text or "the call failed")
        return text

    async def changed(self) -> list[Listed] | None:
        """The tools, if the server has said that they are others now; else None."""
        return await self.list_tools() if self.tools_changed else None

    async def close(self) -> None:
        self._ended("it was closed")
        await self.transport.close()

    # Messages ------------------------------------------------------------------------------------

    async def _request(self, method: str, params: dict[str, Any], timeout: float) -> dict[str, Any]:
        """The result of a request. Raises RPCError for an error answer, ToolUnavailable without an answer."""
        if self._over:
            raise ToolUnavailable(f"{self.name} is gone: {self._over}")
        number = next(self._ids)
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        try:
            async with asyncio.timeout(timeout):
                await self.transport.send(self._message(number, method, params))
                result = await answer
        except (TimeoutError, asyncio.CancelledError) as error:
            await self._cancel(number, method)
            if isinstance(error, asyncio.CancelledError):
                raise
            raise ToolUnavailable(f"{self.name} did not answer {method} within {timeout:g} seconds") from None
        finally:
            self._waiting.pop(number, None)
        if not isinstance(result, dict):
            raise ToolUnavailable(f"{self.name} answered {method} with something that is not a result")
        return result

    def _message(self, number: int, method: str, params: dict[str, Any]) -> dict[str, Any]:
        if self.transport.version == STATELESS_VERSION:
            about = {"protocolVersion": STATELESS_VERSION, "clientInfo": CLIENT, "clientCapabilities": {}}
            params = {**params, "_meta": {_KEY + key: value for key, value in about.items()}}
        return {"jsonrpc": "2.0", "id": number, "method": method, "params": params}

    async def _cancel(self, number: int, method: str) -> None:
        """Tell the server that nobody waits for a call any more, without waiting for the server."""
        if method == "initialize" or self._over:
            return
        gone = {"requestId": number, "reason": "nobody waits for it any more"}
        message = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": gone}
        with suppress(Exception):
            async with asyncio.timeout(1.0):
                await self.transport.send(message)

    def _receive(self, message: Any) -> None:
        if isinstance(message, list):  # a batch, of version 2025-03-26
            for each in message[:MOST_TOOLS]:
                if not isinstance(each, list):
                    self._receive(each)
            return
        if not isinstance(message, dict):
            return
        method, number = message.get("method"), message.get("id")
        if isinstance(method, str):
            if number is not None:
                self._answer(number, method)
            elif method == "notifications/tools/list_changed":
                self.tools_changed = True
            return
        answer = self._waiting.get(number) if isinstance(number, int) else None
        if answer is None or answer.done():
            return
        error = message.get("error")
        if isinstance(error, dict):
            code = error.get("code")
            code = code if isinstance(code, int) else 0
            answer.set_exception(RPCError(code, str(error.get("message"))[:2000]))
        else:
            answer.set_result(message.get("result"))

    def _answer(self, number: Any, method: str) -> None:
        """Answer a request of the server: ``ping`` as asked for, all others with "not known here"."""
        reply: dict[str, Any] = {"jsonrpc": "2.0", "id": number}
        if method == "ping":
            reply["result"] = {}
        else:
            reply["error"] = {"code": _METHOD_NOT_FOUND, "message": f"{method[:100]} is not supported"}
        task = asyncio.create_task(self._say(reply))
        _answers.add(task)
        task.add_done_callback(_answers.discard)

    async def _say(self, message: dict[str, Any]) -> None:
        with suppress(Exception):
            async with asyncio.timeout(self.timeout):
                await self.transport.send(message)

    def _ended(self, reason: str) -> None:
        self._over = self._over or reason
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(ToolUnavailable(self.masked(f"{self.name} is gone: {reason}")))


_answers: set[asyncio.Task[None]] = set()
"""Strong references: an event loop keeps only weak ones."""


def _listed(tool: Any, server: str) -> Listed:
    name = tool.get("name") if isinstance(tool, dict) else None
    if not isinstance(name, str) or not name:
        raise ValueError(f"{server} lists a tool without a name")
    schema = tool.get("inputSchema", {})
    if not isinstance(schema, dict):
        raise ValueError(f"{server}: the inputSchema of the tool {name[:100]!r} is not an object")
    about = tool.get("description") or tool.get("title") or ""
    hints = tool.get("annotations")
    reads = True if isinstance(hints, dict) and hints.get("readOnlyHint") is True else None
    return Listed(name, about if isinstance(about, str) else "", schema, reads)


def encoded(message: Mapping[str, Any]) -> bytes:
    """A message as JSON on one line."""
    return json.dumps(message, allow_nan=False).encode()


def decoded(line: bytes) -> Any:
    """A message. Raises ValueError for anything that is not JSON."""
    try:
        return json.loads(line)
    except RecursionError:
        raise ValueError("nested too deeply") from None
