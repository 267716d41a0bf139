"""Endpoint agents over the wire: hostile servers, limits of time and size, event loops and threads."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import socket
import time
import tracemalloc
import zlib

import pytest
from asking import BOTH, HELLO, KEY, ask
from chat_server import chat, serving
from conftest import saying, shop
from raw_server import CHUNKED, OK, answer, forever, moved, raw, resets, says

from toolgym import evaluate, rollout
from toolgym.agents.endpoint import AsyncEndpoint, Endpoint
from toolgym.rollout import AgentError
from toolgym.types import FrozenDict, message
from toolgym.web.connections import _trusted


@pytest.fixture(autouse=True)
def alone(monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TEST_KEY", KEY)


GOOD = json.dumps(chat("hi")[1]).encode()
ZIPPED = gzip.compress(GOOD)
SERVERS = {
    "closes at once": says(b""),
    "resets": resets,
    "says nothing": lambda connection: time.sleep(2),
    "half a status line": says(b"HTTP/1."),
    "no HTTP": says(b"SSH-2.0-OpenSSH_9.6\r\n\r\n"),
    "zero bytes": says(b"\0" * 1000),
    "random bytes": says(bytes(range(256)) * 40),
    "HTTP/0.9": says(b"<html>hi</html>"),
    "HTTP/2 preface": says(b"\0\0\x12\x04\0\0\0\0\0" + b"\0" * 18),
    "a TLS alert": says(b"\x15\x03\x01\0\x02\x02\x46"),
    "a status that is no number": says(b"HTTP/1.1 abc OK\r\n\r\n"),
    "a status of 99999": says(b"HTTP/1.1 99999 OK\r\n\r\n"),
    "a status of 0": says(b"HTTP/1.1 000 OK\r\nContent-Length: 0\r\n\r\n"),
    "an endless status line": forever(b"x" * 4096, b"HTTP/1.1 200 "),
    "an endless header": forever(b"x" * 4096, OK + b"X: "),
    "endless headers": forever(b"X-Y: z\r\n", OK),
    "many headers": says(OK + b"X-Y: z\r\n" * 100_000 + b"\r\n"),
    "slow headers": forever(b"X: y\r\n", OK, 0.02),
    "a header without a name": says(OK + b": x\r\n\r\n{}"),
    "a header with a zero byte": says(OK + b"X: \0\r\n\r\n"),
    "endless 100-continue": forever(b"HTTP/1.1 100 Continue\r\n\r\n"),
    "endless 103": forever(b"HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n"),
    "switching protocols": says(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"),
    "no content": answer(b"", status=b"204 No Content"),
    "not modified": answer(b"", status=b"304 Not Modified"),
    "a length that is no number": says(OK + b"Content-Length: many\r\n\r\n{}"),
    "a negative length": says(OK + b"Content-Length: -5\r\n\r\n{}"),
    "two lengths": says(OK + b"Content-Length: 2\r\nContent-Length: 200\r\n\r\n{}"),
    "a length and chunks": says(OK + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"),
    "a length that is too long": says(OK + b"Content-Length: 5000\r\n\r\n" + GOOD),
    "a huge length": says(OK + b"Content-Length: 99999999999999999999999999\r\n\r\n" + GOOD),
    "a length of 8 GB": forever(b"x" * 65536, OK + b"Content-Length: 8000000000\r\n\r\n"),
    "garbage for chunks": says(CHUNKED + b"zz\r\n" * 1000),
    "a negative chunk": says(CHUNKED + b"-5\r\nhello\r\n"),
    "a chunk that never ends": says(CHUNKED + b"ffff\r\nhello"),
    "a huge chunk size": says(CHUNKED + b"f" * 100 + b"\r\n"),
    "an endless chunk extension": forever(b"x" * 4096, CHUNKED + b"5;"),
    "endless chunks": forever(b"10000\r\n" + b" " * 65536 + b"\r\n", CHUNKED),
    "endless small chunks": forever(b"1\r\n \r\n" * 1000, CHUNKED),
    "endless trailers": forever(b"X: y\r\n", CHUNKED + b"0\r\n"),
    "slow body": forever(b" ", OK + b"Content-Length: 5000\r\n\r\n", 0.02),
    "an endless body": forever(b" " * 65536, OK + b"\r\n"),
    "an endless error": forever(b"x" * 65536, b"HTTP/1.1 500 Oops\r\n\r\n"),
    "no gzip": answer(GOOD, b"Content-Encoding: gzip"),
    "half a gzip": answer(ZIPPED[:-20], b"Content-Encoding: gzip"),
    "gzip with a wrong checksum": answer(ZIPPED[:-8] + b"\0" * 8, b"Content-Encoding: gzip"),
    "brotli": answer(GOOD, b"Content-Encoding: br"),
    "gzip in gzip": answer(gzip.compress(ZIPPED), b"Content-Encoding: gzip, gzip"),
    "a strange encoding": answer(GOOD, b"Content-Encoding: \xff\xfe"),
    "a redirect to nowhere": moved(b""),
    "a redirect to bad IPv6": moved(b"http://[::1"),
    "a redirect to a bad port": moved(b"http://x:99999/"),
    "a redirect to a bad host": moved(b"http://" + b"a" * 300 + b"/"),
    "a redirect to a file": moved(b"file:///etc/passwd"),
    "a redirect to raw bytes": moved(b"\xff\xfe\x80"),
    "a redirect to itself": moved(b"/v1/chat/completions", b"308 Permanent Redirect"),
    "a redirect to another server": moved(b"http://127.0.0.2:9/", b"302 Found"),
    "many choices": moved(b"x", b"300 Multiple Choices"),
    "html": answer(b"<html>bad gateway</html>", b"Content-Type: text/html"),
    "a stream of events": answer(b'data: {"choices":[]}\n\n', b"Content-Type: text/event-stream"),
    "deep JSON": answer(b"[" * 200_000),
    "a number of a million digits": answer(b'{"choices": ' + b"9" * 1_000_000 + b"}"),
    "half a character": answer(b'{"choices": "\xc3'),
    "a charset that does not exist": answer(b"hi", b"Content-Type: text/plain; charset=\xff\0"),
    "a charset that is no text": answer(b"hi", b"Content-Type: text/plain; charset=zip"),
    "a slow charset": answer(b"hi" * 200_000, b"Content-Type: text/plain; charset=idna"),
    "bad cookies": answer(b"{}", b"Set-Cookie: \x01=;;;=", b"Set-Cookie: =" + b"x" * 5000),
    "no choices": answer(b'{"choices": []}'),
    "an error of a gateway": answer(b'{"error": {"message": "Provider returned error", "code": 502}}'),
    "a strange error": answer(b'{"error": [[{"code": {"x": 1}}, "y"], null]}', status=b"400 Bad Request"),
    "a Retry-After of a year": answer(b"", b"Retry-After: 1e400", status=b"429 Too Many Requests"),
    "a date of no calendar": answer(b"", b"Retry-After: 99 Foo 99999999", status=b"503 Busy"),
}  # fmt: skip


@pytest.mark.parametrize("name", SERVERS)
def test_a_hostile_server_is_an_agent_error_in_time(name, caplog, monkeypatch):
    with raw(SERVERS[name]) as (url, seen):
        for kind in (Endpoint, AsyncEndpoint):
            if kind is AsyncEndpoint:  # as for https and proxies: aiohttp's connections
                monkeypatch.setattr("toolgym.web.connections._written", lambda *request: None)
            began = time.monotonic()
            with pytest.raises(AgentError) as caught:
                ask(kind, url, timeout=0.2, max_retries=0)
            assert time.monotonic() - began < 1.5
            assert type(caught.value) is AgentError
            assert len(str(caught.value)) < 700
            assert KEY not in str(caught.value)
        assert len(seen) == (2 if name != "resets" else len(seen))
    assert not caplog.records


def test_a_compressed_answer_is_read():
    with raw(answer(ZIPPED, b"Content-Encoding: gzip")) as (url, seen):
        assert ask(Endpoint, url) == "hi"
    with raw(answer(zlib.compress(GOOD), b"Content-Encoding: deflate")) as (url, seen):
        assert ask(AsyncEndpoint, url) == "hi"
        assert b"Accept-Encoding: gzip, deflate\r\n" in seen[0]


def zip_bomb(status):
    """A gzip of 400 MB of zeros in 400 KB."""
    pack = zlib.compressobj(9, wbits=31)
    zeros = b"\0" * 1_000_000
    data = pack.compress(zeros) + pack.flush(zlib.Z_FULL_FLUSH)
    return answer(
        data + 399 * (pack.compress(zeros) + pack.flush(zlib.Z_FULL_FLUSH)), b"Content-Encoding: gzip", status=status
    )


@BOTH
@pytest.mark.parametrize("status", [b"200 OK", b"500 Oops"])
def test_an_answer_of_any_size_takes_little_memory(kind, status):
    servers = [zip_bomb(status), forever(b"x" * 65536, b"HTTP/1.1 " + status + b"\r\n\r\n")]
    with raw(servers[0]) as (first, _), raw(servers[1]) as (second, _):
        tracemalloc.start()
        try:
            for url in (first, second):
                with pytest.raises(AgentError, match=r"more than 8,000,000 bytes|HTTP 500"):
                    ask(kind, url, max_retries=0)
            assert tracemalloc.get_traced_memory()[1] < 40_000_000
        finally:
            tracemalloc.stop()


@BOTH
def test_one_time_limit_covers_the_whole_answer(kind):
    """The server says a little, again and again: each wait is short, and their sum is not."""
    with raw(forever(b"X: y\r\n", OK, 0.05)) as (url, _):
        began = time.monotonic()
        with pytest.raises(AgentError, match=r"no answer within 0\.3 seconds \(2 tries\)"):
            ask(kind, url, timeout=0.3, max_retries=1)
        assert 0.6 <= time.monotonic() - began < 1.5


@BOTH
def test_a_slow_look_up_of_the_name_is_within_the_time_limit(kind, monkeypatch):
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: time.sleep(1.5))
    began = time.monotonic()
    with pytest.raises(AgentError, match="no answer within"):
        ask(kind, "http://slow.example/v1", timeout=0.2, max_retries=0)
    assert time.monotonic() - began < 1.2


@BOTH
@pytest.mark.parametrize(
    "url", ["http://a..b/v1", "http://" + "a" * 300 + ".example/v1", "http://xn--\xff/v1",
            "http://127.0.0.1:9/v1", "https://127.0.0.1:9/v1", "http://nowhere.invalid/v1"]
)  # fmt: skip
def test_a_server_that_cannot_be_reached_is_an_agent_error(kind, url):
    with pytest.raises(AgentError) as caught:
        ask(kind, url, max_retries=0, timeout=5)
    str(caught.value).encode()  # what is shown can be written to a file


@pytest.mark.parametrize(
    "url", ["http://[::1/v1", "http://x:99999/v1", "http://x:port/v1", "http:///v1", "x", "", "http://\ud800/v1"]
)
def test_an_address_that_makes_no_sense_is_refused_when_the_agent_is_made(url):
    with pytest.raises(ValueError, match="base_url"):
        Endpoint("tiny", url, None)


@BOTH
def test_tls_with_a_server_that_has_none_or_an_unknown_one_is_an_agent_error(kind):
    with raw(says(b"HTTP/1.1 200 OK\r\n\r\n")) as (url, _), pytest.raises(AgentError):
        ask(kind, url.replace("http:", "https:"), max_retries=0)


@BOTH
def test_a_proxy_of_the_environment_is_used_and_its_password_is_not_shown(kind, monkeypatch):
    with raw(answer(GOOD)) as (url, seen):
        place = url.removeprefix("http://").removesuffix("/v1")
        for name in ("http_proxy", "https_proxy"):
            monkeypatch.setenv(name, f"http://user:pass%40word@{place}")
        assert ask(kind, "http://10.1.2.3/v1") == "hi"
        with pytest.raises(AgentError) as caught:
            ask(kind, "https://10.1.2.3/v1", max_retries=0, timeout=2)
        assert seen[0].startswith(b"POST http://10.1.2.3/v1/chat/completions HTTP/1.1\r\n")
        assert seen[1].startswith(b"CONNECT 10.1.2.3:443 HTTP/1.1\r\n")
        assert all(b"Proxy-Authorization: Basic dXNlcjpwYXNzQHdvcmQ=\r\n" in each for each in seen)
        assert KEY.encode() not in seen[1]
        assert "pass" not in str(caught.value)
        monkeypatch.setenv("http_proxy", f"socks5://user:pass%40word@{place}")
        with pytest.raises(AgentError, match="'socks5'; only HTTP proxies"):
            ask(kind, "http://10.1.2.3/v1", max_retries=0)
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        assert ask(kind, url) == "hi"


def test_certificates_that_cannot_be_read_are_an_agent_error(monkeypatch):
    monkeypatch.setattr("toolgym.web.connections._pools", {})
    _trusted.cache_clear()
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere.pem")
    with pytest.raises(AgentError, match=r"cannot read the certificates in SSL_CERT_FILE=/nowhere\.pem"):
        ask(Endpoint, "https://127.0.0.1:9/v1")


@BOTH
def test_a_long_conversation_is_sent_and_a_server_that_does_not_read_it_is_given_up(kind):
    long = FrozenDict(messages=(message("user", "x" * 3_000_000),), tools=())
    with serving(chat("hi")) as server:
        assert ask(kind, server.url, long) == "hi"
        assert len(server.bodies[0]["messages"][0]["content"]) == 3_000_000
    with raw(lambda connection: time.sleep(1)) as (url, _), pytest.raises(AgentError, match="no answer within"):
        ask(kind, url, long, timeout=0.2, max_retries=0)


def test_a_redirect_is_not_followed_and_told():
    with serving((200, {}, {})) as other, serving((307, b"", {"Location": f"{other.url}/x?key=1"})) as server:
        with pytest.raises(AgentError, match=r"HTTP 307: the server redirects to http.*Give the final address"):
            ask(Endpoint, server.url)
        assert len(server.bodies) == 1
        assert other.bodies == []


# Event loops and threads ----------------------------------------------------------------------------


def test_one_agent_serves_any_loop_and_thread_and_reuses_connections():
    with serving(chat("hi")) as server:
        agent = AsyncEndpoint("tiny", server.url, None)

        async def several():
            return await asyncio.gather(*(agent.act(HELLO) for _ in range(5)))

        for _ in range(3):
            assert asyncio.run(several()) == ["hi"] * 5
        assert server.most > 1
        sync = Endpoint("tiny", server.url, None)

        async def inside_a_loop():
            return sync.act(HELLO), await agent.act(HELLO)

        assert asyncio.run(inside_a_loop()) == ("hi", "hi")


@BOTH
def test_a_rollout_inside_a_running_loop_works(kind):
    with serving(chat(saying("Good morning!"))) as server:
        agent = kind("tiny", server.url, None)

        async def notebook():
            return rollout(shop(), agent, task_id="hello"), evaluate(shop, agent, n=1)

        one, several = asyncio.run(notebook())
    assert one.reward_valid
    assert several[0].reward_valid


def test_a_batch_is_in_flight_at_once():
    with serving(chat(saying("Good morning!"))) as server:
        server.delay = 0.3
        played = evaluate(shop, AsyncEndpoint("tiny", server.url, None), repeats=10, batch_size=30)
        assert len(played) == 30
        assert server.most > 8  # what threads have by default


@BOTH
def test_a_rate_limit_holds_for_all_together(kind):
    with serving(chat(saying("Good morning!"))) as server:
        evaluate(shop, kind("tiny", server.url, None, requests_per_minute=60 / 0.05), repeats=2, batch_size=6)
        assert server.times[5] - server.times[0] >= 4 * 0.05


def test_an_agent_works_in_a_forked_child():
    with serving(chat("hi")) as server:
        agent = Endpoint("tiny", server.url, None)
        assert agent.act(HELLO) == "hi"
        child = os.fork()
        if child == 0:
            os._exit(0 if agent.act(HELLO) == "hi" else 1)
        assert os.waitpid(child, 0)[1] == 0
        assert agent.act(HELLO) == "hi"
