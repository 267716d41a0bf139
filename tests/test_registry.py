"""The registry: tasks, needs and verdicts of the suites, and the table of environments."""

from __future__ import annotations

import tomllib
from pathlib import Path

import gymnasium as gym
import pytest

from toolgym.assets import ASSETS, AssetError
from toolgym.registry import SUITES, environments_table

ROOT = Path(__file__).resolve().parent.parent
SPLITS = ("train", "val", "test", "test_unseen", "sft")


@pytest.mark.parametrize("suite", SUITES.values(), ids=lambda suite: suite.id)
def test_a_suite_has_the_tasks_that_it_says(suite):
    assert suite.tasks
    for split in SPLITS:
        if split not in suite.tasks:
            with pytest.raises(ValueError, match=split):
                gym.make(suite.id, split=split)
            continue
        try:
            env = gym.make(suite.id, split=split).unwrapped
        except (AssetError, ImportError):  # the data are not on this machine, or no reader of Parquet files
            if suite.assets:
                continue
            raise
        assert len(env.tasks) == suite.tasks[split]


def test_the_table_has_a_row_for_each_suite():
    head, line, *rows = environments_table().splitlines()
    assert len(rows) == len(SUITES)
    for row in (head, line, *rows):
        assert row.count("|") == 6, "a cell must not contain |"
    for suite, row in zip(SUITES.values(), rows, strict=True):
        assert row.startswith(f"| `{suite.id}` | {suite.summary} | ")
        assert suite.verdict
    assert "| 3,641 test | data | official" in rows[0]


def test_what_a_suite_needs_exists():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    for suite in SUITES.values():
        assert set(suite.extras) <= set(extras)
        assert set(suite.assets) <= set(ASSETS)
