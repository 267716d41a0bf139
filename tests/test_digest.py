"""Digests: equal for equal values, in every process; different for different ones; linear in time."""

from __future__ import annotations

import copy
import os
import pickle
import random
import subprocess
import sys
import threading
from collections import Counter, defaultdict, deque
from datetime import datetime
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toolgym.digest import digest
from toolgym.types import ToolResult, message

ATOMS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary()
VALUES = st.recursive(
    ATOMS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner, inner), max_leaves=12
)


class Box:
    def __init__(self, **held):
        vars(self).update(held)


@settings(max_examples=200, deadline=None)
@given(VALUES, VALUES)
def test_a_digest_says_just_what_a_value_is(one, other):
    assert digest(one) == digest(copy.deepcopy(one)) == digest(pickle.loads(pickle.dumps(one)))
    assert (digest(one) == digest(other)) == (repr(one) == repr(other))


SAMPLE = """
from toolgym.digest import digest
from toolgym.types import ToolResult
from collections import Counter
import random
value = {"a": {"x", "y", "z", ("p", frozenset("qrs"))}, "b": [Counter("hello"), random.Random(3)], "c": ToolResult("r")}
print(digest((value, print, Counter)))
"""


def test_another_process_and_another_hash_seed_give_the_same_digest():
    def found(seed):
        command = [sys.executable, "-c", SAMPLE]
        return subprocess.run(
            command, env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True
        ).stdout

    assert found("1") == found("2") != ""


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1, True), (1, 1.0), (0.0, -0.0), ("1", 1), ("a", b"a"), ([1], (1,)), ([[1], 2], [[1, 2]]),
        ("\ud800", "\ud801"), ({"a": 1, "b": 2}, {"b": 2, "a": 1}), ({1, 2}, {1, 3}), ({1}, frozenset({1, 2})),
        (None, "None"),
        (Box(a=1), Box(a=2)), (ToolResult("a"), ToolResult("a", "execution")), (random.Random(1), random.Random(2)),
        (np.arange(3), np.arange(4)), (Decimal("1.0"), Decimal("1.00")), (deque([1]), deque([2])), (len, print),
    ],
)  # fmt: skip
def test_what_differs_has_another_digest(one, other):
    assert digest(one) != digest(other)
    assert digest([one]) != digest([other])


@pytest.mark.parametrize(
    "value",
    [
        Box(a=1, b=[Box()]), Counter("hello"), defaultdict(list, {"a": [1]}), deque([1, [2]]), random.Random(5),
        np.random.default_rng(1), np.arange(6.0), datetime(2026, 1, 2), Decimal("1.5"), message("user", "hi"),
    ],
)  # fmt: skip
def test_objects_count_by_what_pickle_keeps(value):
    assert digest(value) == digest(copy.deepcopy(value)) == digest(pickle.loads(pickle.dumps(value)))


def test_data_may_be_shared_or_not_objects_may_not():
    row = {"a": [1]}
    assert digest([row, row]) == digest([row, {"a": [1]}])
    day = datetime(2026, 1, 2)
    assert digest([day, day]) == digest([day, datetime(2026, 1, 2)])
    box = Box(a=1)
    assert digest([box, box]) != digest([box, Box(a=1)])
    assert digest(Box(a=1, b=2)) == digest(Box(b=2, a=1))


def test_cycles_and_shared_parts_end():
    loop: list = []
    loop.append({"again": loop})
    assert digest(loop) == digest(copy.deepcopy(loop)) != digest([{"again": []}])
    parent = Box(name="root")
    parent.children = [Box(parent=parent, name=name) for name in "ab"]
    assert digest(parent) == digest(pickle.loads(pickle.dumps(parent)))
    for leaf in ([1], Box(a=1), {1}, frozenset([(1,)])):
        wide = leaf
        for _ in range(60):
            wide = [wide, {"a": wide}]
        assert len(digest(wide)) == 32  # 2 ** 60 paths


def test_what_cannot_be_kept_is_refused():
    with pytest.raises(TypeError, match="lock"):
        digest({"a": threading.Lock()})
    deep: list = []
    for _ in range(5000):
        deep = [deep]
    with pytest.raises(RecursionError):
        digest(deep)
