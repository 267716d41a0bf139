"""HTTP/1.1 without TLS and proxies, for model servers on the same machine or network.

A general client costs four times as much per request. What a server may say is narrow here: anything that HTTP/1.1 does
not allow, or allows in two readings, is refused.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from time import monotonic
from typing import NamedTuple

Look = Callable[[str, int], Awaitable[list[str]]]

_STATUS = re.compile(rb"HTTP/1\.([01]) ([1-9]\d\d)(?: ([^\0\r\n]*))?")
_HEADER = re.compile(rb"([\w!#$%&'*+.^`|~-]+):[ \t]*([^\0\r\n]*?)[ \t]*", re.ASCII)
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\r\n]*)?\r\n")
_MOST_HEADERS = 128
_PIECE = 65536
_IDLE_FOR = 15.0
"""Seconds after which an unused connection is not used again: many servers close theirs by then."""


class NotHTTP(ValueError):
    """What the server says is not HTTP."""


class Head(NamedTuple):
    """The first lines of a response. The names of the headers are in lower case; the last of a repeated one counts."""

    status: int
    reason: str
    headers: dict[str, str]
    length: int | None
    """Of the body in bytes; None if it comes in chunks, or ends with the connection."""
    chunked: bool
    reusable: bool
    """Whether the connection goes on after the body."""


class _Connection(NamedTuple):
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    used: float


class PlainHTTP:
    """Connections of one event loop, used again and again.

    Args:
        look_up: the addresses of a host.
        most: how many connections may be open; 0 for any number.
    """

    def __init__(self, look_up: Look, most: int):
        self._look_up = look_up
        self._idle: dict[tuple[str, int], list[_Connection]] = {}
        self._room = asyncio.Semaphore(most) if most else None

    async def exchange(
        self,
        host: str,
        port: int,
        request: bytes,
        receive: Callable[[Head, AsyncIterator[bytes]], Awaitable[bytes]],
    ) -> tuple[Head, bytes]:
        """Send a request; ``receive`` reads the body of the response. Raises OSError, EOFError or NotHTTP."""
        if self._room is None:
            return await self._exchange(host, port, request, receive)
        async with self._room:
            return await self._exchange(host, port, request, receive)

    async def _exchange(
        self,
        host: str,
        port: int,
        request: bytes,
        receive: Callable[[Head, AsyncIterator[bytes]], Awaitable[bytes]],
    ) -> tuple[Head, bytes]:
        reader, writer = self._from_before(host, port) or await self._connect(host, port)
        whole = False
        try:
            writer.write(request)  # not waited for: a server may answer, and refuse, before it has read all of it
            head = await _head(reader)
            parts = _Parts(reader, head)
            body = await receive(head, parts)
            whole = parts.ended and head.reusable
        finally:
            if whole:
                self._idle.setdefault((host, port), []).append(_Connection(reader, writer, monotonic()))
            else:
                writer.transport.abort()
        return head, body

    def close(self) -> None:
        """Close the connections that nobody uses."""
        for kept in self._idle.values():
            for _, writer, _ in kept:
                writer.transport.abort()
        self._idle.clear()

    def _from_before(self, host: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        kept = self._idle.get((host, port))
        while kept:
            reader, writer, used = kept.pop()
            unasked = reader.at_eof() or reader._buffer  # type: ignore[attr-defined]  # the server closed, or goes on
            if not (unasked or writer.is_closing() or monotonic() - used > _IDLE_FOR):
                return reader, writer
            writer.transport.abort()
        return None

    async def _connect(self, host: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        failed: OSError | None = None
        for address in await self._look_up(host, port):
            try:
                return await asyncio.open_connection(address, port)
            except OSError as error:
                failed = failed or error
        raise failed or OSError(f"{host} has no address")


def request_bytes(method: str, target: str, headers: Mapping[str, str], body: bytes) -> bytes:
    """A request. Raises ValueError for a line that would end early."""
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    head = "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]) if body else "\r\n".join([*lines, "", ""])
    if head.count("\n") != len(lines) + 1 + bool(body) or "\0" in head or head.count("\r") != head.count("\n"):
        raise ValueError("a header has a line break")
    return head.encode() + body


async def _head(reader: asyncio.StreamReader) -> Head:
    while True:
        try:
            lines = (await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")[:-2]
        except asyncio.LimitOverrunError:
            raise NotHTTP("headers of more than 64 kB") from None
        status = _STATUS.fullmatch(lines[0])
        found = list(map(_HEADER.fullmatch, lines[1:]))
        if status is None or not all(found) or len(found) > _MOST_HEADERS:
            raise NotHTTP("a status line or header that is not HTTP")
        code = int(status[2])
        if code == 101:
            raise NotHTTP("a change of the protocol")
        if code < 200:
            continue
        headers = {match[1].decode().lower(): match[2].decode("utf-8", "replace") for match in found if match}
        names = [match[1].lower() for match in found if match]
        chunked, length = headers.get("transfer-encoding"), headers.get("content-length")
        twice = names.count(b"content-length") + names.count(b"transfer-encoding") > 1
        if twice or (chunked or "chunked").lower() != "chunked":
            raise NotHTTP("a body of two lengths, or of a coding that was not asked for")
        if length is not None and not (length.isascii() and length.isdecimal() and len(length) < 20):
            raise NotHTTP("a length that is not a number")
        size = 0 if code in (204, 304) else None if length is None else int(length)
        last = headers.get("connection", "keep-alive" if status[1] == b"1" else "close").lower() != "keep-alive"
        reusable = not last and (size is not None or chunked is not None)
        reason = (status[3] or b"").decode("utf-8", "replace")
        return Head(code, reason, headers, size, chunked is not None and size is None, reusable)


class _Parts:
    """The body of a response, as it arrives."""

    def __init__(self, reader: asyncio.StreamReader, head: Head):
        self.ended = False
        self._parts = _chunks(reader) if head.chunked else _plain(reader, head.length)

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        try:
            return await anext(self._parts)
        except StopAsyncIteration:
            self.ended = True
            raise


async def _plain(reader: asyncio.StreamReader, length: int | None) -> AsyncIterator[bytes]:
    while length is None or length > 0:
        data = await reader.read(_PIECE if length is None else min(length, _PIECE))
        if not data:
            if length is None:
                return
            raise EOFError
        if length is not None:
            length -= len(data)
        yield data


async def _chunks(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    while True:
        try:
            size = _CHUNK.fullmatch(await reader.readuntil(b"\r\n"))
            if size is None:
                raise NotHTTP("a chunk without a size")
            left = int(size[1], 16)
            if not left:
                break
            async for data in _plain(reader, left):
                yield data
            if await reader.readexactly(2) != b"\r\n":
                raise NotHTTP("a chunk longer than its size")
        except asyncio.LimitOverrunError:
            raise NotHTTP("a chunk without a size") from None
    for _ in range(_MOST_HEADERS):
        if await reader.readuntil(b"\r\n") == b"\r\n":
            return
    raise NotHTTP("too many trailers")
