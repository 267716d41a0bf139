"""Three ways to lay out a group of rollouts for the training forward; in two the prompt is computed once.

G rollouts of one prompt, with P prompt tokens and C tokens each, are G(P + C) tokens to a padded batch and P + GC to
the others (PrefixGrouper, arXiv 2506.05433). All three give the same numbers and the same gradients:

    split    one row: a prompt, its completions one after the other, then the next group; nothing is padded. Attention
             is split: the prompt attends to itself, once; each completion to [prompt, itself].
    cached   two calls per group: the prompt, with its keys and values in the graph; then the completions, padded
             against each other, on those keys and values expanded.
    padded   the plain batch.

Each takes the backbone of a causal language model and rows, and returns states (m, H) together with the places (n,)
of those that predict the n sampled tokens, row after row. The prompt's last state predicts every first token.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import DynamicCache
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

from .batch import Row


def group_rows(rows: list[Row]) -> dict[tuple[int, ...], list[int]]:
    """Prompt -> which rows have it."""
    groups: dict[tuple[int, ...], list[int]] = {}
    for i, row in enumerate(rows):
        groups.setdefault(row.prompt, []).append(i)
    return groups


# The layouts: all states (m, H), and for each sampled token which of them predicts it --------------------------------


def padded(backbone: Any, rows: list[Row]) -> tuple[Tensor, list[int]]:
    """One batch, right-padded."""
    ids, mask = _right_padded([row.prompt + row.inputs for row in rows], _device(backbone))
    positions = torch.arange(ids.shape[1], device=ids.device).expand_as(ids)
    out = backbone(input_ids=ids, attention_mask=mask, position_ids=positions, use_cache=False)
    return out.last_hidden_state.flatten(0, 1), _padded_places(rows)


def _padded_places(rows: list[Row]) -> list[int]:
    width = max(map(len, rows))
    starts = [i * width + len(row.prompt) for i, row in enumerate(rows)]
    return [place for row, first in zip(rows, starts, strict=True) for place in row.places(first - 1, first)]


def cached(backbone: Any, rows: list[Row]) -> tuple[Tensor, list[int]]:
    """Two calls per group."""
    device = _device(backbone)
    parts: list[Tensor] = []
    places: dict[int, list[int]] = {}
    done = 0
    for prompt, members in group_rows(rows).items():
        cache = DynamicCache()
        out = backbone(input_ids=torch.tensor([prompt], device=device), past_key_values=cache, use_cache=True)
        parts.append(out.last_hidden_state[0])
        done += len(prompt)
        last = done - 1
        ids, mask = _right_padded([rows[i].inputs for i in members], device)
        width = ids.shape[1]
        if width:
            layers: Any = cache.layers
            for layer in layers:
                layer.keys = layer.keys.expand(len(members), -1, -1, -1)
                layer.values = layer.values.expand(len(members), -1, -1, -1)
            out = backbone(
                input_ids=ids,
                attention_mask=torch.cat([mask.new_ones(len(members), len(prompt)), mask], dim=1),
                position_ids=torch.arange(len(prompt), len(prompt) + width, device=device).expand_as(ids),
                past_key_values=cache,
                use_cache=True,
            )
            parts.append(out.last_hidden_state.flatten(0, 1))
        for i in members:
            places[i] = rows[i].places(last, done)
            done += width
    return torch.cat(parts), [place for i in range(len(rows)) for place in places[i]]


def split(backbone: Any, rows: list[Row]) -> tuple[Tensor, list[int]]:
    """One call, one row."""
    device = _device(backbone)
    ids: list[int] = []
    positions: list[int] = []
    pieces: list[tuple[int, Tensor | None]] = []
    places: dict[int, list[int]] = {}
    masks: dict[tuple[int, int], Tensor] = {}
    for prompt, members in group_rows(rows).items():
        ids += prompt
        positions += range(len(prompt))
        pieces.append((len(prompt), None))
        last = len(ids) - 1
        for i in members:
            size = len(rows[i].inputs), len(prompt)
            places[i] = rows[i].places(last, len(ids))
            if not size[0]:
                continue
            ids += rows[i].inputs
            positions += range(len(prompt), len(rows[i]))
            if size not in masks:
                masks[size] = torch.ones(size[0], sum(size), dtype=torch.bool, device=device).tril(len(prompt))
            pieces.append((size[0], masks[size]))
    with _attention(backbone.config, _SPLIT):
        out = backbone(
            input_ids=torch.tensor([ids], device=device),
            position_ids=torch.tensor([positions], device=device),
            use_cache=False,
            shared_prefix=pieces,
        )
    return out.last_hidden_state[0], [place for i in range(len(rows)) for place in places[i]]


def _split_attention(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    *,
    shared_prefix: list[tuple[int, Tensor | None]],
    scaling: float | None = None,
    dropout: float = 0.0,
    **more: Any,
) -> tuple[Tensor, None]:
    """Attention of one row of pieces, (1, heads, length, width): as transformers calls it.

    ``shared_prefix`` has each piece's length and mask; a piece without a mask is a prompt, which the pieces up to the
    next prompt continue.
    """
    if any(more.get(name) is not None for name in ("softcap", "s_aux", "position_bias")):
        raise NotImplementedError(f"attention with {', '.join(more)}")
    lengths = [length for length, _ in shared_prefix]
    outputs = []
    prefix_k = prefix_v = key
    pieces = zip(*(torch.split(x, lengths, 2) for x in (query, key, value)), strict=True)
    for (_, mask), (q, k, v) in zip(shared_prefix, pieces, strict=True):
        if mask is None:
            prefix_k, prefix_v = k, v
        else:
            k, v = torch.cat([prefix_k, k], 2), torch.cat([prefix_v, v], 2)
        grouped = q.shape[1] != k.shape[1]
        if grouped and mask is not None and q.device.type != "cpu":
            # the GPU's fast kernels take a mask or grouped heads, not both
            k, v = (x.repeat_interleave(q.shape[1] // x.shape[1], 1) for x in (k, v))
            grouped = False
        outputs.append(
            F.scaled_dot_product_attention(
                q, k, v, attn_mask=mask, dropout_p=dropout, is_causal=mask is None, scale=scaling, enable_gqa=grouped
            )
        )
    return torch.cat(outputs, 2).transpose(1, 2).contiguous(), None


_SPLIT = "toolgym_shared_prefix"
ALL_ATTENTION_FUNCTIONS.register(_SPLIT, _split_attention)


@contextmanager
def _attention(config: Any, name: str) -> Iterator[None]:
    before = config._attn_implementation
    config._attn_implementation = name
    try:
        yield
    finally:
        config._attn_implementation = before


def plain_logits(model: Any, rows: list[Row]) -> Tensor:
    """The logits of each sampled token, (n, V), of the plain padded batch."""
    ids, mask = _right_padded([row.prompt + row.inputs for row in rows], model.device)
    logits: Tensor = model(input_ids=ids, attention_mask=mask, use_cache=False).logits
    logits = logits[:, -ids.shape[1] :]  # a prompt of peft's own comes first
    return logits.flatten(0, 1)[torch.tensor(_padded_places(rows), device=logits.device)]


def _right_padded(rows: Sequence[Sequence[int]], device: torch.device) -> tuple[Tensor, Tensor]:
    """Ids and attention mask, both (rows, longest)."""
    width = max(map(len, rows))
    ids = torch.tensor([[*row, *[0] * (width - len(row))] for row in rows], dtype=torch.int64, device=device)
    mask = torch.tensor([[1] * len(row) + [0] * (width - len(row)) for row in rows], dtype=torch.int64, device=device)
    return ids, mask


def _device(backbone: Any) -> torch.device:
    device: torch.device = backbone.get_input_embeddings().weight.device
    return device
