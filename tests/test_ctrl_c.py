"""Ctrl-C ends an evaluation within two seconds, keeps what finished, and sends nothing more."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from chat_server import HANG, chat, serving
from raw_server import OK, forever, raw

from toolgym import evaluate
from toolgym.agents.endpoint import AsyncEndpoint, Endpoint

PLAYER = """
import asyncio
import time
from concurrent.futures import ThreadPoolExecutor

from toolgym.agents.endpoint import AsyncEndpoint, Endpoint


class Batched:
    def __init__(self):
        self.inner = Endpoint("tiny", {url!r}, None, first_wait=60)

    def act_batch(self, observations):
        with ThreadPoolExecutor(4) as pool:
            return list(pool.map(self.inner.act, observations))

    def act(self, observation):
        return self.inner.act(observation)


class Threaded(Endpoint):
    def __init__(self):
        super().__init__("tiny", {url!r}, None, first_wait=60)


class Blocking:  # waits where nothing can interrupt it
    concurrency = 4

    def __init__(self):
        self.inner = Endpoint("tiny", {url!r}, None)

    def act(self, observation):
        self.inner.act(observation)
        time.sleep(60)


class Stubborn:  # catches its cancellation, and blocks a thread
    def __init__(self):
        self.inner = AsyncEndpoint("tiny", {url!r}, None)

    async def act(self, observation):
        await self.inner.act(observation)
        while True:
            try:
                await asyncio.to_thread(time.sleep, 60)
            except asyncio.CancelledError:
                pass
"""


@contextmanager
def toolgym(folder, url, *command):
    """A ``toolgym`` command under way in a folder with ``players.py``."""
    (folder / "players.py").write_text(PLAYER.format(url=url))
    process = subprocess.Popen(
        [sys.executable, "-m", "toolgym", *command],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)},
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def interrupted(process, number=signal.SIGINT):
    """The output, and the seconds until the process ended."""
    began = time.monotonic()
    process.send_signal(number)
    output, _ = process.communicate(timeout=20)
    return output.decode(), time.monotonic() - began


def wait_until(condition, process):
    deadline = time.monotonic() + 30
    while not condition() and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.02)
    time.sleep(0.3)


def kept(folder):
    lines = [line for file in folder.rglob("episodes.jsonl") for line in file.read_text().splitlines()]
    assert all(json.loads(line)["reward_valid"] for line in lines)
    return len(lines)


def then(trouble):
    """Answers four requests; then the trouble begins."""
    lock, count = threading.Lock(), [0]

    def respond(body):
        with lock:
            count[0] += 1
            return chat("None of the functions fits.") if count[0] <= 4 else trouble

    return respond


def played_by(agent, url):
    command = ["eval", "--env", "ToolGym-Functions-v0", "--agent", agent, "-n", "60", "--out", "run"]
    return [*command, "--model", "tiny", "--base-url", url] if agent == "endpoint" else command


SOON = 4.0
"""Seconds: two on a machine that has nothing else to do, the end of the interpreter included."""
BUSY, SILENT = (429, {}, {"Retry-After": "60"}), (200, HANG, {})


@pytest.mark.parametrize(
    ("agent", "trouble"),
    [("endpoint", BUSY), ("players:Threaded", SILENT), ("compare", BUSY)],
    ids=lambda each: str(each)[:9],
)
def test_ctrl_c_stops_at_once_keeps_what_finished_and_sends_nothing_more(agent, trouble, tmp_path):
    with serving(then(trouble)) as server:
        command = played_by(agent, server.url)
        if agent == "compare":
            spec = f"endpoint:model=tiny,base_url={server.url}"
            command = ["compare", "--agents", spec, "--suites", "functions", "-n", "20", "--out", "run"]
        with toolgym(tmp_path, server.url, *command) as process:
            wait_until(lambda: len(server.bodies) > 4, process)
            sent = len(server.bodies)
            output, took = interrupted(process)
            assert (process.returncode, took < SOON) == (130, True), output
            assert "stopped" in output
            assert "Traceback" not in output
            assert len(server.bodies) == sent
            assert kept(tmp_path) == 4


@pytest.mark.parametrize("agent", ["players:Batched", "players:Blocking", "players:Stubborn"])
def test_an_agent_that_cannot_be_interrupted_is_left_alone(agent, tmp_path):
    with serving(then(BUSY)) as server, toolgym(tmp_path, server.url, *played_by(agent, server.url)) as process:
        wait_until(lambda: len(server.bodies) >= 4, process)
        sent = len(server.bodies)
        output, took = interrupted(process)
        assert (process.returncode, took < SOON) == (130, True), output
        assert "Traceback" not in output
        assert len(server.bodies) == sent


def test_a_body_that_comes_slowly_is_interrupted_too(tmp_path):
    slow = forever(b" ", OK + b"Content-Length: 5000\r\n\r\n", 0.02)
    with raw(slow) as (url, seen), toolgym(tmp_path, url, *played_by("endpoint", url)) as process:
        wait_until(lambda: seen, process)
        output, took = interrupted(process)
        assert (process.returncode, took < SOON) == (130, True), output


def test_sigterm_keeps_what_finished(tmp_path):
    with serving(then(SILENT)) as server, toolgym(tmp_path, server.url, *played_by("endpoint", server.url)) as process:
        wait_until(lambda: len(server.bodies) > 4, process)
        _, took = interrupted(process, signal.SIGTERM)
        assert process.returncode == -signal.SIGTERM
        assert took < SOON
        assert kept(tmp_path) == 4


@pytest.fixture
def heeding():
    """Ctrl-C raises KeyboardInterrupt, also if the tests are a shell's background job, which ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("kind", [Endpoint, AsyncEndpoint])
def test_in_python_ctrl_c_raises_keyboard_interrupt_and_the_agent_works_afterwards(kind, tmp_path, heeding):
    with serving(then(BUSY)) as server:
        agent = kind("tiny", server.url, None)
        before, pressed = signal.getsignal(signal.SIGINT), []

        def press():
            while len(server.bodies) < 5:
                time.sleep(0.01)
            time.sleep(0.2)
            pressed.append(time.monotonic())
            os.kill(os.getpid(), signal.SIGINT)

        thread = threading.Thread(target=press, daemon=True)
        thread.start()
        with pytest.raises(KeyboardInterrupt):
            evaluate("ToolGym-Functions-v0", agent, n=40, out=tmp_path / "run")
        assert time.monotonic() - pressed[0] < SOON
        thread.join()
        assert signal.getsignal(signal.SIGINT) is before
        assert kept(tmp_path) == 4
        sent = len(server.bodies)
        server.respond = lambda body: chat("None of the functions fits.")
        assert len(evaluate("ToolGym-Functions-v0", agent, n=40, out=tmp_path / "run", resume=True)) == 40
        assert len(server.bodies) - sent == 36


def test_an_exception_of_the_agent_also_ends_the_waits_of_its_threads():
    class Raising(Endpoint):
        def act(self, observation):
            super().act(observation)
            raise RuntimeError("mine")

    with serving(chat("hi")) as server, pytest.raises(RuntimeError, match="mine"):
        evaluate("ToolGym-Functions-v0", Raising("tiny", server.url, None), n=20)
