"""Episodes on a Ray cluster: the same results, a killed actor, what cannot be done. Mostly skipped without ray."""

import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import gymnasium as gym
import pytest
from chat_server import serving
from ray_agents import Deadly

import toolgym
from toolgym.agents.scripted import Random
from toolgym.cli.main import main
from toolgym.env import task_order
from toolgym.playing import ray_cluster
from toolgym.playing.ray_actors import RayActors, _Agents, _Spec
from toolgym.playing.ray_cluster import Home, check_reached, connected
from toolgym.playing.same_source import check_sources, code_of, source_digest
from toolgym.rollout import NotAnAgent
from toolgym.runlog import RunError, read_episodes

needs_ray = pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="needs ray: pip install 'toolgym[ray]'")
ENV = "ToolGym-Functions-v0"
KWARGS = {"split": "train", "category": "irrelevant"}


@pytest.fixture(scope="module")
def cluster():
    """A Ray of this machine, which the tests share: to start one takes seconds."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    import ray

    ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    yield ray
    ray.shutdown()


def without_seconds(episodes):
    for episode in episodes:
        episode.seconds = 0.0
    return episodes


@needs_ray
def test_the_results_are_those_of_one_process(cluster, tmp_path):
    how = {"env_kwargs": KWARGS, "n": 12, "repeats": 2, "batch_size": 6}
    with RayActors("local", "toolgym.agents.scripted:Random", {"seed": 3}, actors=2) as actors:
        played = toolgym.evaluate(ENV, actors, out=tmp_path / "ray", **how)
    alone = toolgym.evaluate(ENV, Random(3), out=tmp_path / "alone", **how)
    assert without_seconds(played) == without_seconds(alone)
    assert (tmp_path / "ray/run.json").read_text() == (tmp_path / "alone/run.json").read_text()
    more = toolgym.evaluate(ENV, Random(3), out=tmp_path / "ray", resume=True, **{**how, "n": 14})  # without Ray
    assert len(more) == 28


@needs_ray
@pytest.mark.parametrize(("times", "valid"), [(1, True), (9, False)])
def test_a_killed_actor_is_replaced_and_each_episode_counts_once(cluster, tmp_path, times, valid):
    env = gym.make(ENV, **KWARGS)
    task = env.unwrapped.find_task(task_order(env.unwrapped.tasks, 20, 0)[7])
    env.reset(options={"task_id": task.id})
    over = env.unwrapped.observe()["messages"][-1]["content"]
    (tmp_path / "deaths").mkdir()
    given = {"over": over, "times": times, "folder": str(tmp_path / "deaths")}
    with RayActors("local", "ray_agents:Deadly", given, actors=2) as actors:
        played = toolgym.evaluate(ENV, actors, env_kwargs=KWARGS, batch_size=4, out=tmp_path / "run", n=20)
    assert len(list((tmp_path / "deaths").iterdir())) == (1 if valid else 3)
    written = (tmp_path / "run/episodes.jsonl").read_text().splitlines()
    assert len(written) == len({each.task_id for each in read_episodes(tmp_path / "run")}) == len(played) == 20
    assert {each.task_id for each in played if not each.reward_valid} == (set() if valid else {task.id})
    assert all(each.error_kind == "actor" and "died 3 times" in each.error for each in played if not each.reward_valid)
    assert Deadly(**given).name == actors.name


@needs_ray
def test_what_an_actor_raises_is_raised_here(cluster, tmp_path):
    with RayActors("local", "ray_agents:Wrong", actors=1) as actors:
        with pytest.raises(KeyError, match="my bug"):
            toolgym.evaluate(ENV, actors, env_kwargs=KWARGS, n=3)
        played = toolgym.evaluate(ENV, actors, env_kwargs=KWARGS, n=3, on_agent_error="record")
        assert {each.error_kind for each in played} == {"exception"}
        with pytest.raises(RunError, match="give evaluate an id"):
            toolgym.evaluate(lambda: type(gym.make(ENV).unwrapped)(**KWARGS), actors, n=3)
        with pytest.raises(NotAnAgent, match="use evaluate"):
            toolgym.rollout(gym.make(ENV), actors)
    with pytest.raises(RunError, match="learns from earlier episodes"):
        RayActors("local", "ray_agents:Learner", actors=1)
    with pytest.raises(TypeError, match="sead"):
        RayActors("local", "toolgym.agents.scripted:Random", {"sead": 3}, actors=1)


@needs_ray
def test_other_source_and_a_full_cluster_are_refused(cluster, monkeypatch):
    monkeypatch.setattr(ray_cluster, "source_digest", lambda module: "of an earlier version")
    with pytest.raises(RunError, match="another toolgym than this process"):
        RayActors("local", "toolgym.agents.scripted:Silent", actors=1)
    monkeypatch.undo()
    monkeypatch.setattr(ray_cluster, "PATIENCE", 0.5)
    held = [cluster.remote(num_cpus=2)(Deadly).remote("", 0, "")]
    with pytest.raises(RunError, match="no place for 1 CPU"):
        RayActors("local", "toolgym.agents.scripted:Silent", actors=1)
    cluster.kill(held.pop())


@needs_ray
def test_the_command(cluster, tmp_path, capsys):
    words = ["eval", "--env", ENV, "-n", "6", "--agent", "oracle", "--ray", "local", "--ray-actors", "2"]
    assert main([*words, "--out", str(tmp_path / "run")]) == 0
    assert "100.0" in capsys.readouterr().out
    assert len(read_episodes(tmp_path / "run")) == 6


def descendants(pid):
    """The process ids of the processes that a process has started, and that these have started."""
    listed = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    parents = dict(map(int, line.split()) for line in listed.splitlines())
    found = {pid}
    while more := {each for each, parent in parents.items() if parent in found} - found:
        found |= more
    return found


@contextmanager
def machine(words, environment, folder):
    """A machine of a cluster, as far as Ray can tell: yields its process. At the end all of it is killed."""
    start = [sys.executable, "-m", "ray.scripts.scripts", "start", "--block", "--num-cpus", "1"]
    start += ["--object-store-memory", "200000000"]
    told = folder / f"said-{len(words)}"
    with told.open("w") as said:
        process = subprocess.Popen([*start, *words], env=environment, stdout=said, stderr=said)
    try:
        wait_until(lambda: "Ray runtime started" in told.read_text() or process.poll() is not None)
        assert process.poll() is None, told.read_text()
        yield process
    finally:
        for each in descendants(process.pid):
            os.kill(each, signal.SIGKILL)
        process.wait()


def wait_until(true, seconds=120):
    late = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < late
        time.sleep(0.1)


def busy(pid):
    """Whether an actor plays below this process."""
    listed = subprocess.run(["ps", "-eo", "pid=,args="], capture_output=True, text=True, check=True).stdout
    ours = descendants(pid)
    return any(int(line.split()[0]) in ours and "_Player.play" in line for line in listed.splitlines())


@needs_ray
def test_a_machine_that_is_killed_takes_no_episode_with_it(tmp_path):
    folder = Path(tempfile.mkdtemp(prefix="ray"))  # short, for the names of sockets
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(sys.path), "RAY_TMPDIR": str(folder), "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_AUTH_MODE": "disabled",
    }  # fmt: skip

    def play(address, n, *more):
        words = ["eval", "--env", "ToolGym-Office-v0", "--agent", "ray_agents:Slow", "-n", str(n), "--ray", address]
        words += ["--out", str(tmp_path / "run"), *more]
        return subprocess.Popen([sys.executable, "-m", "toolgym", *words], env=environment, cwd=tmp_path)

    def episodes():
        path = tmp_path / "run/episodes.jsonl"
        return len(path.read_text().splitlines()) if path.is_file() else 0

    here = "127.0.0.1"
    # without --temp-dir: where auto looks for the last cluster's address, if there are several
    head = ["--head", "--port", str(port), "--node-ip-address", here, "--include-dashboard", "false"]
    with machine(head, environment, tmp_path):
        with machine(["--address", f"{here}:{port}"], environment, tmp_path) as other:
            run = play("auto", 60)
            wait_until(lambda: run.poll() is not None or (episodes() >= 10 and busy(other.pid)))
            killed_at = episodes()
        assert run.wait(timeout=120) == 0
        assert killed_at < 60
        assert play(f"{here}:{port}", 64, "--resume").wait(timeout=120) == 0
    found = read_episodes(tmp_path / "run")
    assert episodes() == len({each.task_id for each in found}) == len(found) == 64
    assert all(each.success for each in found)
    shutil.rmtree(folder)


def test_a_rate_limit_is_shared():
    given = _Spec("m:A", {"requests_per_minute": 60, "model": "m"}, Home({}, "", []))
    crew = _Agents(None, {}, given)
    crew.divide_limit(12)
    assert crew._made_from.options == {"requests_per_minute": 5, "model": "m"}
    crew.divide_limit(4)
    assert crew._made_from.options["requests_per_minute"] == 15


def test_mistakes_are_told_in_time(monkeypatch, capsys):
    words = ["eval", "--env", ENV, "--agent", "oracle"]
    assert main([*words, "--ray-actors", "2"]) == 1
    assert "give its address with --ray" in capsys.readouterr().err
    wrong = "auto, local or host:port"
    for address, told in (("nonsense", wrong), ("http://h:1", wrong), ("ray://h:10001", "Ray Client is not supported")):
        assert main([*words, "--ray", address]) == 1
        assert told in capsys.readouterr().err
    monkeypatch.setitem(sys.modules, "ray", None)
    assert main([*words, "--ray", "auto"]) == 1
    assert "pip install 'toolgym[ray]'" in capsys.readouterr().err


def test_an_address_without_a_cluster_is_told_in_time():
    with serving((200, {}, {})) as other, pytest.raises(RunError, match="another program listens there"):
        check_reached("127.0.0.1", urlsplit(other.url).port)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(RunError, match=rf"no Ray cluster at 127\.0\.0\.1:{port}: .*refused.*ray start --head"):
        check_reached("127.0.0.1", port)


@needs_ray
def test_a_cluster_that_has_ended_is_told_in_time(monkeypatch, tmp_path):
    import ray
    from ray._private import services

    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    monkeypatch.setattr(services, "find_gcs_addresses", frozenset)  # no process of Ray runs here
    monkeypatch.setenv("RAY_TMPDIR", str(tmp_path))
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    with pytest.raises(RunError, match="no Ray cluster is running here"):
        connected("auto", None)
    (tmp_path / "ray").mkdir()
    (tmp_path / "ray/ray_current_cluster").write_text(address)
    port = address.partition(":")[2]
    with pytest.raises(RunError, match=rf"no Ray cluster at .*:{port} \(found by auto: .*refused.*or use the address"):
        connected("auto", None)
    monkeypatch.setenv("RAY_ADDRESS", address)
    with pytest.raises(RunError, match=rf"no Ray cluster at {address} \(RAY_ADDRESS={address}\): .*refused"):
        connected("auto", None)


def test_the_digest_of_a_source(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "mine_for_digest.py").write_text("a = 1\n")
    first = source_digest("mine_for_digest")
    assert first == source_digest("mine_for_digest")
    (tmp_path / "mine_for_digest.py").write_text("a = 2\n")
    assert first != source_digest("mine_for_digest")
    assert source_digest("toolgym") != source_digest("toolgym.playing")
    with pytest.raises(ModuleNotFoundError, match="no_such_module"):
        source_digest("no_such_module")
    check_sources(code_of("mine_for_digest:Agent"))
    with pytest.raises(RunError, match="another mine_for_digest than this process"):
        check_sources({"mine_for_digest": first})
    with pytest.raises(RunError, match="no module 'no_such_module': install it on every machine"):
        check_sources({"no_such_module": first})
    with pytest.raises(RunError, match="put it in a module"):
        code_of("__main__:Agent")
