"""Runs to look at in the tests of the viewer: played in the small shop, or made up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from conftest import calling, saying, shop

from toolgym import rollout
from toolgym.runlog import write_run
from toolgym.types import Trajectory

MILK = calling(("add", {"item": "milk", "quantity": 2}))
WRONG = calling(("add", {"item": "milk", "quantity": 3, "fast": True}))
TOTAL = calling(("total", {}))


class Script:
    """Plays given texts."""

    def __init__(self, *texts: str):
        self.texts = iter(texts)

    def act(self, observation: Any) -> str:
        return next(self.texts)


def played(task: str, *texts: str, repeat: int = 0) -> Trajectory:
    """An episode of a shop's task. The shop has the tasks milk, count and hello."""
    found = rollout(shop(), Script(*texts), task_id=task, repeat=repeat)
    found.env_id, found.seconds = "TestShop-v0", 0.25
    return found


def shop_run(folder: Path, *, better: bool = False) -> Path:
    """A run of three tasks: one passed, two failed; all passed if ``better``."""
    milk = MILK if better else WRONG
    episodes = [
        played("milk", milk, saying("Done.")),
        played("count", milk, TOTAL, saying("2")),
        played("hello", saying("Good <b>morning</b>!")),
    ]
    folder.mkdir(parents=True)
    write_run(folder, {"env": "TestShop-v0", "env_kwargs": {}, "agent": "better" if better else "plain"}, episodes)
    return folder
