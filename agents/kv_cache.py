"""Keys and values that grow in place, for any transformers model.

transformers' DynamicCache copies all it holds at every token; on a CPU that is half the time of decoding.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from transformers.cache_utils import DynamicLayer

_STEP = 128
"""Tokens by which a layer's memory grows."""


class GrowingLayer(DynamicLayer):  # type: ignore[no-untyped-call]
    """A layer of full attention. ``keys`` and ``values``, (rows, heads, tokens, width), show the part in use."""

    def __init__(self, keys: Tensor, values: Tensor, rows: Tensor):
        super().__init__()  # type: ignore[no-untyped-call]
        self.dtype, self.device, self.is_initialized = keys.dtype, keys.device, True
        self._store(keys, values, rows)

    def _store(self, keys: Tensor, values: Tensor, rows: Tensor) -> None:
        used = keys.shape[-2]
        shape = (len(rows), keys.shape[1], used + _STEP, keys.shape[3])
        self._keys, self._values = keys.new_empty(shape), values.new_empty((*shape[:3], values.shape[3]))
        self._keys[:, :, :used] = keys[rows]
        self._values[:, :, :used] = values[rows]
        self._show(used)

    def _show(self, used: int) -> tuple[Tensor, Tensor]:
        keys, values = self._keys[:, :, :used], self._values[:, :, :used]
        self.keys, self.values = keys, values
        return keys, values

    def update(self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
        """Append tokens; returns all keys and values so far."""
        used = self.get_seq_length()
        total = used + key_states.shape[-2]
        if total > self._keys.shape[-2]:
            self._store(*self._show(used), torch.arange(len(self._keys), device=self._keys.device))
        self._keys[:, :, used:total] = key_states
        self._values[:, :, used:total] = value_states
        return self._show(total)

    def batch_select_indices(self, indices: Tensor) -> None:
        """Keep the rows ``indices``, which may repeat."""
        self._store(*self._show(self.get_seq_length()), indices)


def spread(cache: Any, rows: Tensor) -> None:
    """Give ``cache`` the rows ``rows``, which may repeat, and let its layers grow in place from here on.

    Layers of other kinds than full attention (sliding windows, recurrent states) stay what they are.
    """
    layers: list[Any] = cache.layers
    for i, layer in enumerate(layers):
        full_attention = type(layer) is DynamicLayer
        if full_attention and layer.is_initialized:
            layers[i] = GrowingLayer(layer.keys, layer.values, rows)
        else:
            layer.batch_select_indices(rows)
