"""An MCP server behind an address: each message is a POST, whose answer is JSON or a stream of events."""

from __future__ import annotations

import base64
import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from typing import Any

from toolgym.secrets import shown_url
from toolgym.tools.credentials import Credentials
from toolgym.tools.mcp.protocol import STATELESS_VERSION, decoded
from toolgym.tools.unavailable import ToolUnavailable
from toolgym.web import Connections, Failure
from toolgym.web.connections import ERROR_BYTES, MOST_BYTES, Stream

_PLAIN = re.compile(r"[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?")
_CONNECTIONS = Connections()


class StreamableHTTP:
    """A Transport. The server's session id is sent with each message; no redirect is followed."""

    receive: Callable[[Any], None]
    ended: Callable[[str], None]

    def __init__(self, url: str, headers: Credentials):
        self.url = url
        self.headers = headers
        self.version = ""
        self._session = ""

    async def send(self, message: dict[str, Any]) -> None:
        """Send a message; if it is a request, hand on what the server says until the answer is there."""
        wants = message.get("id") if "method" in message else None
        headers = self._headers() | self._mirrored(message)
        if self.version == STATELESS_VERSION and message.get("method") == "notifications/cancelled":
            return  # the end of the request's own connection has said so
        try:
            async with _CONNECTIONS.stream("POST", self.url, headers=headers, json=message) as answer:
                if message.get("method") == "initialize":
                    self._session = answer.headers.get("mcp-session-id", "")
                await self._read(answer, wants)
        except Failure as failure:
            raise ToolUnavailable(failure.reason) from None

    async def _read(self, answer: Stream, wants: Any) -> None:
        if not 200 <= answer.status < 300:
            await self._refused(answer, wants)
            return
        if wants is None:
            return
        kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind == "text/event-stream":
            async for data in events(answer.parts(MOST_BYTES)):
                if not data:  # says only from where the stream can be resumed
                    continue
                message = _message(data)
                self.receive(message)
                if _answers(message, wants):
                    return
            raise ToolUnavailable("the stream of events ended without the answer")
        message = _message(await answer.body(MOST_BYTES, cut=False))
        if not any(_answers(each, wants) for each in (message if isinstance(message, list) else [message])):
            raise ToolUnavailable(f"the answer is not an answer of MCP (type {kind[:100]!r})")
        self.receive(message)

    async def _refused(self, answer: Stream, wants: Any) -> None:
        """Hand on an error that is JSON-RPC. Raises ToolUnavailable for any other."""
        body = await answer.body(ERROR_BYTES, cut=True)
        with suppress(ValueError):
            message = decoded(body)
            spoken = isinstance(message, dict) and isinstance(message.get("error"), dict)
            if spoken and wants is not None and answer.status in (400, 404, 405, 406, 409, 415, 422):
                self.receive({**message, "id": wants})
                return
        if answer.status == 404 and self._session:
            self.ended("the session is over (HTTP 404)")
            raise ToolUnavailable("the session is over (HTTP 404)")
        place = answer.headers.get("location", "") if 300 <= answer.status < 400 else ""
        where = f" to {shown_url(place[:300])}, which is not followed" if place else ""
        raise ToolUnavailable(f"HTTP {answer.status} {answer.reason}{where}: {_shown(body)}")

    def _headers(self) -> dict[str, str]:
        ours = {"Accept": "application/json, text/event-stream", **self.headers.filled()}
        if self._session:
            ours["Mcp-Session-Id"] = self._session
        if self.version:
            ours["Mcp-Protocol-Version"] = self.version
        return ours

    def _mirrored(self, message: Mapping[str, Any]) -> dict[str, str]:
        """The headers that repeat a part of the message, since version 2026-07-28."""
        if self.version != STATELESS_VERSION or not isinstance(message.get("method"), str):
            return {}
        found = {"Mcp-Method": message["method"]}
        if isinstance(name := message.get("params", {}).get("name"), str):
            found["Mcp-Name"] = header_value(name)
        return found

    async def close(self) -> None:
        """Tell the server that the session is over."""
        if self._session:
            with suppress(Failure, ToolUnavailable):
                await _CONNECTIONS.send("DELETE", self.url, 2.0, headers=self._headers(), cut=True)


def _message(data: bytes) -> Any:
    try:
        return decoded(data)
    except ValueError:
        raise ToolUnavailable(f"the answer is not JSON: {_shown(data)}") from None


def _answers(message: Any, number: Any) -> bool:
    return isinstance(message, dict) and message.get("id") == number and "method" not in message


def _shown(body: bytes) -> str:
    return " ".join(body[:1000].decode("utf-8", "replace").split())[:300]


def header_value(text: str) -> str:
    """The text, in base64 if a header cannot hold it as it is."""
    if _PLAIN.fullmatch(text) and not text.startswith("=?base64?"):
        return text
    return f"=?base64?{base64.b64encode(text.encode('utf-8', 'replace')).decode()}?="


async def events(parts: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The data of each event of a stream (text/event-stream); events without data are left out."""
    line, data, skip = bytearray(), list[bytes](), False
    async for part in parts:
        for piece in re.split(rb"(\r\n|\n|\r)", part):
            if piece not in (b"\r\n", b"\n", b"\r"):
                line += piece
                skip = skip and not piece
                continue
            if piece == b"\n" and skip:  # the second half of a line end that came in two parts
                skip = False
                continue
            skip = piece == b"\r"
            if not line:
                if data:
                    yield b"\n".join(data)
                    data = []
            elif line.startswith(b"data:"):
                data.append(bytes(line[6:] if line[5:6] == b" " else line[5:]))
            line.clear()
    if line.startswith(b"data:"):  # the stream ended in the middle of an event
        data.append(bytes(line[5:]).strip())
    if data:
        yield b"\n".join(data)
