"""The folders ``checkpoints/step-<step>`` of a training run: found, checked, and set aside if they are damaged."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from toolgym.runlog import RunError, read_metrics

logger = logging.getLogger(__name__)

T = TypeVar("T")


def all_of(run: Path) -> list[Path]:
    """The folders of a run's checkpoints, oldest first, damaged ones included."""
    found = [path for path in (run / "checkpoints").glob("step-*") if path.is_dir() and step_of(path) >= 0]
    return sorted(found, key=step_of)


def step_of(folder: Path) -> int:
    """The step in the name of a checkpoint's folder, ``step-<step>``; -1 if it has another name."""
    number = folder.name.removeprefix("step-")
    return int(number) if number.isascii() and number.isdigit() else -1


def newest(run: Path, read: Callable[[Path], tuple[T | None, str]]) -> T | None:
    """What ``read`` makes of a run's last checkpoint that is whole; None if the run has no checkpoint.

    Damaged checkpoints after it are named in warnings. Raises RunError if the run has checkpoints and all are damaged.

    Args:
        read: a function of a checkpoint's folder that returns (value, ""), or (None, what is wrong with it).
    """
    damaged: list[str] = []
    for folder in reversed(all_of(run)):
        found, problem = read(folder)
        if found is not None:
            for each in damaged:
                logger.warning("damaged checkpoint %s. The one before it is used: %s", each, folder)
            return found
        damaged.append(f"{folder}: {problem}")
    if damaged:
        raise RunError(
            f"no checkpoint of {run} is whole ({'; '.join(damaged)}). Put the files back, or begin a run in another "
            "folder"
        )
    return None


def set_aside_after(run: Path, step: int) -> None:
    """Rename the checkpoints of later steps to ``damaged-step-...``: a run resumed from ``step`` writes them again."""
    for folder in all_of(run):
        if step_of(folder) > step:
            target = folder.with_name(f"damaged-{folder.name}")
            shutil.rmtree(target, ignore_errors=True)
            folder.rename(target)


def begins_again(run: Path, save_every: int) -> None:
    """Warn that a run without any checkpoint begins again. Raises RunError if it must have had a checkpoint."""
    logged = int(max((row["step"] for row in read_metrics(run)), default=0))
    if logged > save_every:
        raise RunError(
            f"{run} has logged {logged} steps and holds no checkpoint, though one is saved every {save_every} steps. "
            "Put checkpoints/ back, or begin a run in another folder"
        )
    if logged:
        logger.warning("%s was stopped at step %d, before its first checkpoint: it begins again", run, logged)
