"""A tool that was given up may go on: it changes no state that the episode, a fork or a later episode still has."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest
from conftest import calling, saying

from toolgym import Task, ToolCall, ToolEnv, ToolVectorEnv, tool, tools_of
from toolgym.snapshot import SnapshotError

WAITS = 20.0
"""Seconds after which a gate opens by itself."""


class Notes:
    """A state with tools that write for as long as they are let."""

    gate = threading.Event()
    ended = threading.Event()

    def __init__(self) -> None:
        self.notes: dict[str, int] = {f"old{i}": i for i in range(300)}
        self.lists: list[list[int]] = [[1]]

    @tool(timeout=0.05)
    def late(self) -> str:
        """Write when it is too late."""
        self.gate.wait(WAITS)
        self.notes["late"] = 1
        self.lists[0].append(2)
        self.ended.set()
        return "late"

    @tool(timeout=0.05)
    async def stubborn(self) -> str:
        """Write after having been cancelled."""
        try:
            await asyncio.sleep(WAITS)
        except asyncio.CancelledError:
            while not self.gate.is_set():
                await asyncio.sleep(0.005)
            self.notes["late"] = 1
            self.ended.set()
        return "late"

    @tool(timeout=0.05)
    def busy(self) -> str:
        """Write all the time."""
        n, until = 0, time.monotonic() + WAITS
        while not self.gate.is_set() and time.monotonic() < until:
            n += 1
            self.notes[f"new{n % 500}"] = n
            self.notes.pop(f"new{(n * 7) % 500}", None)
            if n % 100 == 0:
                time.sleep(0)
        self.notes["late"] = 1
        self.ended.set()
        return "late"

    @tool(timeout=None)
    def note(self, key: str) -> int:
        """Write in time."""
        self.notes[key] = 1
        return len(self.lists[0])


class Locked(Notes):
    """A state that cannot be copied."""

    def __init__(self) -> None:
        super().__init__()
        self.lock = threading.Lock()


@pytest.fixture(autouse=True)
def gates():
    Notes.gate, Notes.ended = threading.Event(), threading.Event()
    yield
    Notes.gate.set()


def made(state=Notes, **kwargs):
    env = ToolEnv([Task.of("t", "Note!", tools_of(state), [[ToolCall("note", {"key": "a"})]])], state=state, **kwargs)
    env.reset(seed=0)
    return env


def stepper(env, how):
    return (lambda text: ToolVectorEnv([env]).step_some([0], [text])[0]) if how == "vector" else env.step


@pytest.mark.parametrize("name", ["late", "stubborn", "busy"])
@pytest.mark.parametrize("how", ["step", "vector"])
def test_a_late_call_changes_nothing_that_is_still_in_use(name, how):
    env = made()
    step = stepper(env, how)
    before = env.snapshot()
    (early,) = env.fork()
    *_, info = step(calling((name, {}), ("note", {"key": "same action"})))
    assert [record.result.error for record in info["calls"]] == ["timeout", None]
    assert not info["reward_valid"]
    assert "same action" in env.state.notes, "a call of the same action works on the state that goes on"
    middle = env.snapshot()
    digest = middle.digest
    (fork,) = env.fork()
    step(calling(("note", {"key": "next action"})))
    later = env.snapshot()
    Notes.gate.set()
    assert Notes.ended.wait(WAITS)
    time.sleep(0.02)
    for each in (env, early, fork):
        assert "late" not in each.state.notes
        assert each.state.lists == [[1]]
    assert "next action" in env.state.notes
    assert env.snapshot() == later
    assert middle.digest == digest
    env.restore(before)
    assert env.snapshot() == before
    env.restore(middle)
    assert "late" not in env.state.notes
    env.reset()
    assert step(calling(("note", {"key": "b"})))[4]["reward_valid"]
    assert "late" not in env.state.notes


@pytest.mark.parametrize("how", ["step", "vector"])
def test_a_state_that_cannot_be_copied_ends_the_episode(how):
    env = made(Locked)
    step = stepper(env, how)
    *_, terminated, truncated, info = step(calling(("late", {})))
    assert (terminated, truncated, info["reward_valid"]) == (False, True, False)
    assert "late did not finish within 0.05 seconds" in info["error"]
    with pytest.raises(SnapshotError):
        env.snapshot()
    with pytest.raises(SnapshotError):
        env.fork()
    env.reset()
    Notes.gate.set()
    assert Notes.ended.wait(WAITS)
    time.sleep(0.02)
    assert "late" not in env.state.notes
    assert not step(calling(("note", {"key": "b"})))[3]


class Racing(Notes):
    """A copy fails as if the state were always changing."""

    def __deepcopy__(self, memo):
        raise RuntimeError("dictionary changed size during iteration")


def test_a_state_that_changes_all_the_time_ends_the_episode_and_has_no_snapshot():
    env = made(Racing)
    with pytest.raises(SnapshotError, match="changed size"):
        env.snapshot()
    assert env.step(calling(("late", {})))[3]
    with pytest.raises(SnapshotError, match="a call that was given up may still change the state"):
        env.snapshot()


def test_the_episodes_of_a_batch_go_on_beside_it():
    envs = [made() for _ in range(3)]
    texts = [calling(("late", {})), calling(("note", {"key": "a"})), saying("Bye.")]
    steps = ToolVectorEnv(envs).step_some([0, 1, 2], texts)
    assert [step[4]["reward_valid"] for step in steps] == [False, True, True]
    Notes.gate.set()
    assert Notes.ended.wait(WAITS)
    assert all("late" not in env.state.notes for env in envs)
