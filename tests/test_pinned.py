"""Tasks, play, rewards and verdicts are what they were: see pinned_play.py for what counts, and for 1,000 of each."""

from __future__ import annotations

import json

import pinned_play
import pytest

from toolgym.replay import replay
from toolgym.report.table import load_runs

PINNED = json.loads((pinned_play.FOLDER / "few.json").read_text())


@pytest.mark.parametrize("name", PINNED)
def test_the_same_bytes_as_ever(name: str) -> None:
    if name.startswith("verdicts "):
        found = pinned_play.verdicts(name.removeprefix("verdicts "), pinned_play.FEW)
    else:
        found = pinned_play.digests(*pinned_play.parts()[name], pinned_play.FEW)
    assert found == PINNED[name]


def test_every_split_and_level_is_pinned() -> None:
    full = json.loads((pinned_play.FOLDER / "full.json").read_text())
    missing = set(pinned_play.parts()) - {"ToolRL train"} - set(PINNED)
    assert not missing
    assert set(full) == set(PINNED)


@pytest.mark.parametrize("name", ["office", "math", "functions"])
def test_runs_of_earlier_versions_are_read_and_replay(name: str) -> None:
    folder = pinned_play.FOLDER / "earlier" / name
    assert {(each.status, each.differences) for each in replay(folder)} == {("same", ())}
    assert load_runs([folder])[0].trajectories
