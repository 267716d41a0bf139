"""Plays under MCP: the server as a process, a client of the same version. MCP brings one call at a time."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
from pathlib import Path

from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client
from plays import HERE, Play, Played, message, read, report


async def play(each: Play, folder: str) -> Played:
    out = Path(folder) / f"{each.kind}-{each.task_id}"
    kwargs = json.dumps({name: value for name, value in each.kwargs.items() if name != "dialect"})
    words = ["-m", "toolgym.exports.mcp", each.suite, "--task-id", each.task_id, "--env-kwargs", kwargs]
    env = {**os.environ, "PYTHONPATH": f"{os.environ['PYTHONPATH']}:{HERE}"}
    started = StdioServerParameters(command=sys.executable, args=[*words, "--out", str(out)], env=env)
    turns, over = 0, False
    async with stdio_client(started) as (reads, writes), ClientSession(reads, writes) as session:
        told = await session.initialize()
        if not told.instructions:
            raise SystemExit(f"{each.name}: the request is missing")
        tools = (await session.list_tools()).tools
        while not over:
            said = message(each.text(turns))
            turns += 1
            calls = said.get("tool_calls")
            name = calls[0]["function"]["name"] if calls else tools[-1].name
            arguments = json.loads(calls[0]["function"]["arguments"]) if calls else {"answer": said["content"] or ""}
            result = await session.call_tool(name, arguments)
            over = result.content[0].text.endswith("The episode is over.")
    (line,) = (out / "outcomes.jsonl").read_text().splitlines()
    outcome = json.loads(line)
    calls = sum(len(turn["reward"]["calls"]) for turn in outcome["turns"])
    return Played(
        outcome["reward"], outcome["unscored"], outcome["turn_rewards"], turns, outcome["success"],
        outcome["verdict"], calls,
    )  # fmt: skip


async def main(path: str) -> list[Played]:
    with tempfile.TemporaryDirectory() as folder:
        return [await play(each, folder) for each in read(path)]


if __name__ == "__main__":
    report(asyncio.run(main(sys.argv[1])))
