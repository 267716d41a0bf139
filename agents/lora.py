"""LoRA (Hu et al. 2021) by peft: adapters on a model's linear layers, and merging adapters into their base model."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers.pytorch_utils import Conv1D

from toolgym.assets import AssetError
from toolgym.runlog import RunError

from .model_files import read_config
from .sampling.engine import plain_logits


def with_lora(model: Any, rank: int, seed: int) -> Any:
    """The model with LoRA adapters on its linear layers, initialised from ``seed``.

    Layers whose weights the model uses without calling the layer get none: their adapters would not be part of the
    model, until they are merged. The adapters compute in the model's own dtype, as in sampling. The optimizer keeps a
    float32 copy of them.

    Raises RunError without peft, or if no layer of the model can have an adapter.
    """
    try:
        from peft import LoraConfig, get_peft_model
    except ImportError:
        raise RunError("lora_rank needs peft: pip install 'toolgym[lora]'") from None
    with torch.random.fork_rng(), _quiet():
        torch.manual_seed(seed)
        settings = LoraConfig(
            r=rank, lora_alpha=2 * rank, target_modules="all-linear", exclude_modules=_never_called(model) or None
        )
        try:
            return get_peft_model(model, settings, autocast_adapter_dtype=False)
        except ValueError as error:
            raise RunError(f"{type(model).__name__} cannot be trained with lora_rank: {error}") from None


def _never_called(model: Any) -> list[str]:
    """Names of linear layers that are never called as modules, e.g. ``dt_proj`` of Mamba; and ``out_proj`` of models
    whose fast kernels read its weights, which peft refuses."""
    kinds = (nn.Linear, Conv1D)
    linear: dict[nn.Module, str] = {
        module: name.rpartition(".")[2] for name, module in model.named_modules() if isinstance(module, kinds)
    }
    called: set[str] = set()

    def note(module: nn.Module, _: Any, out: Any) -> None:
        if isinstance(out, torch.Tensor):  # routers may return more
            called.add(linear[module])

    hooks = [module.register_forward_hook(note) for module in linear]
    try:
        with torch.inference_mode():
            plain_logits(model, torch.arange(8, device=model.device)[None])
    finally:
        for hook in hooks:
            hook.remove()
    if model.config.model_type in ("mamba", "mamba2", "falcon_mamba", "falcon_h1", "nemotron_h"):
        called.discard("out_proj")
    return sorted(set(linear.values()) - called)


def merged(model: Any, adapters: Path) -> Any:
    """The model with the adapters of a folder merged into its weights. Raises ImportError without peft."""
    from peft import PeftModel

    with _quiet():
        return PeftModel.from_pretrained(model, adapters).merge_and_unload()


def base_of(adapters: Path) -> str:
    """The name or folder of the adapters' base model: the run's ``model`` setting, else the path that peft stored.

    Raises AssetError if neither exists.
    """
    about, key = adapters / "adapter_config.json", "base_model_name_or_path"
    settings = _run_settings(adapters)
    if settings is not None:
        about, key = settings, "model"
    named = read_config(about).get(key)
    if not named or not isinstance(named, str):
        raise AssetError(f"{adapters} does not say which model its adapters belong to: {about} has no {key}")
    return named


def trained_in_4_bits(adapters: Path) -> bool:
    """Whether the adapters' run trained them on a base model in 4 bits."""
    settings = _run_settings(adapters)
    return settings is not None and read_config(settings).get("quantize", "off") != "off"


def _run_settings(adapters: Path) -> Path | None:
    """The settings of the run whose checkpoint the folder is; None for adapters from elsewhere."""
    settings = adapters.parent.parent / "config.json"
    return settings if adapters.parent.name == "checkpoints" and settings.is_file() else None


@contextmanager
def _quiet() -> Iterator[None]:
    """Hide warnings of peft that the user cannot act on: of an attribute that transformers 5 has deprecated, and of
    what peft sets itself for GPT-2's layers and for fused experts."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*is_gradient_checkpointing", FutureWarning)
        warnings.filterwarnings("ignore", "fan_in_fan_out is set to", UserWarning)
        warnings.filterwarnings("ignore", r"The following \w+ keys did not match", RuntimeWarning)
        yield
