"""BFCL's web search categories: the official class with recordings, and with a local web server."""

from __future__ import annotations

import gzip
import json
import re
import socket
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from random import Random
from types import ModuleType, SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import bfcl_agentic_oracle  # noqa: F401  puts the official package on the path
import bfcl_multi_turn_oracle as multi_turn
import gymnasium as gym
import pytest
from raw_server import OK, answer, forever, moved, raw, says

from toolgym.dialects import DIALECTS
from toolgym.envs.bfcl.agentic.env import AgenticEnv
from toolgym.envs.bfcl.apis.limits import MAX_CHARS
from toolgym.envs.bfcl.apis.web import KEY_ENV, Found, Live, Page, Recorded, Unavailable
from toolgym.types import Completion, ToolCall
from toolgym.web import is_public

BASE, BARE = "web_search_base", "web_search_no_snippet"


class Small:
    """A web of a few pages."""

    rows = [{"title": f"T{i}", "link": f"http://x/{i}", "snippet": f"s{i}"} for i in range(12)]

    def __init__(self) -> None:
        self.asked: list[Any] = []

    def search(self, keywords: Any, region: Any) -> Found:
        self.asked.append((keywords, region))
        if keywords == "nothing":
            return Found(None, "no results")
        return Found([*self.rows[:3], {"title": "no snippet", "link": "l"}] if keywords == "odd" else self.rows)

    def page(self, url: str) -> Page:
        self.asked.append(url)
        return Page(error=f"404 Client Error: Not Found for url: {url}") if "gone" in url else Page(f"<p>{url}</p>")


def act(env: AgenticEnv, *made: tuple[str, dict[str, Any]], says: str | None = None) -> str:
    return env.dialect.render(Completion("", tuple(ToolCall(*call) for call in made), "t", says))


def search(keywords: str, **more: Any) -> tuple[str, dict[str, Any]]:
    return "search_engine_query", {"keywords": keywords, **more}


def fetch(url: str, **more: Any) -> tuple[str, dict[str, Any]]:
    return "fetch_url_content", {"url": url, **more}


def contents(info: dict[str, Any]) -> list[str]:
    return [record.result.content for record in info["calls"]]


@pytest.fixture
def reading(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stubs of the two libraries that read pages."""
    html2text, bs4 = ModuleType("html2text"), ModuleType("bs4")
    html2text.HTML2Text = lambda: SimpleNamespace(handle=lambda text: f"md:{text}")  # type: ignore[attr-defined]

    class Soup:
        def __init__(self, text: str, parser: str):
            self.text = text

        def __call__(self, names: list[str]) -> list[Any]:
            return []

        def get_text(self, **how: Any) -> str:
            return f"text:{self.text}"

    bs4.BeautifulSoup = Soup  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "html2text", html2text)
    monkeypatch.setitem(sys.modules, "bs4", bs4)


def random_call(random: Random) -> str:
    keywords = random.choice(["tea", "nothing", "odd", "é (x)", 5, None])
    more = random.choice(["", "", ", max_results=2", ", max_results=0", ", max_results=-3", ", max_results='2'",
                          ", region='us-en'", ", max_results=None", ", odd=1"])  # fmt: skip
    url = random.choice(["http://x/a", "https://x/gone", "ftp://x", "", 5, "http://x/b (c)"])
    mode = random.choice(["", ", mode='raw'", ", mode='markdown'", ", mode='truncate'", ", mode='pdf'", ", mode=[]"])
    calls = [f"search_engine_query(keywords={keywords!r}{more})", f"fetch_url_content(url={url!r}{mode})"]
    return random.choice([*calls, *calls, "search_engine_query()", f"fetch_url_content({url!r}, 'raw')"])


@pytest.mark.parametrize("category", [BASE, BARE])
def test_results_read_as_officially(category: str, reading: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The official class, with stub modules that ask the same small web."""
    small = Small()
    serpapi, requests = ModuleType("serpapi"), ModuleType("requests")

    class GoogleSearch:
        def __init__(self, params: dict[str, Any]):
            self.params = params

        def get_dict(self) -> dict[str, Any]:
            found = small.search(self.params["q"], self.params["kl"])
            return {"error": found.error} if found.results is None else {"organic_results": found.results}

    class Answer:
        def __init__(self, page: Page):
            self.page, self.text = page, page.text

        def raise_for_status(self) -> None:
            if self.page.error:
                raise RuntimeError(self.page.error)

    serpapi.GoogleSearch = GoogleSearch  # type: ignore[attr-defined]
    requests.get = lambda url, **how: Answer(small.page(url))  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "serpapi", serpapi)
    monkeypatch.setitem(sys.modules, "requests", requests)
    monkeypatch.delitem(sys.modules, f"{_SOURCES}.web_search", raising=False)
    random, seen = Random(category), Counter[bool]()
    calls = [random_call(random) for _ in range(600)]
    multi_turn.reset()
    config = {"WebSearchAPI": {"show_snippet": category == BASE}}
    official, _ = multi_turn.execution.execute_multi_turn_func_call(calls, config, ["WebSearchAPI"], "o", category)
    env = AgenticEnv(category, web=Small())
    env.reset(seed=0)
    for call, wanted in zip(calls, official, strict=True):
        assert env.state.execute(call) == wanted, call
        env.state._chars = 0
        seen[wanted.startswith("Error during")] += 1
    assert min(seen.values()) > 50


_SOURCES = "bfcl_eval.eval_checker.multi_turn_eval.func_source_code"


@pytest.mark.parametrize("dialect", DIALECTS)
def test_what_is_recorded_is_replayed_to_the_same_bytes(dialect: str, tmp_path: Path, reading: None) -> None:
    small = Small()

    def play(web: Any) -> list[str]:
        env = AgenticEnv(BASE, dialect=dialect, **web)
        env.reset(options={"task_id": "web_search_base_0"})
        steps = [env.step(act(env, search("tea", max_results=2))), env.step(act(env, fetch("http://x/gone")))]
        steps.append(env.step(act(env, fetch("http://x/a", mode="markdown"), search("nothing"))))
        steps.append(env.step(act(env, says="It is Zhang Yiming.")))
        assert steps[-1][4]["success"]
        assert all(step[4]["reward_valid"] for step in steps)
        return [repr(step) for step in steps]

    first = play({"web": Recorded(small, tmp_path)})
    asked = len(small.asked)
    assert play({"web": Recorded(small, tmp_path)}) == first
    assert len(small.asked) == asked == 4
    assert play({"web": "replay", "web_folder": tmp_path}) == first


def test_what_was_not_recorded_makes_the_episode_no_evidence_and_says_what_to_do(tmp_path: Path) -> None:
    env = AgenticEnv("web_search", web_folder=tmp_path)
    for call in (search("tea"), fetch("http://x/a")):
        env.reset(seed=0)
        *_, terminated, _, info = env.step(act(env, call))
        assert terminated
        assert not info["reward_valid"]
        assert "web=record" in info["error"]
        assert KEY_ENV in info["error"]
    env.reset(seed=0)
    assert env.step(act(env, fetch("ftp://x")))[4]["reward_valid"]  # the policy's own mistake


def test_a_damaged_recording_is_named_and_recorded_again(tmp_path: Path) -> None:
    Recorded(Small(), tmp_path).page("http://x/a")
    (file,) = tmp_path.iterdir()
    for text in ("{", "[]", json.dumps([json.dumps(["page", "http://x/a"]), {"text": 5}])):
        file.write_text(text)
        with pytest.raises(Unavailable, match="damaged"):
            Recorded(None, tmp_path).page("http://x/a")
    assert Recorded(Small(), tmp_path).page("http://x/a").text == "<p>http://x/a</p>"
    assert Recorded(None, tmp_path).page("http://x/a").text == "<p>http://x/a</p>"


def test_a_page_that_needs_a_library_that_is_not_there_is_no_evidence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "html2text", None)
    env = AgenticEnv(BASE, web=Small())
    env.reset(seed=0)
    *_, info = env.step(act(env, fetch("http://x/a", mode="markdown")))
    assert not info["reward_valid"]
    assert "pip install html2text" in info["error"]


# A local web server ------------------------------------------------------------------------------


class _Pages(BaseHTTPRequestHandler):
    seen: list[dict[str, list[str]]]
    busy: int
    place: str

    def do_GET(self) -> None:
        url = urlsplit(self.path)  # with a host, if this server is asked as a proxy
        if url.path == "/search":
            self.seen.append(parse_qs(url.query))
            if type(self).busy > 0:
                type(self).busy -= 1
                self.answer(429, "slow down sekret")
            elif "bad" in url.query:
                self.answer(401, '{"error": "Invalid API key: sekret"}')
            else:
                rows = [{"title": "T", "link": "L", "snippet": "S", "position": 1}, "junk"]
                self.answer(200, json.dumps({"organic_results": rows} if "none" not in url.query else {"error": "E"}))
        elif url.path == "/moved":
            self.answer(302, "", Location="/page")
        elif url.path == "/away":
            self.answer(302, "", Location=type(self).place)
        elif url.path == "/round":
            self.answer(302, "", Location="/round")
        elif url.path == "/page":
            self.answer(200, "<p>héllo</p>")
        else:
            self.answer(404, "gone")

    def answer(self, status: int, text: str, **headers: str) -> None:
        body = text.encode()
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        """Logs nothing."""


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, type[_Pages]]]:
    handler = type("Pages", (_Pages,), {"seen": [], "busy": 0, "place": ""})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    monkeypatch.setenv(KEY_ENV, "sekret")
    yield f"http://127.0.0.1:{server.server_port}", handler
    server.shutdown()
    server.server_close()


def live(url: str, **more: Any) -> Live:
    return Live(url=f"{url}/search", private=True, sleep=lambda seconds: None, **more)


def test_searches_ask_serpapi_for_what_the_harness_asks_for(served: Any) -> None:
    url, handler = served
    handler.busy = 2
    web = live(url)
    assert web.search("tea", "wt-wt") == Found([{"title": "T", "link": "L", "snippet": "S"}])
    assert web.search("none", "wt-wt") == Found(None, "E")
    assert len(handler.seen) == 4
    asked = handler.seen[0]
    assert (asked["engine"], asked["q"], asked["kl"]) == (["duckduckgo"], ["tea"], ["wt-wt"])


def test_a_search_that_cannot_be_made_says_why_and_keeps_the_key_to_itself(
    served: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, handler = served
    with pytest.raises(Unavailable, match="Invalid API key") as error:
        live(url).search("bad", "wt-wt")
    assert "sekret" not in str(error.value)
    assert len(handler.seen) == 1
    handler.busy = 99
    with pytest.raises(Unavailable, match=r"HTTP 429.*3 tries") as error:
        live(url, max_retries=2).search("tea", "wt-wt")
    assert "sekret" not in str(error.value)
    monkeypatch.delenv(KEY_ENV)
    with pytest.raises(Unavailable, match=KEY_ENV):
        live(url).search("tea", "wt-wt")


def test_pages_are_fetched_and_those_that_cannot_be_are_results(served: Any) -> None:
    url, _ = served
    web = live(url)
    assert web.page(f"{url}/page") == web.page(f"{url}/moved") == Page("<p>héllo</p>")
    assert "404 Client Error" in (web.page(f"{url}/none").error or "")
    assert "redirects" in (web.page(f"{url}/round").error or "")
    assert "no connection" in (web.page("http://127.0.0.1:1/").error or "")
    assert "Invalid URL" in (web.page("http:///x").error or "")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "10.0.0.1", "169.254.169.254", "[::1]", "0.0.0.0"])
def test_pages_of_the_machines_own_network_are_not_fetched(host: str, served: Any) -> None:
    url, _ = served
    port = urlsplit(url).port
    assert "not on the public web" in (Live().page(f"http://{host}:{port}/page").error or "")


PRIVATE = """
127.0.0.1 127.9.9.9 10.0.0.1 172.16.0.1 192.168.1.1 169.254.169.254 100.64.0.1 100.127.255.255 0.0.0.0 0.1.2.3 192.0.0.1
192.0.2.1 198.18.0.1 198.51.100.1 203.0.113.1 192.88.99.1 224.0.0.1 239.1.1.1 240.0.0.1 255.255.255.255 :: ::1 fe80::1
fe80::1%eth0 fec0::1 fc00::1 fd12::1 ff02::1 ff0e::1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:0:127.0.0.1 ::127.0.0.1
64:ff9b::7f00:1 64:ff9b::10.0.0.1 64:ff9b:1::1 64:ff9b:1::8.8.8.8 2002:7f00:1::1 2002:808:808::1 2001::1 2001:0:4136::1
2001:db8::1 100::1 3fff::1 5f00::1 4000::1
"""
PUBLIC = "8.8.8.8 1.1.1.1 93.184.216.34 2606:4700::1111 2a00:1450:4001::1 ::ffff:8.8.8.8 64:ff9b::8.8.8.8"


def test_which_addresses_are_public() -> None:
    assert [each for each in PRIVATE.split() if is_public(each)] == []
    assert [each for each in PUBLIC.split() if not is_public(each)] == []


HOSTS = """
127.0.0.1 localhost localhost. LOCALHOST 127.1 2130706433 0x7f000001 0x7f.1 017700000001 0177.0.0.1 0 0.0.0.0 127.0.0.1.
[::1] [::] [::ffff:127.0.0.1] [::ffff:7f00:1] [0:0:0:0:0:ffff:127.0.0.1] [::127.0.0.1] user@127.0.0.1 8.8.8.8@127.0.0.1
①②⑦.⓪.⓪.① 127。0。0。1 %31%32%37.0.0.1
"""


@pytest.mark.parametrize("host", HOSTS.split())
def test_this_machine_is_not_fetched_however_it_is_written(host: str, served: Any) -> None:
    url, handler = served
    began = time.monotonic()
    page = Live().page(f"http://{host}:{urlsplit(url).port}/search?q=x")
    assert page.error
    assert handler.seen == []
    assert time.monotonic() - began < 5


def test_the_address_that_is_checked_is_connected_to(served: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that is public when it is looked up first, and this machine's own later."""
    url, handler = served
    asked: list[str] = []

    def look_up(host: str, port: int, *more: Any, **how: Any) -> list[Any]:
        asked.append(host)
        address = "127.0.0.1" if len(asked) > 1 else "192.0.2.7"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    for _ in range(3):
        page = Live().page(f"http://rebinding.example:{urlsplit(url).port}/search")
        assert "not on the public web" in (page.error or "")
    assert handler.seen == []


def test_each_redirect_is_checked(served: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    url, handler = served
    port = urlsplit(url).port
    monkeypatch.setattr("toolgym.web.connections.is_public", lambda address: address == "127.0.0.1")
    assert Live().page(f"{url}/page").text == "<p>héllo</p>"
    assert Live().page(f"{url}/moved").text == "<p>héllo</p>"
    for place in (f"http://127.0.0.2:{port}/search?x", f"//127.0.0.2:{port}/search", "http://[::1]/", "file:///etc/passwd",
                  "gopher://127.0.0.1/", "http://", "http://[::1", "http://x:99999/"):  # fmt: skip
        handler.place = place
        assert Live().page(f"{url}/away").error
    assert handler.seen == []


def test_a_proxy_of_the_environment_does_not_bypass_the_check(served: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    url, handler = served
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, url)
    assert "not on the public web" in (Live().page("http://10.0.0.1/search?q=x").error or "")
    assert handler.seen == []
    assert Live(private=True).page("http://10.0.0.1/page").text == "<p>héllo</p>"  # through the proxy
    assert live("http://10.0.0.1").search("tea", "wt-wt").results  # SerpAPI is not the model's choice


@pytest.mark.parametrize(
    ("kind", "read"),
    [
        ("text/html; charset=utf-8", "é"),
        ("text/html", "Ã©"),
        ("application/json", "é"),
        ("text/html; charset=idna", "Ã©"),
    ],
)
def test_a_page_is_decoded_as_by_the_official_client(kind: str, read: str) -> None:
    with raw(answer("é".encode(), b"Content-Type: " + kind.encode())) as (url, _):
        assert Live(private=True).page(url) == Page(read)


def test_a_page_has_one_time_limit_and_a_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("toolgym.envs.bfcl.apis.web._PAGE_TIMEOUT", 0.4)
    web = Live(private=True)
    began = time.monotonic()
    with raw(forever(b" ", OK + b"Content-Length: 5000\r\n\r\n", 0.02)) as (url, _):
        assert "no answer within" in (web.page(url).error or "")
    with raw(moved(b"/again", b"302 Found")) as (url, seen):
        assert web.page(url).error
        assert 0 < len(seen) <= 30
    assert time.monotonic() - began < 2
    monkeypatch.undo()
    for body in (b"x" * 65536, gzip.compress(b"x" * 20_000_000)):
        head = OK + (b"Content-Encoding: gzip\r\n" if body[:1] != b"x" else b"") + b"\r\n"
        with raw(forever(body, head)) as (url, _):
            assert web.page(url) == Page("x" * MAX_CHARS)


def test_a_search_stays_within_its_limits_and_follows_no_redirect(served: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_ENV, "se+kr/et")
    url, handler = served
    handler.place = f"{url}/search?q=x"
    for server in (forever(b"x" * 65536, OK + b"\r\n"), forever(b" ", OK + b"Content-Length: 9\r\n\r\n", 0.1),
                   moved(handler.place.encode()), says(b"junk"), answer(b"[" * 100_000)):  # fmt: skip
        with raw(server) as (place, _), pytest.raises(Unavailable) as error:
            Live(url=f"{place}?token=t0ken", timeout=0.3, max_retries=0).search("tea", "wt-wt")
        assert not re.search(r"se.{1,9}kr|t0ken", str(error.value))
    assert handler.seen == []


def test_many_episodes_search_at_once(served: Any, tmp_path: Path) -> None:
    url, _ = served
    options = {"url": f"{url}/search", "private": True}
    envs = gym.make_vec(
        "ToolGym-BFCL-Agentic-v0", num_envs=4, category=BASE, web="record", web_folder=tmp_path, web_options=options
    )
    envs.reset(seed=0)
    text = act(envs.envs[0], search("tea"), fetch(f"{url}/page"))
    *_, infos = envs.step([text] * 4)
    for records in infos["calls"]:
        assert records[0].result.content == "[{'title': 'T', 'href': 'L', 'body': 'S'}]"
        assert json.loads(records[1].result.content) == {"content": "<p>héllo</p>"}
    assert len(list(tmp_path.iterdir())) == 2
    assert all(infos["reward_valid"])
