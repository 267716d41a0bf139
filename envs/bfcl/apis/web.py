"""The web for the official WebSearchAPI: searches and pages, recorded on disk and replayed.

The official class asks SerpAPI (DuckDuckGo's results) and fetches pages itself. Here its ``import`` statements get
stand-ins for the network modules; the stand-ins ask the Web in use (``using``). Recordings hold the raw answers, before
the class processes them. A page that could not be fetched is an answer, and is recorded. A search that could not be
made (no recording, no key, no network) raises ``Unavailable``, which the class cannot catch.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, Protocol, TypeVar, get_args
from urllib.parse import urljoin, urlsplit

import msgspec

from toolgym.secrets import url_secrets
from toolgym.web import Connections, Failure, Secrets, Tries, retry_after, shown_url, wait_for

from .limits import MAX_CHARS

Mode = Literal["replay", "record", "live"]
T = TypeVar("T")

KEY_ENV = "SERPAPI_API_KEY"
SERPAPI = "https://serpapi.com/search"
PATIENCE = 180.0
"""Maximum seconds of a call, retries included."""

_PAGE_TIMEOUT = 20.0
"""Maximum seconds of a page, redirects included."""
_MOST_REDIRECTS = 30
_SHOWN = 300
_KEPT = 4000
_REDIRECTS = {301, 302, 303, 307, 308}
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
        url: the address of SerpAPI. ``user:password@`` is sent as basic authorization.
        timeout: maximum seconds of a search request.
        max_retries: retries of a search if the server is busy or down.
        requests_per_minute: limit on searches of all threads together; None means no limit.
        private: whether pages of private networks may be fetched. The model chooses the URLs. If False, every address
            is checked when it is connected to, after each redirect too, and pages are fetched without a proxy:
            behind a proxy, the address that it connects to could not be checked.
        sleep: called to wait a number of seconds, in place of the own wait; a test may pass a faster function.
    """

    def __init__(
        self,
        url: str = SERPAPI,
        timeout: float = 60.0,
        max_retries: int = 4,
        requests_per_minute: float | None = None,
        private: bool = False,
        sleep: Callable[[float], object] | None = None,
    ):
        self.url = shown_url(url)
        self._address = url
        self.timeout = timeout
        self.private = private
        self._tries = Tries(max_retries, requests_per_minute, 1.0, 60.0, sleep)
        self._connections = Connections()
        self._pages = Connections(public_only=not private)

    def search(self, keywords: Any, region: Any) -> Found:
        key = os.environ.get(KEY_ENV, "").strip()
        if not key:
            raise Unavailable(f"no key for {self.url}: set the environment variable {KEY_ENV}, or replay a recording")
        asked = {"engine": "duckduckgo", "q": keywords, "kl": region, "api_key": key, "output": "json"}
        try:
            answer = wait_for(self._tries.run(lambda: self._search(asked)))
        except Failure as failure:
            secrets = Secrets([key, *url_secrets(self._address)])
            raise Unavailable(f"{self.url}: {failure.told(secrets, _SHOWN)}") from None
        except ModuleNotFoundError:
            raise Unavailable("searching the web needs aiohttp: pip install 'toolgym[endpoint]'") from None
        found = answer.get("organic_results")
        if not isinstance(found, list):
            return Found(None, str(answer.get("error")))
        names = ("title", "link", "snippet")
        return Found([{name: row[name] for name in names if name in row} for row in found if isinstance(row, dict)])

    def page(self, url: str) -> Page:
        try:
            return wait_for(self._page(url))
        except ModuleNotFoundError:
            raise Unavailable("fetching pages needs aiohttp: pip install 'toolgym[endpoint]'") from None
        except (Failure, ValueError) as error:
            return Page(error=str(error)[:_SHOWN])

    async def _page(self, url: str) -> Page:
        until = time.monotonic() + _PAGE_TIMEOUT
        for _ in range(_MOST_REDIRECTS):
            parts = urlsplit(url)
            if parts.scheme not in ("http", "https") or not parts.hostname:
                raise ValueError(f"Invalid URL: {url[:_SHOWN]}")
            left = max(until - time.monotonic(), 0.001)
            answer = await self._pages.send("GET", url, left, headers=_BROWSER, most_bytes=MAX_CHARS, cut=True)
            place = answer.headers.get("location")
            if answer.status not in _REDIRECTS or place is None:
                if answer.status >= 400:
                    kind = "Client" if answer.status < 500 else "Server"  # as requests says it officially
                    raise ValueError(f"{answer.status} {kind} Error: {answer.reason} for url: {url}")
                # as requests has it officially: text without a charset is Latin-1, whatever it is in truth
                is_text = "text" in answer.headers.get("content-type", "").lower()
                return Page(answer.decoded("iso-8859-1" if is_text else "utf-8"))
            url = urljoin(url, place)
        return Page(error=f"Exceeded {_MOST_REDIRECTS} redirects.")

    async def _search(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        answer = await self._connections.send("GET", self._address, self.timeout, params=asked)
        status, said = answer.status, answer.text[:_KEPT]
        if status in _RETRIED or status >= 500:
            raise Failure(f"HTTP {status}: {said}", True, retry_after(answer.headers))
        if status in (401, 403) or 300 <= status < 400:
            raise Failure(f"HTTP {status}: {answer.headers.get('location', said)}", False)
        try:
            found = answer.json()
        except ValueError:
            raise Failure("the answer is not JSON", True) from None
        if not isinstance(found, dict):
            raise Failure("the answer is not a JSON object", True)
        if "429" in str(found.get("error", "")):  # the official code's test for "too many requests"
            raise Failure(str(found["error"])[:_KEPT], True)
        return found


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
