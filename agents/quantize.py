"""QLoRA (Dettmers et al. 2023, arXiv 2305.14314): a base model in 4-bit NF4 by bitsandbytes, under LoRA adapters.

Linear layers but the output layer are quantised: blocks of 64 weights, with quantised block constants ("double
quantisation"). A product dequantises its layer, so gradients are those of the dequantised model.

Weights are quantised from the numbers in the model's files, whatever dtype the model computes in. So training and
merging quantise to the same 4 bits.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import torch
from torch import nn
from transformers import AutoModelForCausalLM, BitsAndBytesConfig
from transformers.pytorch_utils import Conv1D

from toolgym.assets import AssetError

KINDS = ("off", "nf4")


def check_bitsandbytes() -> None:
    """Raises AssetError if bitsandbytes is not installed."""
    try:
        import bitsandbytes  # noqa: F401
    except ImportError:
        raise AssetError("quantize 'nf4' needs bitsandbytes: pip install 'toolgym[qlora]'") from None


def load_nf4(source: str, dtype: torch.dtype, device: torch.device, **how: Any) -> tuple[Any, dict[str, Any]]:
    """The model in 4 bits on the device, and transformers' loading info.

    Args:
        source: as for ``from_pretrained``, which gets ``how`` too.
        dtype: of the products and of all other weights.

    Raises AssetError if the model has no layer to quantise.
    """
    make: Any = BitsAndBytesConfig  # has no types
    settings = make(
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True, bnb_4bit_compute_dtype=dtype
    )
    loaded: Any = AutoModelForCausalLM.from_pretrained(
        source, dtype="auto", quantization_config=settings, device_map={"": device}, output_loading_info=True, **how
    )
    model, info = loaded
    if not any(_quantised(model)):
        raise AssetError(f"{type(model).__name__} has no linear layers that bitsandbytes quantises: leave out quantize")
    for parameter in model.parameters():
        if parameter.is_floating_point():
            parameter.data = parameter.data.to(dtype)
    keep_gradients(model)
    return model, info


def keep_gradients(model: nn.Module) -> None:
    """Keep 4-bit layers differentiable, on CPUs with AVX512-BF16. Call this before the first forward.

    There, the first forward without gradients in eval mode packs a layer's weight for inference, for good. A packed
    layer has no backward: gradients before it are lost, with no error.
    """
    for _, layer in _quantised(model):
        layer.support_avx512bf16_for_cpu = False


@torch.no_grad()
def dequantised(plain: Any, quantised: Any) -> Any:
    """``plain`` with the weights that its quantised twin computes with."""
    from bitsandbytes.functional import dequantize_4bit

    for name, layer in _quantised(quantised):
        into = plain.get_submodule(name)
        weight = dequantize_4bit(layer.weight.data, layer.weight.quant_state)  # (out, in)
        into.weight.copy_(weight.t() if isinstance(into, Conv1D) else weight)
    return plain


def _quantised(model: nn.Module) -> Iterator[tuple[str, Any]]:
    """The model's 4-bit layers by name."""
    if sys.modules.get("bitsandbytes") is None:  # not imported, so no layer can be one of its
        return
    layers: Any = import_module("bitsandbytes.nn")
    for name, module in model.named_modules():
        if isinstance(module, layers.Linear4bit):
            yield name, module
