"""Activation checkpointing: a layer's activations are not kept for backward but computed again from its input.

The memory of a training forward then grows with the layers' inputs alone, and the update takes about a third longer.
transformers has the same, for models in training mode. Here the model stays in eval mode (no dropout), and the layouts
that compute a shared prompt once go on working: the attention function of the forward is set again in backward.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint
from transformers.modeling_layers import GradientCheckpointingLayer

from toolgym.runlog import RunError

from ..sampling.engine import core_of
from .shared_prefix import attention


def layers_of(model: nn.Module) -> Iterator[nn.Module]:
    """The model's layers, outermost ones only, by transformers' own mark. Raises RunError if there are none."""
    found = [name for name, module in model.named_modules() if isinstance(module, GradientCheckpointingLayer)]
    if not found:
        why = "gradient_checkpointing and fsdp take layers that transformers has marked for checkpointing"
        raise RunError(f"{why}, and {type(model).__name__} has none")
    for name in found:
        if not any(name.startswith(f"{other}.") for other in found):
            yield model.get_submodule(name)


def recompute_layers(model: nn.Module) -> None:
    """Let each layer of the model compute its activations again in backward."""
    config = core_of(model).get_decoder().config  # it names the attention function
    for layer in list(layers_of(model)):
        kind = type(layer)
        # a class of its own, as FSDP2 does it: names, weights and copies of the layer stay as they are
        layer.__class__ = type(f"Recomputed{kind.__name__}", (_Recomputed, kind), {})
        layer.attention_config = config


class _Recomputed(nn.Module):
    attention_config: Any

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        if not torch.is_grad_enabled():
            return super().forward(*args, **kwargs)
        config = self.attention_config
        name = config._attn_implementation
        return checkpoint(
            super().forward,
            *args,
            use_reentrant=False,
            preserve_rng_state=False,  # nothing is random
            context_fn=lambda: (nullcontext(), attention(config, name)),
            **kwargs,
        )


def recomputes(model: nn.Module) -> bool:
    """Whether ``recompute_layers`` was called on the model."""
    return any(isinstance(module, _Recomputed) for module in model.modules())
