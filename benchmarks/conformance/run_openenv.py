"""Plays under OpenEnv: its server in this process, its client over a WebSocket, several sessions at once."""

from __future__ import annotations

import asyncio
import socket
import sys
import threading
import time

import uvicorn
from plays import Play, Played, read, report

from toolgym.exports.openenv import app, client


def serve(each: Play) -> str:
    """Start the server of a suite. Returns its address."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app(each.suite, each.kwargs), log_level="error"))
    threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True).start()
    while not server.started:
        time.sleep(0.01)
    return f"http://127.0.0.1:{listening.getsockname()[1]}"


async def play(each: Play, address: str, some: asyncio.Semaphore) -> Played:
    async with some, client(address) as env:
        result = await env.reset(task_id=each.task_id)
        rewards = []
        while not result.done:
            result = await env.step(each.text(len(rewards)))
            rewards.append(result.reward)
        outcome = result.observation["outcome"]
        state = await env.state()
    if state["outcome"] != outcome or state["step_count"] != len(rewards):
        raise SystemExit(f"{each.name}: the state is not the outcome")
    unscored = outcome["unscored"]
    if unscored is not (rewards[-1] is None):
        raise SystemExit(f"{each.name}: the last reward is {rewards[-1]}")
    return Played(
        None if unscored else sum(rewards),
        unscored,
        outcome["turn_rewards"],
        len(rewards),
        outcome["success"],
        outcome["verdict"],
        sum(len(turn["reward"]["calls"]) for turn in outcome["turns"]),
    )


async def main() -> None:
    found = read(sys.argv[1])
    addresses = {}
    for each in found:
        key = repr((each.suite, each.kwargs))
        addresses[key] = addresses.get(key) or serve(each)
    some = asyncio.Semaphore(8)
    under_way = [play(each, addresses[repr((each.suite, each.kwargs))], some) for each in found]
    report(list(await asyncio.gather(*under_way)))


if __name__ == "__main__":
    asyncio.run(main())
