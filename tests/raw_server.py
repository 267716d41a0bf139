"""A local server that says any bytes: for answers that no HTTP library would send."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import contextmanager

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


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
