"""The web for the official WebSearchAPI: searches and pages, recorded on disk and replayed.

The official class asks SerpAPI (DuckDuckGo's results) and fetches pages itself. Here its ``import`` statements get
stand-ins for the network modules; the stand-ins ask the Web in use (``using``). Recordings hold the raw answers, before
the class processes them. A page that could not be fetched is an answer, and is recorded. A search that could not be
made (no recording, no key, no network) raises ``Unavailable``, which the class cannot catch.
"""

from __future__ import annotations

import ipaddress
import json
import os
import socket
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar, get_args
from urllib.parse import urljoin, urlsplit

import msgspec

from toolgym.web import Connections, Failure, Tries, retry_after

from .limits import MAX_CHARS

if TYPE_CHECKING:
    import requests

Mode = Literal["replay", "record", "live"]
T = TypeVar("T")

KEY_ENV = "SERPAPI_API_KEY"
SERPAPI = "https://serpapi.com/search"
PATIENCE = 180.0
"""Maximum seconds of a call, retries included."""

_PAGE_TIMEOUT = 20.0
_MOST_REDIRECTS = 30
_SHOWN = 300
_RETRIED = {408, 425, 429}
_BROWSER = {
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/112.0 Safari/537.36",
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "Accept-Language": "en-US,en;q=0.9",
}


class Unavailable(BaseException):
    """The web could not be used, for a reason outside the policy.

    Not an ``Exception``, because the official code turns every Exception into a result for the model.
    """


class Page(msgspec.Struct, frozen=True):
    """The answer to fetching a URL."""

    text: str = ""
    error: str | None = None
    """Why there is no text; the official code shows this to the model."""

    def raise_for_status(self) -> None:
        if self.error is not None:
            raise OSError(self.error)


class Found(msgspec.Struct, frozen=True):
    """The answer to a search: SerpAPI's "organic_results", or its error if the answer has no results."""

    results: list[dict[str, Any]] | None
    error: str | None = None


class Web(Protocol):
    """A source of searches and pages. Must be thread-safe; may raise Unavailable."""

    def search(self, keywords: Any, region: Any) -> Found: ...

    def page(self, url: str) -> Page: ...


class Live:
    """The real web: searches by SerpAPI, with the key in the environment variable SERPAPI_API_KEY, and pages.

    Args:
        url: the address of SerpAPI.
        timeout: maximum seconds of a search request.
        max_retries: retries of a search if the server is busy or down.
        requests_per_minute: limit on searches of all threads together; None means no limit.
        private: whether pages of private networks may be fetched. The model chooses the URLs.
        sleep: called to wait a number of seconds; a test may pass a faster function.
    """

    def __init__(
        self,
        url: str = SERPAPI,
        timeout: float = 60.0,
        max_retries: int = 4,
        requests_per_minute: float | None = None,
        private: bool = False,
        sleep: Callable[[float], None] = time.sleep,
    ):
        self.url = url
        self.timeout = timeout
        self.private = private
        self._tries = Tries(max_retries, requests_per_minute, 1.0, 60.0, sleep)
        self._connections = Connections()

    def search(self, keywords: Any, region: Any) -> Found:
        key = os.environ.get(KEY_ENV, "").strip()
        if not key:
            raise Unavailable(f"no key for {self.url}: set the environment variable {KEY_ENV}, or replay a recording")
        asked = {"engine": "duckduckgo", "q": keywords, "kl": region, "api_key": key, "output": "json"}
        try:
            answer = self._tries.run(lambda: self._search(asked))
        except Failure as failure:
            raise Unavailable(f"{self.url}: {failure.told(KEY_ENV, _SHOWN)}") from None
        except ModuleNotFoundError:
            raise Unavailable("searching the web needs requests: pip install 'toolgym[endpoint]'") from None
        found = answer.get("organic_results")
        if not isinstance(found, list):
            return Found(None, str(answer.get("error")))
        names = ("title", "link", "snippet")
        return Found([{name: row[name] for name in names if name in row} for row in found if isinstance(row, dict)])

    def page(self, url: str) -> Page:
        try:
            for _ in range(_MOST_REDIRECTS):
                self._check(url)
                how = {"headers": _BROWSER, "allow_redirects": False, "stream": True}
                with self._connections.send("GET", url, _PAGE_TIMEOUT, **how) as answer:
                    if not answer.is_redirect:
                        answer.raise_for_status()
                        return Page(_text(answer))
                    url = urljoin(url, answer.headers["Location"])
        except ModuleNotFoundError:
            raise Unavailable("fetching pages needs requests: pip install 'toolgym[endpoint]'") from None
        except (Failure, OSError, ValueError) as error:
            return Page(error=str(error)[:_SHOWN])
        return Page(error=f"Exceeded {_MOST_REDIRECTS} redirects.")

    def _search(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        answer = self._connections.send("GET", self.url, self.timeout, params=asked)
        status = answer.status_code
        if status in _RETRIED or status >= 500:
            raise Failure(f"HTTP {status}: {answer.text[:_SHOWN]}", True, retry_after(answer))
        if status in (401, 403):
            raise Failure(f"HTTP {status}: {answer.text[:_SHOWN]}", False)
        try:
            found = answer.json()
        except (ValueError, RecursionError):
            raise Failure("the answer is not JSON", True) from None
        if not isinstance(found, dict):
            raise Failure("the answer is not a JSON object", True)
        if "429" in str(found.get("error", "")):  # the official code's test for "too many requests"
            raise Failure(str(found["error"]), True)
        return found

    def _check(self, url: str) -> None:
        """Raise ValueError if the URL is invalid or its host is not on the public web (unless ``private``)."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"Invalid URL: {url[:_SHOWN]}")
        if self.private:
            return
        for *_, place in socket.getaddrinfo(parts.hostname, parts.port or 443, type=socket.SOCK_STREAM):
            if not ipaddress.ip_address(str(place[0]).partition("%")[0]).is_global:
                raise ValueError(f"{parts.hostname} is not on the public web")


def _text(answer: requests.Response) -> str:
    """The text of a page, cut after MAX_CHARS bytes."""
    parts, left = [], MAX_CHARS
    for part in answer.iter_content(1 << 16):
        parts.append(part[:left])
        left -= len(parts[-1])
        if not left:
            break
    return str(b"".join(parts), answer.encoding or "utf-8", "replace")


class Recorded:
    """A Web that records its answers, one file per request.

    Args:
        web: asked if a request is not recorded; None replays only, and an unrecorded request raises Unavailable.
        folder: the folder of the recordings.
    """

    def __init__(self, web: Web | None, folder: str | Path):
        self.web = web
        self.folder = Path(folder)

    def search(self, keywords: Any, region: Any) -> Found:
        ask = None if self.web is None else self.web.search
        return self._kept(("search", keywords, region), Found, ask)

    def page(self, url: str) -> Page:
        return self._kept(("page", url), Page, None if self.web is None else self.web.page)

    def _kept(self, asked: tuple[Any, ...], kind: type[T], ask: Callable[..., T] | None) -> T:
        key = json.dumps(asked, default=str)
        path = self.folder / f"{sha256(key.encode()).hexdigest()[:40]}.json"
        try:
            request, answer = json.loads(path.read_text("utf-8"))
            if request == key:
                return msgspec.convert(answer, kind)
        except FileNotFoundError:
            pass
        except (OSError, ValueError, TypeError) as error:
            if ask is None:
                raise Unavailable(f"{path} is damaged ({error}): delete it and record again") from None
        if ask is None:
            raise Unavailable(
                f"{key[:200]} is not recorded in {self.folder}. To record it: the env's argument "
                f"web=record (--env-arg web=record), with a SerpAPI key in the environment variable {KEY_ENV} and a "
                "network; or name a folder that has it with web_folder"
            )
        answer = ask(*asked[1:])
        self._write(path, json.dumps([key, msgspec.to_builtins(answer)]))
        return answer

    def _write(self, path: Path, text: str) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile("w", dir=self.folder, delete=False, encoding="utf-8") as file:
                file.write(text)
            os.replace(file.name, path)  # whole or not at all, also with several processes at it
        except OSError as error:
            raise Unavailable(f"cannot keep a recording in {self.folder}: {error}") from error


def get_web(mode: Mode, folder: str | Path, options: Mapping[str, Any] | None = None) -> Web:
    """The Web for a mode. Raises ValueError for an unknown mode, TypeError for options that Live does not have."""
    if mode not in get_args(Mode):
        raise ValueError(f"web must be one of {', '.join(get_args(Mode))}, or a Web; got {mode!r}")
    if mode == "replay":
        return Recorded(None, folder)
    live = Live(**(options or {}))
    return live if mode == "live" else Recorded(live, folder)


# Stand-ins for the modules that the official class imports --------------------------------------

_in_use: ContextVar[Web] = ContextVar("web")


@contextmanager
def using(web: Web) -> Iterator[None]:
    """Make ``web`` the Web in use for the simulated API, in this thread."""
    token = _in_use.set(web)
    try:
        yield
    finally:
        _in_use.reset(token)


class _Search:
    """serpapi.GoogleSearch."""

    def __init__(self, params: dict[str, Any]):
        self.params = params

    def get_dict(self) -> dict[str, Any]:
        found = _in_use.get().search(self.params["q"], self.params["kl"])
        if "429" in (found.error or ""):  # the official code would retry forever
            raise Unavailable(f"the search engine is busy: {found.error}")
        return {"error": found.error} if found.results is None else {"organic_results": found.results}


def _get(url: str, **how: Any) -> Page:
    """requests.get"""
    return _in_use.get().page(url)


def _of(module: str, name: str) -> Callable[..., Any]:
    """A class whose module is imported at the first use: two of the three modes of reading a page need one."""

    def made(*args: Any, **kwargs: Any) -> Any:
        try:
            found = import_module(module)
        except ImportError:
            what = {"bs4": "beautifulsoup4"}.get(module, module)
            raise Unavailable(f"reading a page this way needs {module}: pip install {what}") from None
        return getattr(found, name)(*args, **kwargs)

    return made


MODULES: dict[str, Mapping[str, Any]] = {
    "serpapi": {"GoogleSearch": _Search},
    "requests": {"get": _get},
    "html2text": {"HTML2Text": _of("html2text", "HTML2Text")},
    "bs4": {"BeautifulSoup": _of("bs4", "BeautifulSoup")},
}
