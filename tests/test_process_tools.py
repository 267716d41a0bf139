"""Tools in processes of their own: a limit ends a call that never lets go of the interpreter's lock."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
import time
import warnings
from pathlib import Path

import pytest
from conftest import calling
from process_tools import describe, fail, match, short, wait

from toolgym import Task, ToolEnv, ToolVectorEnv, tool
from toolgym.tools import process

ENDLESS = {"pattern": "(a+)+$", "text": "a" * 60 + "!"}


def test_a_call_that_keeps_the_lock_is_ended_and_the_next_call_works():
    assert match.run({"pattern": "a", "text": "abc"}).content == "true"
    began = time.monotonic()
    result = short.run(ENDLESS)
    assert result.error == "timeout"
    assert "short did not finish within 0.3 seconds" in result.content
    assert time.monotonic() - began < 10
    assert match.run({"pattern": "b", "text": "abc"}).content == "false"


def test_arguments_and_results_are_those_of_any_tool():
    said = json.loads(describe.run({"mode": "fast", "n": 3.0, "rest": [1.0, 2]}).content)
    assert said["pid"] != os.getpid()
    del said["pid"]
    assert said == {"mode": "FAST", "n": "3", "rest": [1, 2]}
    assert describe.validator.problems({"mode": "slow", "n": 1})
    assert describe.run({"mode": "slow", "n": 1}).error == "invalid_arguments"
    assert match("a", "a") is True, "called directly, it is the function"


@pytest.mark.parametrize(
    ("how", "error", "said"),
    [
        ("value", "execution", "ValueError: value"),
        ("exit", "execution", "exit code 3"),
        ("system", "execution", "SystemExit: 2"),
        ("killed", "unavailable", "exit code -9"),
        ("server", "unavailable", "fail is unavailable: ToolUnavailable: down"),
        ("network", "unavailable", "ConnectionError"),
        ("odd", "not_json", "no __str__"),
    ],
)
def test_failures(how, error, said):
    result = fail.run({"how": how})
    assert result.error == error
    assert said in result.content
    assert match.run({"pattern": "a", "text": "a"}).content == "true"


def test_in_environments():
    def made():
        env = ToolEnv([Task.of("t", "Hi.", [short, wait, match])])
        env.reset()
        return env

    envs = [made() for _ in range(2)]
    began = time.monotonic()
    texts = [calling(("short", ENDLESS)), calling(("wait", {"seconds": 0.2}))]
    steps = ToolVectorEnv(envs).step_some([0, 1], texts)
    assert [step[4]["calls"][0].result.error for step in steps] == ["timeout", None]
    assert [step[4]["reward_valid"] for step in steps] == [False, True]
    assert time.monotonic() - began < 20
    (fork,) = envs[1].fork()
    assert fork.step(calling(("match", {"pattern": "a", "text": "a"})))[4]["calls"][0].result.content == "true"


def test_what_cannot_run_in_another_process_is_refused():
    def local(a: int) -> int:
        return a

    with pytest.raises(TypeError, match="'local': process=True finds its function by name: define it at module level"):
        tool(process=True)(local)
    with pytest.raises(TypeError, match="process=True needs a timeout"):
        tool(process=True, timeout=None)(match.function)

    class Box:
        def put(self, a: int) -> None: ...

    with pytest.raises(TypeError, match="process=True takes a function without self"):
        tool(process=True)(Box.put)

    async def later(a: int) -> None: ...

    with pytest.raises(TypeError, match="write def in place of async def"):
        tool(process=True)(later)


def run(tmp_path, source):
    path = tmp_path / "program.py"
    path.write_text(textwrap.dedent(source))
    root = Path(__file__).resolve().parent.parent
    environ = {**os.environ, "PYTHONPATH": str(root)}
    return subprocess.run([sys.executable, str(path)], capture_output=True, text=True, timeout=100, env=environ)


PROGRAM = """
    import os, sys
    from toolgym import tool

    @tool(process=True)
    def pid() -> int:
        "The process."
        return os.getpid()
"""


def test_a_program_ends_its_processes(tmp_path):
    done = run(tmp_path, PROGRAM + '    if __name__ == "__main__":\n        print(pid.run({}).content)')
    assert done.returncode == 0, done.stderr
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            os.kill(int(done.stdout), 0)
        except ProcessLookupError:
            break
        time.sleep(0.05)
    else:
        raise AssertionError("the process of the tool is still there")


def test_a_program_without_a_guard_is_told(tmp_path):
    done = run(tmp_path, PROGRAM + "    print(pid.run({}).error, pid.run({}).content)")
    assert done.returncode == 0, done.stderr
    assert "unavailable" in done.stdout
    assert '`if __name__ == "__main__":`' in done.stdout


def test_a_fork_starts_processes_of_its_own():
    first = json.loads(describe.run({"mode": "fast", "n": 1}).content)["pid"]
    read, write = os.pipe()
    with warnings.catch_warnings(action="ignore"):  # that this process has threads
        child = os.fork()
    if child == 0:
        try:
            os.write(write, describe.run({"mode": "fast", "n": 1}).content.encode())
        finally:
            os._exit(0)
    os.close(write)
    with os.fdopen(read) as pipe:
        assert json.loads(pipe.read())["pid"] != first
    os.waitpid(child, 0)
    assert json.loads(describe.run({"mode": "fast", "n": 1}).content)["pid"] == first


def test_an_idle_process_that_somebody_ended_is_replaced():
    pid = json.loads(describe.run({"mode": "fast", "n": 1}).content)["pid"]
    for each in process.processes._idle:
        each.process.kill()
        each.process.join()
    assert json.loads(describe.run({"mode": "fast", "n": 1}).content)["pid"] != pid
