"""A local server with OpenAI's chat API: it answers as told, and refuses what the real ones refuse."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from typing import Any

Answer = tuple[int, Any, dict[str, str]]
"""Status, body (JSON, or bytes as they are, or HANG or DROP) and headers."""

HANG, DROP = object(), object()
"""Bodies that never come: the server says nothing until it closes, or breaks the connection."""


class ChatServer:
    """Answers each POST with ``respond(body)``. What arrived is in ``bodies``, ``headers``, ``paths`` and ``times``.

    A body that is not JSON in UTF-8 gets status 400. ``checks`` are asked before ``respond``: each gives None, or the
    message of an error 400. ``delay``: seconds before each answer; ``most``: the most requests under way at once.
    """

    def __init__(
        self, respond: Callable[[dict[str, Any]], Answer], checks: Iterable[Callable[[dict[str, Any]], str | None]] = ()
    ):
        self.respond = respond
        self.checks = list(checks)
        self.bodies: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.paths: list[str] = []
        self.times: list[float] = []
        self.delay = 0.0
        self.under_way = self.most = 0
        self._lock = threading.Lock()
        self._released = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                outer._serve(self)

            def log_message(self, *args: Any) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.http.server_port}/v1"
        threading.Thread(target=self.http.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        self._released.set()
        self.http.shutdown()
        self.http.server_close()

    def _serve(self, request: BaseHTTPRequestHandler) -> None:
        raw = request.rfile.read(int(request.headers["Content-Length"]))
        with self._lock:
            self.headers.append(dict(request.headers))
            self.paths.append(request.path)
            self.times.append(time.monotonic())
            self.under_way += 1
            self.most = max(self.most, self.under_way)
        status, found, headers = self._answer(raw)
        time.sleep(self.delay)
        if found is HANG:
            self._released.wait(20)
        with self._lock:
            self.under_way -= 1
        if found is HANG or found is DROP:
            request.close_connection = True
            request.connection.close()
            return
        data = found if isinstance(found, bytes) else json.dumps(found).encode()
        request.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(data)), **headers}.items():
            request.send_header(name, value)
        request.end_headers()
        request.wfile.write(data)

    def _answer(self, raw: bytes) -> Answer:
        try:
            body = json.loads(raw.decode("utf-8"), parse_constant=_no_number)
            json.dumps(body, ensure_ascii=False).encode()  # lone surrogates
        except (ValueError, RecursionError) as error:
            return refused(f"We could not parse the JSON body of your request: {error}")
        with self._lock:
            self.bodies.append(body)
            for check in self.checks:
                if (problem := check(body)) is not None:
                    return refused(problem)
            return self.respond(body)


@contextmanager
def serving(
    *answers: Any, checks: Iterable[Callable[[dict[str, Any]], str | None]] = ()
) -> Generator[ChatServer, None, None]:
    """A server with one ``respond`` function, or one that gives each of ``answers`` in turn, the last one for ever."""
    respond = answers[0] if len(answers) == 1 and callable(answers[0]) else in_turn(*answers)
    server = ChatServer(respond, checks)
    try:
        yield server
    finally:
        server.close()


def in_turn(*answers: Answer) -> Callable[[dict[str, Any]], Answer]:
    """A ``respond`` that gives the answers one after the other, the last one for ever."""
    left = list(answers)
    return lambda body: left.pop(0) if len(left) > 1 else left[0]


# Answers ------------------------------------------------------------------------------------------


def chat(content: Any, finish: Any = "stop", *, calls: Any = None, choice: Any = None, **fields: Any) -> Answer:
    """A chat completion; ``fields`` go into the message, ``choice`` (a dict) beside it."""
    more = {} if calls is None else {"tool_calls": calls}
    message = {"role": "assistant", "content": content, **more, **fields}
    found = {"index": 0, "message": message, "finish_reason": finish, **(choice or {})}
    return 200, {"id": "x", "object": "chat.completion", "choices": [found]}, {}


def call(name: str, arguments: Any = "{}", id: Any = "a1") -> dict[str, Any]:
    return {"id": id, "type": "function", "function": {"name": name, "arguments": arguments}}


def refused(message: str, status: int = 400, **fields: Any) -> Answer:
    """An error as OpenAI writes it; ``fields`` (code, param, type) go into it."""
    return status, {"error": {"message": message, "type": "invalid_request_error", **fields}}, {}


# What real servers check ----------------------------------------------------------------------------

_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_MISTRAL = re.compile(r"[a-zA-Z0-9]{9}")


def plain_names(body: dict[str, Any]) -> str | None:
    """Names of tools, also in earlier calls and results, are ``[a-zA-Z0-9_-]{1,64}`` and unique among the tools."""
    offered = [tool["function"]["name"] for tool in body.get("tools", ())]
    if len(set(offered)) < len(offered):
        return "tools: Tool names must be unique."
    calls = [call["function"]["name"] for call in _calls(body)]
    named = [message["name"] for message in body["messages"] if "name" in message]
    for name in [*offered, *calls, *named]:
        if not _NAME.fullmatch(name):
            return f"Invalid 'tools[0].function.name': string {name!r} does not match pattern '^[a-zA-Z0-9_-]+$'."
    return None


def matching_ids(body: dict[str, Any]) -> str | None:
    """Ids of calls are strings of 1 to 40 characters, used once; each is answered once, right after its turn."""
    seen: set[str] = set()
    waiting: set[str] = set()
    for message in body["messages"]:
        if message["role"] == "tool":
            if message.get("tool_call_id") not in waiting:
                return "messages with role 'tool' must be a response to a preceding message with 'tool_calls'."
            waiting.remove(message["tool_call_id"])
            continue
        if waiting:
            return "An assistant message with 'tool_calls' must be followed by tool messages for each 'tool_call_id'."
        for id in [call.get("id") for call in message.get("tool_calls") or ()]:
            if not isinstance(id, str) or not 0 < len(id) <= 40:
                return f"Invalid 'messages[1].tool_calls[0].id': {id!r}, expected a string of at most 40 characters."
            if id in seen:
                return "tool_use ids must be unique"
            seen.add(id)
            waiting.add(id)
    return None


def mistral_ids(body: dict[str, Any]) -> str | None:
    for call in _calls(body):
        if not _MISTRAL.fullmatch(call["id"]):
            return f"Tool call id was {call['id']} but must be a-z, A-Z, 0-9, with a length of 9."
    return None


def alternating(body: dict[str, Any]) -> str | None:
    """After a system message, user and assistant take turns, as in the templates of Mistral and Gemma."""
    roles = [message["role"] for message in body["messages"] if message["role"] != "system"]
    if any(role != ("user", "assistant")[i % 2] for i, role in enumerate(roles)):
        return "Conversation roles must alternate user/assistant/user/assistant/..."
    return None


def said_something(body: dict[str, Any]) -> str | None:
    """Every message has content, or calls."""
    for message in body["messages"]:
        if not message.get("content") and not message.get("tool_calls"):
            return f"messages: {message['role']} message must have non-empty content."
    return None


def readable_arguments(body: dict[str, Any]) -> str | None:
    """The arguments of earlier calls are JSON objects, as chat templates and Anthropic's API need them."""
    for call in _calls(body):
        try:
            read = json.loads(call["function"]["arguments"], parse_constant=_no_number)
        except (ValueError, TypeError):
            read = None
        if not isinstance(read, dict):
            return "Invalid JSON in tool call arguments"
    return None


def complete_schemas(body: dict[str, Any]) -> str | None:
    """The parameters of a tool are an object with properties, and each array says what it holds."""

    def lacks(at: Any) -> bool:
        if isinstance(at, list):
            return any(map(lacks, at))
        return isinstance(at, dict) and (
            (at.get("type") == "array" and "items" not in at) or any(map(lacks, at.values()))
        )

    for tool in body.get("tools", ()):
        parameters = tool["function"]["parameters"]
        if parameters.get("type") != "object" or "properties" not in parameters or lacks(parameters):
            return f"Invalid schema for function {tool['function']['name']!r}: array schema missing items."
    return None


def plain_properties(body: dict[str, Any]) -> str | None:
    """As Anthropic has it."""
    for i, tool in enumerate(body.get("tools", ())):
        for name in tool["function"]["parameters"]["properties"]:
            if not re.fullmatch(r"[a-zA-Z0-9_.-]{1,64}", name):
                where = f"tools.{i}.custom.input_schema.properties"
                return f"{where}: Property keys should match pattern '^[a-zA-Z0-9_.-]{{1,64}}$'"
    return None


def no_system(body: dict[str, Any]) -> str | None:
    return "System role not supported" if any(m["role"] == "system" for m in body["messages"]) else None


def no_user_after_tool(body: dict[str, Any]) -> str | None:
    roles = [message["role"] for message in body["messages"]]
    wrong = ("tool", "user") in pairwise(roles)
    return "Unexpected role 'user' after role 'tool'" if wrong else None


def no_tool_role(body: dict[str, Any]) -> str | None:
    roles = {message["role"] for message in body["messages"]}
    return "Only user and assistant roles are supported!" if "tool" in roles else None


def no_reasoning(body: dict[str, Any]) -> str | None:
    """As Groq has it."""
    for i, message in enumerate(body["messages"]):
        for name in ("reasoning", "reasoning_content", "reasoning_details"):
            if name in message:
                return f"'messages.{i}' : for 'role:assistant' property '{name}' is unsupported"
    return None


def no_null(body: dict[str, Any]) -> str | None:
    wrong = any(message["content"] is None for message in body["messages"])
    return "messages.2.content: Input should be a valid string" if wrong else None


def newer_parameters(body: dict[str, Any]) -> str | None:
    """As OpenAI's reasoning models have it."""
    if "max_tokens" in body:
        return (
            "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
        )
    if body.get("temperature", 1) != 1:
        return (
            "Unsupported value: 'temperature' does not support 0.0 with this model. "
            "Only the default (1) value is supported."
        )
    return None


STRICT = (plain_names, matching_ids, said_something, readable_arguments, complete_schemas)
"""The checks that hold for any server."""


def _calls(body: dict[str, Any]) -> list[dict[str, Any]]:
    return [call for message in body["messages"] for call in message.get("tool_calls") or ()]


def _no_number(constant: str) -> Any:
    raise ValueError(f"{constant} is not JSON")
