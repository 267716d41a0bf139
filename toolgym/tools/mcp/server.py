"""MCPServer: how a server is reached, and what its connections share."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from toolgym.secrets import Secrets, shown_url, url_secrets
from toolgym.tools.credentials import Credentials, variable
from toolgym.tools.mcp.protocol import Client, Transport
from toolgym.tools.mcp.stdio import INHERITED, Stdio
from toolgym.tools.mcp.streamable_http import StreamableHTTP
from toolgym.tools.remote import Listed, State, ToolServer
from toolgym.tools.unavailable import ToolUnavailable
from toolgym.web import below, wait_for

_RUNNERS = ("python", "node", "npx", "uv", "bun", "deno")


class MCPServer(ToolServer):
    """A server that speaks the Model Context Protocol.

    An address needs the extra ``endpoint``; a command needs no package. OAuth and the transport "HTTP+SSE" of 2024 are
    not spoken.

    Args:
        where: the command that starts the server, as a list or as in a shell ("python" is this interpreter), or its
            address (http:// or https://).
        state: "session" (the default): each episode gets a connection of its own. If ``where`` is a command, that is a
            process of its own. For "shared" and "none" see ToolServer.
        headers: headers of each request to an address; ``$NAME`` in a value stands for an environment variable, as in
            ``{"Authorization": "Bearer $NOTES_TOKEN"}``.
        env: the environment variables that the process gets besides PATH, HOME and the like: names of variables to
            pass on, or names and values.
        cwd: the folder in which the process starts.
        name: what messages call the server; by default the address or the program.
        kwargs: the other arguments of ToolServer.
    """

    def __init__(
        self,
        where: str | Sequence[str],
        *,
        state: State = "session",
        headers: Mapping[str, str] | None = None,
        env: Iterable[str] | Mapping[str, str] = (),
        cwd: str | Path | None = None,
        name: str | None = None,
        **kwargs: Any,
    ):
        if not isinstance(where, Sequence):
            raise TypeError(f"where is a command, as a list or a str, or an address; got {where!r}")
        self.url = where if isinstance(where, str) and where.startswith(("http://", "https://")) else None
        self.command = [] if self.url else shlex.split(where) if isinstance(where, str) else [*map(os.fspath, where)]
        if self.url:
            below(self.url, "")  # raises ValueError if it names no host
        elif not self.command or not all(isinstance(part, str) and "\0" not in part for part in self.command):
            raise ValueError(f"where is a command or an address, got {where!r}")
        if isinstance(env, str):
            raise TypeError(f"env is a list of names of variables, or a dict; got {env!r}")
        if self.url and (env or cwd):
            raise ValueError("env and cwd are for a server that a command starts, not for an address")
        if headers and not self.url:
            raise ValueError("headers are for a server behind an address; a process gets secrets with env")
        self.headers = Credentials(headers or {})
        self.environment = dict(env) if isinstance(env, Mapping) else dict.fromkeys(env)
        self.cwd = None if cwd is None else os.fspath(cwd)
        super().__init__(name or (shown_url(self.url) if self.url else _name(self.command)), state, **kwargs)

    async def open(self) -> Client:
        """A new connection, after the handshake. Raises ToolUnavailable."""
        transport, secrets = await self._transport()
        client = Client(transport, self.name, self.timeout, self.start_timeout, Secrets(secrets).masked)
        try:
            await client.start()
        except BaseException:
            await client.close()
            raise
        return client

    async def _transport(self) -> tuple[Transport, list[str]]:
        """A transport, and the secrets that the server may repeat."""
        if self.url:
            return StreamableHTTP(self.url, self.headers), [*self.headers.secrets(), *url_secrets(self.url)]
        given = {name: variable(name) if value is None else value for name, value in self.environment.items()}
        kept = {name: os.environ[name] for name in INHERITED if name in os.environ}
        command = [sys.executable if self.command[0] == "python" else self.command[0], *self.command[1:]]
        return await Stdio.open(command, kept | given, self.cwd), list(given.values())

    def listed(self) -> list[Listed]:
        """The tools of the server. Raises ToolUnavailable, and ValueError for a list that cannot be used."""
        try:
            return wait_for(self._listed())
        except ToolUnavailable as error:
            if self.url:  # a process is named already
                raise ToolUnavailable(f"{self.name}: {error}") from None
            raise

    async def _listed(self) -> list[Listed]:
        client = await self.open()
        try:
            return await client.list_tools()
        finally:
            await client.close()


def _name(command: Sequence[str]) -> str:
    """The program, or what an interpreter or a package runner is to run."""
    words = [word for word in command[1:] if word and not word.startswith("-")]
    program = Path(command[0]).name
    return Path(words[0]).name if words and program.startswith(_RUNNERS) else program
