"""Checkpoints of a training run: written whole or not at all, the last two kept."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError

from toolgym.assets import atomic_folder
from toolgym.runlog import RunError

from .model import no_progress_bars

KEPT = 2


def save(run: Path, step: int, model: Any, tokenizer: Any, state: dict[str, Any]) -> Path:
    """``checkpoints/step-<step>``: the model as transformers (or peft) loads it, and ``trainer.pt`` to go on from.

    Raises OSError where the disk refuses; earlier checkpoints are then as they were.
    """
    folder = run / "checkpoints" / f"step-{step:06d}"
    with atomic_folder(folder) as temporary, writing():
        model.save_pretrained(temporary)
        tokenizer.save_pretrained(temporary)
        torch.save({"step": step, **state}, temporary / "trainer.pt")
    for old in all_of(run)[:-KEPT]:
        shutil.rmtree(old)
    return folder


@contextmanager
def writing() -> Iterator[None]:
    """Save models without progress bars; raises OSError where the disk refuses, whatever library writes."""
    with no_progress_bars():
        try:
            yield
        except (SafetensorError, RuntimeError) as error:  # what safetensors and torch make of a full disk
            raise OSError(str(error)) from error


def all_of(run: Path) -> list[Path]:
    """The checkpoints of a run, oldest first."""
    return sorted(path for path in (run / "checkpoints").glob("step-*") if (path / "trainer.pt").is_file())


def of(source: Path) -> Path:
    """``source`` itself where it is a checkpoint, else the last one of the run. Raises RunError without one, and for
    runs of stable-baselines3."""
    if (source / "trainer.pt").is_file():
        return source
    found = all_of(source)
    if not found and (any(source.glob("checkpoints/*/model.zip")) or (source / "model.zip").is_file()):
        raise RunError(
            f"{source} is a run of stable-baselines3: its network picks from a menu and is no language model, so there "
            f"is nothing to export. To play it: toolgym eval --agent sb3 --model {source}"
        )
    if not found:
        raise RunError(f"{source} holds no checkpoint: give a run's folder, or RUN/checkpoints/step-...")
    return found[-1]


def latest(run: Path) -> dict[str, Any] | None:
    """The state saved last, or None."""
    found = all_of(run)
    if not found:
        return None
    state: dict[str, Any] = torch.load(found[-1] / "trainer.pt", map_location="cpu", weights_only=True)
    return state
