"""OpenAPI: the operations of an API as tools, with its keys, and what its answers mean."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from functools import cached_property
from http import HTTPStatus
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote, urljoin

from toolgym.secrets import Secrets, shown_url, url_secrets
from toolgym.tools.credentials import Credentials
from toolgym.tools.openapi.document import Document, is_address, name_of, origin
from toolgym.tools.openapi.operations import READING, Operation, Request, operations
from toolgym.tools.remote import Listed, State, ToolServer
from toolgym.tools.server_errors import SERVERS_OWN
from toolgym.tools.sessions import Refusal
from toolgym.tools.unavailable import ToolUnavailable
from toolgym.web import Connections, Failure, Response

_OURS = frozenset({405, 406, 415})
"""Statuses of a request that the API's own document has made wrong, not the arguments."""
_MOST_REDIRECTS = 3
_MOST_BYTES = 2_000_000
"""The longest body of an answer; a longer one is cut."""
_TEXT = ("text/", "application/json", "application/xml", "application/yaml", "application/javascript",
         "application/x-www-form-urlencoded", "application/problem")  # fmt: skip


class Keys(NamedTuple):
    """What the author of an environment gives to each request."""

    headers: Credentials
    query: Credentials
    cookies: Credentials
    basic: bool
    """Whether the header Authorization has a user and a password, which are sent in base64."""

    def filled(self) -> tuple[dict[str, str], dict[str, str], dict[str, str], list[str]]:
        """Headers, query and cookies with the values of environment variables; and the secrets in them."""
        headers, query, cookies = self.headers.filled(), self.query.filled(), self.cookies.filled()
        secrets = [value for each in (self.headers, self.query, self.cookies) for value in each.secrets()]
        if self.basic:
            pair = headers["Authorization"].removeprefix("Basic ")
            headers["Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
        return headers, query, cookies, secrets


class OpenAPI(ToolServer):
    """The operations of an OpenAPI document as tools. Needs the extra ``openapi``.

    A parameter becomes an argument of its own name, the body the argument "body". If two parameters have one name, the
    second one's argument ends with its place: "id", "id_query". An answer 2xx is the result; 4xx is an error that the
    model reads. A failure of the network, 5xx, and the statuses that no arguments could cause (401, 403, 405, 406, 407,
    408, 415, 425, 429) make the episode not valid. Redirects are followed within the server only.

    Args:
        source: a file (JSON or YAML), an address, or the document itself.
        server: the address of the API, if it is not the document's first server.
        auth: name of one of the document's security schemes -> the key, as ``{"token": "$PETS_TOKEN"}``; for http basic
            "$USER:$PASSWORD". ``$NAME`` stands for an environment variable.
        headers: headers of each request, with ``$NAME`` as in ``auth``. Parameters of these names are not offered.
        query: fields of each request's query, likewise.
        state: where the API keeps what calls change (see ToolServer). The default is "none" if all tools on offer only
            read (GET, HEAD, OPTIONS, TRACE), else "shared".
        public_only: connect only to addresses of the public web, for a document that nobody has looked at.
        name: what messages call the API.
        kwargs: the other arguments of ToolServer.

    Raises ValueError if a file or a document cannot be used, or does not have what the arguments name. A document at
    an address is fetched, and checked, once its tools are asked for.
    """

    def __init__(
        self,
        source: str | Path | Mapping[str, Any],
        *,
        server: str | None = None,
        auth: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
        state: State | None = None,
        public_only: bool = False,
        name: str | None = None,
        **kwargs: Any,
    ):
        self._source = source
        self._server = server
        self.auth = dict(auth or {})
        self.headers = Credentials(headers or {})
        self.query = Credentials(query or {})
        self._asked_state = state
        self._connections = Connections(public_only=public_only)
        super().__init__(name or name_of(source), state or "shared", **kwargs)
        if not is_address(source):
            self.tools  # noqa: B018  raises what is wrong with the document, or with the arguments
            self.address  # noqa: B018

    @cached_property
    def document(self) -> Document:
        """The document. Raises ValueError if it cannot be used, ToolUnavailable if its address cannot be read."""
        return Document(self._source)

    @cached_property
    def address(self) -> str:
        """Of the API, without a stroke at its end."""
        return self.document.server(self._server)

    @cached_property
    def operations(self) -> dict[str, Operation]:
        """By name. Raises ValueError for two operations of one name."""
        headers, query, cookies, _ = self.keys
        hidden = [("header", name.lower()) for name in headers.written] + [("query", name) for name in query.written]
        found: dict[str, Operation] = {}
        for each in operations(self.document, frozenset([*hidden, *(("cookie", name) for name in cookies.written)])):
            if each.name in found:
                raise ValueError(f"{self.name} has two operations called {each.name!r}")
            found[each.name] = each
        return found

    @property
    def state(self) -> State:
        if self._asked_state is not None:
            return self._asked_state
        return "none" if all(self.operations[tool.listed.name].method in READING for tool in self.tools) else "shared"

    @cached_property
    def keys(self) -> Keys:
        """What the author gives to each request. Raises ValueError for a security scheme that the document lacks."""
        headers, query = dict(self.headers.written), dict(self.query.written)
        cookies: dict[str, str] = {}
        basic = False
        schemes = self.document.content.get("components", {}).get("securitySchemes", {})
        for name, key in self.auth.items():
            if name not in schemes:
                raise ValueError(f"{self.name} has no security scheme {name!r}; it has {', '.join(schemes) or 'none'}")
            about = self.document.resolved(schemes[name])
            if about.get("type") == "apiKey":
                place = {"header": headers, "query": query}.get(str(about.get("in")), cookies)
                place[str(about.get("name"))] = key
            elif str(about.get("scheme", "")).lower() == "basic":
                headers["Authorization"] = f"Basic {key}"
                basic = True
            else:  # bearer, oauth2, openIdConnect
                headers["Authorization"] = f"Bearer {key}"
        return Keys(Credentials(headers), Credentials(query), Credentials(cookies), basic)

    async def open(self) -> _API:
        return _API(self)

    def listed(self) -> list[Listed]:
        """The operations. Raises ValueError for a document that cannot be used."""
        return [
            Listed(each.name, each.description, each.schema, each.method in READING)
            for each in self.operations.values()
        ]


class _API:
    """A Connection: requests have no state between them."""

    alive = True

    def __init__(self, api: OpenAPI):
        self.api = api

    async def call(self, name: str, arguments: Mapping[str, Any]) -> str:
        api = self.api
        request = api.operations[name].request(arguments)
        headers, query, cookies, secrets = api.keys.filled()
        own = request.headers.pop("Cookie", "")
        if written := "; ".join([*filter(None, [own]), *(f"{key}={value}" for key, value in cookies.items())]):
            headers["Cookie"] = written
        fields = [f"{quote(key, safe='')}={quote(value, safe='')}" for key, value in query.items()]
        line = "&".join([*filter(None, [request.query]), *fields])
        request.headers.update({"Accept": "application/json, */*;q=0.5", **headers})
        mask = Secrets([*url_secrets(api.address), *secrets]).masked
        try:
            return mask(_result(await self._sent(f"{api.address}{request.path}{'?' * bool(line)}{line}", request)))
        except Refusal as error:
            raise Refusal(mask(str(error))) from None
        except (Failure, ToolUnavailable) as error:
            raise ToolUnavailable(mask(f"{api.name}: {error}")) from None

    async def _sent(self, url: str, request: Request) -> Response:
        method, body = request.method, request.body
        for _ in range(_MOST_REDIRECTS):
            answer = await self.api._connections.send(
                method, url, self.api.timeout, headers=request.headers, data=body, most_bytes=_MOST_BYTES, cut=True
            )
            place = answer.headers.get("location")
            if answer.status not in (301, 302, 303, 307, 308) or not place:
                return answer
            target = urljoin(url, place)
            if origin(target) != origin(url) or (answer.status not in (307, 308) and method not in ("GET", "HEAD")):
                return answer
            url = target
        raise ToolUnavailable("too many redirects")

    async def changed(self) -> None:
        return None

    async def close(self) -> None:
        """Connections are kept for all."""


def _result(answer: Response) -> str:
    status = answer.status
    line = f"HTTP {status} {answer.reason or _phrase(status)}".rstrip()
    text = _text(answer)
    if 200 <= status < 300:
        return text or line
    said = f"{line}: {text}".rstrip(": ")
    if 300 <= status < 400:
        place = answer.headers.get("location")
        return f"{line}: {shown_url(place)}" if place else said
    if status >= 500 or status in SERVERS_OWN or status in _OURS or status < 200:
        raise ToolUnavailable(said[:1000])
    raise Refusal(said)


def _text(answer: Response) -> str:
    kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    if not answer.body:
        return ""
    if not kind or kind.startswith(_TEXT) or kind.endswith(("+json", "+xml")):
        return answer.text
    return f"[{kind}, {len(answer.body):,} bytes]"


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""
