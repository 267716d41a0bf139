"""Tools that a server runs: what MCP and OpenAPI have in common.

A ``ToolServer`` lists the tools and makes connections. A ``Session`` is what one episode has of a server, and
``Sessions`` (all servers of an episode) is the state that the tools of a ``ServerEnv`` get.
"""

from __future__ import annotations

import asyncio
import logging
import os
import re
import sys
import weakref
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from threading import Lock
from typing import TYPE_CHECKING, Any, Literal, Protocol

from toolgym.snapshot import SnapshotError
from toolgym.tools.tool import DEFAULT_RESULT_LIMIT, DEFAULT_TIMEOUT, Tool
from toolgym.tools.unavailable import ToolUnavailable
from toolgym.types import ToolResult
from toolgym.web.background import begin, wait_for

if TYPE_CHECKING:
    from toolgym.tasks import Task
    from toolgym.tools.server_env import ServerEnv

logger = logging.getLogger(__name__)

State = Literal["session", "shared", "none"]
STATES = ("session", "shared", "none")
MOST_TOOLS = 1_000
"""Tools that a server may list."""
LONGEST_NAME = 128
_ODD = re.compile(r"[^A-Za-z0-9_.-]+")


class Refusal(Exception):
    """A server's answer that refuses the call. The model reads the message; the episode goes on."""


class Connection(Protocol):
    """What a ToolServer opens. All methods run on the event loop of ``toolgym.web.background``."""

    @property
    def alive(self) -> bool: ...

    async def call(self, name: str, arguments: Mapping[str, Any]) -> str:
        """The result as text. Raises Refusal for a refused call; any other exception says that the server failed."""

    async def close(self) -> None: ...


class RemoteTool(Tool):
    """A Tool that a server runs. The state of the episode (``Sessions``) says which connection to use."""

    def __init__(self, server: ToolServer, listed: Listed, name: str):
        async def function(sessions: Sessions, /, **arguments: Any) -> str:
            answer = begin(sessions.of(server).answer(listed.name, arguments))
            return await asyncio.wrap_future(answer)

        super().__init__(
            name,
            listed.description,
            listed.parameters,
            function,
            # the session has a limit for each part of its own, which starts when the call can begin
            timeout=server.start_timeout + 2 * server.timeout,
            result_limit=server.result_limit,
            stateful=True,
            trusted=True,  # the server checks what its words mean; here a word that is misspelt is no reason to refuse
        )
        self.server = server
        self.listed = listed
        self.validator  # noqa: B018  a schema that cannot be used is reported when the tools are listed

    def _failed(self, error: BaseException) -> ToolResult:
        if isinstance(error, Refusal):
            return ToolResult(self._cut(f"Error: {error}"), "execution")
        return super()._failed(error)

    def __deepcopy__(self, memo: Any) -> RemoteTool:
        return self


class Listed:
    """A tool as its server lists it."""

    __slots__ = ("description", "name", "parameters")

    def __init__(self, name: str, description: str, parameters: Mapping[str, Any]):
        self.name = name
        self.description = description
        self.parameters = parameters


class ToolServer(ABC):
    """A server whose tools become tools of an environment.

    Args:
        name: the server's name in messages.
        state: where the server keeps what its tools change. "session": each connection has a state of its own, and
            each episode gets a connection. "shared": all connections have one state, so an episode sees what others
            did; snapshots are refused, and ``info["shared_state"]`` is True. "none": the tools change nothing, so all
            episodes use one connection, and snapshots work.
        reset: the name of a tool that puts the server into its first state; or a pair of the name and its arguments.
            It is called before each episode and is not offered to the model. With "session", connections are then
            reused. With "shared", one episode may be played at a time: a call of an earlier episode is "unavailable".
        only: names of the tools to offer; all for None.
        without: names of tools not to offer.
        prefix: put before the name of each tool, so that tools of several servers differ.
        timeout: seconds that a call may take.
        start_timeout: seconds that the server may take to start, and to list its tools.
        result_limit: characters of a result that the model can read.
    """

    def __init__(
        self,
        name: str,
        *,
        state: State,
        reset: str | tuple[str, Mapping[str, Any]] | None = None,
        only: Iterable[str] | None = None,
        without: Iterable[str] = (),
        prefix: str = "",
        timeout: float = DEFAULT_TIMEOUT,
        start_timeout: float = 60.0,
        result_limit: int = DEFAULT_RESULT_LIMIT,
    ):
        if state not in STATES:
            raise ValueError(f"state must be one of {', '.join(STATES)}; got {state!r}")
        if state == "none" and reset is not None:
            raise ValueError('a server without state (state="none") has nothing to reset')
        if isinstance(only, str) or isinstance(without, str):
            raise TypeError("only and without are lists of names")
        if _ODD.search(prefix):
            raise ValueError(f"prefix {prefix!r}: only letters, digits, _ . - can be in the name of a tool")
        for what, seconds in (("timeout", timeout), ("start_timeout", start_timeout)):
            if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not 0 < seconds < 1e6:
                raise ValueError(f"{what} must be a positive number of seconds, got {seconds!r}")
        self.name = name
        self.state = state
        self.reset = (reset, {}) if isinstance(reset, str) else reset
        self.only = None if only is None else tuple(only)
        self.without = tuple(without)
        self.prefix = prefix
        self.timeout = float(timeout)
        self.start_timeout = float(start_timeout)
        self.result_limit = result_limit
        self._lock = Lock()
        self._tools: tuple[RemoteTool, ...] | None = None
        self._names: frozenset[str] = frozenset()
        self._forget()

    def _forget(self) -> None:
        """Set what belongs to one process."""
        self._process = os.getpid()
        self._idle: list[Connection] = []
        self._opening: asyncio.Task[Connection] | None = None
        self.generation = 0
        """How often a shared state was reset."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r}, state={self.state!r})"

    def __deepcopy__(self, memo: Any) -> ToolServer:
        return self

    @abstractmethod
    async def open(self) -> Connection:
        """A new connection."""

    @abstractmethod
    async def listed(self) -> Sequence[Listed]:
        """The server's tools. Raises ValueError for a list that cannot be used."""

    @property
    def tools(self) -> tuple[RemoteTool, ...]:
        """The tools to offer, asked for once. Raises ToolUnavailable if the server is down, ValueError for a tool
        whose name or schema cannot be used."""
        with self._lock:
            if self._tools is None:
                self._tools = self._offered(wait_for(self.listed()))
            return self._tools

    def _offered(self, listed: Sequence[Listed]) -> tuple[RemoteTool, ...]:
        names = [each.name for each in listed]
        self._names = frozenset(names)
        asked = [*(self.only or ()), *self.without, *([self.reset[0]] if self.reset else [])]
        if missing := [name for name in asked if name not in names]:
            known = ", ".join(names[:20]) or "none"
            raise ValueError(f"{self.name} has no tool {missing[0]!r}; its tools: {known}")
        hidden = {*self.without, *([self.reset[0]] if self.reset else [])}
        found, taken = [], set[str]()
        for each in listed:
            if each.name in hidden or (self.only is not None and each.name not in self.only):
                continue
            name = readable_name(self.prefix + each.name, taken)
            taken.add(name)
            try:
                found.append(RemoteTool(self, each, name))
            except (ValueError, TypeError) as error:
                raise ValueError(
                    f"{self.name}: {error}; leave the tool out with without=[{each.name!r}] if you do not need it"
                ) from None
        return tuple(found)

    def lists(self, name: str) -> bool:
        """Whether the server has a tool of this name, offered or not."""
        return len(self.tools) >= 0 and name in self._names

    def session(self) -> Session:
        """What a new episode has of this server."""
        return Session(self)

    def env(self, tasks: Sequence[Task], **kwargs: Any) -> ServerEnv:
        """An environment with this server's tools; the arguments are those of ``ServerEnv``."""
        from toolgym.tools.server_env import ServerEnv

        return ServerEnv(tasks, [self], **kwargs)

    # On the event loop ---------------------------------------------------------------------------

    async def acquire(self) -> Connection:
        """A connection for an episode, with the server in its first state if that can be had."""
        if self._process != os.getpid():
            self._forget()
        if self.state == "session":
            alive = (each for each in iter(self._pop, None) if each.alive)
            connection = next(alive, None) or await self.open()
        else:
            connection = await self._one()
        if self.reset is not None:
            self.generation += 1
            try:
                await connection.call(*self.reset)
            except BaseException as error:
                if self.state == "session":
                    await connection.close()
                if isinstance(error, Refusal):
                    raise ToolUnavailable(f"{self.name} cannot be reset: {error}") from None
                raise
        return connection

    def _pop(self) -> Connection | None:
        return self._idle.pop() if self._idle else None

    async def _one(self) -> Connection:
        """The connection that all episodes share; a new one if it broke."""
        if self._opening is None or (self._opening.done() and not _usable(self._opening)):
            self._opening = asyncio.create_task(self.open())
        return await asyncio.shield(self._opening)

    async def release(self, connection: Connection) -> None:
        """Take back the connection of an episode that has ended."""
        if self.state != "session" or self._process != os.getpid():
            return
        if self.reset is not None and connection.alive:
            self._idle.append(connection)
        else:
            await connection.close()

    async def _close(self) -> None:
        idle, self._idle, opening, self._opening = self._idle, [], self._opening, None
        if opening is not None and opening.done() and _usable(opening):
            idle.append(opening.result())
        for each in idle:
            await each.close()

    def close(self) -> None:
        """Close the connections that no episode has. They are also closed when the program ends."""
        if self._process == os.getpid():
            wait_for(self._close())


def _usable(task: asyncio.Task[Connection]) -> bool:
    return not task.cancelled() and task.exception() is None and task.result().alive


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
        again = self.opening is not None and self.opening.done() and self._lost()
        if self.opening is None or again:
            self.opening = asyncio.create_task(self._acquire())
        try:
            return await asyncio.shield(self.opening)
        except asyncio.CancelledError:
            if self.closed:
                raise ToolUnavailable("the episode is over") from None
            raise

    def _lost(self) -> bool:
        """Whether the connection is to be opened again: a state that was lost with a connection does not come back."""
        task = self.opening
        assert task is not None
        if task.cancelled() or task.exception() is not None:
            return True
        return self.server.state == "none" and not task.result().alive

    async def _acquire(self) -> Connection:
        connection = await self.server.acquire()
        self.generation = self.server.generation
        return connection

    async def let_go(self) -> None:
        self.closed = True
        task, self.opening = self.opening, None
        if task is None:
            return
        if not task.done():
            task.cancel()
        with_connection = await asyncio.gather(task, return_exceptions=True)
        if not isinstance(with_connection[0], BaseException):
            await self.server.release(with_connection[0])


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
        self._sessions = {id(server): server.session() for server in servers}

    def of(self, server: ToolServer) -> Session:
        """The session with a server. Raises ToolUnavailable if the env was made without it."""
        found = self._sessions.get(id(server))
        if found is None:
            raise ToolUnavailable(
                f"{server.name} is not one of the env's servers: name it in ServerEnv(tasks, servers)"
            )
        return found

    def prepare(self) -> None:
        for session in self._sessions.values():
            session.prepare()

    def call(self, name: str, /, **arguments: Any) -> str:
        """Call a tool by the name that it is listed with, also a tool that is not offered to the model; its result.

        For judges. Raises RuntimeError if the server refuses the call, ToolUnavailable if it is down, and KeyError if
        no server lists the tool.
        """
        for session in self._sessions.values():
            if session.server.lists(name):
                try:
                    return wait_for(session.answer(name, arguments))
                except Refusal as error:
                    raise RuntimeError(f"{name}: {error}") from None
        raise KeyError(f"no server has a tool {name!r}")

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


def readable_name(name: str, taken: Iterable[str] = ()) -> str:
    """``name`` with the characters that a tool's name may have, different from those in ``taken``.

    Letters, digits and _ . - are kept; a run of other characters becomes one underscore.
    """
    clean = _ODD.sub("_", name)[:LONGEST_NAME].strip("_") or "tool"
    clean = clean if name != name[:LONGEST_NAME] or _ODD.search(name) else name
    found, number = clean, 1
    while found in taken:
        number += 1
        found = f"{clean[: LONGEST_NAME - 8]}_{number}"
    return found
