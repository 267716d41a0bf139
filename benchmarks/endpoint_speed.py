"""Steps per second of endpoint agents whose server takes 200 ms, by client and by requests in flight.

    python benchmarks/endpoint_speed.py

``evaluate`` plays against a local server in its own process: Functions (an episode is one request) and Office (eight
requests), and keeps the run in a folder. ``AsyncEndpoint`` and ``Endpoint`` are the agents as they are: coroutines, and
threads that share one event loop. ``requests`` and ``httpx`` are the same agents with another client and nothing else:
a session for each thread, a client for the event loop. ``bare`` is the least that a client can do, and plays nothing:
it sends the first observation again and again, over asyncio's streams, and parses the JSON of the answers. ``ray`` is
AsyncEndpoint in two actors of a local Ray cluster, which make their envs within the time; left out without Ray.
Each run is a process of its own; runs are interleaved, and the fastest of each is kept.
Result: benchmarks/results/endpoint_speed.json; ``of_bare`` is the rate as a share of the bare client's.
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
from importlib.util import find_spec
from tempfile import TemporaryDirectory
from typing import Any

from harness import command_line, keep

DELAY = 0.2
ROUNDS = 16
"""Requests of a run, in units of those in flight."""
SIDES = ("bare", "AsyncEndpoint", "Endpoint", "requests", "httpx", *(["ray"] if find_spec("ray") else []))
ACTORS = 2
SUITES: dict[str, tuple[str, dict[str, Any], int]] = {
    "functions": ("ToolGym-Functions-v0", {}, 1),
    "office": ("ToolGym-Office-v0", {"level": "chain", "split": "val"}, 8),
}
"""Name -> id, arguments, requests of an episode with ANSWERS."""
ANSWERS = {
    "functions": "<think>No.</think>\n<response>None of them fits.</response>",
    "office": '<think>Look.</think>\n<tool_call>\n{"name": "calendar.search", "parameters": {}}\n</tool_call>',
}


async def serve() -> None:
    """Answer every request after DELAY seconds, by the first word of its path. Prints the port."""
    answers = {}
    for suite, text in ANSWERS.items():
        message = {"role": "assistant", "content": text}
        body = json.dumps({"choices": [{"index": 0, "finish_reason": "stop", "message": message}]}).encode()
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
        answers[suite.encode()] = head + body

    async def answered(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                await reader.readexactly(int(head.partition(b"content-length:")[2].split(b"\r\n")[0]))
                await asyncio.sleep(DELAY)
                writer.write(answers[head.split(b"/", 2)[1]])
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


async def send_bare(url: str, body: bytes, inflight: int) -> None:
    """ROUNDS requests on each of ``inflight`` connections; nothing is checked."""
    host, path = url.removeprefix("http://").split("/", 1)
    head = f"POST /{path}/chat/completions HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
    request = f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body

    async def one() -> None:
        reader, writer = await asyncio.open_connection(*host.split(":"))
        for _ in range(ROUNDS):
            writer.write(request)
            found = (await reader.readuntil(b"\r\n\r\n")).lower()
            length = int(found.partition(b"content-length:")[2].split(b"\r\n")[0])
            json.loads(await reader.readexactly(length))["choices"][0]["message"]["content"]
        writer.close()

    await asyncio.gather(*(one() for _ in range(inflight)))


def play(side: str, url: str, suite: str, inflight: int) -> None:
    """Play once and print steps per second, and milliseconds of CPU a step (of this process)."""
    import gymnasium as gym

    import toolgym
    from toolgym.agents.endpoint import AsyncEndpoint

    env_id, arguments, length = SUITES[suite]
    url = f"{url}/{suite}/v1"
    env: Any = env_id
    agent: Any = None
    row: dict[str, Any] = {"side": side, "suite": suite, "in_flight": inflight}
    if side == "ray":
        from toolgym.playing.ray_actors import RayActors

        began = time.perf_counter()
        options = {"model": "m", "base_url": url, "api_key_env": None}
        agent = RayActors("local", "toolgym.agents.endpoint:AsyncEndpoint", options, actors=ACTORS)
        row["start_s"] = round(time.perf_counter() - began, 1)
    else:
        made = [gym.make(env_id, **arguments) for _ in range(inflight)]  # not what is measured
        observation = [each.reset(options={"task_id": each.unwrapped.tasks[0].id})[0] for each in made][-1]  # all warm
        env, agent = made.pop, agent_of(side, url, inflight) if side != "bare" else None
    repeats = -(-ROUNDS * inflight // length // 64)
    with TemporaryDirectory() as folder:
        began, used = time.perf_counter(), time.process_time()
        if agent is None:
            body = json.dumps(AsyncEndpoint("m", url, None)._chat.body(observation)[0]).encode()
            asyncio.run(send_bare(url, body, inflight))
            steps = ROUNDS * inflight
        else:
            how: Any = {"n": 64, "repeats": repeats, "batch_size": inflight, "out": f"{folder}/run"}
            played = toolgym.evaluate(env, agent, env_kwargs=arguments if side == "ray" else None, **how)
            assert all(each.reward_valid for each in played), next(each.error for each in played if each.error)
            steps = sum(len(each.turns) for each in played)
            assert steps == len(played) * length
        took, used = time.perf_counter() - began, time.process_time() - used
    if side == "ray":
        agent.close()
    row |= {"per_s": round(steps / took), "cpu_ms": round(1000 * used / steps, 3)}
    print(json.dumps(row), flush=True)
    os._exit(0)  # without waiting for the clients to close


def main() -> None:
    parser = command_line(__doc__)
    parser.add_argument("--in-flight", default="16,64,256,1024", help="numbers with commas between")
    parser.add_argument("--sides", default=",".join(SIDES))
    parser.add_argument("--suites", default=",".join(SUITES))
    parser.add_argument("--reps", type=int, default=3)
    parser.add_argument("--serve", action="store_true", help="be the server")
    parser.add_argument("--play", nargs=4, metavar=("SIDE", "URL", "SUITE", "N"), help="be one run")
    options = parser.parse_args()
    if options.serve:
        asyncio.run(serve())
    if options.play:
        play(*options.play[:3], int(options.play[3]))
    suites, load = options.suites.split(","), [os.getloadavg()[0]]
    runs = [
        (each, int(n), side)
        for each in suites
        for n in options.in_flight.split(",")
        for side in options.sides.split(",")
    ]
    best: dict[tuple[str, int, str], dict[str, Any]] = {}
    with subprocess.Popen([sys.executable, __file__, "--serve"], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        url = f"http://127.0.0.1:{server.stdout.readline().strip()}"
        try:
            for suite, inflight, side in runs * options.reps:
                command = [sys.executable, __file__, "--play", side, url, suite, str(inflight)]
                done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, timeout=600)
                row = json.loads(done.stdout)
                print(row, flush=True)
                if row["per_s"] > best.get((suite, inflight, side), {"per_s": 0})["per_s"]:
                    best[suite, inflight, side] = row
        finally:
            server.terminate()
    load.append(os.getloadavg()[0])
    for (suite, inflight, _), row in best.items():
        if (suite, inflight, "bare") in best:
            row["of_bare"] = round(row["per_s"] / best[suite, inflight, "bare"]["per_s"], 2)
    packages = {name: version(name) for name in ("aiohttp", "requests", "httpx2")}
    about: dict[str, Any] = {"command": " ".join(["python", "benchmarks/endpoint_speed.py", *sys.argv[1:]])}
    about["load"] = [round(each) for each in load]  # above the number of cores: compare of_bare and cpu_ms only
    about |= {"python": platform.python_version(), "cores": os.cpu_count(), "reps": options.reps, "delay_s": DELAY}
    for suite, inflight in dict.fromkeys(key[:2] for key in best):
        print(suite, inflight, {side: row["per_s"] for (*key, side), row in best.items() if key == [suite, inflight]})
    keep("endpoint_speed", {**about, **packages, "rows": list(best.values())})


if __name__ == "__main__":
    main()
