"""Engine: the interface between sampling and a model, and the engine for models of attention alone.

An engine holds one batch of rows at a time. ``prefill`` or ``resume`` opens the batch, ``decode`` runs the model on one
token per row and gives the next logits, ``remove`` takes a row out. ``llama_engine.py`` is faster for the Llama family;
``unpadded_engine.py`` runs every model; ``choose_engine.py`` has the choice.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any, Protocol

import torch
from torch import Tensor
from transformers import DynamicCache
from transformers.cache_utils import DummyLayer, DynamicLayer, DynamicSlidingWindowLayer

from .kv_cache import KVCache, Prefix


class Engine(Protocol):
    """Logits of a batch of growing token sequences, one row each. V is the size of the vocabulary."""

    def prefill(self, prompts: Sequence[Sequence[int]], prompt_of: Sequence[int]) -> Tensor:
        """Prefill each prompt once, and open a row for each index in ``prompt_of``; logits (rows, V)."""

    def resume(self, caches: Sequence[KVCache], tokens: Sequence[Sequence[int]]) -> Tensor:
        """Open a row for each KV cache, and prefill ``tokens`` after it, at least one per row; logits (rows, V)."""

    def decode(self, tokens: Tensor) -> Tensor:
        """Append one token to each row, (rows,); logits (rows, V)."""

    def remove(self, row: int) -> KVCache | None:
        """Remove a row; the last row takes its place. Returns the KV cache of the row, or None if the model's layers
        do not allow keeping it."""

    def close(self) -> None:
        """Remove all rows and free their memory."""


def core_of(model: Any) -> Any:
    """The transformers model itself, without peft's wrapper around it."""
    return model.get_base_model() if hasattr(model, "get_base_model") else model


def keep_weights(model: Any) -> None:
    """RWKV divides some weights in place in eval mode, against overflow in float16, and a checkpoint would hold the
    divided ones. This puts the weights back and turns it off."""
    base = core_of(model).base_model
    if getattr(base.config, "rescale_every", 0) and hasattr(base, "layers_are_rescaled"):
        if base.layers_are_rescaled:
            base.training = True
            base._rescale_layers()
            base.training = False
        base.config.rescale_every = 0


def takes(model: Any) -> set[str]:
    """The names of the arguments that the model's forward takes."""
    return set(inspect.signature(core_of(model).forward).parameters)


def uncached(model: Any) -> dict[str, bool]:
    """The argument that keeps a forward from making a cache, if the model takes it."""
    return {"use_cache": False} if "use_cache" in takes(model) else {}


def plain_logits(model: Any, ids: Tensor) -> Tensor:
    """The logits after each token, (rows, T, V), of rows without padding (rows, T), computed in one forward."""
    logits: Tensor = model(input_ids=ids, **uncached(model)).logits
    return logits


class PlainEngine:
    """An engine for models of attention alone: the model's own forward on rows padded to one length. If a layer has
    full attention, its keys and values grow in place.

    Args:
        resumes: False keeps no KV caches. In a resumed batch, padding stands between a row's cached and its new tokens;
            a model that counts distances in columns counts the padding too.
    """

    def __init__(self, model: Any, *, resumes: bool = True):
        self.model = model
        self.resumes = resumes and "position_ids" in takes(model) and not windows(core_of(model).config)
        accepted = takes(model)
        self._skips_logits = "logits_to_keep" in accepted
        self._takes_positions = "position_ids" in accepted  # else the model counts the mask
        self.close()

    def close(self) -> None:
        self._cache: Any = None
        # (rows, cached tokens), 0: padding; and (rows,), the position of each row's next token
        self._mask = self._next = torch.zeros(0, dtype=torch.int64)
        self._keeps = False  # whether remove() can return a row's KV cache
        # per row: tokens in its prefix, and the key of its prefix in _prefixes
        self._lengths: list[int] = []
        self._prompt_of: list[int] = []
        self._prefixes: dict[int, Prefix] = {}

    @torch.inference_mode()
    def prefill(self, prompts: Sequence[Sequence[int]], prompt_of: Sequence[int]) -> Tensor:
        # (prompts, longest); padded on the left, so that the last logits of every prompt are in the last column
        ids, self._mask = left_padded(prompts, self.model.device)
        self._next = self._mask.new_zeros(len(prompts))
        logits = self._forward(ids, self._mask)
        # from a batch of prompts to a batch of rows: each prompt was run once, however many answers it gets
        rows = torch.tensor(prompt_of, device=ids.device)
        self._mask, self._next = self._mask[rows], self._next[rows]
        self._lengths = [len(prompts[i]) for i in prompt_of]
        self._prompt_of, self._prefixes = list(prompt_of), {}
        self._keeps = _grow_in_place(self._cache, rows) and self.resumes
        return logits[rows]

    @torch.inference_mode()
    def resume(self, caches: Sequence[KVCache], tokens: Sequence[Sequence[int]]) -> Tensor:
        # prefixes are compared by identity: rows that share one go on sharing it in the KV caches returned
        prefixes = {id(cache.prefix): cache.prefix for cache in caches}
        self._prompt_of = [list(prefixes).index(id(cache.prefix)) for cache in caches]
        self._prefixes = dict(enumerate(prefixes.values()))
        self._lengths = [len(cache.prefix) for cache in caches]
        self._keeps = True  # a KV cache exists only if all layers have full attention
        self._cache, cached = _batched(caches)
        self._next = torch.tensor([len(cache) for cache in caches], device=self.model.device)
        ids, mask = left_padded(tokens, self.model.device)
        # (rows, longest cache + most new tokens); padding may stand between a row's cached and its new tokens
        self._mask = torch.cat([cached.to(mask), mask], 1)
        return self._forward(ids, mask)

    @torch.inference_mode()
    def decode(self, tokens: Tensor) -> Tensor:
        new = self._mask.new_ones(len(tokens), 1)
        self._mask = torch.cat([self._mask, new], 1)
        return self._forward(tokens[:, None], new)

    @torch.inference_mode()
    def remove(self, row: int) -> KVCache | None:
        kept = self._kv_cache(row) if self._keeps else None
        last = len(self._prompt_of) - 1
        # the last row moves into the gap: one row is copied, not all rows behind the gap
        rows = [last if i == row else i for i in range(last)]
        for values in (self._prompt_of, self._lengths):
            values[row] = values[last]
            values.pop()
        if not rows:
            self.close()
            return kept
        self._mask[row], self._next[row] = self._mask[last], self._next[last]
        self._mask, self._next = self._mask[:last], self._next[:last]
        layers: list[Any] = self._cache.layers
        for layer in layers:
            if isinstance(layer, GrowingLayer):
                layer.replace_by_last(row)
            else:
                layer.batch_select_indices(torch.tensor(rows, device=self.model.device))
        return kept

    def _forward(self, ids: Tensor, new: Tensor) -> Tensor:
        """Run the model on ids (rows, T); the mask ``new`` (rows, T) is 0 at padding. Last logits, (rows, V)."""
        # (rows, T): padding takes no position; a row that begins with padding is clamped from -1 to 0 below
        positions = self._next[:, None] + new.cumsum(1) - 1
        self._next = positions[:, -1] + 1
        more: dict[str, Any] = (
            {"logits_to_keep": 1} if self._skips_logits else {}
        )  # else logits for all of (rows, T, V)
        if self._takes_positions:
            more["position_ids"] = positions.clamp(min=0)
        out = self.model(
            input_ids=ids,
            # without a mask attention takes a faster path, and without padding no mask is needed
            attention_mask=None if bool(self._mask.all()) else self._mask,
            past_key_values=self._cache,
            use_cache=True,
            **more,
        )
        self._cache = out.past_key_values
        logits: Tensor = out.logits[:, -1]
        return logits

    def _kv_cache(self, row: int) -> KVCache:
        shown = self._mask[row].bool()
        layers: list[Any] = self._cache.layers
        # (layers, kv_heads, tokens, width), without padding
        keys = torch.stack([layer.keys[row][:, shown] for layer in layers])
        values = torch.stack([layer.values[row][:, shown] for layer in layers])
        prompt, length = self._prompt_of[row], self._lengths[row]
        # the first row of a prompt makes the prefix, the other rows share it; clone() lets the rest be freed
        if prompt not in self._prefixes:
            self._prefixes[prompt] = Prefix(keys[:, :, :length].clone(), values[:, :, :length].clone())
        return KVCache(self._prefixes[prompt], keys[:, :, length:].clone(), values[:, :, length:].clone())


class GrowingLayer(DynamicLayer):  # type: ignore[no-untyped-call]
    """A layer's KV cache for full attention that grows in place. ``keys`` and ``values``, (rows, kv_heads, tokens,
    width), are views of the part in use. (DynamicLayer copies the cache at every token: on a CPU half the time.)"""

    keys: Tensor
    values: Tensor

    def __init__(self, keys: Tensor, values: Tensor):
        super().__init__()  # type: ignore[no-untyped-call]
        self.dtype, self.device, self.is_initialized = keys.dtype, keys.device, True
        self._store(keys, values)

    def _store(self, keys: Tensor, values: Tensor) -> None:
        used = keys.shape[2]
        # room for a quarter more, at least 64 tokens: copies get rarer as the conversation grows
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
        """Remove a row; the last row takes its place."""
        last = len(self.keys) - 1
        self.keys[row], self.values[row] = self.keys[last], self.values[last]
        self._show(last, self.get_seq_length())


def windows(config: Any) -> list[int]:
    """The lengths of the attention windows that the config names. (Real windows are longer than any probe.)"""
    settings = vars(config.get_text_config(decoder=True)).items()
    return [size for name, size in settings if name.endswith(("window", "window_size")) and type(size) is int]


def holds_keys_and_values(cache: Any) -> bool:
    """Whether a cache has keys and values alone, so that a mask hides padding. (A dummy layer uses another layer's.)"""
    return all(type(layer) in (DynamicLayer, DynamicSlidingWindowLayer, DummyLayer) for layer in cache.layers)


def _grow_in_place(cache: Any, rows: Tensor) -> bool:
    """Select the rows ``rows`` of ``cache``, which may repeat. True if all layers now grow in place, in one shape.

    Layers with a sliding window keep their type. Raises TypeError for layers that hold more than keys and values.
    """
    layers: list[Any] = cache.layers
    if not holds_keys_and_values(cache):
        raise TypeError(f"a cache of {', '.join(sorted({type(layer).__name__ for layer in layers}))} cannot be padded")
    for i, layer in enumerate(layers):
        if type(layer) is DynamicLayer and layer.is_initialized:
            keys: Any = layer.keys
            values: Any = layer.values
            layers[i] = GrowingLayer(keys[rows], values[rows])
        else:
            layer.batch_select_indices(rows)
    shapes = {_shape(layer) for layer in layers}
    return len(shapes) == 1 and None not in shapes


def _shape(layer: Any) -> tuple[int, int, int] | None:
    """(kv_heads, width of keys, width of values) of a layer that grows in place."""
    if not isinstance(layer, GrowingLayer):
        return None
    return layer.keys.shape[1], layer.keys.shape[3], layer.values.shape[3]


def _batched(caches: Sequence[KVCache]) -> tuple[Any, Tensor]:
    """One transformers cache with a row per KV cache, padded on the left, and its mask (rows, longest), 0: padding."""
    first = caches[0].keys
    longest = max(map(len, caches))
    # (layers, rows, kv_heads, longest, width); a model's keys and values may differ in width
    shape = (first.shape[0], len(caches), first.shape[1], longest)
    keys, values = first.new_zeros(*shape, first.shape[3]), first.new_zeros(*shape, caches[0].values.shape[3])
    mask = torch.zeros(len(caches), longest, dtype=torch.int64, device=first.device)
    for i, cache in enumerate(caches):
        # a row: padding up to start, the prefix up to middle, then the tokens after the prefix
        start, middle = longest - len(cache), longest - cache.keys.shape[2]
        keys[:, i, :, start:middle], keys[:, i, :, middle:] = cache.prefix.keys, cache.keys
        values[:, i, :, start:middle], values[:, i, :, middle:] = cache.prefix.values, cache.values
        mask[i, start:] = 1
    batch = DynamicCache()
    batch.layers = [GrowingLayer(k, v) for k, v in zip(keys, values, strict=True)]
    return batch, mask


def left_padded(rows: Sequence[Sequence[int]], device: torch.device) -> tuple[Tensor, Tensor]:
    """Token ids and attention mask, both (rows, longest); id 0 and mask 0 at padding."""
    width = max(map(len, rows))
    ids = torch.tensor([[0] * (width - len(row)) + list(row) for row in rows], device=device)
    mask = torch.tensor([[0] * (width - len(row)) + [1] * len(row) for row in rows], device=device)
    return ids, mask
