"""Plays under NeMo Gym: its agent and its server, which talk through their HTTP routes; the model is a fake of its API.

NeMo Gym wants Python 3.13.14; its classes are run here with whatever interpreter ``--python`` names.
"""

from __future__ import annotations

import asyncio
import json
import sys
from types import SimpleNamespace
from typing import Any

from fastapi.testclient import TestClient
from nemo_gym.openai_utils import NeMoGymResponse
from plays import Play, Played, message, read, report

from toolgym.exports import nemo_gym as export


def answer(text: str) -> dict[str, Any]:
    """An answer as a response of the Responses API."""
    said = message(text)
    output: list[dict[str, Any]] = []
    if said["content"] is not None:
        part = {"type": "output_text", "text": said["content"], "annotations": []}
        output.append({"type": "message", "id": "m", "role": "assistant", "status": "completed", "content": [part]})
    for call in said.get("tool_calls", ()):
        about = {"type": "function_call", "id": "f", "call_id": call["id"], "status": "completed"}
        output.append({**about, **call["function"]})
    return {
        "id": "r", "created_at": 0.0, "model": "fake", "object": "response", "output": output,
        "parallel_tool_calls": True, "tool_choice": "auto", "tools": [],
    }  # fmt: skip


class Response:
    """What the agent reads of an answer."""

    def __init__(self, body: Any, cookies: Any = None):
        self.body, self.cookies, self.ok, self.status = body, cookies or {}, True, 200

    async def read(self) -> bytes:
        return json.dumps(self.body).encode()

    async def json(self) -> Any:
        return self.body


class Servers:
    """The agent's client of servers: the environment by its routes, the model by a script."""

    def __init__(self, each: Play, environment: TestClient):
        self.each, self.environment, self.turns = each, environment, 0

    async def post(self, server_name: str, url_path: str, json: Any = None, cookies: Any = None) -> Response:
        if server_name == "model":
            self.turns += 1
            return Response(answer(self.each.text(self.turns - 1)))
        found = self.environment.post(url_path, json=json)
        if found.status_code != 200:
            raise SystemExit(f"{self.each.name}: {url_path} gave {found.status_code}: {found.text[:500]}")
        return Response(found.json())


async def play(each: Play) -> Played:
    (row,) = export.rows(each.suite, each.kwargs, task_ids=[each.task_id])
    row = json.loads(json.dumps(row))
    server = export.ToolGymServer.model_construct(session_state={}, config=SimpleNamespace(name="toolgym"))
    with TestClient(server.setup_webserver()) as environment:
        servers = Servers(each, environment)
        reference = SimpleNamespace(name="environment"), SimpleNamespace(name="model")
        config = SimpleNamespace(resources_server=reference[0], model_server=reference[1], max_steps=100, name="agent")
        agent = export.ToolGymAgent.model_construct(config=config, server_client=servers)
        object.__setattr__(agent, "url_path_for_run", lambda path, body: path)
        body = sys.modules["responses_api_agents.gymnasium_agent.app"].GymnasiumAgentRunRequest.model_validate(row)
        result = await agent.run(SimpleNamespace(cookies={}), body)
        if server.session_state:
            raise SystemExit(f"{each.name}: the session was not closed")
    outcome = result.info["toolgym"]
    calls = sum(len(turn["reward"]["calls"]) for turn in outcome["turns"])
    if result.mask_sample and result.failure_kind not in ("toolgym:tool", "toolgym:environment"):
        raise SystemExit(f"{each.name}: failure_kind is {result.failure_kind}")
    NeMoGymResponse.model_validate(result.response.model_dump())
    return Played(
        None if result.mask_sample else result.reward, result.mask_sample, outcome["turn_rewards"], servers.turns,
        outcome["success"], outcome["verdict"], calls,
    )  # fmt: skip


async def main(path: str) -> list[Played]:
    return [await play(each) for each in read(path)]


if __name__ == "__main__":
    report(asyncio.run(main(sys.argv[1])))
