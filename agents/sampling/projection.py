"""Linear layers for sampling: one product for all layers of the same input, weights in the CPU's own order.

LoRA adapters (Hu et al. 2021, as peft stores them) stay separate from the weights.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple, TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Linear: TypeAlias = Callable[[Tensor], Tensor]


class Adapter(NamedTuple):
    """LoRA adds ``up @ down @ x`` to a layer's output."""

    down: Tensor
    """(rank, in)"""
    up: Tensor
    """(out, rank), scale included"""


def projection(*layers: nn.Module) -> Linear:
    """Linear layers of the same input as one function, outputs side by side. The weights are copied.

    Adapters are not added to the weights, because bfloat16 would round small adapters away. So sampling uses the same
    policy as training.
    """
    plain = [_base(layer) for layer in layers]
    biases = [layer.bias for layer in plain]
    whole = packed(torch.cat([layer.weight for layer in plain]), None if biases[0] is None else torch.cat(biases))
    adapters = [_adapter(layer) for layer in layers]
    down = torch.cat([adapter.down for adapter in adapters]).detach()
    if not len(down):
        return whole
    # (sum of outs, sum of ranks): each layer's outputs get only that layer's adapter
    up = torch.block_diag(*[adapter.up for adapter in adapters]).detach()  # type: ignore[no-untyped-call]
    return lambda x: whole(x) + F.linear(F.linear(x, down), up)


def adapters_known(model: nn.Module) -> bool:
    """Whether peft added only plain LoRA adapters of linear layers to the model, active and not merged."""
    replaced = [m for m in model.modules() if hasattr(m, "base_layer") or hasattr(m, "original_module")]
    if not replaced:
        return not hasattr(model, "peft_config")
    from peft.tuners.lora.layer import Linear as LoraLinear

    return all(
        type(module) is LoraLinear
        and len(module.active_adapters) == 1
        and not (module.merged or module.disable_adapters or module.lora_variant or any(module.lora_bias.values()))
        for module in replaced
    )


def _base(layer: Any) -> Any:
    return getattr(layer, "base_layer", layer)


def _adapter(layer: Any) -> Adapter:
    """The layer's adapter; if the layer has none, an adapter of rank 0."""
    weight = _base(layer).weight
    name = layer.active_adapters[0] if hasattr(layer, "base_layer") else None
    if name is None or name not in layer.lora_A:
        return Adapter(weight.new_empty(0, weight.shape[1]), weight.new_empty(weight.shape[0], 0))
    down, up = layer.lora_A[name].weight, layer.lora_B[name].weight * layer.scaling[name]
    return Adapter(down.to(weight.dtype), up.to(weight.dtype))


def packed(weight: Tensor, bias: Tensor | None = None) -> Linear:
    """``F.linear`` with a fixed weight.

    In bfloat16 on a CPU, the weight is put into oneDNN's own order once. Otherwise every product of a few rows spends
    more time on reordering than on computing. torch.compile uses the same operators.
    """
    weight, bias = weight.detach(), None if bias is None else bias.detach()
    if weight.dtype == torch.bfloat16 and weight.device.type == "cpu" and _has_onednn():
        own = torch.ops.mkldnn._reorder_linear_weight(weight, _ROWS)
        return lambda x: torch.ops.mkldnn._linear_pointwise(x, own, bias, "none", [], "")
    return lambda x: F.linear(x, weight, bias)


_ROWS = 16
"""The number of rows that the order is chosen for; any number works."""


_OPERATORS = ("_reorder_linear_weight", "_linear_pointwise", "_is_mkldnn_bf16_supported")


@cache
def _has_onednn() -> bool:
    operators = torch.ops.mkldnn
    named = all(hasattr(operators, name) for name in _OPERATORS)
    return named and bool(operators._is_mkldnn_bf16_supported())
