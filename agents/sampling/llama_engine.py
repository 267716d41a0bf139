"""Fast sampling from models of the Llama family: their layers, written for a batch of answers to few prompts.

What makes it fast: a prompt's keys and values are kept once for all of its answers, whose queries meet them in one
matrix product (cascade attention); projections of the same input are one product; keys and values grow in place; a
finished answer leaves the batch. All of it in the model's own dtype and on its device.

``Cascade.suits`` says which models it takes: the architecture by name, and their logits have to agree with the plain
model's on a few tokens. ``reader.py`` has the way for all others.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from .engine import left_padded
from .kv_cache import Past, Prefix
from .llama_layers import Attend, FusedLlama
from .projection import adapters_known

ARCHITECTURES = ("llama", "mistral", "qwen2", "qwen3")


class Cascade:
    """Reads prompts, then answers token by token. One batch at a time: ``begin`` or ``resume``, then ``append``.

    Args:
        model: as ``suits`` allows. Its weights may change between batches; ``begin`` and ``resume`` notice.
    """

    def __init__(self, model: Any):
        self.model = model
        self.weights = FusedLlama(model)
        self.close()

    @classmethod
    def suits(cls, model: Any) -> bool:
        """Whether this model can be read this way."""
        config = model.config
        if config.model_type not in ARCHITECTURES or not adapters_known(model):
            return False
        if set(getattr(config, "layer_types", None) or ("full_attention",)) != {"full_attention"}:
            return False
        if getattr(config, "sliding_window", None) and getattr(config, "use_sliding_window", True):
            return False
        return bool(config.hidden_act == "silu") and _agrees(cls(model))

    @torch.inference_mode()
    def begin(self, prompts: Sequence[Sequence[int]], chosen: Sequence[int]) -> Tensor:
        """Read each prompt once and open a row for each of ``chosen``, indices of prompts; logits (rows, V)."""
        self.weights.refresh()
        read = [self._read(prompt) for prompt in prompts]
        empty = read[0][0].keys[:, :, :0]
        self._open([Past(read[i][0], empty, empty) for i in chosen])
        return torch.stack([read[i][1] for i in chosen])

    @torch.inference_mode()
    def resume(self, pasts: Sequence[Past], tokens: Sequence[Sequence[int]]) -> Tensor:
        """Open a row for each past, and read ``tokens`` after it, at least one each; logits (rows, V)."""
        self.weights.refresh()
        self._open(pasts)
        ids, mask = left_padded(tokens, self.weights.device)
        return self._extend(ids, mask.bool())

    @torch.inference_mode()
    def append(self, tokens: Tensor) -> Tensor:
        """Read one token per row, (rows,); logits (rows, V)."""
        return self._extend(tokens[:, None], None)

    @torch.inference_mode()
    def leave(self, row: int) -> Past:
        """Close a row and give what it has read; the last row takes its place."""
        shown = self._valid[row, : self._used]
        keys, values = self._keys[:, row, :, : self._used], self._values[:, row, :, : self._used]
        past = Past(self._prefix_of[row], keys[:, :, shown], values[:, :, shown])
        self.rows -= 1
        last = self.rows
        if not last:
            self.close()
            return past
        for tensor in (self._valid, self._next):
            tensor[row] = tensor[last]
        keys[:, :] = self._keys[:, last, :, : self._used]
        values[:, :] = self._values[:, last, :, : self._used]
        self._prefix_of[row] = self._prefix_of[last]
        self._prefix_of.pop()
        self._place_rows()
        return past

    def close(self) -> None:
        """Close all rows and free their memory."""
        self.rows = self._used = 0
        none = torch.empty(0)
        self._keys = self._values = self._prefix_keys = self._prefix_values = self._valid = self._next = none
        self._prefix_of: list[Prefix] = []

    # --------------------------------------------------------------------------------------------

    def _read(self, prompt: Sequence[int]) -> tuple[Prefix, Tensor]:
        """A prompt's keys and values, and the logits after it, (V,)."""
        weights = self.weights
        ids = torch.tensor(prompt, device=weights.device)
        shape = (len(weights.layers), weights.kv_heads, len(prompt), weights.width)
        keys, values = (torch.empty(shape, dtype=weights.dtype, device=weights.device) for _ in range(2))

        def attend(layer: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
            keys[layer], values[layer] = k.transpose(0, 1), v.transpose(0, 1)
            q, k, v = q.transpose(0, 1)[None], keys[layer][None], values[layer][None]
            out = F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True)
            return out[0].transpose(0, 1).flatten(1)

        states = weights.run(ids, torch.arange(len(prompt), device=ids.device), attend)
        return Prefix(keys, values), weights.logits(states[-1:])[0]

    def _open(self, pasts: Sequence[Past]) -> None:
        """Lay out the batch: a row per past, own tokens against a common right edge."""
        weights = self.weights
        self.rows = len(pasts)
        self._used = max(past.keys.shape[2] for past in pasts)
        shape = (len(weights.layers), self.rows, weights.kv_heads, self._used + 64, weights.width)
        self._keys = torch.zeros(shape, dtype=weights.dtype, device=weights.device)
        self._values = torch.zeros_like(self._keys)
        self._valid = torch.zeros(self.rows, shape[3], dtype=torch.bool, device=weights.device)
        for i, past in enumerate(pasts):
            own = past.keys.shape[2]
            if own:
                self._keys[:, i, :, self._used - own : self._used] = past.keys
                self._values[:, i, :, self._used - own : self._used] = past.values
                self._valid[i, self._used - own : self._used] = True
        self._next = torch.tensor([len(past) for past in pasts], device=weights.device)
        self._prefix_of = [past.prefix for past in pasts]
        self._stacked: dict[int, int] = {}
        self._place_rows()

    def _place_rows(self) -> None:
        """Give every row its place among those of its prefix, after rows came or went."""
        groups: dict[int, list[int]] = {}
        for row, prefix in enumerate(self._prefix_of):
            groups.setdefault(id(prefix), []).append(row)
        if not self._stacked or len(groups) <= 0.75 * len(self._stacked):
            prefixes = {id(prefix): prefix for prefix in self._prefix_of}
            self._stacked = {name: i for i, name in enumerate(prefixes)}
            self._stack(list(prefixes.values()))
        most = max(map(len, groups.values()), default=0)
        places = [0] * self.rows
        for name, members in groups.items():
            for i, row in enumerate(members):
                places[row] = self._stacked[name] * most + i
        self._most = most
        full = len(self._stacked) * most
        in_order = places == list(range(full))
        self._places = None if in_order else torch.tensor(places, device=self.weights.device)

    def _stack(self, prefixes: list[Prefix]) -> None:
        """Keys and values of all prefixes, (layers, prefixes, heads, longest, width), and what to hide of them."""
        longest = max((len(prefix) for prefix in prefixes), default=0)
        first = self._keys
        shape = (first.shape[0], len(prefixes), first.shape[2], longest, first.shape[4])
        self._prefix_keys, self._prefix_values = first.new_zeros(shape), first.new_zeros(shape)
        hidden = torch.zeros(len(prefixes), 1, 1, longest, dtype=first.dtype, device=first.device)
        for i, prefix in enumerate(prefixes):
            self._prefix_keys[:, i, :, : len(prefix)] = prefix.keys
            self._prefix_values[:, i, :, : len(prefix)] = prefix.values
            hidden[i, ..., len(prefix) :] = float("-inf")
        self._hidden = hidden if any(len(prefix) < longest for prefix in prefixes) else None

    def _extend(self, ids: Tensor, mask: Tensor | None) -> Tensor:
        """Read (rows, T) tokens, of which ``mask`` hides some; logits after the last, (rows, V)."""
        rows, count = ids.shape
        before, after = self._used, self._used + count
        if after > self._keys.shape[3]:
            self._keys, self._values = _grown(self._keys, 3, after), _grown(self._values, 3, after)
            self._valid = _grown(self._valid, 1, after)
        self._valid[:rows, before:after] = True if mask is None else mask
        steps = torch.arange(1, count + 1, device=ids.device) if mask is None else mask.cumsum(1)
        positions = self._next[:rows, None] + steps - 1
        self._next[:rows] = positions[:, -1] + 1
        self._used = after
        states = self.weights.run(ids.flatten(), positions.clamp_(min=0).flatten(), self._attention(count))
        return self.weights.logits(states.view(rows, count, -1)[:, -1])

    def _attention(self, count: int) -> Attend:
        """Attention of ``count`` new tokens per row to its prefix and its own tokens, themselves included."""
        rows, used = self.rows, self._used
        kv_heads, width = self.weights.kv_heads, self.weights.width
        folded = self.weights.heads // kv_heads * count
        valid = self._valid[:rows, :used]
        hide = None
        if count > 1 or not bool(valid.all()):
            seen = valid[:, None].expand(rows, count, used)
            if count > 1:
                causal = torch.ones(count, used, dtype=torch.bool, device=valid.device).tril(used - count)
                seen = seen & causal
            hide = torch.zeros(seen.shape, dtype=self.weights.dtype, device=valid.device)
            hide = hide.masked_fill_(~seen, float("-inf"))[:, None, None]
        places, most, stacked = self._places, self._most, len(self._stacked)

        def to_groups(x: Tensor) -> Tensor:
            """(rows, kv_heads, folded, n) -> (prefixes, kv_heads, most * folded, n)"""
            if places is not None:
                x = x.new_zeros(stacked * most, *x.shape[1:]).index_copy_(0, places, x)
            return x.view(stacked, most, kv_heads, folded, -1).transpose(1, 2).flatten(2, 3)

        def to_rows(x: Tensor) -> Tensor:
            x = x.view(stacked, kv_heads, most, folded, -1).transpose(1, 2).flatten(0, 1)
            return x if places is None else x[places]

        def attend(layer: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
            own_keys, own_values = self._keys[layer, :rows, :, :used], self._values[layer, :rows, :, :used]
            own_keys[:, :, used - count :] = k.view(rows, count, kv_heads, width).transpose(1, 2)
            own_values[:, :, used - count :] = v.view(rows, count, kv_heads, width).transpose(1, 2)
            q = q.view(rows, count, kv_heads, -1, width) * width**-0.5
            q = q.permute(0, 2, 3, 1, 4).reshape(rows, kv_heads, folded, width)
            shared = to_groups(q) @ self._prefix_keys[layer].transpose(2, 3)
            if self._hidden is not None:
                shared = shared + self._hidden
            own = q @ own_keys.transpose(2, 3)
            if hide is not None:
                own = (own.view(rows, kv_heads, -1, count, used) + hide).flatten(2, 3)
            prefix = shared.shape[3]
            # the prompt is the longer part: what is of a row's own tokens changes places instead
            weights = torch.cat([shared, to_groups(own)], 3).softmax(3, dtype=torch.float32).to(q.dtype)
            out = to_rows(weights[..., :prefix] @ self._prefix_values[layer])
            out = out + to_rows(weights[..., prefix:]) @ own_values
            return out.view(rows, kv_heads, -1, count, width).permute(0, 3, 1, 2, 4).reshape(rows * count, -1)

        return attend


def _grown(tensor: Tensor, dim: int, needed: int) -> Tensor:
    """A copy with room for ``needed`` and half as much again along ``dim``; what is new is 0."""
    shape = list(tensor.shape)
    shape[dim] = needed + needed // 2
    out = tensor.new_zeros(shape)
    out.narrow(dim, 0, tensor.shape[dim]).copy_(tensor)
    return out


def _agrees(cascade: Cascade) -> bool:
    """Whether the logits are the plain model's on a few tokens, in every way that they are computed."""
    model = cascade.model
    vocabulary = model.config.vocab_size
    ids = [(7919 * i + 13) % vocabulary for i in range(24)]
    answers = [[5 % vocabulary, 6 % vocabulary, 7 % vocabulary], [8 % vocabulary]]
    try:
        first = cascade.begin([ids[:12], ids], [0, 1, 1])
        second = cascade.append(torch.tensor(ids[:3], device=first.device))
        pasts = [cascade.leave(0) for _ in range(3)]  # rows 0, 2, 1
        third = cascade.resume(pasts[:2], answers)
        with torch.inference_mode():
            wanted = [
                model(input_ids=torch.tensor([row], device=first.device), use_cache=False).logits[0, -1]
                for row in (
                    ids[:12], ids, [*ids[:12], ids[0]], [*ids, ids[1]],
                    [*ids[:12], ids[0], *answers[0]], [*ids, ids[2], *answers[1]],
                )
            ]  # fmt: skip
    except (AttributeError, TypeError, RuntimeError):  # a model that is built in some other way
        return False
    got = torch.stack([first[0], first[1], second[0], second[1], third[0], third[1]])
    plain = torch.stack(wanted)
    allowed = 1e-3 if plain.dtype in (torch.float32, torch.float64) else 5e-2
    return got.shape == plain.shape and bool((got - plain).norm() <= allowed * plain.norm())
