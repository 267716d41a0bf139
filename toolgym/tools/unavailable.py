"""ToolUnavailable, and which other exceptions of a tool mean that its server is down.

A failure of a server is not evidence about the policy: the call's result has the error "unavailable", and the episode
has ``reward_valid=False``.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import suppress
from typing import Any


class ToolUnavailable(Exception):
    """Raise this in a tool if a server or a device that the tool needs is down, or refuses the author's key.

    The model reads the message. The episode ends with ``reward_valid=False`` and the message as the reason, and so
    counts neither as a success nor as a failure of the policy.

    A tool need not raise it for exceptions of the network, nor for exceptions that follow from these:
    ConnectionError, TimeoutError, ``socket.gaierror``, ``ssl.SSLError``, any OSError with an error number of the
    network or of a machine without space, the connection errors of urllib, requests, httpx, aiohttp, redis, openai and
    the like, and the HTTP statuses 5xx, 429, 425, 408, 407, 403 and 401. Other HTTP statuses, such as 404, answer the
    policy's arguments. So it is with gRPC, AWS, mail servers and databases: a lost connection or a locked file is
    the server's, a mistake in a query is an answer.

    A tool that opens addresses of the policy's own choosing should return such an error as text, or raise an
    exception ``from None``: then it is a result like any other.
    """


_OUTSIDE = frozenset(
    getattr(errno, name)
    for name in (
        "ECONNREFUSED", "ECONNRESET", "ECONNABORTED", "EHOSTUNREACH", "EHOSTDOWN", "ENETUNREACH", "ENETDOWN",
        "ENETRESET", "ETIMEDOUT", "EPIPE", "ESHUTDOWN", "ENOTCONN", "EADDRNOTAVAIL", "ENONET", "EPROTO", "ECOMM",
        "ENOBUFS", "EREMOTEIO", "EMFILE", "ENFILE", "ENOSPC", "EDQUOT", "EIO",
    )
    if hasattr(errno, name)
)  # fmt: skip
"""Error numbers of the network, and of a machine without space or file handles."""
_FORKS = {"httpx2": "httpx", "httpcore2": "httpcore"}
_MOST = 50
"""Exceptions of one chain that are looked at."""


def is_unavailable(error: BaseException) -> bool:
    """Whether a tool raised ``error`` because something that it needs is down.

    The first exception of the chain that says yes or no decides: the exception itself, then its cause, or its context
    unless ``from None`` suppressed it. In a group of exceptions, one that says yes is enough.
    """
    for each in _chain(error):
        if isinstance(each, BaseExceptionGroup):
            if any(is_unavailable(inner) for inner in each.exceptions[:_MOST]):
                return True
        elif (said := _says(each)) is not None:
            return said
    return False


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    here: BaseException | None = error
    while here is not None and id(here) not in seen and len(seen) < _MOST:
        seen.add(id(here))
        yield here
        here = here.__cause__ or (None if here.__suppress_context__ else here.__context__)


def _says(error: BaseException) -> bool | None:
    if isinstance(error, (ToolUnavailable, ConnectionError, TimeoutError)):
        return True
    if isinstance(error, OSError) and type(error).__module__ == "builtins":
        return True if error.errno in _OUTSIDE else None
    if not isinstance(error, Exception):
        return None
    from toolgym.tools.server_errors import ARGUMENTS, FAILURES, SERVERS_OWN, SPOKEN, STATUS  # when a tool first fails

    classes = [(_package(kind), kind.__name__) for kind in type(error).__mro__]
    if any(name in STATUS.get(package, ()) for package, name in classes):
        status = _status(error)
        return None if status is None else status >= 500 or status in SERVERS_OWN
    if any(name in ARGUMENTS.get(package, ()) for package, name in classes):
        return None
    if any(name in FAILURES.get(package, ()) for package, name in classes):
        return True
    for pair in classes:
        if pair in SPOKEN:
            with suppress(Exception):  # attributes may be properties
                return SPOKEN[pair](error)
            return None
    if isinstance(inner := getattr(error, "orig", None), Exception) and classes[0][0] == "sqlalchemy":
        return _says(inner)
    if ("urllib", "URLError") in classes:
        reason = getattr(error, "reason", None)
        if isinstance(reason, BaseException):
            return _says(reason)
        return None if str(reason).startswith(("unknown url type", "no host given", "file")) else True
    return True if isinstance(error, OSError) and error.errno in _OUTSIDE else None


def _package(kind: type) -> str:
    package = str(kind.__module__).partition(".")[0]
    return _FORKS.get(package, package)


def _status(error: Any) -> int | None:
    with suppress(Exception):  # attributes may be properties
        for owner in (error, getattr(error, "response", None), getattr(error, "resp", None)):
            for name in ("status_code", "status", "code", "errcode"):
                value = getattr(owner, name, None)
                if isinstance(value, int) and 100 <= value <= 999:
                    return int(value)
    return None
