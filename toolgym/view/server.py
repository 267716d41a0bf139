"""The server of ``toolgym view``, for a browser on this machine: it changes no run, and only keeps an index beside it.

What a page of another site may try: a request with its own name for this address (DNS rebinding) is refused by its
Host header, and an answer cannot be read, framed or run from elsewhere. Everything that a model wrote leaves as JSON
or plain text, and the page makes text of it.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from toolgym.report.text import printable
from toolgym.stored.run_files import RunError
from toolgym.stored.strict_json import to_json
from toolgym.view import answers
from toolgym.view.answers import NotThere
from toolgym.view.library import Library
from toolgym.view.page import HTML, SCRIPT, STYLE, TEXT_ONLY
from toolgym.view.query import BadQuery, Given

logger = logging.getLogger(__name__)
HOST = "127.0.0.1"
_NAMES = frozenset({"127.0.0.1", "localhost", "[::1]"})
"""What a browser on this machine, or at the other end of an SSH tunnel, calls the server."""
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; "
    f"form-action 'none'; frame-ancestors 'none'; {TEXT_ONLY}"
)
_LONGEST_ADDRESS = 16_000
_MOST_FIELDS = 2_000
_IDLE = 60.0
"""Seconds after which a connection without a request is closed."""

JSON: dict[str, Callable[[Library, Given], Any]] = {
    "/api/runs": answers.runs,
    "/api/table": answers.table,
    "/api/episode": answers.episode,
    "/api/expected": answers.expected,
    "/api/pairs": answers.pairs,
    "/api/pair": answers.pair,
    "/api/training": answers.training,
}
FILES = {"/": ("text/html", HTML), "/viewer.css": ("text/css", STYLE), "/viewer.js": ("text/javascript", SCRIPT)}


class ViewServer(ThreadingHTTPServer):
    """Serves a library of runs on a port of this machine; port 0 takes a free one. Raises OSError if it is taken."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, library: Library, port: int = 0):
        self.library = library
        super().__init__((HOST, port), _Handler)

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.server_address[1]}/"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that goes away in the middle of an answer is not an error."""
        if not isinstance(sys.exception(), OSError):
            logger.exception("an answer failed")


class _Handler(BaseHTTPRequestHandler):
    server: ViewServer
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "toolgym", ""
    timeout = _IDLE

    def do_GET(self) -> None:
        host = self.headers.get("Host", "").lower()
        name = host.rpartition(":")[0] if host.rpartition(":")[2].isdecimal() else host
        if name not in _NAMES:
            self._send(HTTPStatus.FORBIDDEN, "text/plain", b"this server answers to localhost only\n")
            return
        if self.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin") and not self._is_visit():
            self._send(HTTPStatus.FORBIDDEN, "text/plain", b"not for other sites\n")
            return
        if len(self.path) > _LONGEST_ADDRESS:
            self._send(HTTPStatus.REQUEST_URI_TOO_LONG, "text/plain", b"the address is too long\n")
            return
        try:
            address = urlsplit(self.path)
            given = parse_qs(address.query, keep_blank_values=True, max_num_fields=_MOST_FIELDS)
        except ValueError as error:
            self._fail(HTTPStatus.BAD_REQUEST, str(error))
            return
        try:
            self._answer(address.path, given)
        except BadQuery as error:
            self._fail(HTTPStatus.BAD_REQUEST, str(error))
        except NotThere as error:
            self._fail(HTTPStatus.NOT_FOUND, str(error))
        except RunError as error:
            self._fail(HTTPStatus.CONFLICT, str(error))

    do_HEAD = do_GET

    def _is_visit(self) -> bool:
        """Whether a link of another site leads here: that shows the page, and tells the other site nothing."""
        return self.headers.get("Sec-Fetch-Mode") == "navigate" and urlsplit(self.path).path == "/"

    def _answer(self, path: str, given: dict[str, list[str]]) -> None:
        if path in FILES:
            kind, text = FILES[path]
            self._send(HTTPStatus.OK, f"{kind}; charset=utf-8", text.encode())
        elif path in JSON:
            found = JSON[path](self.server.library, given)
            self._send(HTTPStatus.OK, "application/json", to_json(found).encode())
        elif path == "/api/raw":
            self._send(HTTPStatus.OK, "text/plain; charset=utf-8", answers.raw(self.server.library, given))
        else:
            raise NotThere("there is nothing at this address")

    def _fail(self, status: HTTPStatus, message: str) -> None:
        self._send(status, "application/json", json.dumps({"error": printable(message)}).encode())

    def _send(self, status: HTTPStatus, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Security-Policy", POLICY)
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Referrer-Policy", "no-referrer")
        self.send_header("Cross-Origin-Resource-Policy", "same-origin")
        self.send_header("Cross-Origin-Opener-Policy", "same-origin")
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """The terminal stays quiet."""
