"""An MCP server that misbehaves as told: ``python mcp_server.py MODE``; over HTTP, ``served(MODE)``."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from contextlib import contextmanager

from local_http import Replying, running

OBJECT = {"type": "object", "properties": {}}
NUMBER = {"type": "object", "properties": {"n": {"type": "integer"}}}
TREE = {
    "type": "object",
    "properties": {"tree": {"$ref": "#/$defs/node"}},
    "required": ["tree"],
    "$defs": {
        "node": {
            "type": "object",
            "properties": {
                "kind": {"enum": ["leaf", "branch"], "default": "leaf"},
                "when": {"type": "string", "format": "date-time"},
                "size": {"oneOf": [{"type": "integer", "minimum": 0}, {"type": "null"}]},
                "children": {"type": "array", "items": {"$ref": "#/$defs/node"}},
            },
            "additionalProperties": False,
        }
    },
}
NAMES = ["count", "total", "reset", "tree", "fail", "die", "sleep", "rich", "more", "silence", "secret"]
SCHEMAS = {"count": NUMBER, "tree": TREE}


class Server:
    """The answers of one process; ``say`` sends a message of the server's own."""

    def __init__(self, mode, say=None):
        self.mode, self.say = mode, say or (lambda message: None)
        self.total, self.extra = 0, []
        self.cancelled = []

    def answer(self, message):
        """The response to a message; None if there is none."""
        method, number = message.get("method"), message.get("id")
        if method == "notifications/cancelled":
            self.cancelled.append(message["params"]["requestId"])
        if number is None or method is None:
            return None
        try:
            return {"jsonrpc": "2.0", "id": number, "result": self.result(method, message.get("params", {}))}
        except LookupError as error:
            code, text = error.args
            return {"jsonrpc": "2.0", "id": number, "error": {"code": code, "message": text}}

    def result(self, method, params):
        if method == "initialize":
            if self.mode == "modern":
                raise LookupError(-32022, "no")
            version = {"old": "2024-11-05", "future": "2099-01-01"}.get(self.mode, params["protocolVersion"])
            if self.mode == "liar":
                return []
            return {"protocolVersion": version, "capabilities": {"tools": {"listChanged": True}}}
        if method == "server/discover":
            return {"supportedVersions": ["2026-07-28"], "capabilities": {}}
        if self.mode == "modern":
            assert params["_meta"]["io.modelcontextprotocol/protocolVersion"] == "2026-07-28"
        if method == "tools/list":
            return self.listed(params)
        if method == "tools/call":
            return self.call(params["name"], params["arguments"])
        raise LookupError(-32601, f"no method {method}")

    def listed(self, params):
        names = [*NAMES, *self.extra]
        if self.mode == "many":
            return {"tools": [{"name": f"t{i}", "inputSchema": OBJECT} for i in range(2_000)]}
        if self.mode == "endless":
            return {"tools": [], "nextCursor": "again"}
        if self.mode == "odd":
            names = ["a b", "a\0b", "a_b", "x" * 300, "größe", "§"]
        if self.mode == "outside":
            schema = {"type": "object", "properties": {"x": {"$ref": "http://elsewhere.test/x.json"}}}
            return {"tools": [{"name": "far", "inputSchema": schema}, {"name": "near", "inputSchema": OBJECT}]}
        if self.mode == "nameless":
            return {"tools": [{"inputSchema": OBJECT}]}
        tools = [{"name": n, "description": f"Does {n}.", "inputSchema": SCHEMAS.get(n, OBJECT)} for n in names]
        at = int(params.get("cursor", 0))
        page = {"tools": tools[at : at + 4]}
        return page | ({"nextCursor": str(at + 4)} if at + 4 < len(tools) else {})

    def call(self, name, arguments):
        if name == "count":
            self.total += arguments.get("n", 1)
        if name == "reset":
            self.total = 0
        if name == "die":
            sys.stderr.write("cannot go on\n")
            sys.stderr.flush()
            os._exit(3)
        if name == "sleep":
            if self.mode == "shut":
                os.close(1)
            time.sleep(60)
        if name == "more":
            self.extra = ["new_one"]
            self.say({"jsonrpc": "2.0", "method": "notifications/tools/list_changed"})
            self.say({"jsonrpc": "2.0", "id": 77, "method": "ping"})
            self.say({"jsonrpc": "2.0", "id": "s", "method": "sampling/createMessage", "params": {}})
        if name == "fail":
            return {"content": [{"type": "text", "text": "no such thing"}], "isError": True}
        if name == "silence":
            raise LookupError(-32603, "the data base is away")
        if name == "tree":
            return {"content": [], "structuredContent": arguments}
        if name == "secret":
            return {"content": [{"type": "text", "text": f"I got {os.environ.get('NOTES_TOKEN')}"}]}
        if name == "rich":
            return {
                "content": [
                    {"type": "text", "text": "three things"},
                    {"type": "image", "mimeType": "image/png", "data": "YWJj"},
                    {"type": "resource_link", "uri": "file:///a.txt", "name": "a"},
                    {"type": "resource", "resource": {"uri": "file:///b.txt", "mimeType": "text/plain", "text": "B"}},
                    {"type": "resource", "resource": {"uri": "file:///c", "blob": "YWJj"}},
                    {"type": "audio"},
                    {"type": "hologram"},
                    17,
                ],
                "structuredContent": {"a": [1]},
            }
        if name not in [*NAMES, *self.extra]:
            raise LookupError(-32602, f"no tool {name}")
        return {"content": [{"type": "text", "text": str(self.total)}], "structuredContent": {"result": self.total}}


def main(mode):
    if mode == "chatty":
        sys.stdout.write("Welcome to the server!\n")
        sys.stderr.write("x" * 100_000)
    if mode == "dead":
        sys.exit("no licence")
    if mode == "mute":
        time.sleep(60)
    if mode == "flood":
        while True:
            sys.stdout.write("x" * 65536)
    if mode == "child" and os.fork() == 0:  # a child that outlives its parent, and keeps the pipes open
        time.sleep(60)
    lock = threading.Lock()

    def say(message):
        with lock:
            sys.stdout.write(json.dumps(message) + "\n")
            sys.stdout.flush()

    server = Server(mode, say)
    for line in sys.stdin:
        if (answer := server.answer(json.loads(line))) is not None:
            say(answer)


@contextmanager
def served(mode="", status=200):
    """A server behind an address; it yields the URL and the requests: (method, headers, message)."""
    seen, sessions = [], {}

    class Handler(Replying):
        def do_DELETE(self):
            seen.append(("DELETE", dict(self.headers), None))
            sessions.pop(self.headers["Mcp-Session-Id"], None)
            self.reply(200, b"", "")

        def do_POST(self):
            message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            seen.append(("POST", {k.lower(): v for k, v in self.headers.items()}, message))
            if status != 200:
                return self.reply(status, b'{"sorry": 1}', "application/json")
            if mode == "elsewhere":
                return self.reply(307, b"", "", Location="http://127.0.0.1:9/mcp")
            if "id" not in message or "method" not in message:
                return self.reply(202, b"", "")
            extra = {}
            if message["method"] == "initialize" and mode != "modern":
                session = f"s{len(seen)}"
                sessions[session] = Server(mode)
                extra = {"Mcp-Session-Id": session}
            else:
                session = self.headers.get("Mcp-Session-Id")
            server = sessions.get(session) if mode != "modern" else sessions.setdefault("", Server(mode))
            if server is None:
                return self.reply(404, b"gone", "text/plain")
            if mode == "forget" and message["method"] == "tools/call":
                sessions.clear()
                return self.reply(404, b"gone", "text/plain")
            if mode == "junk" and message["method"] == "tools/call":
                return self.reply(200, b"<html>", "text/html")
            said = []
            server.say = said.append
            answer = server.answer(message)
            if message["method"] == "tools/call":
                data = b": hello\r\n\r\nid: 1\ndata:\n\n"
                for each in [*said, answer]:
                    lines = [f"data: {line}\r\n" for line in json.dumps(each, indent=1).split("\n")]
                    data += f"event: message\r\n{''.join(lines)}\r\n".encode()
                return self.reply(200, data, "text/event-stream", **extra)
            return self.reply(200, json.dumps(answer).encode(), "application/json", **extra)

    with running(Handler) as url:
        yield f"{url}/mcp", seen


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "")
