"""A fast engine for models of the Llama family: their layers, written for a batch of answers to few prompts.

What makes it fast: each prompt has its keys and values in memory once, and one matrix product scores the queries of all
its answers against them (cascade attention). Projections of the same input are one product. Keys and values grow
in place. A finished answer leaves the batch. Everything is computed in the model's own dtype and on its device.

``LlamaEngine.supports`` tells which models it can run: the architecture's name must be known, and the logits must agree
with the model's own forward on a few tokens. ``engine.py`` has the engine for all other models.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from .engine import left_padded
from .kv_cache import KVCache, Prefix
from .llama_layers import Attend, FusedLlama
from .probe import Probe
from .projection import adapters_known

ARCHITECTURES = ("llama", "mistral", "qwen2", "qwen3")


class LlamaEngine:
    """An engine (see ``Engine``) that shares each prompt's keys and values between the rows of the prompt.

    Args:
        model: one that ``supports`` accepts. Its weights may change between batches; ``prefill`` and ``resume`` notice.
    """

    def __init__(self, model: Any):
        self.model = model
        self.weights = FusedLlama(model)
        self.close()

    @classmethod
    def supports(cls, model: Any) -> bool:
        """Whether this engine can run the model. Runs the model on a few tokens, if its architecture is known."""
        config = model.config
        if config.model_type not in ARCHITECTURES or not adapters_known(model):
            return False
        # attention here sees all earlier tokens: no sliding windows
        if set(getattr(config, "layer_types", None) or ("full_attention",)) != {"full_attention"}:
            return False
        if getattr(config, "sliding_window", None) and getattr(config, "use_sliding_window", True):
            return False
        if config.hidden_act != "silu":
            return False
        try:
            engine = cls(model)
        except Exception:  # the model is built in another way
            return False
        return not Probe(model).agrees(engine, allowed=1e-3)

    @torch.inference_mode()
    def prefill(self, prompts: Sequence[Sequence[int]], prompt_of: Sequence[int]) -> Tensor:
        """Prefill each prompt once, and open a row for each index in ``prompt_of``; logits (rows, V)."""
        self.weights.refresh()
        # one prompt at a time: nothing is padded, and causal attention needs no mask tensor
        prefilled = [self._prefill(prompt) for prompt in prompts]
        empty = prefilled[0][0].keys[:, :, :0]
        self._open([KVCache(prefilled[i][0], empty, empty) for i in prompt_of])
        return torch.stack([prefilled[i][1] for i in prompt_of])

    @torch.inference_mode()
    def resume(self, caches: Sequence[KVCache], tokens: Sequence[Sequence[int]]) -> Tensor:
        """Open a row for each KV cache, and prefill ``tokens`` after it, at least one per row; logits (rows, V)."""
        self.weights.refresh()
        self._open(caches)
        ids, mask = left_padded(tokens, self.weights.device)
        return self._forward(ids, mask.bool())

    @torch.inference_mode()
    def decode(self, tokens: Tensor) -> Tensor:
        """Append one token to each row, (rows,); logits (rows, V)."""
        return self._forward(tokens[:, None], None)

    @torch.inference_mode()
    def remove(self, row: int) -> KVCache:
        """Remove a row and return its KV cache; the last row takes its place."""
        # shown: (used,), False at padding; the views below: (layers, kv_heads, used, width)
        shown = self._valid[row, : self._used]
        keys, values = self._keys[:, row, :, : self._used], self._values[:, row, :, : self._used]
        kept = KVCache(self._prefix_of[row], keys[:, :, shown], values[:, :, shown])  # indexing by a mask copies
        self.rows -= 1
        last = self.rows
        if not last:
            self.close()
            return kept
        # the last row moves into the gap: rows stay 0 to n - 1, and views [:rows] need no index
        for tensor in (self._valid, self._next):
            tensor[row] = tensor[last]
        keys[:, :] = self._keys[:, last, :, : self._used]
        values[:, :] = self._values[:, last, :, : self._used]
        self._prefix_of[row] = self._prefix_of[last]
        self._prefix_of.pop()
        self._place_rows()
        return kept

    def close(self) -> None:
        """Remove all rows and free their memory."""
        self.rows = self._used = 0
        none = torch.empty(0)
        self._keys = self._values = self._prefix_keys = self._prefix_values = self._valid = self._next = none
        self._prefix_of: list[Prefix] = []

    # --------------------------------------------------------------------------------------------

    def _prefill(self, prompt: Sequence[int]) -> tuple[Prefix, Tensor]:
        """A prompt's keys and values, and the logits after it, (V,)."""
        weights = self.weights
        ids = torch.tensor(prompt, device=weights.device)
        shape = (len(weights.layers), weights.kv_heads, len(prompt), weights.width)
        keys, values = (torch.empty(shape, dtype=weights.dtype, device=weights.device) for _ in range(2))

        def attend(layer: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
            # (tokens, heads, width) -> (1, heads, tokens, width), as scaled_dot_product_attention takes them
            keys[layer], values[layer] = k.transpose(0, 1), v.transpose(0, 1)
            q, k, v = q.transpose(0, 1)[None], keys[layer][None], values[layer][None]
            out = F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True)
            return out[0].transpose(0, 1).flatten(1)  # (tokens, heads * width)

        states = weights.run(ids, torch.arange(len(prompt), device=ids.device), attend)
        return Prefix(keys, values), weights.logits(states[-1:])[0]

    def _open(self, caches: Sequence[KVCache]) -> None:
        """Lay out the batch: a row per KV cache. A row's own tokens (after the prefix) are padded on the left."""
        weights = self.weights
        self.rows = len(caches)
        # own tokens end in the same column in every row, so the next tokens of all rows are one column
        self._used = max(cache.keys.shape[2] for cache in caches)
        # (layers, rows, kv_heads, columns, width): room for 64 tokens, after that _forward makes it larger
        shape = (len(weights.layers), self.rows, weights.kv_heads, self._used + 64, weights.width)
        self._keys = torch.zeros(shape, dtype=weights.dtype, device=weights.device)
        self._values = torch.zeros_like(self._keys)
        self._valid = torch.zeros(self.rows, shape[3], dtype=torch.bool, device=weights.device)  # False: padding
        for i, cache in enumerate(caches):
            own = cache.keys.shape[2]
            if own:
                self._keys[:, i, :, self._used - own : self._used] = cache.keys
                self._values[:, i, :, self._used - own : self._used] = cache.values
                self._valid[i, self._used - own : self._used] = True
        # (rows,): the position of each row's next token, which padding does not count in
        self._next = torch.tensor([len(cache) for cache in caches], device=weights.device)
        self._prefix_of = [cache.prefix for cache in caches]
        self._stacked: dict[int, int] = {}  # id of a prefix -> its index in _prefix_keys
        self._place_rows()

    def _place_rows(self) -> None:
        """Give each row a place in the grid (prefixes, rows per prefix) of ``_attention``, after rows came or went."""
        groups: dict[int, list[int]] = {}
        for row, prefix in enumerate(self._prefix_of):
            groups.setdefault(id(prefix), []).append(row)
        # stacking copies all prefixes, so prefixes without rows stay until they are a quarter of the stack
        if not self._stacked or len(groups) <= 0.75 * len(self._stacked):
            prefixes = {id(prefix): prefix for prefix in self._prefix_of}
            self._stacked = {name: i for i, name in enumerate(prefixes)}
            self._stack(list(prefixes.values()))
        # the grid is as wide as the largest group; smaller groups leave places empty
        most = max(map(len, groups.values()), default=0)
        places = [0] * self.rows
        for name, members in groups.items():
            for i, row in enumerate(members):
                places[row] = self._stacked[name] * most + i
        self._most = most
        full = len(self._stacked) * most
        # None: the rows fill the grid in order, so a view is enough (equal groups, before any row is removed)
        in_order = places == list(range(full))
        self._places = None if in_order else torch.tensor(places, device=self.weights.device)

    def _stack(self, prefixes: list[Prefix]) -> None:
        """Stack keys and values, (layers, prefixes, kv_heads, longest, width), padded on the right; and a mask."""
        longest = max((len(prefix) for prefix in prefixes), default=0)
        first = self._keys
        shape = (first.shape[0], len(prefixes), first.shape[2], longest, first.shape[4])
        self._prefix_keys, self._prefix_values = first.new_zeros(shape), first.new_zeros(shape)
        # (prefixes, 1, 1, longest), added to scores: -inf at padding. None if all prefixes have the same length
        hidden = torch.zeros(len(prefixes), 1, 1, longest, dtype=first.dtype, device=first.device)
        for i, prefix in enumerate(prefixes):
            self._prefix_keys[:, i, :, : len(prefix)] = prefix.keys
            self._prefix_values[:, i, :, : len(prefix)] = prefix.values
            hidden[i, ..., len(prefix) :] = float("-inf")
        self._hidden = hidden if any(len(prefix) < longest for prefix in prefixes) else None

    def _forward(self, ids: Tensor, mask: Tensor | None) -> Tensor:
        """Run the model on new tokens (rows, T); ``mask`` is False at padding. Logits after the last, (rows, V)."""
        rows, count = ids.shape
        before, after = self._used, self._used + count
        if after > self._keys.shape[3]:
            self._keys, self._values = _grown(self._keys, 3, after), _grown(self._values, 3, after)
            self._valid = _grown(self._valid, 1, after)
        # columns, unlike rows, are never removed: a row's earlier padding stays and is hidden by _valid
        self._valid[:rows, before:after] = True if mask is None else mask
        steps = torch.arange(1, count + 1, device=ids.device) if mask is None else mask.cumsum(1)
        positions = self._next[:rows, None] + steps - 1  # (rows, T); padding repeats the position before it
        self._next[:rows] = positions[:, -1] + 1
        self._used = after
        states = self.weights.run(ids.flatten(), positions.clamp_(min=0).flatten(), self._attention(count))
        return self.weights.logits(states.view(rows, count, -1)[:, -1])

    def _attention(self, count: int) -> Attend:
        """Attention of ``count`` new tokens per row to the row's prefix and to its own tokens, up to themselves."""
        rows, used = self.rows, self._used
        kv_heads, width = self.weights.kv_heads, self.weights.width
        # a KV head serves heads // kv_heads query heads: with the new tokens, so many queries per row and KV head
        folded = self.weights.heads // kv_heads * count
        valid = self._valid[:rows, :used]
        hide = None  # one new token and no padding: everything may be seen
        if count > 1 or not bool(valid.all()):
            seen = valid[:, None].expand(rows, count, used)
            if count > 1:
                # new token t is column used - count + t, and sees columns up to its own
                causal = torch.ones(count, used, dtype=torch.bool, device=valid.device).tril(used - count)
                seen = seen & causal
            hide = torch.zeros(seen.shape, dtype=self.weights.dtype, device=valid.device)
            hide = hide.masked_fill_(~seen, float("-inf"))[:, None, None]  # (rows, 1, 1, count, used)
        places, most, stacked = self._places, self._most, len(self._stacked)

        def to_groups(x: Tensor) -> Tensor:
            """(rows, kv_heads, folded, n) -> (prefixes, kv_heads, most * folded, n)"""
            if places is not None:  # empty places hold zeros; to_rows drops their results
                x = x.new_zeros(stacked * most, *x.shape[1:]).index_copy_(0, places, x)
            return x.view(stacked, most, kv_heads, folded, -1).transpose(1, 2).flatten(2, 3)

        def to_rows(x: Tensor) -> Tensor:
            """(prefixes, kv_heads, most * folded, n) -> (rows, kv_heads, folded, n)"""
            x = x.view(stacked, kv_heads, most, folded, -1).transpose(1, 2).flatten(0, 1)
            return x if places is None else x[places]

        def attend(layer: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
            # views (rows, kv_heads, used, width); the new tokens' columns are written first, as they see themselves
            own_keys, own_values = self._keys[layer, :rows, :, :used], self._values[layer, :rows, :, :used]
            own_keys[:, :, used - count :] = k.view(rows, count, kv_heads, width).transpose(1, 2)
            own_values[:, :, used - count :] = v.view(rows, count, kv_heads, width).transpose(1, 2)
            # scaling the queries is less work than scaling the scores
            q = q.view(rows, count, kv_heads, -1, width) * width**-0.5
            q = q.permute(0, 2, 3, 1, 4).reshape(rows, kv_heads, folded, width)
            # the cascade: (prefixes, kv_heads, most * folded, longest), a prefix's keys are loaded once for its rows
            shared = to_groups(q) @ self._prefix_keys[layer].transpose(2, 3)
            if self._hidden is not None:
                shared = shared + self._hidden
            own = q @ own_keys.transpose(2, 3)  # (rows, kv_heads, folded, used)
            if hide is not None:
                own = (own.view(rows, kv_heads, -1, count, used) + hide).flatten(2, 3)
            prefix = shared.shape[3]
            # one softmax over prefix and own tokens, in groups: the own scores are moved, because they are fewer
            weights = torch.cat([shared, to_groups(own)], 3).softmax(3, dtype=torch.float32).to(q.dtype)
            out = to_rows(weights[..., :prefix] @ self._prefix_values[layer])
            out = out + to_rows(weights[..., prefix:]) @ own_values
            # (rows, kv_heads, folded, width) -> (rows * count, heads * width)
            return out.view(rows, kv_heads, -1, count, width).permute(0, 3, 1, 2, 4).reshape(rows * count, -1)

        return attend


def _grown(tensor: Tensor, dim: int, needed: int) -> Tensor:
    """A copy with room for ``needed`` entries and half as many again along ``dim``; the new entries are 0."""
    shape = list(tensor.shape)
    shape[dim] = needed + needed // 2
    out = tensor.new_zeros(shape)
    out.narrow(dim, 0, tensor.shape[dim]).copy_(tensor)
    return out
