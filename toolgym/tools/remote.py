"""Tools that a server runs: what MCP and OpenAPI have in common.

A ``ToolServer`` lists the tools and makes connections. ``Sessions``, the connections of an episode, is the state that
the tools of a ``ServerEnv`` get.
"""

from __future__ import annotations

import asyncio
import os
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any, Literal, get_args

from toolgym.tools.server_env import ServerEnv
from toolgym.tools.sessions import Connection, Refusal, Session, Sessions, opened
from toolgym.tools.tool import DEFAULT_RESULT_LIMIT, DEFAULT_TIMEOUT, Tool
from toolgym.tools.unavailable import ToolUnavailable
from toolgym.types import ToolResult
from toolgym.web.background import begin, wait_for

if TYPE_CHECKING:
    from toolgym.tasks import Task

State = Literal["session", "shared", "none"]
MOST_TOOLS = 1_000
"""Tools that a server may list."""
LONGEST_NAME = 128
_ODD = re.compile(r"[^A-Za-z0-9_.-]+")


class RemoteTool(Tool):
    """A Tool that a server runs. The state of the episode (``Sessions``) says which connection to use."""

    def __init__(self, server: ToolServer, listed: Listed, name: str):
        async def function(sessions: Sessions, /, **arguments: Any) -> str:
            answer = begin(sessions.of(server).answer(listed.name, arguments))
            return await asyncio.wrap_future(answer)

        super().__init__(
            name,
            listed.description,
            listed.parameters() if callable(listed.parameters) else listed.parameters,
            function,
            timeout=None,  # the server has limits of its own: for its start, and for each call
            result_limit=server.result_limit,
            stateful=True,
            reads=listed.reads,
            trusted=True,  # the server checks what its words mean; here a word that is misspelt is no reason to refuse
        )
        self.server = server
        self.listed = listed
        self.validator  # noqa: B018  a schema that cannot be used is reported when the tools are listed

    def _failed(self, error: BaseException) -> ToolResult:
        if isinstance(error, ToolUnavailable):
            return ToolResult(self._cut(f"Error: {self.name} is unavailable: {error}"), "unavailable")
        if isinstance(error, Refusal):
            return ToolResult(self._cut(f"Error: {error}"), "execution")
        return super()._failed(error)

    def __deepcopy__(self, memo: Any) -> RemoteTool:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.server, self.listed, self.name)


@dataclass(frozen=True)
class Listed:
    """A tool as its server lists it."""

    name: str
    description: str
    parameters: Mapping[str, Any] | Callable[[], Mapping[str, Any]]
    """JSON Schema of the arguments, or a function that makes it once the tool is to be offered."""
    reads: bool | None = None
    """Whether its calls change nothing, if the server says so."""


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
        state: State,
        *,
        reset: str | tuple[str, Mapping[str, Any]] | None = None,
        only: Iterable[str] | None = None,
        without: Iterable[str] = (),
        prefix: str = "",
        timeout: float = DEFAULT_TIMEOUT,
        start_timeout: float = 60.0,
        result_limit: int = DEFAULT_RESULT_LIMIT,
    ):
        if state not in get_args(State):
            raise ValueError(f"state must be one of {', '.join(get_args(State))}; got {state!r}")
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
        self._state = state
        self.reset = (reset, {}) if isinstance(reset, str) else reset
        self.only = None if only is None else tuple(only)
        self.without = tuple(without)
        self.prefix = prefix
        self.timeout = float(timeout)
        self.start_timeout = float(start_timeout)
        self.result_limit = result_limit
        self._begin()
        self._forget()

    def _begin(self) -> None:
        """Set what a pickle does not hold."""
        self._lock = Lock()
        self._tools: tuple[RemoteTool, ...] | None = None
        self._names: frozenset[str] = frozenset()

    def _forget(self) -> None:
        """Set what belongs to one process."""
        self._process = os.getpid()
        self._starts = asyncio.Semaphore(max(2, os.cpu_count() or 1))
        self._idle: list[Connection] = []
        self._opening: asyncio.Task[Connection] | None = None
        self.generation = 0
        """How often a shared state was reset."""

    @property
    def state(self) -> State:
        """Where the server keeps what its tools change."""
        return self._state

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r}, state={self.state!r})"

    def __deepcopy__(self, memo: Any) -> ToolServer:
        return self

    def __getstate__(self) -> dict[str, Any]:
        left = ("_lock", "_tools", "_names", "_starts", "_idle", "_opening")
        return {name: value for name, value in vars(self).items() if name not in left}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._begin()
        self._forget()

    @abstractmethod
    async def open(self) -> Connection:
        """A new connection."""

    @abstractmethod
    def listed(self) -> Sequence[Listed]:
        """The server's tools. Raises ToolUnavailable, and ValueError for a list that cannot be used."""

    @property
    def tools(self) -> tuple[RemoteTool, ...]:
        """The tools to offer, asked for once. Raises ToolUnavailable if the server is down, ValueError for a tool
        whose name or schema cannot be used."""
        with self._lock:
            if self._tools is None:
                listed = self.listed()
                names = [each.name for each in listed]
                asked = [*(self.only or ()), *self.without, *([self.reset[0]] if self.reset else [])]
                if missing := [name for name in asked if name not in names]:
                    known = ", ".join(names[:20]) or "none"
                    raise ValueError(f"{self.name} has no tool {missing[0]!r}; its tools: {known}")
                self._tools, self._names = self.offered(listed), frozenset(names)
            return self._tools

    def offered(self, listed: Sequence[Listed]) -> tuple[RemoteTool, ...]:
        """The tools to offer of a list. Raises ValueError for a tool whose schema cannot be used."""
        hidden = {*self.without, *([self.reset[0]] if self.reset else [])}
        found: list[RemoteTool] = []
        taken: set[str] = set()
        for each in listed:
            if each.name in hidden or (self.only is not None and each.name not in self.only):
                continue
            if len(found) == MOST_TOOLS:
                raise ValueError(f"{self.name} has more than {MOST_TOOLS} tools: choose some with only=[...]")
            name = readable_name(self.prefix + each.name, taken)
            taken.add(name)
            try:
                found.append(RemoteTool(self, each, name))
            except (ValueError, TypeError) as error:
                raise ValueError(
                    f"{self.name}: {error}; leave the tool out with without=[{each.name!r}] if you do not need it"
                ) from None
        return tuple(found)

    def own_name(self, name: str) -> str | None:
        """The server's own name of a tool, offered or not, that is named as the server or as the model names it."""
        for each in self.tools:
            if name == each.name:
                return each.listed.name
        return name if name in self._names else None

    def session(self) -> Session:
        """What a new episode has of this server."""
        return Session(self)

    def env(self, tasks: Sequence[Task], **kwargs: Any) -> ServerEnv:
        """An environment with this server's tools; the arguments are those of ``ServerEnv``."""
        return ServerEnv(tasks, [self], **kwargs)

    # On the event loop ---------------------------------------------------------------------------

    async def acquire(self) -> Connection:
        """A connection for an episode, with the server in its first state if that can be had."""
        if self._process != os.getpid():
            self._forget()
        if self.state == "session":
            connection = await self._reused() or await self._open()
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

    async def _open(self, broken: Connection | None = None) -> Connection:
        """A new connection, after the end of a broken one."""
        if broken is not None:
            await broken.close()
        async with self._starts:  # more at once take longer in all, and run into their time limits
            return await self.open()

    async def _reused(self) -> Connection | None:
        """A connection of an earlier episode, if one still works."""
        while self._idle:
            connection = self._idle.pop()
            if connection.alive:
                return connection
            await connection.close()
        return None

    async def _one(self) -> Connection:
        """The connection that all episodes share; a new one if it broke."""
        if self._opening is None or (self._opening.done() and _alive(self._opening) is None):
            self._opening = asyncio.create_task(self._open(opened(self._opening)))
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
        if (connection := _alive(opening)) is not None:
            idle.append(connection)
        for each in idle:
            await each.close()

    def close(self) -> None:
        """Close the connections that no episode has. They are also closed when the program ends."""
        if self._process == os.getpid():
            wait_for(self._close())


def _alive(opening: asyncio.Task[Connection] | None) -> Connection | None:
    connection = opened(opening)
    return connection if connection is not None and connection.alive else None


def readable_name(name: str, taken: Iterable[str] = ()) -> str:
    """``name`` with the characters that a tool's name may have, different from those in ``taken``.

    Letters, digits and _ . - are kept; a run of other characters becomes one underscore.
    """
    if _ODD.search(name) or not 0 < len(name) <= LONGEST_NAME:
        name = _ODD.sub("_", name)[:LONGEST_NAME].strip("_") or "tool"
    found, number = name, 1
    while found in taken:
        number += 1
        found = f"{name[: LONGEST_NAME - 8]}_{number}"
    return found
