"""A trained model on its own: what transformers, or a server, loads with ``from_pretrained``."""

from __future__ import annotations

import shutil
from pathlib import Path

import torch

from toolgym.assets import atomic_folder
from toolgym.runlog import RunError

from . import checkpoint
from .model import load_model


def export(source: str | Path, out: str | Path) -> Path:
    """Write the model of a run's last checkpoint, or of the checkpoint ``source``, to the new folder ``out``.

    All weights were trained: the checkpoint is copied, without what only the trainer needs. LoRA: the adapters are
    merged, in float32, into the model that they were trained on, in the number format that its own files have.

    Raises RunError where there is no checkpoint of a language model, or ``out`` is there already; AssetError where the
    model under the adapters cannot be had; OSError for a disk that is full.
    """
    found, out = checkpoint_of(Path(source)), Path(out)
    if out.exists():
        raise RunError(f"{out} is there already; choose a new folder")
    with atomic_folder(out) as folder:
        if (found / "adapter_config.json").is_file():
            _write_merged(found, folder)
        else:
            shutil.copytree(found, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("trainer.pt"))
    return out


def checkpoint_of(source: Path) -> Path:
    """``source`` itself where it is a checkpoint, else the last one of the run. Raises RunError without one, and for
    runs of stable-baselines3."""
    if (source / "trainer.pt").is_file():
        return source
    found = checkpoint.all_of(source)
    if not found and (any(source.glob("checkpoints/*/model.zip")) or (source / "model.zip").is_file()):
        raise RunError(
            f"{source} is a run of stable-baselines3: its network picks from a menu and is no language model, so there "
            f"is nothing to export. To play it: toolgym eval --agent sb3 --model {source}"
        )
    if not found:
        raise RunError(f"{source} holds no checkpoint: give a run's folder, or RUN/checkpoints/step-...")
    return found[-1]


def _write_merged(source: Path, folder: Path) -> None:
    from transformers import AutoConfig

    model, tokenizer = load_model(source, "cpu", "float32")
    stored = AutoConfig.from_pretrained(model.name_or_path).dtype or torch.float32
    with checkpoint.writing():
        model.to(stored).save_pretrained(folder)
        tokenizer.save_pretrained(folder)
