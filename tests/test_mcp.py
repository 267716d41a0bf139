"""Tools of MCP servers, over standard input and over HTTP: whole schemas, states of episodes, failures, limits."""

from __future__ import annotations

import asyncio
import gc
import os
import pickle
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import gymnasium as gym
import psutil
import pytest
from conftest import calling, saying
from mcp_server import TREE, served

from toolgym import Task, ToolCall, ToolUnavailable, evaluate, register
from toolgym.agents.scripted import Oracle
from toolgym.snapshot import SnapshotError
from toolgym.tools.mcp import MCPServer
from toolgym.tools.mcp.contents import result_text
from toolgym.tools.mcp.streamable_http import events, header_value
from toolgym.tools.server_env import ServerEnv
from toolgym.tools.sessions import Sessions

HERE = Path(__file__).parent
NOTES = HERE.parent / "examples" / "notes_server.py"
ONE = [Task.of("one", "Count to one.", expected=[[ToolCall("count", {"n": 1})]])]


def command(mode=""):
    return ["python", str(HERE / "mcp_server.py"), mode]


def children(name="mcp_server.py"):
    """The processes of servers that this process has started."""
    found = []
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):  # also of a process that has ended, and is not waited for yet
            if any(name in word for word in process.cmdline()):
                found.append(process)
    return found


def gone(found=children, seconds=10.0):
    end = time.monotonic() + seconds
    while (left := found()) and time.monotonic() < end:
        time.sleep(0.02)
    return not left


def running(process):
    with suppress(psutil.NoSuchProcess):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


@pytest.fixture
def counter():
    server = MCPServer(command(), timeout=5)
    yield server
    server.close()


@pytest.fixture(autouse=True)
def nothing_is_left():
    yield
    gc.collect()
    assert gone(), children()


def by_name(server):
    return {each.name: each for each in server.tools}


def test_the_readmes_five_lines_are_an_environment():
    notes = MCPServer(["python", NOTES])
    milk = Task.of("milk", "Note that we need milk.", expected=[[ToolCall("add_note", {"text": "milk"})]])
    register("NotesOfTheTest-v0", notes.env, tasks=[milk])
    env = gym.make("NotesOfTheTest-v0", dialect="hermes")
    observation, _ = env.reset(seed=0)
    assert [tool["function"]["name"] for tool in observation["tools"]] == ["add_note", "find_notes"]
    for text in env.unwrapped.gold(env.unwrapped.task):
        observation, reward, _, _, info = env.step(text)
        assert reward == 4
    assert info["success"]
    assert env.unwrapped.turns[0].messages[1]["content"] == "1 notes"
    played = evaluate("NotesOfTheTest-v0", Oracle(), repeats=3)
    assert [each.turns[0].messages[1]["content"] for each in played] == ["1 notes"] * 3  # each starts anew


def test_a_schema_is_offered_whole(counter):
    tool = by_name(counter)["tree"]
    shown = tool.schema["function"]["parameters"]
    assert {key: value for key, value in shown.items() if key != "additionalProperties"} == _frozen(TREE)
    assert tool.description == "Does tree."
    assert tool.validator.problems({"tree": {"children": [{"kind": "twig"}]}})
    assert tool.validator.problems({"tree": {"size": -1}})
    assert not tool.validator.problems({"tree": {"children": [{"size": None, "kind": "leaf"}]}})


def _frozen(value):
    from toolgym.types import freeze

    return freeze(value)


def test_all_pages_of_a_list_are_read(counter):
    assert len(counter.tools) == 11


@pytest.mark.parametrize("where", ["stdio", "http"])
def test_what_calls_come_to(where):
    with served() as (url, seen):
        server = MCPServer(url if where == "http" else command("chatty"), timeout=5)
        tools, state = by_name(server), Sessions([server])
        assert tools["count"].run({"n": 2.0}, state).content == "2"
        assert tools["total"].run({}, state).content == "2"
        assert tools["tree"].run({"tree": {}}, state).content == '{"tree":{}}'
        failed = tools["fail"].run({}, state)
        assert (failed.error, failed.content) == ("execution", "Error: no such thing")
        broken = tools["silence"].run({}, state)
        assert broken.error == "unavailable"
        assert "the data base is away" in broken.content
        assert tools["total"].run({}, state).content == "2"  # the connection goes on
        state.close()
        assert gone()
        if where == "http":
            deadline = time.monotonic() + 5
            while [method for method, *_ in seen].count("DELETE") < 2 and time.monotonic() < deadline:
                time.sleep(0.01)
            assert [method for method, *_ in seen].count("DELETE") == 2  # of the list, and of the session
            heads = [headers for method, headers, _ in seen if method == "POST"]
            assert "mcp-session-id" not in heads[0]
            assert heads[-1]["mcp-session-id"]
            assert heads[-1]["mcp-protocol-version"] == "2025-11-25"


def test_contents_are_told_as_text(counter):
    state = Sessions([counter])
    assert state.call("rich").split("\n") == [
        "three things",
        "[image: image/png, 3 bytes]",
        "[resource: a, file:///a.txt]",
        "[resource: file:///b.txt, text/plain]",
        "B",
        "[resource: file:///c, 3 bytes]",
        "[audio: of an unknown type, 0 bytes]",
        "[hologram]",
        '{"a":[1]}',
    ]
    state.close()


@pytest.mark.parametrize(
    ("result", "text"),
    [
        ({"content": [{"type": "text", "text": '{"a": 1}'}], "structuredContent": {"a": 1}}, '{"a": 1}'),
        ({"content": [{"type": "text", "text": "7"}], "structuredContent": {"result": 7}}, "7"),
        (
            {
                "content": [{"type": "text", "text": "1"}, {"type": "text", "text": "2"}],
                "structuredContent": {"result": [1, 2]},
            },
            "1\n2",
        ),
        ({"structuredContent": {"a": 1}}, '{"a":1}'),
        ({"content": "no"}, ""),
        ({}, ""),
    ],
)  # fmt: skip
def test_structured_content_is_not_said_twice(result, text):
    assert result_text(result) == text


# States of episodes ------------------------------------------------------------------------------


def counts(env, times):
    return calling(*[("count", {"n": 1})] * times) if times else saying("Done.")


def test_each_episode_has_a_server_of_its_own(counter):
    first, second = counter.env(ONE), counter.env(ONE)
    first.reset(seed=0)
    second.reset(seed=0)
    first.step(calling(("count", {"n": 5})))
    observation, *_ = second.step(calling(("total", {})))
    assert observation["messages"][-1]["content"] == "0"
    assert len(children()) == 2
    first.reset(seed=0)
    observation, *_ = first.step(calling(("total", {})))
    assert observation["messages"][-1]["content"] == "0"
    first.close()
    second.close()


def test_a_snapshot_is_refused_once_a_call_was_made(counter):
    env = counter.env(ONE)
    env.reset(seed=0)
    (fork,) = env.fork()
    env.step(calling(("count", {"n": 3})))
    with pytest.raises(SnapshotError, match="keeps the state of the episode to itself"):
        env.snapshot()
    observation, *_ = fork.step(calling(("total", {})))
    assert observation["messages"][-1]["content"] == "0"
    env.close()
    fork.close()


def test_a_shared_state_says_so_and_refuses_snapshots():
    server = MCPServer(command(), state="shared")
    env, other = server.env(ONE), server.env(ONE)
    _, info = env.reset(seed=0)
    assert info["shared_state"] is True
    other.reset(seed=0)
    with pytest.raises(SnapshotError, match="one state for all episodes"):
        env.snapshot()
    env.step(calling(("count", {"n": 3})))
    observation, *_, info = other.step(calling(("total", {})))
    assert observation["messages"][-1]["content"] == "3"
    assert info["shared_state"] is True
    assert len(children()) == 1
    server.close()


def test_without_a_state_episodes_share_a_connection_and_fork():
    server = MCPServer(command(), state="none")
    env = server.env(ONE)
    env.reset(seed=0)
    env.step(calling(("count", {"n": 3})))
    before = env.snapshot()
    (fork,) = env.fork()
    assert fork.snapshot() == before
    observation, *_ = fork.step(calling(("total", {})))
    assert observation["messages"][-1]["content"] == "3"
    assert len(children()) == 1
    server.close()


def test_a_reset_tool_is_called_before_each_episode_and_not_offered():
    server = MCPServer(command(), reset="reset")
    env = server.env(ONE)
    assert "reset" not in [tool.name for tool in server.tools]
    for _ in range(3):
        env.reset(seed=0)
        observation, *_ = env.step(calling(("count", {"n": 2})))
        assert observation["messages"][-1]["content"] == "2"
        env.step(saying("Done."))
    assert len(children()) == 1  # the same process
    server.close()


def test_a_shared_server_with_a_reset_plays_one_episode_at_a_time():
    server = MCPServer(command(), state="shared", reset="reset")
    first, second = server.env(ONE), server.env(ONE)
    first.reset(seed=0)
    first.step(calling(("count", {"n": 2})))
    second.reset(seed=0)
    observation, *_ = second.step(calling(("total", {})))
    assert observation["messages"][-1]["content"] == "0"
    *_, info = first.step(calling(("total", {})))
    assert not info["reward_valid"]
    assert "play one episode at a time" in info["error"]
    server.close()


def test_many_episodes_at_once(counter):
    class Counting:
        async def act(self, observation):
            await asyncio.sleep(0)
            if any(message["role"] == "tool" for message in observation["messages"]):
                return saying("Done.")
            return calling(("count", {"n": 1}))

    found = evaluate(lambda: counter.env(ONE), Counting(), repeats=12, batch_size=6)
    assert [each.success for each in found] == [True] * 12
    assert {each.turns[0].messages[1]["content"] for each in found} == {"1"}


def test_a_judge_may_ask_the_server(counter):
    env = counter.env(ONE, judge=lambda env: env.state.call("total") == "2")
    env.reset(seed=0)
    env.step(calling(("count", {"n": 2})))
    *_, info = env.step(saying("Done."))
    assert info["success"] is True
    assert env.judge().success  # a question, which may be asked again when the server is gone
    env.reset(seed=0)
    *_, info = env.step(saying("Done."))
    assert info["success"] is False
    env.close()


@pytest.mark.parametrize(
    ("judge", "said"), [("yes", "a Verdict or a bool, got a str"), (lambda: True, "gets the env as its only argument")]
)
def test_a_judge_that_cannot_be_asked_is_refused_at_once(counter, judge, said):
    with pytest.raises(TypeError, match=said):
        counter.env(ONE, judge=judge)


def test_a_judge_whose_server_is_gone_makes_the_episode_not_valid(counter):
    env = counter.env(ONE, judge=lambda env: env.state.call("die") == "2")
    env.reset(seed=0)
    *_, info = env.step(saying("Done."))
    assert info["reward_valid"] is False
    assert "exit code 3" in info["error"]
    env.close()


def test_new_tools_are_offered_when_the_server_says_so():
    for where in ("stdio", "http"):
        with served() as (url, _):
            env = MCPServer(url if where == "http" else command(), without=["rich"]).env(ONE)
            env.reset(seed=0)
            observation, *_, info = env.step(calling(("more", {})))
            assert info["reward_valid"]
            names = [tool["function"]["name"] for tool in observation["tools"]]
            assert "new_one" in names
            assert "rich" not in names
            observation, *_ = env.step(calling(("new_one", {})))
            assert observation["messages"][-1]["content"] == "0"
            env.close()


# Failures ----------------------------------------------------------------------------------------


def test_a_server_that_dies_makes_the_episode_not_valid_and_the_next_one_starts_anew(counter):
    env = counter.env(ONE)
    env.reset(seed=0)
    *_, info = env.step(calling(("die", {}), ("count", {"n": 1})))
    assert info["reward_valid"] is False
    assert "exit code 3" in info["error"]
    assert "cannot go on" in info["error"]  # its last words
    assert [record.result.error for record in info["calls"]] == ["unavailable"] * 2  # its state is lost
    env.reset(seed=0)
    *_, info = env.step(calling(("count", {"n": 1})))
    assert info["reward_valid"] is True
    env.close()


def test_a_server_without_state_is_started_again():
    server = MCPServer(command(), state="none")
    state = Sessions([server])
    tools = by_name(server)
    assert tools["die"].run({}, state).error == "unavailable"
    assert tools["count"].run({"n": 1}, state).content == "1"
    server.close()


def test_a_server_that_is_replaced_is_ended(monkeypatch):
    monkeypatch.setattr("toolgym.tools.mcp.stdio._GRACE", 0.1)
    server = MCPServer(command("shut"), state="none")
    state = Sessions([server])
    assert by_name(server)["sleep"].run({}, state).error == "unavailable"  # it closes its output, and goes on
    assert by_name(server)["count"].run({"n": 1}, state).content == "1"
    assert len(children()) == 1
    server.close()


def test_a_call_that_takes_too_long_is_cancelled():
    with served() as (url, seen):
        server = MCPServer(url, timeout=0.2)
        state = Sessions([server])
        result = by_name(server)["sleep"].run({}, state)
        assert result.error == "unavailable"
        assert "did not answer tools/call within 0.2 seconds" in result.content
        deadline = time.monotonic() + 5
        methods = []
        while "notifications/cancelled" not in methods and time.monotonic() < deadline:
            methods = [message["method"] for _, _, message in seen if message]
            time.sleep(0.02)
        assert "notifications/cancelled" in methods
        state.close()


@pytest.mark.parametrize(
    ("mode", "said"),
    [
        ("dead", "no licence"),
        ("mute", "did not answer initialize within 1 seconds"),
        ("flood", "a message of more than 8,000,000 bytes"),
        ("future", "speaks version '2099-01-01' of MCP"),
        ("liar", "something that is not a result"),
    ],
)
def test_a_server_that_does_not_start_is_unavailable(mode, said):
    server = MCPServer(command(mode), start_timeout=1 if mode == "mute" else 20)
    with pytest.raises(ToolUnavailable, match=said):
        _ = server.tools


def test_a_command_that_is_not_there():
    with pytest.raises(ToolUnavailable, match="no-such-program cannot be started"):
        _ = MCPServer("no-such-program --now").tools


@pytest.mark.parametrize("status", [401, 403, 404, 429, 500, 503])
def test_an_http_error_is_the_servers(status):
    with served(status=status) as (url, _), pytest.raises(ToolUnavailable, match=f"HTTP {status}"):
        _ = MCPServer(url).tools


@pytest.mark.parametrize(
    ("mode", "said"),
    [("forget", "the session is over"), ("junk", "not JSON: <html>"), ("elsewhere", "which is not followed")],
)
def test_a_server_that_fails_during_an_episode(mode, said):
    with served(mode) as (url, _):
        server = MCPServer(url)
        state = Sessions([server])
        with pytest.raises(ToolUnavailable, match=said):
            state.call("count")
        state.close()


@pytest.mark.parametrize("where", [5, None, Path("server.py")])
def test_a_command_of_another_type_is_refused(where):
    with pytest.raises(TypeError, match="where is a command"):
        MCPServer(where)


def test_a_server_that_is_not_there_at_all():
    with served() as (url, _):
        pass
    with pytest.raises(ToolUnavailable, match=f"{url}: no connection: 127.0.0.1:[0-9]+: Connection refused"):
        _ = MCPServer(url).tools


def test_versions_of_the_protocol():
    for mode in ("old", "modern"):
        with served(mode) as (url, seen):
            for where in (url, command(mode)):
                server = MCPServer(where)
                state = Sessions([server])
                assert state.call("count", n=4) in ("4",)
                state.close()
            if mode == "modern":
                headers = next(head for _, head, message in seen if message["method"] == "tools/call")
                assert headers["mcp-method"] == "tools/call"
                assert headers["mcp-name"] == "count"
                assert headers["mcp-protocol-version"] == "2026-07-28"


# Hostile servers ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mode", "said"),
    [
        ("many", "more than 1000 tools"),
        ("endless", "more than 100 pages"),
        ("nameless", "without a name"),
        ("outside", "outside of the schema, and is not fetched"),
    ],
)
def test_a_list_that_cannot_be_used(mode, said):
    with pytest.raises(ValueError, match=said):
        _ = MCPServer(command(mode)).tools


def test_a_tool_that_cannot_be_used_may_be_left_out():
    server = MCPServer(command("outside"), without=["far"])
    assert [tool.name for tool in server.tools] == ["near"]


def test_odd_names_become_names_and_stay_apart():
    server = MCPServer(command("odd"))
    names = [tool.name for tool in server.tools]
    assert names[:3] == ["a_b", "a_b_2", "a_b_3"]
    assert len(names[3]) == 128
    assert names[4:] == ["gr_e", "tool"]
    assert [tool.listed.name for tool in server.tools][1] == "a\0b"


def test_prefixes_keep_the_tools_of_two_servers_apart():
    one, two = MCPServer(command(), prefix="a."), MCPServer(command(), prefix="b.", only=["count"])
    task = Task.of("t", "Go.", [*one.tools, *two.tools], expected=[[ToolCall("b.count", {"n": 1})]])
    env = ServerEnv([task], [one, two])
    env.reset(seed=0)
    observation, *_ = env.step(calling(("a.count", {"n": 2}), ("b.count", {"n": 3})))
    assert [m["content"] for m in observation["messages"][-2:]] == ["2", "3"]
    assert env.state.call("b.count", n=1) == "4"
    env.close()


def test_a_secret_is_named_by_its_variable_and_never_shown(monkeypatch):
    monkeypatch.setenv("NOTES_TOKEN", "s3cr3t-t0ken-of-mine")
    monkeypatch.setenv("OTHER_TOKEN", "another")
    server = MCPServer(command(), env=["NOTES_TOKEN"])
    state = Sessions([server])
    assert state.call("secret") == "I got ***"
    state.close()
    state = Sessions([MCPServer(command())])
    assert state.call("secret") == "I got None"  # a server gets what is named, and no more
    state.close()
    with served() as (url, seen):
        state = Sessions([MCPServer(url, headers={"Authorization": "Bearer $NOTES_TOKEN"})])
        assert "***" in state.call("secret")
        assert seen[0][1]["authorization"] == "Bearer s3cr3t-t0ken-of-mine"
        state.close()
    monkeypatch.delenv("NOTES_TOKEN")
    with pytest.raises(ToolUnavailable, match="the environment variable NOTES_TOKEN is not set"):
        _ = MCPServer(command(), env=["NOTES_TOKEN"]).tools


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"where": ""}, "a command or an address"),
        ({"where": "http://"}, "name a host"),
        ({"where": ["python", "a\0b"]}, "a command or an address"),
        ({"where": "x", "state": "mine"}, "state must be one of"),
        ({"where": "x", "state": "none", "reset": "reset"}, "nothing to reset"),
        ({"where": "x", "timeout": 0}, "timeout must be a positive number"),
        ({"where": "x", "headers": {"A": "b"}}, "headers are for a server behind an address"),
        ({"where": "http://a.test", "env": ["A"]}, "env and cwd are for a server that a command starts"),
        ({"where": "http://a.test", "headers": {"A\n": "b"}}, "cannot be the name of a header"),
        ({"where": "x", "prefix": "a b"}, "only letters"),
        ({"where": "x", "env": "NAME"}, "a list of names"),
        ({"where": "x", "only": "name"}, "lists of names"),
    ],
)
def test_mistakes_are_told_when_they_are_made(arguments, said):
    with pytest.raises((ValueError, TypeError), match=said):
        MCPServer(**arguments)


def test_mistakes_of_an_env(counter):
    with pytest.raises(TypeError, match="servers is a list"):
        ServerEnv(ONE, counter)
    with pytest.raises(TypeError, match="takes no state of your own"):
        counter.env(ONE, state=dict)
    with pytest.raises(ValueError, match="calls 'cuont', which is none of its tools"):
        counter.env([Task.of("t", "Go.", expected=[[ToolCall("cuont", {})]])])
    task = Task.of("t", "Go.", MCPServer(command()).tools, expected=[[ToolCall("count", {})]])
    env = counter.env([task])
    env.reset(seed=0)
    *_, info = env.step(calling(("count", {})))
    assert "is not one of the env's servers" in info["error"]
    env.close()


def test_a_batch_of_episodes_overlaps_calls(counter):
    class Batch:
        def act_batch(self, observations):
            return [
                saying("Done.")
                if any(message["role"] == "tool" for message in each["messages"])
                else calling(("count", {"n": 1}))
                for each in observations
            ]

        def act(self, observation):
            return self.act_batch([observation])[0]

    found = evaluate(lambda: counter.env(ONE), Batch(), repeats=4, batch_size=4)
    assert [each.success for each in found] == [True] * 4
    assert {each.turns[0].messages[1]["content"] for each in found} == {"1"}


def test_a_server_and_its_tools_can_be_pickled(counter):
    env = pickle.loads(pickle.dumps(counter.env(ONE)))
    env.reset(seed=0)
    observation, *_ = env.step(calling(("count", {"n": 3})))
    assert observation["messages"][-1]["content"] == "3"
    env.close()


def test_a_name_that_the_server_does_not_have():
    with pytest.raises(ValueError, match="has no tool 'cuont'; its tools: count, total"):
        _ = MCPServer(command(), only=["cuont"]).tools


def test_events_in_any_parts():
    stream = b": c\r\ndata: a\r\ndata:b\r\n\r\nevent: x\nid: 1\ndata:\n\ndata: last"
    for size in (1, 2, 3, 100):

        async def parts(size=size):
            for at in range(0, len(stream), size):
                yield stream[at : at + size]

        async def read(parts=parts):
            return [data async for data in events(parts())]

        assert asyncio.run(read()) == [b"a\nb", b"", b"last"]


def test_a_header_can_hold_any_name():
    assert header_value("a b") == "a b"
    assert header_value("größe") == "=?base64?Z3LDtsOfZQ==?="
    assert header_value(" a") == "=?base64?IGE=?="


# Ends --------------------------------------------------------------------------------------------

PROGRAM = f"""
import sys, time
sys.path[:0] = [{str(HERE)!r}, {str(HERE.parent)!r}]
from toolgym.tools.mcp import MCPServer
from toolgym.tools.server_env import ServerEnv
from toolgym.tools.sessions import Sessions
server = MCPServer(["python", {str(HERE / "mcp_server.py")!r}, sys.argv[1]])
state = Sessions([server])
state.call("count")
print("ready", flush=True)
if sys.argv[2] == "wait":
    state.call("sleep")
"""


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
@pytest.mark.parametrize(("end", "mode"), [(signal.SIGINT, ""), (signal.SIGKILL, "child"), (None, "")])
def test_no_process_is_left_when_the_program_ends(end, mode):
    arguments = [sys.executable, "-c", PROGRAM, mode, "end" if end is None else "wait"]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as program:
        assert program.stdout.readline() == b"ready\n"
        started = psutil.Process(program.pid).children(recursive=True) if end else []
        assert not end or len(started) >= 2  # the guardian, and the server
        if end:
            time.sleep(0.1)
            program.send_signal(end)
        program.wait(10)
    assert gone(lambda: [p for p in started if running(p)])


FORKED = f"""
import os, sys, time
sys.path[:0] = [{str(HERE)!r}, {str(HERE.parent)!r}]
from toolgym.tools.mcp import MCPServer
from toolgym.tools.sessions import Sessions
server = MCPServer(["python", {str(HERE / "mcp_server.py")!r}])
state = Sessions([server])
state.call("count")
if os.fork() == 0:
    try:
        state.call("count")
    except Exception as error:
        print("belongs to another process" in str(error), flush=True)
    print(Sessions([server]).call("count"), flush=True)
    sys.exit()
os.wait()
time.sleep(1.5)  # the child's servers are ended meanwhile
print(state.call("count"))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_a_forked_process_has_servers_of_its_own():
    arguments = [sys.executable, "-W", "ignore", "-c", FORKED]
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=60)
    assert done.stdout.split() == ["True", "1", "2"], done.stderr
