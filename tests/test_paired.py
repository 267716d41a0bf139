"""Two models on the same tasks: the paired difference and its interval."""

from __future__ import annotations

import random
from math import sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolgym.report.paired import outcomes, paired_difference, pooled
from toolgym.types import Trajectory


def of(both, lost, gained, neither):
    pairs = [(True, True)] * both + [(True, False)] * lost + [(False, True)] * gained + [(False, False)] * neither
    return paired_difference({i: a for i, (a, _) in enumerate(pairs)}, {i: b for i, (_, b) in enumerate(pairs)})


@pytest.mark.parametrize(
    ("counts", "low", "high"),  # Newcombe 1998, table III, method 10: first minus second
    [
        ((36, 12, 2, 0), 0.0569, 0.3404),
        ((20, 12, 2, 16), 0.0562, 0.3292),
        ((18, 12, 2, 18), 0.0562, 0.3290),
        ((35, 14, 0, 1), 0.1461, 0.4175),
        ((2, 97, 1, 0), 0.8721, 0.9854),
        ((54, 0, 0, 0), -0.0664, 0.0664),
    ],
)
def test_the_interval_is_newcombes(counts, low, high):
    assert of(*counts).interval == pytest.approx((-high, -low), abs=6e-5)


def test_counts_shares_and_verdicts():
    found = of(20, 2, 20, 58)
    assert (found.tasks, found.before, found.after, found.gained, found.lost) == (100, 0.22, 0.40, 20, 2)
    assert found.mean == pytest.approx(0.18)
    assert found.verdict == "up"
    assert of(20, 20, 2, 58).verdict == "down"
    assert of(10, 3, 4, 10).verdict == "unclear"


def test_equal_outcomes_have_a_width_and_no_shared_task_says_nothing():
    low, high = of(5, 0, 0, 5).interval
    assert low < 0 < high
    assert paired_difference({1: True}, {2: True}).interval == (-1.0, 1.0)


@given(st.tuples(*[st.integers(0, 30)] * 4))
def test_the_interval_holds_the_difference_and_turns_with_the_sides(counts):
    both, lost, gained, neither = counts
    found, turned = of(both, lost, gained, neither), of(both, gained, lost, neither)
    low, high = found.interval
    assert -1 - 1e-9 <= low <= found.mean + 1e-9
    assert found.mean - 1e-9 <= high <= 1 + 1e-9
    assert turned.interval == pytest.approx((-high, -low), abs=1e-9)


def test_nineteen_of_twenty_intervals_hold_the_truth():
    stream = random.Random(0)
    held = 0
    for _ in range(400):
        counts = [0, 0, 0, 0]
        for kind in stream.choices(range(4), (0.2, 0.1, 0.25, 0.45), k=60):
            counts[kind] += 1
        low, high = of(*counts).interval
        held += low <= 0.15 <= high
    assert abs(held / 400 - 0.95) < 3 * sqrt(0.95 * 0.05 / 400)


def test_only_valid_episodes_have_an_outcome():
    good, lost = (Trajectory(env_id="A-v0", task_id=name, messages=(), category="c") for name in ("one", "two"))
    good.success, lost.reward_valid = True, False
    assert outcomes([good, lost]) == {("A-v0", "c", "one"): True}


def test_pooled_differences_are_those_of_all_tasks_together():
    assert pooled([of(36, 12, 2, 0), of(1, 2, 3, 4)]) == of(37, 14, 5, 4)
    assert pooled([of(5, 1, 1, 3)]) == of(5, 1, 1, 3)
