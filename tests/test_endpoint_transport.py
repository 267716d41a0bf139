"""What reaches an endpoint agent over the wire: hostile servers, limits, errors, secrets, Ctrl-C, many at once."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import tracemalloc
import zlib
from base64 import b64encode
from contextlib import contextmanager
from html import escape
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
from chat_server import HANG, chat, refused, serving
from conftest import saying, shop

from toolgym import evaluate, rollout
from toolgym.agents.endpoint import AsyncEndpoint, Endpoint
from toolgym.rollout import AgentError, ContextFull
from toolgym.types import FrozenDict, UnfinishedAnswer, message
from toolgym.web import Secrets, is_public, shown_url

HELLO = FrozenDict(messages=(message("user", "Hello!"),), tools=())
KEY = "sk-very/secret+key=1"


@pytest.fixture(autouse=True)
def alone(monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TEST_KEY", KEY)


def ask(kind, url, **settings):
    """One answer of an agent that does not wait between tries."""
    agent = kind("tiny", url, "TEST_KEY", **{"sleep": lambda seconds: None, "timeout": 10, **settings})
    return asyncio.run(agent.act(HELLO)) if kind is AsyncEndpoint else agent.act(HELLO)


BOTH = pytest.mark.parametrize("kind", [Endpoint, AsyncEndpoint])

# Hostile servers ----------------------------------------------------------------------------------


@contextmanager
def raw(serve):
    """A server that calls ``serve(connection)`` after the request's head arrived. Yields its URL, and a count."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)
    seen, over = [], threading.Event()

    def handle(connection):
        with connection:
            try:
                seen.append(connection.recv(65536))
                serve(connection)
            except (OSError, ValueError):
                pass

    def accept():
        while not over.is_set():
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=handle, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/v1", seen
    finally:
        over.set()
        listener.close()


def says(data):
    return lambda connection: connection.sendall(data)


def forever(data, first=b"", pause=0.0):
    def serve(connection):
        connection.sendall(first)
        while True:
            connection.sendall(data)
            time.sleep(pause)

    return serve


def answer(body=b"{}", *headers, status=b"200 OK"):
    lines = [b"HTTP/1.1 " + status, b"Content-Length: %d" % len(body), *headers]
    return says(b"\r\n".join(lines) + b"\r\n\r\n" + body)


def moved(place, status=b"307 Temporary Redirect"):
    return answer(b"", b"Location: " + place, status=status)


def resets(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")


OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
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
def test_a_hostile_server_is_an_agent_error_in_time(name, caplog):
    with raw(SERVERS[name]) as (url, seen):
        for kind in (Endpoint, AsyncEndpoint):
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
    """400 MB of zeros in 400 KB."""
    pack = zlib.compressobj(9, wbits=31)
    zeros = b"\0" * 1_000_000
    data = b"".join([*(pack.compress(zeros) for _ in range(400)), pack.flush()])
    return answer(data, b"Content-Encoding: gzip", status=status)


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
    with raw(forever(b"X: y\r\n", OK, 0.05)) as (url, seen):
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


def test_a_redirect_is_not_followed_and_told():
    with serving((200, {}, {})) as other, serving((307, b"", {"Location": f"{other.url}/x?key=1"})) as server:
        with pytest.raises(AgentError, match=r"HTTP 307: the server redirects to http.*Give the final address"):
            ask(Endpoint, server.url)
        assert len(server.bodies) == 1
        assert other.bodies == []


# What errors mean ---------------------------------------------------------------------------------

TOO_LONG = [
    ("OpenAI", 400, "Your input exceeds the context window of this model.", {"code": "context_length_exceeded"}),
    ("OpenAI, before", 400, "This model's maximum context length is 4097 tokens. However, your messages resulted in "
     "5000 tokens. Please reduce the length of the messages.", {}),
    ("vLLM", 400, "This model's maximum context length is 4096 tokens. However, you requested 9000 tokens (8000 in the "
     "messages, 1000 in the completion). Please reduce the length of the messages or completion.", {}),
    ("vLLM, prompt", 400, "The decoder prompt (length 5000) is longer than the maximum model length of 4096.", {}),
    ("vLLM, now", 400, "'max_tokens' or 'max_completion_tokens' is too large: 1024. This model's maximum context length "
     "is 2048 tokens and your request has 2500 input tokens (1024 > 2048 - 2500).", {}),
    ("SGLang", 400, "The input (5000 tokens) is longer than the model's context length (4096 tokens).", {}),
    ("SGLang, sum", 400, "Requested token count exceeds the model's maximum context length of 4096 tokens. You requested "
     "a total of 9024 tokens: 8000 tokens from the input messages and 1024 tokens for the completion.", {}),
    ("llama.cpp", 400, "the request exceeds the available context size (4096 tokens), try increasing it",
     {"type": "exceed_context_size_error"}),
    ("Ollama", 400, "prompt too long; exceeded max context length by 17 tokens", {}),
    ("Ollama, input", 400, "the input length exceeds the context length", {}),
    ("Anthropic", 400, "prompt is too long: 210000 tokens > 200000 maximum", {}),
    ("Anthropic, sum", 400, "input length and `max_tokens` exceed context limit: 199000 + 8192 > 200000, decrease input "
     "length or `max_tokens` and try again", {}),
    ("Gemini", 400, "The input token count (1100000) exceeds the maximum number of tokens allowed (1048576).",
     {"status": "INVALID_ARGUMENT"}),
    ("Gemini, short", 400, "The input token count exceeds the maximum number of tokens allowed 1048576.", {}),
    ("TGI", 422, "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096. Given: 5000 `inputs` "
     "tokens and 1000 `max_new_tokens`", {}),
    ("TGI, inputs", 422, "Input validation error: `inputs` must have less than 4096 tokens. Given: 5000", {}),
    ("Mistral", 400, "Prompt contains 40000 tokens and 0 draft tokens, too large for model with 32768 maximum context "
     "length", {}),
    ("xAI", 400, "This model's maximum prompt length is 131072 but the request contains 537812 tokens.", {}),
    ("Bedrock", 400, "Input is too long for requested model.", {}),
    ("GitHub", 413, "Request body too large for gpt-4o model. Max size: 8000 tokens.", {"code": "tokens_limit_reached"}),
    ("LiteLLM", 400, "litellm.ContextWindowExceededError: prompt is too long: 210000 tokens > 200000 maximum", {}),
]  # fmt: skip


@pytest.mark.parametrize(("status", "text", "fields"), [each[1:] for each in TOO_LONG], ids=[e[0] for e in TOO_LONG])
def test_a_conversation_that_is_too_long_is_the_policys_own_limit(status, text, fields):
    forms = [{"error": {"message": text, **fields}}, {"object": "error", "message": text, **fields}]
    if not fields:
        forms += [{"error": text}, {"detail": text}, [{"error": {"message": text, "code": status}}],
                  {"error": {"message": "Provider returned error", "metadata": {"raw": json.dumps({"error": text})}}}]  # fmt: skip
    for form in forms:
        with serving((status, form, {})) as server, pytest.raises(ContextFull):
            ask(AsyncEndpoint, server.url)
    for busy in (429, 503):
        with serving((busy, forms[0], {})) as server:
            with pytest.raises(AgentError) as caught:
                ask(AsyncEndpoint, server.url, max_retries=1)
            assert type(caught.value) is AgentError
            assert len(server.bodies) == 2


NOT_TOO_LONG = [
    (400, {"error": {"message": "max_tokens is too large: 100000. This model supports at most 16384 completion tokens."}}),
    (400, {"error": {"message": "max_tokens=9000 cannot be greater than max_model_len=4096."}}),
    (400, {"error": {"message": "'max_tokens' is too large: 9000. This model's maximum context length is 4096 tokens and "
                                "your request has 20 input tokens (9000 > 4096 - 20)."}}),
    (400, {"error": {"message": "Invalid schema", "request": "the prompt is too long: context length exceeded"}}),
    (400, {"error": {"message": "1 validation error", "param": "context_length_exceeded"}}),
    (400, {"error": {"message": "bad role, input_value='the prompt is too long'"}}),
    (422, {"detail": [{"loc": ["body"], "msg": "Field required", "input": {"content": "prompt is too long"}}]}),
    (400, {"error": {"message": "Unknown parameter: context_window"}}),
    (413, b"<html><h1>413 Request Entity Too Large</h1></html>"),
    (413, {"error": {"message": "Request too large: tokens per minute (TPM): Limit 6000, Requested 7000. Please reduce "
                                "the length of the messages", "code": "rate_limit_exceeded"}}),
    (401, {"error": {"message": "prompt is too long", "code": "context_length_exceeded"}}),
    (500, {"error": {"message": "Context size has been exceeded.", "type": "server_error"}}),
    (404, {"error": {"message": "maximum context length is 4096 tokens"}}),
]  # fmt: skip


@pytest.mark.parametrize(("status", "body"), NOT_TOO_LONG)
def test_an_error_that_is_not_about_the_conversations_length_is_no_context_full(status, body):
    with serving((status, body, {})) as server, pytest.raises(AgentError) as caught:
        ask(AsyncEndpoint, server.url, max_retries=0)
    assert type(caught.value) is AgentError


@pytest.mark.parametrize(
    ("text", "room"),
    [
        ("This model's maximum context length is 4096 tokens. However, you requested 4296 tokens (3096 in the messages, "
         "200 in the functions, and 1000 in the completion).", 800),
        ("'max_tokens' or 'max_completion_tokens' is too large: 1000. This model's maximum context length is 4096 tokens "
         "and your request has 3296 input tokens (1000 > 4096 - 3296).", 800),
        ("You passed 3296 input tokens and requested 1000 output tokens. However, the model's context length is only 4096 "
         "tokens, resulting in a maximum input length of 3096 tokens.", 800),
        ("Requested token count exceeds the model's maximum context length of 4096 tokens. You requested a total of 4296 "
         "tokens: 3296 tokens from the input messages and 1000 tokens for the completion.", 800),
        ("input length and `max_tokens` exceed context limit: 3296 + 1000 > 4096", 800),
        ("`inputs` tokens + `max_new_tokens` must be <= 4096. Given: 3296 `inputs` tokens and 1000 `max_new_tokens`", 800),
    ],
)  # fmt: skip
@pytest.mark.parametrize("field", ["max_tokens", "max_completion_tokens"])
def test_if_only_the_answer_does_not_fit_a_shorter_one_is_asked_for(text, room, field):
    def respond(body):
        return refused(text) if body[field] > room else chat("short", "length")

    with serving(respond) as server:
        found = ask(Endpoint, server.url, max_tokens=None, extra={field: 1000})
        assert (found, found.reason) == ("short", "length")
        assert [body[field] for body in server.bodies] == [1000, room]


@BOTH
@pytest.mark.parametrize(
    "error", [{"message": "filtered", "code": "content_filter"},
              {"message": "no", "innererror": {"code": "ResponsibleAIPolicyViolation"}}]
)  # fmt: skip
def test_a_content_filter_is_an_answer(kind, error):
    with serving((400, {"error": error}, {})) as server:
        found = ask(kind, server.url)
    assert isinstance(found, UnfinishedAnswer)
    assert (found, found.reason) == ("", "content_filter")


@pytest.mark.parametrize(
    ("status", "error", "tries"),
    [
        (200, {"message": "Provider returned error", "code": 502}, 3),
        (200, {"message": "overloaded"}, 3),
        (200, {"message": "no such model", "code": 404}, 1),
        (200, {"message": "Insufficient credits", "code": 402}, 1),
        (402, {"message": "pay"}, 1),
        (429, {"message": "You exceeded your current quota", "code": "insufficient_quota"}, 1),
        (429, {"message": "You exceeded your current quota", "status": "RESOURCE_EXHAUSTED"}, 3),
        (429, {"message": "busy", "request": "insufficient_quota"}, 3),
        (400, {"message": "Your credit balance is too low to access the API."}, 1),
        (529, {"message": "Overloaded", "type": "overloaded_error"}, 3),
        (425, {"message": "Too early"}, 3),
    ],
)
def test_what_is_tried_again(status, error, tries):
    with serving((status, {"error": error}, {})) as server:
        with pytest.raises(AgentError, match=error["message"]):
            ask(Endpoint, server.url, max_retries=2)
        assert len(server.bodies) == tries


# Secrets ------------------------------------------------------------------------------------------


def forms(secret):
    """How servers and libraries write a secret."""
    yield from (secret, quote(secret), quote(secret, safe=""), quote_plus(secret), quote(quote(secret, safe="")))
    yield from (json.dumps(secret)[1:-1], secret.replace("/", "\\/"), escape(secret), secret.replace("+", "&#x2B;"))
    yield from (secret.replace("+", "&#43;"), secret.replace("+", "\\u002b"), secret.replace("/", "&sol;"))
    yield from (
        re.sub("%..", lambda found: found[0].lower(), quote(secret, safe="")),
        b64encode(secret.encode()).decode(),
    )
    yield "".join(f"%{byte:02x}" for byte in secret.encode())
    yield secret[: len(secret) // 2 + 4]  # cut off by the server


SECRETS = [
    "sk-very/secret+key=1",
    'p@ss"w\\ord<&>/+',
    "pässwörd-💥-secret",
    "eyJhbGciOiJI.eyJzdWIiOiIx.c2lnbmF0dXJl" * 30,
]


@pytest.mark.parametrize("secret", SECRETS)
def test_a_secret_is_masked_in_every_form(secret):
    mask = Secrets([secret]).masked
    for form in forms(secret):
        assert mask(f"a {form} b {form}") in ("a *** b ***", "a ***= b ***=", "a ***== b ***=="), form
    assert mask("nothing here") == "nothing here"
    assert mask("http://user:pass@host/x and https://a@b") == "http://***@host/x and https://***@b"


def test_masking_takes_linear_time():
    secret = "a" * 40 + "b"
    began = time.monotonic()
    Secrets([secret]).masked("a" * 200_000)
    assert time.monotonic() - began < 2


@BOTH
@pytest.mark.parametrize("key_env", ["TEST_KEY", None])
def test_credentials_of_the_address_are_used_and_shown_nowhere(kind, key_env, tmp_path):
    seen = []

    def respond(body):
        sent = server.headers[-1].get("Authorization", "")
        echo = f"{server.paths[-1]} {sent} us3rname hun+er/2 {quote('hun+er/2', safe='')} t0ken&1 {KEY}"
        seen.append(echo)
        return refused(("x" * 470 if len(seen) > 1 else "") + echo, 400 if len(seen) % 2 else 500)

    with serving(respond) as server:
        place = server.url.removeprefix("http://")
        url = f"http://us3rname:{quote('hun+er/2', safe='')}@{place}?key=t0ken%261&api-version=7"
        agent = kind("tiny", url, key_env, max_retries=0)
        shown = [repr(agent), str(vars(agent)), agent.url]
        for i in range(2):
            (found,) = evaluate(shop, agent, n=1, out=tmp_path / str(i))
            shown += [found.error, (tmp_path / str(i) / "run.json").read_text()]
            shown.append((tmp_path / str(i) / "episodes.jsonl").read_text())
        assert server.paths[0] == "/v1/chat/completions?key=t0ken%261&api-version=7"
        basic = b64encode(b"us3rname:hun+er/2").decode()
        assert server.headers[0]["Authorization"] == (f"Bearer {KEY}" if key_env else f"Basic {basic}")
    for secret in ("hun+er", "hun%2Ber", "t0ken", basic[:8], *([KEY, "sk-very"] if key_env else [])):
        assert not [each for each in shown if secret in each], secret
    assert "***@127.0.0.1" in repr(agent)
    assert "key=***&api-version=7" in repr(agent)


def test_urls_in_settings_are_kept_without_their_secrets(tmp_path):
    from toolgym.rollout import run_settings

    options = {"search_options": {"url": "http://u:pass@h/x?token=t0k"}, "judge": ["https://u@h"], "n": 1}
    kept = run_settings("x", Endpoint("tiny", "http://h/v1", None), options, 1, 1, 0)
    assert kept["env_kwargs"]["search_options"] == {"url": "http://***@h/x?token=***"}
    assert kept["env_kwargs"]["judge"] == ["https://***@h"]
    assert options["search_options"]["url"] == "http://u:pass@h/x?token=t0k"
    assert shown_url("http://h/x?v=1&k&a=b#c") == "http://h/x?v=1&k&a=***#c"


# Many loops, many threads -------------------------------------------------------------------------


def test_one_agent_serves_any_loop_and_thread_and_reuses_connections():
    with raw(lambda connection: None) as (_, _), serving(chat("hi")) as server:
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


# Public addresses ---------------------------------------------------------------------------------

PRIVATE = [
    "127.0.0.1",
    "127.9.9.9",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "100.127.255.255",
    "0.0.0.0",
    "0.1.2.3",
    "192.0.0.1",
    "192.0.2.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "192.88.99.1",
    "224.0.0.1",
    "239.1.1.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "fc00::1",
    "fd12::1",
    "ff02::1",
    "ff0e::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:0:127.0.0.1",
    "::127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::10.0.0.1",
    "64:ff9b:1::1",
    "64:ff9b:1::8.8.8.8",
    "2002:7f00:1::1",
    "2002:808:808::1",
    "2001::1",
    "2001:0:4136::1",
    "2001:db8::1",
    "100::1",
    "3fff::1",
    "5f00::1",
    "4000::1",
]
PUBLIC = [
    "8.8.8.8",
    "1.1.1.1",
    "93.184.216.34",
    "2606:4700::1111",
    "2a00:1450:4001::1",
    "::ffff:8.8.8.8",
    "64:ff9b::8.8.8.8",
]


def test_which_addresses_are_public():
    assert [each for each in PRIVATE if is_public(each)] == []
    assert [each for each in PUBLIC if not is_public(each)] == []


# Ctrl-C -------------------------------------------------------------------------------------------

PLAYER = """
import sys
from concurrent.futures import ThreadPoolExecutor
sys.path.insert(0, {tests!r})
from toolgym.agents.endpoint import Endpoint


class Batched:
    def __init__(self):
        self.inner = Endpoint("tiny", {url!r}, None, first_wait=60)

    def act_batch(self, observations):
        with ThreadPoolExecutor(4) as pool:
            return list(pool.map(self.inner.act, observations))

    def act(self, observation):
        return self.inner.act(observation)


class Threaded(Endpoint):
    def __init__(self):
        super().__init__("tiny", {url!r}, None, first_wait=60)
"""


@pytest.mark.parametrize("how", ["async", "threads", "batch", "compare"])
@pytest.mark.parametrize("trouble", ["hang", "429", "slow"])
def test_ctrl_c_stops_at_once_keeps_what_finished_and_sends_nothing_more(how, trouble, tmp_path):
    if how != "async" and trouble == "slow":
        pytest.skip("as with async")
    lock, count = threading.Lock(), [0]

    def respond(body):
        with lock:
            count[0] += 1
            first = count[0] <= 4
        if first and how != "batch":
            return chat("None of the functions fits.")
        return {"hang": (200, HANG, {}), "429": (429, {}, {"Retry-After": "60"}), "slow": (200, b" " * 3, {})}[trouble]

    with serving(respond) as server, raw(forever(b" ", OK + b"Content-Length: 5000\r\n\r\n", 0.02)) as (slow, seen):
        url = slow if trouble == "slow" else server.url
        (tmp_path / "players.py").write_text(PLAYER.format(url=url, tests=str(Path(__file__).parent)))
        agent = {"threads": "players:Threaded", "batch": "players:Batched"}.get(how, "endpoint")
        command = ["eval", "--env", "ToolGym-Functions-v0", "--agent", agent, "-n", "60", "--out", "run"]
        if agent == "endpoint":
            command += ["--model", "tiny", "--base-url", url]
        if how == "compare":
            spec = f"endpoint:model=tiny,base_url={url}"
            command = ["compare", "--agents", spec, "--suites", "functions", "-n", "20", "--out", "run"]
        process = subprocess.Popen(
            [sys.executable, "-m", "toolgym", *command], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent.parent), str(tmp_path)])},
        )  # fmt: skip
        asked = seen if trouble == "slow" else server.bodies
        deadline = time.monotonic() + 30
        while len(asked) < (5 if trouble != "slow" else 1) and time.monotonic() < deadline and process.poll() is None:
            time.sleep(0.02)
        time.sleep(0.3)
        sent = len(asked)
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=20)
        took = time.monotonic() - began
        assert process.returncode == 130, output.decode()
        assert took < 2, output.decode()
        assert len(asked) == sent
        assert b"stopped" in output
        assert b"Traceback" not in output
        if how != "batch" and trouble != "slow":
            kept = [
                line for file in (tmp_path / "run").rglob("episodes.jsonl") for line in file.read_text().splitlines()
            ]
            assert len(kept) == 4
            assert all(json.loads(line)["reward_valid"] for line in kept)
