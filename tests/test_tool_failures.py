"""Tools that fail: a server that is down is not the policy's failure; every other exception is a result."""

from __future__ import annotations

import asyncio
import concurrent.futures
import errno
import ftplib
import http.client
import http.server
import imaplib
import multiprocessing
import poplib
import smtplib
import socket
import sqlite3
import ssl
import subprocess
import threading
import time
import urllib.error
import urllib.request
import xmlrpc.client
from email.message import Message

import pytest
import requests
from conftest import calling, saying

from toolgym import Task, Tool, ToolCall, ToolEnv, ToolUnavailable, ToolVectorEnv, evaluate, tool
from toolgym.grading import tally
from toolgym.tools import execution
from toolgym.tools.unavailable import is_unavailable


def http_error(status):
    response = requests.Response()
    response.status_code = status
    response.url = "http://weather.test/"
    try:
        response.raise_for_status()
    except requests.HTTPError as error:
        return error
    raise AssertionError


def url_error(status):
    return urllib.error.HTTPError("http://weather.test/", status, "", Message(), None)


def foreign(package, name, base=Exception, **attributes):
    """An exception as a library that is not installed would raise it."""
    kind = type(name, (base,), {"__module__": f"{package}.errors", **attributes})
    return type("Subclass", (kind,), {})("it")


def caused(outer, inner, how):
    try:
        try:
            raise inner
        except Exception as error:
            if how == "from":
                raise outer from error
            if how == "from None":
                raise outer from None
            raise outer  # noqa: B904
    except Exception as error:
        return error


def coded(package, name, *args, **attributes):
    """As ``foreign``, with arguments of the exception."""
    return type(name, (Exception,), {"__module__": f"{package}.errors", **attributes})(*args)


def aws(code, status):
    response = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return coded("botocore", "ClientError", response=response)


def rpc(name):
    return coded("grpc", "RpcError", code=lambda self: type("StatusCode", (), {"name": name}))


DOWN = [
    xmlrpc.client.ProtocolError("http://weather.test/RPC2", 503, "down", {}),
    multiprocessing.TimeoutError(),
    concurrent.futures.TimeoutError(),
    subprocess.TimeoutExpired("convert", 3),
    imaplib.IMAP4.abort("socket error: EOF"),
    smtplib.SMTPServerDisconnected("gone"),
    *[smtplib.SMTPDataError(code, b"later") for code in (421, 450, 451, 452, 454)],
    smtplib.SMTPRecipientsRefused({"a@weather.test": (451, b"later")}),
    poplib.error_proto("-ERR EOF"),
    poplib.error_proto(b"-ERR [SYS/TEMP] later"),
    ftplib.error_temp("421 later"),
    coded("nntplib", "NNTPTemporaryError", response="400 later"),
    *[sqlite3.OperationalError(text) for text in ("disk I/O error", "database is locked")],
    sqlite3.DatabaseError("database disk image is malformed"),
    coded("psycopg", "OperationalError", "connection refused"),
    coded("psycopg2", "OperationalError", "server closed the connection"),
    coded("pymysql", "OperationalError", 2006, "MySQL server has gone away"),
    coded("sqlalchemy", "OperationalError", "gone", orig=coded("psycopg2", "OperationalError")),
    *[rpc(name) for name in ("UNAVAILABLE", "DEADLINE_EXCEEDED")],
    coded("botocore", "EndpointConnectionError"),
    aws("ThrottlingException", 400),
    aws("InternalError", 500),
    coded("google", "ServiceUnavailable", code=503),
    coded("google", "GoogleAPICallError", code=http.HTTPStatus.BAD_GATEWAY),
    coded("kombu", "OperationalError"),
    coded("pika", "AMQPConnectionError"),
    coded("pymongo", "ServerSelectionTimeoutError"),
    ToolUnavailable("the till is down"),
    ConnectionError(),
    ConnectionRefusedError("no"),
    BrokenPipeError(),
    TimeoutError("slow"),
    socket.gaierror(-2, "Name or service not known"),
    ssl.SSLError("handshake"),
    ssl.SSLCertVerificationError("expired"),
    OSError(errno.ENETUNREACH, "unreachable"),
    OSError(errno.EHOSTUNREACH, "no route"),
    OSError(errno.EMFILE, "too many open files"),
    OSError(errno.ENOSPC, "no space left on device"),
    asyncio.IncompleteReadError(b"", 5),
    foreign("redis", "TimeoutError"),
    http.client.RemoteDisconnected("gone"),
    http.client.IncompleteRead(b""),
    urllib.error.URLError(ConnectionRefusedError()),
    urllib.error.URLError("timed out"),
    url_error(503),
    url_error(429),
    requests.ConnectionError("no"),
    requests.ReadTimeout("slow"),
    requests.exceptions.ChunkedEncodingError("half"),
    requests.exceptions.SSLError("cert"),
    *[http_error(status) for status in (500, 502, 503, 429, 401, 403)],
    foreign("httpx", "TransportError"),
    foreign("httpx2", "TransportError"),
    foreign("httpx", "HTTPStatusError", response=type("R", (), {"status_code": 502})),
    foreign("aiohttp", "ClientConnectionError"),
    foreign("aiohttp", "ClientResponseError", status=500),
    foreign("openai", "APIConnectionError"),
    foreign("openai", "APIStatusError", status_code=429),
    caused(RuntimeError("weather failed"), requests.ConnectionError("no"), "from"),
    caused(ValueError("weather failed"), TimeoutError(), "context"),
    caused(KeyError("weather"), http_error(500), "context"),
    ExceptionGroup("two", [ValueError("a"), ExceptionGroup("one", [ConnectionResetError()])]),
]
ANSWERS = [
    xmlrpc.client.ProtocolError("http://weather.test/RPC2", 404, "no", {}),
    xmlrpc.client.Fault(1, "no such city"),
    subprocess.CalledProcessError(1, "convert"),
    imaplib.IMAP4.error("no such folder"),
    smtplib.SMTPDataError(550, b"no such user"),
    smtplib.SMTPRecipientsRefused({"a@weather.test": (550, b"no such user")}),
    poplib.error_proto(b"-ERR no such message"),
    ftplib.error_perm("550 no such file"),
    coded("nntplib", "NNTPTemporaryError", response="430 no such article"),
    sqlite3.OperationalError("no such table: cities"),
    coded("psycopg", "ProgrammingError", "syntax error"),
    coded("pymysql", "OperationalError", 1054, "Unknown column 'x'"),
    rpc("NOT_FOUND"),
    rpc("INVALID_ARGUMENT"),
    aws("NoSuchKey", 404),
    coded("google", "GoogleAPICallError", code=404),
    ValueError("no such city"),
    KeyError("city"),
    FileNotFoundError("x"),
    PermissionError("x"),
    IsADirectoryError(21, "x"),
    OSError("anything"),
    urllib.error.URLError("unknown url type: foo"),
    urllib.error.URLError(FileNotFoundError("x")),
    url_error(404),
    http.client.InvalidURL("x"),
    requests.exceptions.InvalidURL("x"),
    requests.exceptions.MissingSchema("x"),
    *[http_error(status) for status in (400, 404, 409, 422)],
    foreign("httpx", "HTTPStatusError", response=type("R", (), {"status_code": 404})),
    foreign("aiohttp", "ClientResponseError", status=422),
    foreign("mine", "ConnectionError"),
    foreign("mine", "APIStatusError", status_code=500),
    foreign("httpx", "HTTPStatusError", response=property(lambda self: 1 / 0)),
    caused(ValueError("no such host"), socket.gaierror(), "from None"),
    caused(ConnectionError(), ValueError(), "context").__context__,
    caused(http_error(404), ConnectionError(), "context"),
    ExceptionGroup("two", [ValueError("a"), KeyError("b")]),
    asyncio.CancelledError(),
]


def tools(error):
    """The ways in which a tool runs: inline, on a thread, on the event loop."""

    def fails():
        raise error

    async def fails_later():
        await asyncio.sleep(0)
        raise error

    return [
        Tool("weather", function=fails, timeout=None),
        Tool("weather", function=fails, timeout=20),
        Tool("weather", function=fails_later),
        Tool("weather", function=fails_later, timeout=None),
    ]


@pytest.mark.parametrize("error", DOWN, ids=repr)
def test_a_server_that_is_down(error):
    assert is_unavailable(error)
    for each in tools(error):
        result = each.run({})
        assert result.error == "unavailable"
        assert result.content.startswith("Error: weather is unavailable: ")


@pytest.mark.parametrize("error", ANSWERS, ids=repr)
def test_an_error_that_answers_the_policys_arguments(error):
    assert not is_unavailable(error)
    assert {each.run({}).error for each in tools(error)} == {"execution"}


def weather_env(tool):
    return ToolEnv([Task.of("t", "Rain?", [tool], [[ToolCall("weather", {})]])])


@pytest.mark.parametrize("way", range(4))
@pytest.mark.parametrize("how", ["step", "vector", "fork"])
def test_the_episode_is_not_valid_and_says_why(way, how):
    env = weather_env(tools(ToolUnavailable("the station is down"))[way])
    env.reset()
    if how == "fork":
        (env,) = env.fork()
    step = (lambda text: ToolVectorEnv([env]).step_some([0], [text])[0]) if how == "vector" else env.step
    *_, info = step(calling(("weather", {})))
    assert not info["reward_valid"]
    assert info["error"] == "Error: weather is unavailable: ToolUnavailable: the station is down"
    (fork,) = env.fork()
    assert not fork.step(saying("bye"))[4]["reward_valid"]
    assert not step(saying("bye"))[4]["reward_valid"]
    env.reset()
    assert step(saying("bye"))[4]["reward_valid"]


def test_such_an_episode_is_neither_a_success_nor_a_failure():
    class Caller:
        def act(self, observation):
            return calling(("weather", {})) if observation["messages"][-1]["role"] == "user" else saying("bye")

    (episode,) = evaluate(lambda: weather_env(tools(http_error(503))[1]), Caller())
    assert not episode.reward_valid
    assert tally([episode]) == ({}, 1)
    assert "503" in str(episode.error)


class Own(BaseException):
    def __str__(self):
        raise Own


@pytest.mark.parametrize("error", [SystemExit(2), GeneratorExit(), asyncio.CancelledError(), Own()], ids=repr)
def test_no_exception_of_a_tool_ends_more_than_its_call(error):
    for each in tools(error):
        began = time.monotonic()
        result = each.run({})
        assert result.error == "execution"
        assert type(error).__name__ in result.content
        assert time.monotonic() - began < 5
        env = weather_env(each)
        env.reset()
        assert env.step(calling(("weather", {})))[4]["reward_valid"]


def test_a_thousand_of_them_leave_every_worker_in_place():
    thread = tools(GeneratorExit())[1]
    before = execution.workers.abandoned, threading.active_count()
    for _ in range(1100):
        assert thread.run({}).error == "execution"
    assert execution.workers.abandoned == before[0]
    assert threading.active_count() <= before[1] + 2


def test_an_abandoned_call_is_counted_until_it_ends_however_it_ends(monkeypatch):
    gate = threading.Event()

    def waits():
        gate.wait(20)
        raise GeneratorExit

    monkeypatch.setattr(execution, "workers", execution.Workers())
    before = execution.workers.abandoned
    assert Tool("t", function=waits, timeout=0.02).run({}).error == "timeout"
    assert execution.workers.abandoned == before + 1
    gate.set()
    deadline = time.monotonic() + 10
    while execution.workers.abandoned != before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert execution.workers.abandoned == before


def test_a_call_that_ends_as_it_is_given_up_is_not_counted_for_ever():
    workers, ended = execution.Workers(), threading.Event()
    abandon = workers.submit(lambda: None, lambda result: ended.set())
    assert ended.wait(10)
    time.sleep(0.05)
    abandon()
    abandon()
    assert workers.abandoned == 0


class Serving(http.server.BaseHTTPRequestHandler):
    """Answers each path with the status that it names."""

    def do_GET(self):
        if self.path == "/cut":
            self.send_response(200)
            self.send_header("Content-Length", "100")
            self.end_headers()
            self.wfile.write(b"x")
        elif self.path != "/gone":
            self.send_response(int(self.path[1:]))
            self.end_headers()

    def log_message(self, *args):
        pass


def by_requests(url: str) -> str:
    response = requests.get(url, timeout=1)
    response.raise_for_status()
    return response.text


def by_urllib(url: str) -> str:
    with urllib.request.urlopen(url, timeout=1) as response:
        return str(response.read())


async def by_streams(url: str) -> str:
    reader, writer = await asyncio.open_connection(*url.split("/")[2].split(":"))
    try:
        writer.write(b"GET /gone HTTP/1.0\r\n\r\n")
        return str(await reader.readexactly(9))
    finally:
        writer.close()


def test_with_a_real_server():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Serving)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    ways = [Tool("get", function=by_requests), Tool("get", function=by_urllib, timeout=None)]
    try:
        for path, error in (("/200", None), ("/404", "execution"), ("/422", "execution"), ("/503", "unavailable"),
                            ("/401", "unavailable"), ("/429", "unavailable"), ("/gone", "unavailable"),
                            ("/cut", "unavailable")):  # fmt: skip
            for way in ways:
                assert way.run({"url": url + path}).error == error, (path, way.function)
        assert Tool("get", function=by_streams).run({"url": url}).error == "unavailable"
        for way in ways:
            assert way.run({"url": "nonsense"}).error == "execution"
            assert way.run({"url": "file:///nowhere"}).error == "execution"
    finally:
        server.shutdown()
        server.server_close()
    for way in [*ways, Tool("get", function=by_streams)]:
        assert way.run({"url": url}).error == "unavailable"


def test_more_hanging_calls_than_threads_leave_the_episode_without_a_verdict(monkeypatch):
    monkeypatch.setattr(execution, "MAX_ABANDONED", 2)
    monkeypatch.setattr(execution, "workers", execution.Workers())
    release = threading.Event()

    @tool(timeout=0.01)
    def hang() -> str:
        """Wait."""
        release.wait(10)
        return "done"

    results = [hang.run({}) for _ in range(4)]
    release.set()
    assert [result.error for result in results] == ["timeout"] * 3 + ["unavailable"]
    assert "more than 2 tool calls hang in this process" in results[-1].content
