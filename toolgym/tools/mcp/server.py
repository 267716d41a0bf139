"""MCPServer: how a server is reached, and what its connections share."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from toolgym.secrets import Secrets
from toolgym.tools.mcp.protocol import Client, Transport
from toolgym.tools.mcp.stdio import INHERITED, Stdio
from toolgym.tools.remote import Connection, Listed, State, ToolServer
from toolgym.tools.unavailable import ToolUnavailable


class MCPServer(ToolServer):
    """A server that speaks the Model Context Protocol.

    Args:
        where: the command that starts it, as a list or as in a shell, or its address (http:// or https://).
        state: "session" (the default): each episode gets a connection of its own, which is a process of its own if
            ``where`` is a command. For "shared" and "none" see ToolServer.
        env: the environment variables that the process gets besides PATH, HOME and the like: names of variables to
            pass on, or names and values.
        cwd: the folder in which the process starts.
        name: what messages call it; the command's or the address's by default.
        kwargs: the other arguments of ToolServer.
    """

    def __init__(
        self,
        where: str | Sequence[str],
        *,
        state: State = "session",
        env: Iterable[str] | Mapping[str, str] = (),
        cwd: str | Path | None = None,
        name: str | None = None,
        **kwargs: Any,
    ):
        command = shlex.split(where) if isinstance(where, str) else [os.fspath(part) for part in where]
        if not command or not all(isinstance(part, str) and "\0" not in part for part in command):
            raise ValueError(f"where is a command or an address, got {where!r}")
        if isinstance(env, str):
            raise TypeError(f"env is a list of names of variables, or a dict; got {env!r}")
        self.command = command
        self.environment = dict(env) if isinstance(env, Mapping) else dict.fromkeys(env)
        self.cwd = None if cwd is None else os.fspath(cwd)
        super().__init__(name or Path(command[-1]).name, state=state, **kwargs)

    async def open(self) -> Connection:
        return await self._open()

    async def _open(self) -> Client:
        transport, secrets = await self._transport()
        client = Client(transport, self.name, self.timeout, self.start_timeout, Secrets(secrets).masked)
        try:
            await client.start()
        except BaseException:
            await client.close()
            raise
        return client

    async def _transport(self) -> tuple[Transport, list[str]]:
        given = {
            name: _variable(self.name, name) if value is None else value for name, value in self.environment.items()
        }
        kept = {name: os.environ[name] for name in INHERITED if name in os.environ}
        command = [sys.executable if self.command[0] == "python" else self.command[0], *self.command[1:]]
        return await Stdio.open(command, kept | given, self.cwd), list(given.values())

    async def listed(self) -> list[Listed]:
        client = await self._open()
        try:
            return await client.list_tools()
        finally:
            await client.close()


def _variable(server: str, name: str) -> str:
    value = os.environ.get(name)
    if value is None:
        raise ToolUnavailable(f"{server} needs the environment variable {name}, which is not set")
    return value
