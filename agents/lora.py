"""LoRA by peft (Hu et al. 2021): adapters on a model's linear layers, and the model they are merged into."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from toolgym.runlog import RunError


def with_lora(model: Any, rank: int, seed: int) -> Any:
    """The model with LoRA adapters on its linear layers, begun from ``seed``. Raises RunError without peft."""
    try:
        from peft import LoraConfig, get_peft_model
    except ImportError:
        raise RunError("lora_rank needs peft: pip install 'toolgym[lora]'") from None
    with torch.random.fork_rng(), _quiet():
        torch.manual_seed(seed)
        return get_peft_model(model, LoraConfig(r=rank, lora_alpha=2 * rank, target_modules="all-linear"))


def merged(model: Any, adapters: Path) -> Any:
    """The model with the adapters of a folder added to its weights."""
    from peft import PeftModel

    with _quiet():
        return PeftModel.from_pretrained(model, adapters).merge_and_unload()


@contextmanager
def _quiet() -> Iterator[None]:
    """peft reads an attribute that transformers 5 warns of; a user can do nothing about it."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*is_gradient_checkpointing", FutureWarning)
        yield
