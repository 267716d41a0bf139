"""Plays under NeMo Gym: its agent of Gymnasium-like servers and its web application, joined without a network.

NeMo's own requests go to the application of ToolGymServer, cookies included; a model server answers with each play's
texts. The rows have been through a JSONL file.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock

from fastapi.testclient import TestClient
from nemo_gym.base_resources_server import BaseResourcesServerConfig
from nemo_gym.config_types import ModelServerRef, ResourcesServerRef
from nemo_gym.server_utils import ServerClient
from plays import Play, Played, message, read, report
from responses_api_agents.gymnasium_agent.app import GymnasiumAgentConfig, GymnasiumAgentRunRequest

from toolgym.exports import nemo_gym as export

PLACE = {"host": "", "port": 0, "entrypoint": ""}
MOST_STEPS = 60


class Answer:
    """A response as NeMo's client gives it."""

    def __init__(self, status: int, content: bytes, cookies: dict[str, str]):
        self.status, self.ok, self.cookies = status, status < 400, cookies
        self._content = content
        self.content = self

    async def read(self) -> bytes:
        return self._content

    async def json(self) -> Any:
        return json.loads(self._content)

    def raise_for_status(self) -> None:
        if not self.ok:
            raise SystemExit(f"{self.status}: {self._content[:2000]!r}")


def client(**calls: Any) -> Any:
    """NeMo's client, whose requests go to ``calls[server name]``."""
    found = MagicMock(spec=ServerClient)
    found.global_config_dict = {}

    async def post(server_name: str, url_path: str, json: Any = None, cookies: Any = None, **_: Any) -> Answer:
        body = json if isinstance(json, dict) else json.model_dump(mode="json")
        return calls[server_name](url_path, body, dict(cookies or {}))

    found.post = post
    return found


def response_of(text: str) -> dict[str, Any]:
    """A text as a response of the Responses API."""
    said = message(text)
    output: list[dict[str, Any]] = []
    if said["content"] is not None:
        part = {"type": "output_text", "text": said["content"], "annotations": []}
        output.append({"id": "m", "type": "message", "role": "assistant", "status": "completed", "content": [part]})
    for call in said.get("tool_calls", ()):
        output.append({"type": "function_call", "call_id": call["id"], **call["function"]})
    about = {"id": "r", "created_at": 0.0, "model": "m", "object": "response", "tools": [], "tool_choice": "auto"}
    return {**about, "output": output, "parallel_tool_calls": True}


def play(each: Play, folder: str) -> Played:
    path = f"{folder}/rows.jsonl"
    export.write_rows(path, each.suite, each.kwargs, task_ids=[each.task_id])
    with open(path, encoding="utf-8") as file:
        (row,) = map(json.loads, file)
    made = BaseResourcesServerConfig(**PLACE, name="environment", domain="agent")
    server = export.ToolGymServer(config=made, server_client=client())
    web, said = TestClient(server.setup_webserver()), []

    def environment(url: str, body: Any, cookies: dict[str, str]) -> Answer:
        got = web.post(url, json=body, cookies=cookies)
        return Answer(got.status_code, got.content, dict(got.cookies))

    def model(url: str, body: Any, cookies: dict[str, str]) -> Answer:
        said.append(body)
        return Answer(200, json.dumps(response_of(each.text(len(said) - 1))).encode(), {})

    config = GymnasiumAgentConfig(
        **PLACE, name="a", max_steps=MOST_STEPS,
        resources_server=ResourcesServerRef(type="resources_servers", name="environment"),
        model_server=ModelServerRef(type="responses_api_models", name="model"),
    )  # fmt: skip
    agent = export.ToolGymAgent(config=config, server_client=client(environment=environment, model=model))
    request = GymnasiumAgentRunRequest.model_validate(row)
    found = asyncio.run(agent.run(SimpleNamespace(cookies={}), request))
    outcome = found.info["toolgym"]
    if found.mask_sample is not outcome["unscored"] or server.session_state:
        raise SystemExit(f"{each.name}: masked {found.mask_sample}, or a session that stays")
    return Played(
        None if found.mask_sample else found.reward,
        found.mask_sample,
        outcome["turn_rewards"],
        len(said),
        None if found.mask_sample else outcome["success"],
        outcome["verdict"],
        sum(len(turn["reward"]["calls"]) for turn in outcome["turns"]),
    )


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        report([play(each, folder) for each in read(sys.argv[1])])
