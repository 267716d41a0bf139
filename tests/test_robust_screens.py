"""What a person sees of perturbations and faults: in ``toolgym play``, and on the page of a run."""

from __future__ import annotations

import io
import re
import sys
from collections import Counter

import gymnasium as gym
import pytest

from toolgym import rollout
from toolgym.agents.scripted import Oracle
from toolgym.cli.main import main
from toolgym.report.episode import episode, quality

OFFICE = "ToolGym-Office-v0"


def test_play_builds_calls_by_the_names_that_are_shown(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    env = gym.make(OFFICE, category="single", dialect="compact", perturb="misleading_short").unwrapped
    env.reset(seed=3)
    own, shown = env.task.expected[0][0].name, env.parse(env.gold(env.task)[0]).written.calls[0].name
    assert own != shown
    where = [OFFICE, "--category", "single", "--seed", "3", "--dialect", "compact"]
    monkeypatch.setattr(sys, "stdin", io.StringIO(f":gold\n:tool {shown}\n:tool {own}\n"))
    main(["play", *where, "--env-arg", "perturb=misleading_short", "--env-arg", "faults=timeout,stale"])
    out = capsys.readouterr().out
    assert "perturbed: misleading_short" in out
    assert "calls may meet faults: timeout, stale" in out
    assert f":call {shown} " in out
    assert f":call {own} " not in out
    assert f"there is no tool '{own}'" in out
    assert f"there is no tool '{shown}'" not in out


def test_the_page_names_the_fault_of_a_call_and_the_perturbations() -> None:
    env = gym.make(OFFICE, category="single", faults="timeout", fault_rate=1.0, perturb="typos")
    page = episode(rollout(env, Oracle(), seed=3), 0, "", 0)
    assert "perturbed: typos" in page
    assert re.findall("<dt>fault</dt><dd>([a-z]+)", page)[0] == "timeout"
    assert "perturbed" not in episode(rollout(gym.make(OFFICE, category="single"), Oracle(), seed=3), 0, "", 0)


def test_the_last_line_of_a_run_names_its_faults(capsys: pytest.CaptureFixture[str]) -> None:
    where = [OFFICE, "--category", "single", "-n", "4", "--agent"]
    faulty = ["--env-arg", "faults=timeout,http_auth", "--env-arg", "fault_rate=1"]
    for agent, told in (("oracle", True), ("silent", False)):  # who calls nothing meets none
        assert main(["eval", "--env", *where, agent, *faulty]) == 0
        out = " ".join(capsys.readouterr().out.split())
        found = re.search(r"; faults met: ([^;]*); (\d) of (\d) recovered", out)
        assert bool(found) == told
        if found:
            assert re.fullmatch(r"\d timeout, \d http_auth|\d http_auth, \d timeout", found[1])
            assert found[2] == found[3]


def test_no_call_of_gold_counts_as_wrong_because_of_a_fault() -> None:
    env = gym.make(OFFICE, category="chain", faults="all", fault_rate=1.0)
    seen = Counter(
        quality(record)
        for seed in range(20)
        for turn in rollout(env, Oracle(), seed=seed).turns
        for record in turn.reward.calls
    )
    assert seen["apart"] > 20
    assert seen["right"] > 20
    assert seen["wrong"] == 0, seen
