"""Requests over plain HTTP: connections are used again only if nothing is left on them, and one reading is possible."""

from __future__ import annotations

import asyncio
import socket
import threading
from contextlib import contextmanager

import pytest

from toolgym.web import Connections, Failure
from toolgym.web.plain_http import request_bytes

OK = b"HTTP/1.1 200 OK\r\n"
WHOLE = OK + b"Content-Length: 2\r\n\r\nhi"


@contextmanager
def talking(*connections):
    """A server: for each connection the answers to its requests, one after the other; then it closes. Gives its port
    and the requests of each connection."""
    heard = [[] for _ in connections]

    def serve():
        for answers, requests in zip(connections, heard, strict=True):
            connection, _ = server.accept()
            with connection, connection.makefile("rb") as lines:
                for answer in answers:
                    head = b"".join(iter(lines.readline, b"\r\n"))
                    length = head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0]
                    requests.append(head + lines.read(int(length or 0)))
                    connection.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1], heard
        thread.join(2)


def ask(port, times=1, pause=0.0, **more):
    async def several():
        found = []
        for _ in range(times):
            found.append(await Connections().send("POST", f"http://127.0.0.1:{port}/x?y=1", 5, json={"a": "ä"}, **more))
            await asyncio.sleep(pause)
        return found

    return asyncio.run(several())


def test_a_request_and_its_answer():
    answer = OK + b"X-Thing: 1\r\nx-thing: 2\r\nContent-Length: 2\r\n\r\nhi"
    with talking([answer]) as (port, heard):
        (found,) = ask(port, headers={"Authorization": "Bearer k", "user-agent": "mine"})
    assert (found.status, found.reason, found.body) == (200, "OK", b"hi")
    assert found.headers["x-thing"] == "2"
    lines = heard[0][0].decode().split("\r\n")
    assert lines[0] == "POST /x?y=1 HTTP/1.1"
    assert {f"Host: 127.0.0.1:{port}", "Authorization: Bearer k", "Accept-Encoding: gzip, deflate"} < set(lines)
    assert [line for line in lines if line.lower().startswith("user-agent")] == ["user-agent: mine"]
    assert heard[0][0].endswith(b'{"a": "\\u00e4"}')


@pytest.mark.parametrize(
    "answer",
    [
        WHOLE,
        OK + b"Transfer-Encoding: chunked\r\n\r\n1\r\nh\r\n1;x=y\r\ni\r\n0\r\nTrailer: x\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n" + WHOLE,
        b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nhi",
    ],
)
def test_a_connection_is_used_again(answer):
    with talking([answer, answer]) as (port, heard):
        assert [each.body for each in ask(port, 2)] == [b"hi", b"hi"]
    assert len(heard[0]) == 2


@pytest.mark.parametrize(
    "answer",
    [
        OK + b"Connection: close\r\nContent-Length: 2\r\n\r\nhi",
        OK + b"Content-Length: 2\r\n\r\nhi" + WHOLE,  # somebody else's answer
        OK + b"\r\nhi",  # ends with the connection
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi",
        WHOLE,  # and the server closes
    ],
)
def test_a_connection_with_anything_left_is_not_used_again(answer):
    with talking([answer], [WHOLE]) as (port, heard):
        assert [each.body for each in ask(port, 2, pause=0.1)] == [b"hi", b"hi"]
    assert [len(requests) for requests in heard] == [1, 1]


def test_the_rest_of_a_long_body_is_not_the_next_answer():
    long = OK + b"Content-Length: 9\r\n\r\n" + b"x" * 9
    with talking([long], [WHOLE]) as (port, _):
        first, second = ask(port, 2, most_bytes=2, cut=True)
    assert (first.body, second.body) == (b"xx", b"hi")


@pytest.mark.parametrize("header", [{"X": "a\r\nY: b"}, {"X": "a\nb"}, {"X\r\nY": "a"}, {"X": "a\0"}, {"X": "a\rb"}])
def test_a_header_cannot_end_early(header):
    with pytest.raises(ValueError, match="line break"):
        request_bytes("POST", "/", header, b"{}")
    with pytest.raises(Failure, match="cannot be sent"):
        ask(9, headers=header)
