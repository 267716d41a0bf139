"""Episodes per second of endpoint agents whose server takes 200 ms, by client and by requests in flight.

    python benchmarks/endpoint_speed.py

``evaluate`` plays Functions, one request an episode, against a local server in its own process. ``AsyncEndpoint`` and
``Endpoint`` are the agents as they are: coroutines, and threads that share one event loop. ``requests`` and ``httpx``
are the same agents with another client and nothing else: a session for each thread, a client for the event loop.
Each run is a process of its own; runs are interleaved, and the fastest of each is kept.
Result: benchmarks/results/endpoint_speed.json.
"""

from __future__ import annotations

import asyncio
import json
import os
import platform
import subprocess
import sys
import threading
import time
from importlib.metadata import version
from typing import Any

from harness import command_line, keep

DELAY = 0.2
ROUNDS = 6
"""Requests of a run, in units of those in flight."""
SIDES = ("AsyncEndpoint", "Endpoint", "requests", "httpx")


async def serve() -> None:
    """Answer every request after DELAY seconds. Prints the port."""
    message = {"role": "assistant", "content": "<think>No.</think>\n<response>None of them fits.</response>"}
    body = json.dumps({"choices": [{"index": 0, "finish_reason": "stop", "message": message}]}).encode()
    answer = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body

    async def answered(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                await reader.readexactly(int(head.partition(b"content-length:")[2].split(b"\r\n")[0]))
                await asyncio.sleep(DELAY)
                writer.write(answer)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(answered, "127.0.0.1", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def agent_of(side: str, url: str, inflight: int) -> Any:
    """The agent, with the client of a side."""
    from toolgym.agents.endpoint import AsyncEndpoint, Endpoint

    if side == "AsyncEndpoint":
        return AsyncEndpoint("m", url, None)
    if side == "Endpoint":
        return Endpoint("m", url, None, concurrency=inflight)
    place = f"{url}/chat/completions"
    if side == "requests":
        import requests

        mine = threading.local()

        class Requests(Endpoint):
            def act(self, observation: Any) -> str:
                body, names = self._chat.body(observation)
                if not hasattr(mine, "session"):
                    mine.session = requests.Session()
                return self._chat.read(mine.session.post(place, json=body, timeout=60).json(), names)

        return Requests("m", url, None, concurrency=inflight)

    import httpx2

    limits = httpx2.Limits(max_connections=None, max_keepalive_connections=None)
    client = httpx2.AsyncClient(limits=limits, timeout=60)  # one event loop plays all of a run

    class Httpx(AsyncEndpoint):
        async def act(self, observation: Any) -> str:
            body, names = self._chat.body(observation)
            return self._chat.read((await client.post(place, json=body)).json(), names)

    return Httpx("m", url, None)


def play(side: str, url: str, inflight: int) -> None:
    """Play once and print episodes per second, and milliseconds of CPU an episode."""
    import gymnasium as gym

    import toolgym

    agent, count = agent_of(side, url, inflight), ROUNDS * inflight
    made = [gym.make("ToolGym-Functions-v0") for _ in range(inflight)]  # not what is measured
    repeats = -(-count // 64)
    began, used = time.perf_counter(), time.process_time()
    played = toolgym.evaluate(made.pop, agent, n=64, repeats=repeats, batch_size=inflight)
    took, used = time.perf_counter() - began, time.process_time() - used
    assert all(each.reward_valid for each in played), next(each.error for each in played if not each.reward_valid)
    rate, cpu = round(len(played) / took), round(1000 * used / len(played), 2)
    print(json.dumps({"side": side, "in_flight": inflight, "per_s": rate, "cpu_ms": cpu}), flush=True)
    os._exit(0)  # without waiting for the clients to close


def main() -> None:
    parser = command_line(__doc__)
    parser.add_argument("--in-flight", default="16,64,256,1024", help="numbers with commas between")
    parser.add_argument("--sides", default=",".join(SIDES))
    parser.add_argument("--reps", type=int, default=3)
    parser.add_argument("--serve", action="store_true", help="be the server")
    parser.add_argument("--play", nargs=3, metavar=("SIDE", "URL", "N"), help="be one run")
    options = parser.parse_args()
    if options.serve:
        asyncio.run(serve())
    if options.play:
        play(options.play[0], options.play[1], int(options.play[2]))
    best: dict[tuple[str, int], dict[str, Any]] = {}
    with subprocess.Popen([sys.executable, __file__, "--serve"], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        url = f"http://127.0.0.1:{server.stdout.readline().strip()}/v1"
        try:
            for _ in range(options.reps):
                for inflight in map(int, options.in_flight.split(",")):
                    for side in options.sides.split(","):
                        command = [sys.executable, __file__, "--play", side, url, str(inflight)]
                        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, timeout=600)
                        row = json.loads(done.stdout)
                        print(row, flush=True)
                        if row["per_s"] > best.get((side, inflight), {"per_s": 0})["per_s"]:
                            best[side, inflight] = row
        finally:
            server.terminate()
    packages = {name: version(name) for name in ("aiohttp", "requests", "httpx2")}
    about = {"command": "python benchmarks/endpoint_speed.py", "python": platform.python_version()}
    about |= {"cores": os.cpu_count(), "reps": options.reps, "delay_s": DELAY, **packages}
    for inflight in sorted({each for _, each in best}):
        print(inflight, {side: row["per_s"] for (side, each), row in best.items() if each == inflight})
    keep("endpoint_speed", {**about, "rows": list(best.values())})


if __name__ == "__main__":
    main()
