"""Sends one request under limits: a time for all of it, a size for the body, and where it may go."""

from __future__ import annotations

import asyncio
import codecs
import errno
import json
import os
import re
import socket
import ssl
import zlib
from base64 import b64encode
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import cache, lru_cache
from io import BytesIO
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode
from urllib.request import getproxies_environment, proxy_bypass_environment  # type: ignore[attr-defined]

from toolgym.playing.daemon_pool import in_a_daemon
from toolgym.web.addresses import is_public
from toolgym.web.tries import Failure

if TYPE_CHECKING:
    import aiohttp
    from aiohttp.abc import AbstractResolver, ResolveResult
    from yarl import URL

MOST_BYTES = 8_000_000
"""The longest body of an answer, decompressed."""
ERROR_BYTES = 64_000
"""What is read of the body of an error."""
_MISSING = "asking a server needs aiohttp: pip install 'toolgym[endpoint]'"
_LARGE = 1_000_000
"""Bytes of a request from which on it is sent in parts, so that other requests of the loop go on."""
_PROXIES = ("https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY")
_WRITTEN = re.compile(r"[\w\-.~:/?#\[\]@!$&'()*+,;=%]+", re.ASCII)
"""A URL that is sent as it is written; in any other, characters are quoted first."""
_NOT_TEXT = {"idna", "punycode", "undefined", "unicode_escape", "raw_unicode_escape", "utf-7"}


@dataclass(frozen=True)
class Response:
    """A server's answer. The names in ``headers`` are in lower case; of a repeated header, the last one counts."""

    status: int
    reason: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """The body in the charset of its type, or UTF-8; what cannot be decoded is replaced."""
        return self.decoded("utf-8")

    def decoded(self, default: str) -> str:
        """The body in the charset of its type, or ``default``; what cannot be decoded is replaced."""
        charset = self.headers.get("content-type", "").lower().partition("charset=")[2].split(";")[0].strip("\"' ")
        try:
            known = codecs.lookup(charset or default)
            return str(self.body, known.name if known.name not in _NOT_TEXT else default, "replace")
        except (LookupError, ValueError, TypeError):
            return str(self.body, default, "replace")

    def json(self) -> Any:
        """The body as JSON. Raises ValueError if it is not JSON, or nested too deeply to be read."""
        try:
            return json.loads(self.body)
        except RecursionError:
            raise ValueError("the JSON is nested too deeply") from None


class Connections:
    """Persistent HTTP connections, one pool per event loop, closed with the loop. Needs the package aiohttp.

    Redirects are never followed. Proxies come from the environment (HTTPS_PROXY, NO_PROXY, ...), and certificate
    authorities from SSL_CERT_FILE, REQUESTS_CA_BUNDLE or the package certifi.

    Args:
        public_only: connect only to addresses on the public web (see ``is_public``). Each address is checked when it
            is connected to, so a name cannot resolve to another address after the check. No proxy is used.
    """

    def __init__(self, *, public_only: bool = False):
        self.public_only = public_only

    async def send(
        self,
        method: str,
        url: str,
        timeout: float,
        *,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, Any] | None = None,
        json: Any = None,
        data: bytes | None = None,
        most_bytes: int = MOST_BYTES,
        cut: bool = False,
    ) -> Response:
        """The response of the server.

        Args:
            timeout: seconds for all of it: the look-up of the name, connecting, sending, the whole body.
            params: fields of the query; None leaves a field out.
            json: the body.
            data: the body as it is sent; its type is in ``headers``.
            most_bytes: the longest body, decompressed. A longer one is a Failure, or is cut with ``cut``. The body of
                an error is always cut, after 64,000 bytes.

        ``user:password@`` in the URL is sent as basic authorization, unless ``headers`` have another. Raises Failure
        if no response arrives, whatever the server does; ModuleNotFoundError without aiohttp.
        """
        try:
            async with (
                asyncio.timeout(timeout),
                self.stream(method, url, headers=headers, params=params, json=json, data=data) as answer,
            ):
                if not 200 <= answer.status < 300:
                    most_bytes, cut = min(most_bytes, ERROR_BYTES), True
                body = await answer.body(most_bytes, cut)
        except TimeoutError:
            raise Failure(f"no answer within {timeout:g} seconds", True) from None
        return Response(answer.status, answer.reason, answer.headers, body)

    @asynccontextmanager
    async def stream(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, Any] | None = None,
        json: Any = None,
        data: bytes | None = None,
    ) -> AsyncGenerator[Stream, None]:
        """As ``send``, but the body is read as it arrives, and the caller limits the time."""
        session = await _session(self.public_only)
        try:
            address, arguments = _prepared(url, headers, params, json, data, direct=self.public_only)
        except (ValueError, TypeError, RecursionError) as error:
            raise Failure(f"the request cannot be sent: {error or type(error).__name__}", False) from None
        try:
            response = await session.request(method, address, allow_redirects=False, **arguments)
        except Failure:
            raise
        except Exception as error:  # a hostile server reaches many corners of a client
            raise _failed(error) from None
        try:
            yield Stream(response)
        finally:
            response.close()  # has no effect once the whole body was read


class Stream:
    """A response whose body may still arrive. The names in ``headers`` are in lower case."""

    def __init__(self, response: aiohttp.ClientResponse):
        self._response = response
        self.status = response.status
        self.reason = response.reason or ""
        self.headers: Mapping[str, str] = {name.lower(): value for name, value in response.headers.items()}

    async def parts(self, most_bytes: int, cut: bool = False) -> AsyncGenerator[bytes, None]:
        """The parts of the body as they arrive, decompressed.

        Raises Failure for a body of more than ``most_bytes``, unless it may be cut.
        """
        declared, left = self.headers.get("content-length", ""), most_bytes
        too_long = declared.isdecimal() and len(declared) < 20 and int(declared) > most_bytes and not cut
        try:
            decode, ended = _decoder(self.headers.get("content-encoding", ""))
            async for data in self._response.content.iter_any():
                part = decode(data, left + 1)
                if len(part) > left and cut:
                    yield part[:left]
                    return
                if len(part) > left or too_long:
                    raise Failure(f"an answer of more than {most_bytes:,} bytes", False)
                left -= len(part)
                yield part
            if not ended():
                raise Failure("the compressed answer is not whole", True)
        except Failure:
            raise
        except Exception as error:
            raise _failed(error) from None

    async def body(self, most_bytes: int, cut: bool) -> bytes:
        """``parts``, all of them in one."""
        return b"".join([part async for part in self.parts(most_bytes, cut)])


def _decoder(encoding: str) -> tuple[Callable[[bytes, int], bytes], Callable[[], bool]]:
    """A function that decompresses a part of a body, to a number of bytes at most, and one that says if it ended."""
    name = encoding.strip().lower()
    if name in ("", "identity"):
        return lambda data, most: data[:most], lambda: True
    if name not in ("gzip", "x-gzip", "deflate"):
        raise Failure(f"the answer is compressed in a way that was not asked for: {name[:40]!r}", True)
    unzip = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)  # finds out whether it is gzip or zlib

    def decode(data: bytes, most: int) -> bytes:
        return b"" if unzip.eof else unzip.decompress(data, most)

    return decode, lambda: unzip.eof


def _prepared(
    url: str,
    headers: Mapping[str, str] | None,
    params: Mapping[str, Any] | None,
    content: Any,
    data: bytes | None,
    *,
    direct: bool,
) -> tuple[URL, dict[str, Any]]:
    """The address and the further arguments of a request. Raises ValueError or TypeError if it makes no sense."""
    from multidict import CIMultiDict

    sent = CIMultiDict(headers or {})
    if params:
        given = {name: value for name, value in params.items() if value is not None}
        url += ("&" if "?" in url else "?") + urlencode(given, doseq=True)
    address, basic = _address(url)
    if address.scheme not in ("http", "https") or not address.host:
        raise ValueError(f"{url[:100]!r} is not an address of the web")
    if basic is not None:
        sent.setdefault("Authorization", basic)
    arguments: dict[str, Any] = {}
    if content is not None:
        data = json.dumps(content, allow_nan=False).encode()
        sent.setdefault("Content-Type", "application/json")
    if data is not None:
        arguments["data"] = data if len(data) < _LARGE else BytesIO(data)
    if not direct and (found := _proxy(address)):
        proxy, basic = _address(found if "://" in found else f"http://{found}")
        if proxy.scheme not in ("http", "https"):
            raise ValueError(
                f"the environment names a proxy of the kind {proxy.scheme!r}; only HTTP proxies can be used"
            )
        arguments["proxy"] = proxy
        if basic is not None:  # a request of https:// is preceded by one to the proxy
            to_proxy = sent if address.scheme == "http" else arguments.setdefault("proxy_headers", {})
            to_proxy["Proxy-Authorization"] = basic
    return address, {"headers": sent, **arguments}


@lru_cache(maxsize=256)
def _address(url: str) -> tuple[URL, str | None]:
    """A URL without its ``user:password@``, and these as basic authorization."""
    from yarl import URL

    address = URL(url, encoded=_WRITTEN.fullmatch(url) is not None)
    if address.user is None and address.password is None:
        return address, None
    pair = f"{address.user or ''}:{address.password or ''}"
    return address.with_user(None), "Basic " + b64encode(pair.encode()).decode()


def _proxy(address: URL) -> str | None:
    """The proxy that the environment names for an address."""
    if not any(os.environ.get(name) for name in _PROXIES):  # the rule; reading all of the environment takes time
        return None
    proxies, host = getproxies_environment(), address.host or ""
    if proxy_bypass_environment(host) or proxy_bypass_environment(f"{host}:{address.port}"):
        return None
    return proxies.get(address.scheme) or proxies.get("all")


def _failed(error: Exception) -> Failure:
    import aiohttp

    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return Failure(f"the server's certificate is not trusted: {error}", False)
    if isinstance(error, aiohttp.ClientConnectorError) and error.port is not None:
        cause = error.os_error
        why = cause.strerror or str(cause)
        if cause.errno and why.startswith("Connect call failed"):  # asyncio's words for any number
            why = os.strerror(cause.errno)
        return Failure(f"no connection: {error.host}:{error.port}: {why}", True)
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return Failure("no connection: the server closed it before it answered", True)
    if isinstance(error, aiohttp.ClientResponseError):
        return Failure(f"the answer is not HTTP: {error.message}", True)
    what = "no connection" if isinstance(error, OSError) else "the answer cannot be read"
    return Failure(f"{what}: {str(error) or type(error).__name__}", True)


# Pools -------------------------------------------------------------------------------------------

_Pool = tuple["aiohttp.ClientSession", AsyncGenerator["aiohttp.ClientSession", None]]
_pools: dict[tuple[asyncio.AbstractEventLoop, bool], _Pool] = {}
"""(event loop, public only) -> its connections, and the generator that closes them when the loop is closed."""


async def _session(public_only: bool) -> aiohttp.ClientSession:
    key = asyncio.get_running_loop(), public_only
    if key not in _pools:
        for other in [each for each in list(_pools) if each[0].is_closed()]:  # of a loop that did not say so
            left = _pools.pop(other, None)
            if left is not None:
                with suppress(Exception):
                    await left[0].close()
        holder = _hold(key)
        _pools[key] = await anext(holder), holder
    return _pools[key][0]


async def _hold(key: tuple[asyncio.AbstractEventLoop, bool]) -> AsyncGenerator[aiohttp.ClientSession, None]:
    """Yields a session. ``asyncio.run`` closes the generators of a loop at its end, and so the session."""
    try:
        import aiohttp
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(_MISSING, name="aiohttp") from error
    connector = aiohttp.TCPConnector(
        limit=_most_sockets(), ssl=_trusted(), resolver=_resolver(), socket_factory=_public_socket if key[1] else None
    )
    headers = {"User-Agent": "toolgym", "Accept": "*/*", "Accept-Encoding": "gzip, deflate"}
    async with aiohttp.ClientSession(
        connector=connector,
        headers=headers,
        timeout=aiohttp.ClientTimeout(total=None, connect=None, sock_read=None, sock_connect=None),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        max_headers=128,
        skip_auto_headers=["Content-Type"],
    ) as session:
        try:
            yield session
        finally:
            _pools.pop(key, None)


def _most_sockets() -> int:
    """How many connections a pool may have: three quarters of the files that the process may open; 0 for any number."""
    try:
        import resource
    except ModuleNotFoundError:  # Windows
        return 0
    allowed = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return 0 if allowed == resource.RLIM_INFINITY else max(allowed * 3 // 4, 1)


def _resolver() -> AbstractResolver:
    """Looks up names on daemon threads: a look-up cannot be cancelled, and nobody shall wait for it."""
    from aiohttp.abc import AbstractResolver

    class Resolver(AbstractResolver):
        async def resolve(self, host: str, port: int = 0, family: int = socket.AF_UNSPEC) -> list[ResolveResult]:
            def look_up() -> list[Any]:
                return socket.getaddrinfo(host, port, family, socket.SOCK_STREAM, 0, socket.AI_ADDRCONFIG)

            found = await asyncio.wrap_future(in_a_daemon(look_up, "toolgym-lookup"))
            flags = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
            return [
                {
                    "hostname": host,
                    "host": address[0],
                    "port": address[1],
                    "family": kind,
                    "proto": proto,
                    "flags": flags,
                }
                for kind, _, proto, _, address in found
            ]

        async def close(self) -> None:
            """Holds nothing open."""

    return Resolver()


@cache
def _trusted() -> ssl.SSLContext:
    """The certificate authorities: those the environment names, else certifi's, else the system's."""
    named = [name for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE") if os.environ.get(name)]
    if named:
        place = os.environ[named[0]]
        folder = os.path.isdir(place)
        try:
            return ssl.create_default_context(cafile=None if folder else place, capath=place if folder else None)
        except OSError as error:  # also of the package ssl
            raise Failure(f"cannot read the certificates in {named[0]}={place}: {error}", False) from None
    try:
        import certifi
    except ModuleNotFoundError:
        return ssl.create_default_context()
    return ssl.create_default_context(cafile=certifi.where())


def _public_socket(info: Any) -> socket.socket:
    """A socket for the address that is about to be connected to. Raises OSError if the address is not public."""
    family, kind, protocol, _, address = info
    if not is_public(address[0]):
        raise OSError(errno.EACCES, f"{address[0]} is not on the public web")
    return socket.socket(family, kind, protocol)
