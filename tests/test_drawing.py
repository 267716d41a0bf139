"""Which tasks a step trains on: every step has each stratum's share, and (seed, step) gives the same tasks."""

from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise
from math import ceil, floor

import gymnasium as gym
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from toolgym import Task, ToolEnv  # noqa: E402
from toolgym.agents.config import TrainConfig  # noqa: E402
from toolgym.agents.training.drawing import RandomDraw, StratifiedDraw  # noqa: E402
from toolgym.agents.training.strata import offset, serpentine, strata_of, systematic  # noqa: E402


class Suites:
    """The part of a Collector that tasks are drawn from."""

    def __init__(self, *envs):
        self.envs = envs

    def env(self, suite=0):
        return self.envs[suite]

    def tasks(self, suite=0):
        return self.envs[suite].tasks


class Kinds(ToolEnv):
    """Tasks whose kind is in their data."""

    def __init__(self, **counts):
        super().__init__([Task.of(f"{kind}-{i}", "go", data=kind) for kind, n in counts.items() for i in range(n)])

    def stratum(self, task):
        return tuple(task.data.split("_"))


SHARES = st.lists(st.integers(1, 50), min_size=1, max_size=12)
NEARLY = 1e-9


@settings(max_examples=60, deadline=None)
@given(shares=SHARES, n=st.integers(1, 40), at=st.floats(0, 1, exclude_max=True), data=st.data())
def test_neighbouring_strata_have_their_share_of_each_step_rounded_down_or_up(shares, n, at, data):
    first = data.draw(st.integers(0, len(shares) - 1))
    last = data.draw(st.integers(first, len(shares) - 1))
    drawn = systematic(shares, n, at)
    wanted = n * sum(shares[first : last + 1]) / sum(shares)
    found = sum(first <= which <= last for which in drawn)
    assert len(drawn) == n
    assert floor(wanted - NEARLY) <= found <= ceil(wanted + NEARLY)


@settings(max_examples=15, deadline=None)
@given(shares=SHARES, n=st.integers(1, 20), start=st.floats(0, 1), steps=st.integers(1, 200))
def test_over_the_steps_a_stratum_is_within_three_tasks_of_its_share(shares, n, start, steps):
    total: Counter[int] = Counter()
    for step in range(steps):
        total.update(systematic(shares, n, offset(start, step)))
    for which, share in enumerate(shares):
        assert abs(total[which] - steps * n * share / sum(shares)) < 3


@settings(max_examples=100, deadline=None)
@given(st.sets(st.tuples(st.sampled_from("abc"), st.sampled_from("xyz"), st.sampled_from("12"))))
def test_kinds_with_equal_beginnings_are_neighbours(kinds):
    ordered = serpentine(sorted(kinds))
    assert sorted(ordered) == sorted(kinds)
    for length in (1, 2):
        changes = sum(a[:length] != b[:length] for a, b in pairwise(ordered))
        assert changes == max(0, len({kind[:length] for kind in kinds}) - 1)


def draws(suites, config, step, n, strata=None):
    strata = strata or strata_of(suites, config.shares())
    return StratifiedDraw(suites, config, strata, step).first(n)


def test_every_step_has_the_share_of_each_suite_level_and_kind_of_names():
    suites = Suites(
        gym.make("ToolGym-Functions-v0", level="single,choose,parallel,irrelevant").unwrapped,
        Kinds(easy=30, hard=10),
    )
    config = TrainConfig(mix=[{"env": "any", "share": 0.25}], draw="stratified")
    strata = strata_of(suites, config.shares())
    for step in range(5):
        tasks = draws(suites, config, step, 16, strata)
        assert len(set(tasks)) == 16, "no task twice in a step"
        kinds = [(suite, *suites.env(suite).stratum(suites.env(suite).find_task(name))) for suite, name in tasks]
        assert Counter(kind[:1] for kind in kinds) == {(0,): 12, (1,): 4}
        levels = Counter(kind[:2] for kind in kinds)
        assert [levels[0, level] for level in ("single", "choose", "parallel", "irrelevant")] == [3] * 4
        assert (levels[1, "easy"], levels[1, "hard"]) == (3, 1)
        assert 4 <= sum(kind[-1] == "coined names" for kind in kinds) <= 8


def test_the_same_seed_and_step_give_the_same_tasks_and_others_do_not():
    suites, config = Suites(Kinds(a=50, b=50)), TrainConfig(draw="stratified")
    assert draws(suites, config, 3, 8) == draws(suites, config, 3, 8)
    assert draws(suites, config, 3, 8) != draws(suites, config, 4, 8)
    assert draws(suites, config, 3, 8) != draws(suites, TrainConfig(draw="stratified", seed=1), 3, 8)


def test_another_task_is_of_the_same_stratum_and_new_while_there_are_any():
    suites, config = Suites(Kinds(a=3, b=9)), TrainConfig(draw="stratified")
    draw = StratifiedDraw(suites, config, strata_of(suites, [1.0]), 0)
    seen = [task for task in draw.first(4) if task[1].startswith("a")]
    for _ in range(2):
        seen.append(draw.another(seen[0]))
    assert len(set(seen)) == 3
    assert draw.another(seen[0]) in seen, "all three are drawn: one of them again"


def test_shares_of_a_mix_without_strata():
    suites = Suites(Kinds(a=5), Kinds(b=5), Kinds(c=5))
    config = TrainConfig(mix=[{"env": "x", "share": 0.7}, {"env": "y"}])
    assert config.shares() == pytest.approx([0.15, 0.7, 0.15])
    count = Counter(suite for suite, _ in RandomDraw(suites, config, 0).first(2_000))
    assert [count[suite] / 2_000 for suite in range(3)] == pytest.approx([0.15, 0.7, 0.15], abs=0.04)


@pytest.mark.parametrize("env_id", ["ToolGym-Functions-v0", "ToolGym-Functions-v1"])
def test_functions_tells_coined_names_from_real_ones(env_id):
    env = gym.make(env_id).unwrapped
    ends_coined = re.compile("([bdfklmprtz][aeio]){2}$", re.IGNORECASE)
    ends: dict[str, list[bool]] = {"coined names": [], "real names": []}
    for i in range(150):
        task = env.tasks[i]
        level, names = env.stratum(task)
        assert level == env.tasks.kind(i)
        ends[names] += [bool(ends_coined.search(tool.name)) for tool in task.tools]
    assert all(ends["coined names"])
    assert sum(ends["real names"]) < 0.1 * len(ends["real names"]), "some real names end so, like rate"
