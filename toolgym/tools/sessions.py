"""What an episode has of the servers whose tools it uses: a connection to each, opened in the background."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import weakref
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from toolgym.snapshot import SnapshotError
from toolgym.tools.unavailable import ToolUnavailable
from toolgym.web.background import begin, wait_for

if TYPE_CHECKING:
    from toolgym.tools.remote import Listed, RemoteTool, ToolServer

logger = logging.getLogger(__name__)


class Refusal(Exception):
    """A server's answer that refuses the call. The model reads the message; the episode goes on."""


class Connection(Protocol):
    """What a ToolServer opens. All methods run on the event loop of ``toolgym.web.background``."""

    @property
    def alive(self) -> bool: ...

    async def call(self, name: str, arguments: Mapping[str, Any]) -> str:
        """The result as text. Raises Refusal for a refused call; any other exception says that the server failed."""

    async def changed(self) -> Sequence[Listed] | None:
        """The server's tools, if it has said that they are others now; else None."""

    async def close(self) -> None: ...


class Session:
    """What one episode has of a server. The connection is opened in the background, or by the first call."""

    def __init__(self, server: ToolServer):
        self.server = server
        self.used = False
        """Whether a call was made, which may have changed the state of the server."""
        self._held = _Held(server)
        self._finalizer = weakref.finalize(self, _let_go, self._held)
        self._finalizer.atexit = False

    def prepare(self) -> None:
        """Open the connection in the background."""
        begin(self._held.connected()).add_done_callback(_looked_at)

    async def answer(self, name: str, arguments: Mapping[str, Any]) -> str:
        """The result of a call. Raises Refusal, or an exception that means that the server is down."""
        self.used = True
        server = self.server
        connection = await self._held.connected()
        if server.state == "shared" and server.reset and self._held.generation != server.generation:
            raise ToolUnavailable(
                f"another episode has reset {server.name}, whose state all episodes share; play one episode at a time"
            )
        return await connection.call(name, arguments)

    async def changed(self) -> Sequence[Listed] | None:
        """The server's tools, if it has said since the last time that they are others now; else None."""
        connection = opened(self._held.opening)
        return await connection.changed() if connection is not None and connection.alive else None

    def close(self) -> None:
        """Let go of the connection. Does not wait."""
        self._finalizer()

    def problem(self) -> str:
        """Why the state of this session cannot be kept in a snapshot; "" if it can."""
        if self.server.state == "none" or (self.server.state == "session" and not self.used):
            return ""
        if self.server.state == "shared":
            return f"{self.server.name} has one state for all episodes"
        return f"{self.server.name} keeps the state of the episode to itself"


class _Held:
    """The connection of a session, apart from it: the finalizer needs it when the session is gone."""

    def __init__(self, server: ToolServer):
        self.server = server
        self.generation = 0
        self.opening: asyncio.Task[Connection] | None = None
        self.closed = False
        self.process = os.getpid()

    async def connected(self) -> Connection:
        if self.closed:
            raise ToolUnavailable(f"the connection to {self.server.name} is closed: the episode is over")
        if self.process != os.getpid():
            raise ToolUnavailable(f"the connection to {self.server.name} belongs to another process: call reset()")
        if self.opening is None or (self.opening.done() and self._lost()):
            self.opening = asyncio.create_task(self._acquire())
        try:
            return await asyncio.shield(self.opening)
        except asyncio.CancelledError:
            if self.closed:
                raise ToolUnavailable("the episode is over") from None
            raise

    def _lost(self) -> bool:
        """Whether the connection is to be opened again: a state that was lost with a connection does not come back."""
        connection = opened(self.opening)
        return connection is None or (self.server.state == "none" and not connection.alive)

    async def _acquire(self) -> Connection:
        connection = await self.server.acquire()
        self.generation = self.server.generation
        return connection

    async def let_go(self) -> None:
        task, self.opening = self.opening, None
        if task is not None and not task.done():
            task.cancel()
            await asyncio.wait([task])
        if (connection := opened(task)) is not None:
            await self.server.release(connection)


def opened(opening: asyncio.Task[Connection] | None) -> Connection | None:
    """The connection that a task has opened; None if the task goes on, or has failed."""
    if opening is None or not opening.done() or opening.cancelled() or opening.exception() is not None:
        return None
    return opening.result()


def _let_go(held: _Held) -> None:
    held.closed = True
    if held.process == os.getpid() and not sys.is_finalizing():
        begin(held.let_go()).add_done_callback(_looked_at)


def _looked_at(future: Any) -> None:
    """Read the exception of a future that nobody waits for: the call that needs its result says the same."""
    if not future.cancelled() and (error := future.exception()) is not None:
        logger.debug("%s", error)


class Sessions:
    """The state of an episode whose tools live in servers: its connections."""

    def __init__(self, servers: Sequence[ToolServer]):
        self._sessions = {server: server.session() for server in servers}

    def of(self, server: ToolServer) -> Session:
        """The session with a server. Raises ToolUnavailable if the env was made without it."""
        found = self._sessions.get(server)
        if found is None:
            raise ToolUnavailable(
                f"{server.name} is not one of the env's servers: name it in ServerEnv(tasks, servers)"
            )
        return found

    def prepare(self) -> None:
        for session in self._sessions.values():
            session.prepare()

    def call(self, name: str, /, **arguments: Any) -> str:
        """Call a tool, also one that is not offered to the model; its result.

        For judges. Raises RuntimeError if the server refuses the call, ToolUnavailable if it is down, and KeyError if
        no server lists the tool.
        """
        for server, session in self._sessions.items():
            if (own := server.own_name(name)) is not None:
                try:
                    return wait_for(session.answer(own, arguments))
                except Refusal as error:
                    raise RuntimeError(f"{name}: {error}") from None
        raise KeyError(f"no server has a tool {name!r}")

    def changed(self) -> dict[ToolServer, tuple[RemoteTool, ...]]:
        """The tools of each server that has said since the last time that they are others now.

        Raises ToolUnavailable, and ValueError for a list that cannot be used.
        """
        found = {}
        for server, session in self._sessions.items():
            if session.used and (listed := wait_for(session.changed())) is not None:
                found[server] = server.offered(listed)
        return found

    def check_copy(self) -> None:
        """Raises SnapshotError if a server holds a state that cannot be copied."""
        for session in self._sessions.values():
            if problem := session.problem():
                raise SnapshotError(
                    f'{problem}, and that cannot be copied; if its tools change nothing, say state="none"'
                )

    def close(self) -> None:
        for session in self._sessions.values():
            session.close()
