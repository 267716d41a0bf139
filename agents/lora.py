"""LoRA (Hu et al. 2021) by peft: adapters on a model's linear layers, and merging adapters into their base model."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from toolgym.assets import AssetError
from toolgym.runlog import RunError


def with_lora(model: Any, rank: int, seed: int) -> Any:
    """The model with LoRA adapters on its linear layers, initialised from ``seed``. Raises RunError without peft.

    The adapters compute in the model's own dtype, as in sampling. The optimizer keeps a float32 copy of them.
    """
    try:
        from peft import LoraConfig, get_peft_model
    except ImportError:
        raise RunError("lora_rank needs peft: pip install 'toolgym[lora]'") from None
    with torch.random.fork_rng(), _quiet():
        torch.manual_seed(seed)
        settings = LoraConfig(r=rank, lora_alpha=2 * rank, target_modules="all-linear")
        return get_peft_model(model, settings, autocast_adapter_dtype=False)


def merged(model: Any, adapters: Path) -> Any:
    """The model with the adapters of a folder merged into its weights. Raises ImportError without peft."""
    from peft import PeftModel

    with _quiet():
        return PeftModel.from_pretrained(model, adapters).merge_and_unload()


def base_of(adapters: Path) -> str:
    """The name or folder of the adapters' base model: the run's ``model`` setting, else the path that peft stored.

    Raises AssetError if neither exists.
    """
    about = adapters.parent.parent / "config.json"
    if about.is_file() and adapters.parent.name == "checkpoints":
        return str(json.loads(about.read_text("utf-8"))["model"])
    named = json.loads((adapters / "adapter_config.json").read_text("utf-8")).get("base_model_name_or_path")
    if not named:
        raise AssetError(f"{adapters} does not say which model its adapters belong to")
    return str(named)


@contextmanager
def _quiet() -> Iterator[None]:
    """Hide a warning that the user cannot act on: peft reads an attribute that transformers 5 has deprecated."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*is_gradient_checkpointing", FutureWarning)
        yield
