"""Export a trained model to a folder that transformers or a server loads with ``from_pretrained``."""

from __future__ import annotations

import shutil
from pathlib import Path

import torch
from transformers import AutoConfig

from toolgym.disk import CHECKSUMS, atomic_folder
from toolgym.runlog import RunError

from . import checkpoint
from .model import load_model
from .token_policy import end_ids
from .tokens import ChatTokens


def export(source: str | Path, out: str | Path, *, trust_remote_code: bool = False) -> Path:
    """Write the model of a run's last checkpoint, or of the checkpoint ``source``, to the new folder ``out``.

    If all weights were trained, the checkpoint is copied without the trainer's state. LoRA adapters are merged, in
    float32, into their base model, and saved in the dtype of the base model's files. If the base model was in 4 bits,
    that is its dequantised weights: the original ones would give another model than the trained one.

    Args:
        trust_remote_code: run code that comes with the adapters' base model, as in ``load_model``.

    Raises RunError if ``source`` has no checkpoint of a language model, or if ``out`` exists or cannot be written;
    AssetError if the adapters' base model cannot be loaded.
    """
    found, out = checkpoint.of(Path(source)), Path(out)
    if out.exists():
        raise RunError(f"{out} is there already; choose a new folder")
    try:
        with atomic_folder(out) as folder:
            if (found / "adapter_config.json").is_file():
                _write_merged(found, folder, trust_remote_code)
            else:
                shutil.copytree(
                    found, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns(checkpoint.STATE, CHECKSUMS)
                )
    except OSError as error:
        raise RunError(f"cannot write the model to {out}: {error}") from error
    return out


def _write_merged(source: Path, folder: Path, trust: bool) -> None:
    model, tokenizer = load_model(source, "cpu", "float32", trust_remote_code=trust)
    about = AutoConfig.from_pretrained(model.name_or_path, trust_remote_code=trust, local_files_only=True)
    stored = about.dtype or torch.float32
    model.generation_config.eos_token_id = sorted(end_ids(model.generation_config, ChatTokens(tokenizer)))
    with checkpoint.writing():
        model.to(stored).save_pretrained(folder)
        tokenizer.save_pretrained(folder)
