"""A server of OpenAI's chat API that says the texts of a play: the request's model is ``play-<number>``."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from plays import Play, message


def serve(found: Sequence[Play]) -> str:
    """Start it on a thread that ends with the process. Returns its address, with /v1."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            turn = sum(each["role"] == "assistant" for each in request["messages"])
            text = found[int(request["model"].rpartition("-")[2])].text(turn)
            answer = {
                "id": "1", "object": "chat.completion", "created": 0, "model": request["model"],
                "choices": [{"index": 0, "message": message(text), "finish_reason": "stop"}],
                "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
            }  # fmt: skip
            body = json.dumps(answer).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}/v1"
