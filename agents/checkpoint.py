"""Checkpoints of a training run: each is written completely or not at all, and the last two are kept."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from transformers.utils import logging as transformers_logging

from toolgym.assets import atomic_folder
from toolgym.runlog import RunError

KEPT = 2


def save(run: Path, step: int, model: Any, tokenizer: Any, state: dict[str, Any]) -> Path:
    """Write ``checkpoints/step-<step>``: a model that transformers (or peft) loads, and ``trainer.pt`` to resume from.

    Raises OSError if the disk refuses; earlier checkpoints then stay unchanged.
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
def no_progress_bars(hide: bool = True) -> Iterator[None]:
    """Hide transformers' progress bars inside this block, unless ``hide`` is False; then restore the setting."""
    settings: Any = transformers_logging
    if not hide or not settings.is_progress_bar_enabled():
        yield
        return
    settings.disable_progress_bar()
    try:
        yield
    finally:
        settings.enable_progress_bar()


@contextmanager
def writing() -> Iterator[None]:
    """Save models inside this block: without progress bars, and with OSError for any library if the disk refuses."""
    with no_progress_bars():
        try:
            yield
        except (SafetensorError, RuntimeError) as error:  # safetensors and torch raise these if the disk is full
            raise OSError(str(error)) from error


def all_of(run: Path) -> list[Path]:
    """The checkpoints of a run, oldest first."""
    return sorted(path for path in (run / "checkpoints").glob("step-*") if (path / "trainer.pt").is_file())


def of(source: Path) -> Path:
    """``source`` itself if it is a checkpoint, else the run's last checkpoint. Raises RunError if the folder has no
    checkpoint, or is a run of stable-baselines3."""
    if (source / "trainer.pt").is_file():
        return source
    found = all_of(source)
    if not found and (any(source.glob("checkpoints/*/model.zip")) or (source / "model.zip").is_file()):
        raise RunError(
            f"{source} is a run of stable-baselines3: its network picks from a menu and is not a language model, so "
            f"there is nothing to export. To play it: toolgym eval --agent sb3 --model {source}"
        )
    if not found:
        raise RunError(f"{source} holds no checkpoint: give a run's folder, or RUN/checkpoints/step-...")
    return found[-1]


def latest(run: Path) -> dict[str, Any] | None:
    """The state in the last checkpoint's ``trainer.pt``, or None without a checkpoint."""
    found = all_of(run)
    if not found:
        return None
    state: dict[str, Any] = torch.load(found[-1] / "trainer.pt", map_location="cpu", weights_only=True)
    return state
