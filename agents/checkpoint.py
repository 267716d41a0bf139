"""Checkpoints of a training run: each is written completely or not at all, and the last two are kept.

A checkpoint has checksums. If one is damaged, a run is resumed or exported from an older checkpoint that is whole.
"""

from __future__ import annotations

import pickle
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from zipfile import is_zipfile

import torch
from safetensors import SafetensorError, safe_open
from transformers.utils import logging as transformers_logging

from toolgym.disk import CHECKSUMS, atomic_folder, damage, seal
from toolgym.runlog import RunError

from .step_folders import all_of, newest, set_aside_after, step_of

__all__ = ["KEPT", "all_of", "folder_of", "latest", "of", "problem_of", "save", "writing"]

KEPT = 2
"""Number of checkpoints kept."""
STATE = "trainer.pt"
"""The file of a checkpoint that has the trainer's state."""


def save(run: Path, step: int, model: Any, tokenizer: Any, state: dict[str, Any]) -> Path:
    """Write ``checkpoints/step-<step>``: a model that transformers (or peft) loads, and ``trainer.pt`` to resume from.

    Raises OSError if the disk refuses; earlier checkpoints then stay unchanged.
    """
    folder = folder_of(run, step)
    with atomic_folder(folder) as temporary, writing():
        model.save_pretrained(temporary)
        tokenizer.save_pretrained(temporary)
        torch.save({"step": step, **state}, temporary / STATE)
        seal(temporary)
    for old in all_of(run)[:-KEPT]:
        shutil.rmtree(old)
    return folder


def folder_of(run: Path, step: int) -> Path:
    """The folder of the checkpoint after a step."""
    return run / "checkpoints" / f"step-{step:06d}"


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


def of(source: Path) -> Path:
    """``source`` itself if it is a checkpoint, else the run's last whole checkpoint.

    Raises RunError if the folder has no checkpoint, if it is damaged, or if it is a run of stable-baselines3.
    """
    if (source / STATE).exists() or (source / CHECKSUMS).exists():
        problem = problem_of(source)
        if problem:
            raise RunError(f"{source} is damaged: {problem}. Give another checkpoint, or the run's folder")
        return source
    if any(source.glob("checkpoints/*/model.zip")) or (source / "model.zip").is_file():
        raise RunError(
            f"{source} is a run of stable-baselines3: its network picks from a menu and is not a language model, so "
            f"there is nothing to export. To play it: toolgym eval --agent sb3 --model {source}"
        )
    found = newest(source, lambda folder: (None if (problem := problem_of(folder)) else folder, problem))
    if found is None:
        raise RunError(f"{source} holds no checkpoint: give a run's folder, or RUN/checkpoints/step-...")
    return found


def latest(run: Path) -> dict[str, Any] | None:
    """The state in the ``trainer.pt`` of the run's last whole checkpoint; None without a checkpoint.

    Damaged checkpoints after it are set aside. Raises RunError if the run has checkpoints and all are damaged.
    """
    state = newest(run, _read_state)
    if state is not None:
        set_aside_after(run, state["step"])
    return state


def problem_of(folder: Path) -> str:
    """What is wrong with the files of a checkpoint, in words; "" if nothing is."""
    try:
        if not is_zipfile(folder / STATE):  # torch.save writes zip files
            return f"{STATE} is missing or incomplete"
        problem = damage(folder)
        if problem:
            return problem
        weights = sorted(folder.glob("*.safetensors"))
        if not weights:
            return "it has no weights (*.safetensors)"
        for path in weights:  # checkpoints of earlier versions have no checksums
            with safe_open(path, "pt"):
                pass
    except (OSError, SafetensorError) as error:
        return f"a file cannot be read: {error}"
    return ""


def _read_state(folder: Path) -> tuple[dict[str, Any] | None, str]:
    """(the state, ""), or (None, what is wrong with the checkpoint)."""
    problem = problem_of(folder)
    if problem:
        return None, problem
    try:
        state = torch.load(folder / STATE, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, ValueError, EOFError, KeyError, pickle.UnpicklingError) as error:
        return None, f"{STATE} cannot be read: {str(error).strip().partition(chr(10))[0][:200]}"
    if not isinstance(state, dict) or state.get("step") != step_of(folder):
        return None, f"{STATE} is not the state of step {step_of(folder)}"
    return state, ""
