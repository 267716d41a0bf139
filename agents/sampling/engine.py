"""Reader: what a sampler needs of a model, and the way to it that takes any causal language model.

A reader holds one batch of rows at a time: ``begin`` or ``resume`` opens it, ``append`` reads a token per row and
gives the next logits, ``leave`` closes a row. ``cascade.py`` has the fast one for the Llama family.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any, Protocol

import torch
from torch import Tensor
from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer

from .kv_cache import Past, Prefix


class Reader(Protocol):
    """Logits of a batch of growing token sequences, one row each."""

    def begin(self, prompts: Sequence[Sequence[int]], chosen: Sequence[int]) -> Tensor:
        """Read each prompt once and open a row for each of ``chosen``, indices of prompts; logits (rows, V)."""

    def resume(self, pasts: Sequence[Past], tokens: Sequence[Sequence[int]]) -> Tensor:
        """Open a row for each past, and read ``tokens`` after it, at least one each; logits (rows, V)."""

    def append(self, tokens: Tensor) -> Tensor:
        """Read one token per row, (rows,); logits (rows, V)."""

    def leave(self, row: int) -> Past | None:
        """Close a row; the last row takes its place. What it has read, where that can be kept."""

    def close(self) -> None:
        """Close all rows and free their memory."""


class PlainReader:
    """A Reader for every causal language model of transformers: its own forward, with keys and values that grow in
    place where its layers are of full attention."""

    def __init__(self, model: Any):
        self.model = model
        self._skips_logits = "logits_to_keep" in inspect.signature(model.forward).parameters
        self.close()

    def close(self) -> None:
        self._cache: Any = None
        self._mask = self._next = torch.zeros(0, dtype=torch.int64)
        self._keeps = False
        self._lengths: list[int] = []
        self._prompt_of: list[int] = []
        self._prefixes: dict[int, Prefix] = {}

    @torch.inference_mode()
    def begin(self, prompts: Sequence[Sequence[int]], chosen: Sequence[int]) -> Tensor:
        ids, self._mask = left_padded(prompts, self.model.device)
        self._next = self._mask.new_zeros(len(prompts))
        logits = self._forward(ids, self._mask)
        rows = torch.tensor(chosen, device=ids.device)
        self._mask, self._next = self._mask[rows], self._next[rows]
        self._lengths = [len(prompts[i]) for i in chosen]
        self._prompt_of, self._prefixes = list(chosen), {}
        self._keeps = _grow_in_place(self._cache, rows)
        return logits[rows]

    @torch.inference_mode()
    def resume(self, pasts: Sequence[Past], tokens: Sequence[Sequence[int]]) -> Tensor:
        prefixes = {id(past.prefix): past.prefix for past in pasts}
        self._prompt_of = [list(prefixes).index(id(past.prefix)) for past in pasts]
        self._prefixes = dict(enumerate(prefixes.values()))
        self._lengths = [len(past.prefix) for past in pasts]
        self._keeps = True
        self._cache, before = _cache_of(pasts)
        self._next = torch.tensor([len(past) for past in pasts], device=self.model.device)
        ids, mask = left_padded(tokens, self.model.device)
        self._mask = torch.cat([before.to(mask), mask], 1)
        return self._forward(ids, mask)

    @torch.inference_mode()
    def append(self, tokens: Tensor) -> Tensor:
        new = self._mask.new_ones(len(tokens), 1)
        self._mask = torch.cat([self._mask, new], 1)
        return self._forward(tokens[:, None], new)

    @torch.inference_mode()
    def leave(self, row: int) -> Past | None:
        past = self._past(row) if self._keeps else None
        last = len(self._prompt_of) - 1
        rows = [last if i == row else i for i in range(last)]
        for values in (self._prompt_of, self._lengths):
            values[row] = values[last]
            values.pop()
        if not rows:
            self.close()
            return past
        self._mask[row], self._next[row] = self._mask[last], self._next[last]
        self._mask, self._next = self._mask[:last], self._next[:last]
        layers: list[Any] = self._cache.layers
        for layer in layers:
            if isinstance(layer, GrowingLayer):
                layer.replace_by_last(row)
            else:
                layer.batch_select_indices(torch.tensor(rows, device=self.model.device))
        return past

    def _forward(self, ids: Tensor, new: Tensor) -> Tensor:
        """Read ids (rows, T), of which ``new`` (rows, T) hides some; logits after the last, (rows, V)."""
        positions = self._next[:, None] + new.cumsum(1) - 1
        self._next = positions[:, -1] + 1
        more = {"logits_to_keep": 1} if self._skips_logits else {}
        out = self.model(
            input_ids=ids,
            # without a mask attention takes a faster path, and none is needed where nothing is hidden
            attention_mask=None if bool(self._mask.all()) else self._mask,
            position_ids=positions.clamp(min=0),
            past_key_values=self._cache,
            use_cache=True,
            **more,
        )
        self._cache = out.past_key_values
        logits: Tensor = out.logits[:, -1]
        return logits

    def _past(self, row: int) -> Past:
        shown = self._mask[row].bool()
        layers: list[Any] = self._cache.layers
        keys = torch.stack([layer.keys[row][:, shown] for layer in layers])
        values = torch.stack([layer.values[row][:, shown] for layer in layers])
        prompt, length = self._prompt_of[row], self._lengths[row]
        if prompt not in self._prefixes:
            self._prefixes[prompt] = Prefix(keys[:, :, :length].clone(), values[:, :, :length].clone())
        return Past(self._prefixes[prompt], keys[:, :, length:].clone(), values[:, :, length:].clone())


class GrowingLayer(DynamicLayer):  # type: ignore[no-untyped-call]
    """A layer of full attention whose keys and values grow in place. ``keys`` and ``values``, (rows, heads, tokens,
    width), show the part in use. (DynamicLayer copies all it holds at every token: on a CPU half the time.)"""

    keys: Tensor
    values: Tensor

    def __init__(self, keys: Tensor, values: Tensor):
        super().__init__()  # type: ignore[no-untyped-call]
        self.dtype, self.device, self.is_initialized = keys.dtype, keys.device, True
        self._store(keys, values)

    def _store(self, keys: Tensor, values: Tensor) -> None:
        used = keys.shape[2]
        shape = (*keys.shape[:2], used + max(64, used // 4))
        self._keys = keys.new_empty(*shape, keys.shape[3])
        self._values = values.new_empty(*shape, values.shape[3])
        self._keys[:, :, :used], self._values[:, :, :used] = keys, values
        self._show(len(keys), used)

    def _show(self, rows: int, used: int) -> tuple[Tensor, Tensor]:
        self.keys, self.values = self._keys[:rows, :, :used], self._values[:rows, :, :used]
        return self.keys, self.values

    def update(self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
        """Append tokens; returns all keys and values so far."""
        rows, used = len(self.keys), self.get_seq_length()
        total = used + key_states.shape[2]
        if total > self._keys.shape[2]:
            self._store(self.keys, self.values)
        self._keys[:rows, :, used:total] = key_states
        self._values[:rows, :, used:total] = value_states
        return self._show(rows, total)

    def replace_by_last(self, row: int) -> None:
        """Close a row."""
        last = len(self.keys) - 1
        self.keys[row], self.values[row] = self.keys[last], self.values[last]
        self._show(last, self.get_seq_length())


def _grow_in_place(cache: Any, rows: Tensor) -> bool:
    """Give ``cache`` the rows ``rows``, which may repeat; whether all of its layers grow in place from here on.

    Layers of other kinds than full attention (sliding windows, recurrent states) stay what they are.
    """
    layers: list[Any] = cache.layers
    for i, layer in enumerate(layers):
        if type(layer) is DynamicLayer and layer.is_initialized:
            keys: Any = layer.keys
            values: Any = layer.values
            layers[i] = GrowingLayer(keys[rows], values[rows])
        else:
            layer.batch_select_indices(rows)
    return all(isinstance(layer, GrowingLayer) for layer in layers)


def _cache_of(pasts: Sequence[Past]) -> tuple[Any, Tensor]:
    """A cache with a row for each past, against a common right edge, and which of its tokens are one, (rows, T)."""
    first = pasts[0].keys
    longest = max(map(len, pasts))
    shape = (first.shape[0], len(pasts), first.shape[1], longest)
    keys, values = first.new_zeros(*shape, first.shape[3]), first.new_zeros(*shape, pasts[0].values.shape[3])
    mask = torch.zeros(len(pasts), longest, dtype=torch.int64, device=first.device)
    for i, past in enumerate(pasts):
        start, middle = longest - len(past), longest - past.keys.shape[2]
        keys[:, i, :, start:middle], keys[:, i, :, middle:] = past.prefix.keys, past.keys
        values[:, i, :, start:middle], values[:, i, :, middle:] = past.prefix.values, past.values
        mask[i, start:] = 1
    cache = DynamicCache()
    cache.layers = [GrowingLayer(k, v) for k, v in zip(keys, values, strict=True)]
    return cache, mask


def left_padded(rows: Sequence[Sequence[int]], device: torch.device) -> tuple[Tensor, Tensor]:
    """Token ids and attention mask, both (rows, longest)."""
    width = max(map(len, rows))
    ids = torch.tensor([[0] * (width - len(row)) + list(row) for row in rows], device=device)
    mask = torch.tensor([[0] * (width - len(row)) + [1] * len(row) for row in rows], device=device)
    return ids, mask
