"""An MCP server as a process: a JSON message a line, on its standard input and output."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from toolgym.tools.mcp import guardian as guardians
from toolgym.tools.mcp.protocol import decoded, encoded
from toolgym.tools.unavailable import ToolUnavailable
from toolgym.web.connections import MOST_BYTES

INHERITED = ("HOME", "LANG", "LC_ALL", "LOGNAME", "PATH", "SHELL", "TERM", "TMPDIR", "TZ", "USER", "VIRTUAL_ENV",
             "PYTHONPATH", "APPDATA", "HOMEDRIVE", "HOMEPATH", "LOCALAPPDATA", "PATHEXT", "PROGRAMFILES",
             "SYSTEMDRIVE", "SYSTEMROOT", "TEMP", "TMP", "USERNAME", "USERPROFILE")  # fmt: skip
"""Environment variables that every server gets. Others, which may hold secrets, have to be named."""
_GRACE = 2.0
"""Seconds that a server may take to end after its input has ended, and again after SIGTERM."""
_STDERR = 2_000
"""Bytes of the end of standard error that are kept."""


class Stdio:
    """A Transport: the process of one connection. It has a process group of its own, which is ended as a whole."""

    receive: Callable[[Any], None]
    ended: Callable[[str], None]
    version = ""

    def __init__(self, process: asyncio.subprocess.Process):
        self._process = process
        self._said = b""
        self._readers = [asyncio.create_task(self._read()), asyncio.create_task(self._listen())]

    @classmethod
    async def open(cls, command: Sequence[str], environment: Mapping[str, str], cwd: str | None) -> Stdio:
        """Start the process. Raises ToolUnavailable if it cannot be started."""
        if os.name == "posix":
            guardians.guardian.watch()  # before the process, which it must outlive
        try:
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                env=dict(environment),
                cwd=cwd,
                start_new_session=True,  # Ctrl-C is for this program, which ends its servers
            )
        except (OSError, ValueError) as error:
            raise ToolUnavailable(f"{command[0]} cannot be started: {error}") from None
        if os.name == "posix":
            guardians.guardian.add(process.pid)
        return cls(process)

    async def send(self, message: dict[str, Any]) -> None:
        stdin = self._process.stdin
        assert stdin is not None
        try:
            stdin.write(encoded(message) + b"\n")
            await stdin.drain()
        except (ConnectionError, RuntimeError):  # the end of the output says more
            await asyncio.sleep(0.1)
            raise ToolUnavailable(f"the server takes no messages any more{self._last_words()}") from None

    async def _read(self) -> None:
        """Hand on messages until the output ends."""
        stdout = self._process.stdout
        assert stdout is not None
        line = bytearray()
        reason = ""
        while not reason and (data := await stdout.read(65_536)):
            *whole, rest = data.split(b"\n")
            for part in whole:
                self._line(bytes(line + part))
                line.clear()
            line += rest
            if len(line) > MOST_BYTES:
                reason = f"a message of more than {MOST_BYTES:,} bytes"
        if reason:
            self._signal(signal.SIGKILL if os.name == "posix" else signal.SIGTERM)
        else:
            with suppress(TimeoutError):
                async with asyncio.timeout(0.5):
                    await self._process.wait()
            code = self._process.returncode
            reason = "it closed its output" if code is None else f"it ended with exit code {code}"
        self.ended(reason + self._last_words())

    def _line(self, line: bytes) -> None:
        if line.strip():
            with suppress(ValueError):  # servers print what is not a message, too
                self.receive(decoded(line))

    async def _listen(self) -> None:
        """Keep the end of standard error, for the message when the server dies."""
        stderr = self._process.stderr
        assert stderr is not None
        while data := await stderr.read(65_536):
            self._said = (self._said + data)[-_STDERR:]

    def _last_words(self) -> str:
        lines = self._said.decode("utf-8", "replace").split("\n")
        said = " | ".join(line.strip() for line in lines[-6:] if line.strip())
        return f"; it said: {said[-500:]}" if said else ""

    def _signal(self, number: int) -> None:
        with suppress(ProcessLookupError, PermissionError):
            if os.name == "posix":
                os.killpg(self._process.pid, number)
            else:
                self._process.send_signal(number)

    async def close(self) -> None:
        """End the process: first its input ends, then it is asked to end, then it is killed with its children."""
        process = self._process
        if process.stdin is not None:
            process.stdin.close()
        try:
            for number in (None, signal.SIGTERM):
                if number is not None:
                    self._signal(number)
                with suppress(TimeoutError):
                    async with asyncio.timeout(_GRACE):
                        await process.wait()
                        break
        finally:
            if os.name == "posix":
                self._signal(signal.SIGKILL)  # children that it left, too
                guardians.guardian.remove(process.pid)
            elif process.returncode is None:
                process.kill()
            for reader in self._readers:
                reader.cancel()
            with suppress(TimeoutError):
                async with asyncio.timeout(_GRACE):
                    await process.wait()
            process._transport.close()  # type: ignore[attr-defined]  # a child may hold its pipes open
