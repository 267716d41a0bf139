"""LoRA by peft (Hu et al. 2021): adapters on a model's linear layers, and the model they are merged into."""

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
    """The model with LoRA adapters on its linear layers, begun from ``seed``. Raises RunError without peft.

    The adapters compute in the model's own dtype, as the sampler's do; the optimizer keeps their float32 copy.
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
    """The model with the adapters of a folder added to its weights. Raises ImportError without peft."""
    from peft import PeftModel

    with _quiet():
        return PeftModel.from_pretrained(model, adapters).merge_and_unload()


def base_of(adapters: Path) -> str:
    """The model that a folder's adapters belong to: a run says it as it was given, the adapters only where it lay.

    Raises AssetError where neither does.
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
    """peft reads an attribute that transformers 5 warns of; a user can do nothing about it."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*is_gradient_checkpointing", FutureWarning)
        yield
