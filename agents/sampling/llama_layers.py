"""The layers of the Llama family as plain functions of a model's weights, for sampling: few and large products.

Covers grouped attention, biases on linear layers, and norms of queries and keys (Qwen 3). ``LlamaEngine.supports``
compares the logits with the model's own before these layers are used.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .projection import Linear, projection

Attend: TypeAlias = Callable[[int, Tensor, Tensor, Tensor], Tensor]
"""(layer, queries (tokens, heads, width), keys and values (tokens, kv_heads, width)) -> (tokens, heads * width)"""


@dataclass(slots=True)
class _Layer:
    """One layer's weights; projections of the same input are side by side, so that one product computes them."""

    qkv: Linear
    # None without norms of queries and keys, else (width,)
    q_norm: Tensor | None
    k_norm: Tensor | None
    out: Linear
    gate_up: Linear
    down: Linear
    # weights of the RMS norms, (H,)
    before_attention: Tensor
    before_mlp: Tensor


class FusedLlama:
    """The model's weights, laid out for sampling: linear layers are copied, side by side if they share an input."""

    def __init__(self, model: Any):
        self.backbone = model.get_decoder()
        self.head: nn.Linear = model.get_output_embeddings()
        config = self.backbone.config
        first = self.backbone.layers[0].self_attn
        self.width: int = first.head_dim  # of one head; H, the hidden size, need not be heads * width
        self.heads: int = config.num_attention_heads
        self.kv_heads: int = config.num_key_value_heads
        self.eps: float = config.rms_norm_eps
        self.layers: list[_Layer] = []
        self._version: tuple[int, ...] = ()
        self.refresh()

    @property
    def dtype(self) -> torch.dtype:
        return self.head.weight.dtype

    @property
    def device(self) -> torch.device:
        return self.head.weight.device

    def refresh(self) -> None:
        """Copy the weights again if a weight of the backbone or of the head has changed. Cheap without a change."""
        version = weights_version(self.backbone) + weights_version(self.head)
        if version != self._version:
            with torch.no_grad():
                self.layers = [self._layer(layer) for layer in self.backbone.layers]
                self.to_logits = projection(self.head)
            self._version = version

    def _layer(self, layer: Any) -> _Layer:
        attention, mlp = layer.self_attn, layer.mlp
        return _Layer(
            projection(attention.q_proj, attention.k_proj, attention.v_proj),
            attention.q_norm.weight.detach() if hasattr(attention, "q_norm") else None,
            attention.k_norm.weight.detach() if hasattr(attention, "k_norm") else None,
            projection(attention.o_proj),
            projection(mlp.gate_proj, mlp.up_proj),
            projection(mlp.down_proj),
            layer.input_layernorm.weight.detach(),
            layer.post_attention_layernorm.weight.detach(),
        )

    def run(self, ids: Tensor, positions: Tensor, attend: Attend) -> Tensor:
        """Hidden states before the last norm, (tokens, H), of flat ``ids`` at ``positions``, both (tokens,)."""
        # flat tokens, not (rows, T): every linear layer is one product over all tokens, and only attend knows rows
        x = F.embedding(ids, self.backbone.embed_tokens.weight)
        # (tokens, 1, width); the model's own rotary module, with its scaling (llama3, yarn, ...)
        cos, sin = (part[0, :, None] for part in self.backbone.rotary_emb(x[None], positions[None]))
        rotated = self.heads + self.kv_heads
        for i, layer in enumerate(self.layers):
            h = F.rms_norm(x, x.shape[1:], layer.before_attention, self.eps)
            # (tokens, heads + 2 * kv_heads, width); queries and keys stay one tensor, rotated together
            qkv = layer.qkv(h).view(len(x), -1, self.width)
            qk, v = qkv[:, :rotated], qkv[:, rotated:]
            if layer.q_norm is not None and layer.k_norm is not None:
                q = F.rms_norm(qk[:, : self.heads], (self.width,), layer.q_norm, self.eps)
                k = F.rms_norm(qk[:, self.heads :], (self.width,), layer.k_norm, self.eps)
                qk = torch.cat([q, k], 1)
            # rotary pairs are half a head apart: (first, second) -> (first cos - second sin, second cos + first sin)
            first, second = qk.chunk(2, -1)
            qk = qk * cos + torch.cat([-second, first], -1) * sin
            x = x + layer.out(attend(i, qk[:, : self.heads], qk[:, self.heads :], v))
            h = F.rms_norm(x, x.shape[1:], layer.before_mlp, self.eps)
            # gated MLP; gate and up come from one product, (tokens, 2 * intermediate)
            gate, up = layer.gate_up(h).chunk(2, 1)
            x = x + layer.down(F.silu(gate) * up)
        return x

    def logits(self, states: Tensor) -> Tensor:
        """(rows, H) before the last norm -> (rows, V). Only the states of last tokens should come here: V is large."""
        states = F.rms_norm(states, states.shape[1:], self.backbone.norm.weight, self.eps)
        return self.to_logits(states)


def weights_version(module: nn.Module) -> tuple[int, ...]:
    """A tuple that changes when a weight is written to or replaced: the version and the address of each weight."""
    return tuple(number for weight in module.parameters() for number in (weight._version, weight.data_ptr()))
