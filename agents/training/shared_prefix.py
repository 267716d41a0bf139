"""Four layouts of grouped rollouts for the training forward; in two of them each prompt is computed once.

G rollouts of one prompt, with P prompt tokens and C completion tokens each, are G(P + C) tokens to ``padded`` and
P + GC to ``split`` and ``cached`` (PrefixGrouper, arXiv 2506.05433). All four give the same numbers and gradients:

    split    one row: a prompt, its completions one after another, then the next group; nothing is padded. Attention
             is split: the prompt attends to itself, once; each completion to [prompt, itself].
    cached   two calls per group: the prompt, with its KV cache in the autograd graph; then its completions as a padded
             batch, on the expanded KV cache.
    padded   the plain batch.
    single   each row alone, for a model in which padding changes the numbers.

``split`` and ``cached`` take the backbone of a causal language model, the other two any function from ids to one
vector per token. Each returns all m vectors (m, H) and, for each of the n sampled tokens, row after row, the index of
the vector that predicts it. The prompt's last vector predicts the first token of every completion.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import accumulate
from typing import Any, TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import DynamicCache
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

from .batch import Row

Run: TypeAlias = Callable[..., Tensor]
"""``input_ids`` (rows, T) and perhaps ``attention_mask`` -> a vector per token, (rows, T, width)."""


def group_rows(rows: list[Row]) -> dict[tuple[int, ...], list[int]]:
    """Prompt -> the indices of the rows with this prompt."""
    groups: dict[tuple[int, ...], list[int]] = {}
    for i, row in enumerate(rows):
        groups.setdefault(row.prompt, []).append(i)
    return groups


# The layouts ---------------------------------------------------------------------------------------------------------


def padded(run: Run, device: torch.device, rows: list[Row]) -> tuple[Tensor, list[int]]:
    """One batch, right-padded."""
    # (rows, width) both; every row counts from 0, as padding is on the right
    ids, mask = _right_padded([row.prompt + row.inputs for row in rows], device)
    width = ids.shape[1]
    # peft's prompt tuning puts virtual tokens first
    states = run(input_ids=ids, attention_mask=mask)[:, -width:]
    return states.flatten(0, 1), _places(rows, [width] * len(rows))


def single(run: Run, device: torch.device, rows: list[Row]) -> tuple[Tensor, list[int]]:
    """One call per row, without padding."""
    states = [run(input_ids=torch.tensor([row.prompt + row.inputs], device=device))[0, -len(row) :] for row in rows]
    return torch.cat(states), _places(rows, list(map(len, rows)))


def _places(rows: list[Row], widths: list[int]) -> list[int]:
    """The places of the sampled tokens, if each row takes this many of the states, (sum of widths, H)."""
    starts = [end - width + len(row.prompt) for row, end, width in zip(rows, accumulate(widths), widths, strict=True)]
    return [place for row, first in zip(rows, starts, strict=True) for place in row.places(first - 1, first)]


def cached(backbone: Any, rows: list[Row]) -> tuple[Tensor, list[int]]:
    """Two calls per group: the prompt, then its completions on the prompt's KV cache."""
    device = _device(backbone)
    parts: list[Tensor] = []
    places: dict[int, list[int]] = {}
    done = 0  # states so far, over all parts
    for prompt, members in group_rows(rows).items():
        cache = DynamicCache()
        out = backbone(input_ids=torch.tensor([prompt], device=device), past_key_values=cache, use_cache=True)
        parts.append(out.last_hidden_state[0])  # (P, H)
        done += len(prompt)
        last = done - 1
        ids, mask = _right_padded([rows[i].inputs for i in members], device)
        width = ids.shape[1]
        if width:  # 0 if every completion is a single token: the prompt's state predicts it
            layers: Any = cache.layers
            for layer in layers:
                # (1, heads, P, width of a head) -> (members, ...): a view, so gradients add up in the prompt's keys
                layer.keys = layer.keys.expand(len(members), -1, -1, -1)
                layer.values = layer.values.expand(len(members), -1, -1, -1)
            out = backbone(
                input_ids=ids,
                attention_mask=torch.cat([mask.new_ones(len(members), len(prompt)), mask], dim=1),
                position_ids=torch.arange(len(prompt), len(prompt) + width, device=device).expand_as(ids),
                past_key_values=cache,
                use_cache=True,
            )
            parts.append(out.last_hidden_state.flatten(0, 1))  # (members * width, H)
        for i in members:
            places[i] = rows[i].places(last, done)
            done += width
    # groups may be out of order: the places go back to the order of the rows
    return torch.cat(parts), [place for i in range(len(rows)) for place in places[i]]


def split(backbone: Any, rows: list[Row]) -> tuple[Tensor, list[int]]:
    """One call on one row that holds every prompt and completion."""
    device = _device(backbone)
    ids: list[int] = []
    positions: list[int] = []
    pieces: list[tuple[int, Tensor | None]] = []  # length and mask of each prompt (mask None) and completion
    places: dict[int, list[int]] = {}
    masks: dict[tuple[int, int], Tensor] = {}  # by size: equal sizes share a mask
    for prompt, members in group_rows(rows).items():
        if len(prompt) == 1:
            # not worth sharing: with its completion it is one piece, and causal attention is faster than a mask
            for i in members:
                places[i] = rows[i].places(len(ids), len(ids) + 1)
                ids += prompt + rows[i].inputs
                positions += range(len(rows[i]))
                pieces.append((len(rows[i]), None))
            continue
        ids += prompt
        positions += range(len(prompt))
        pieces.append((len(prompt), None))
        last = len(ids) - 1
        for i in members:
            size = len(rows[i].inputs), len(prompt)  # C, P
            places[i] = rows[i].places(last, len(ids))
            if not size[0]:
                continue
            ids += rows[i].inputs
            # every completion continues its prompt: positions start again at P
            positions += range(len(prompt), len(rows[i]))
            if size not in masks:
                # (C, P + C) bool: all of the prompt, and of the completion what came before
                masks[size] = torch.ones(size[0], sum(size), dtype=torch.bool, device=device).tril(len(prompt))
            pieces.append((size[0], masks[size]))
    with attention(backbone.config, _SPLIT):
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
    """Attention over one row of pieces, as a function that transformers calls; tensors are (1, heads, length, width).

    Args:
        shared_prefix: each piece's length and mask. A piece without a mask attends to itself: a prompt, or a prompt
            of one token with its completion. The pieces with masks up to the next one are completions of the prompt.

    Raises NotImplementedError for anything added to the scores.
    """
    if any(more.get(name) is not None for name in ("softcap", "s_aux", "position_bias")):
        raise NotImplementedError(f"attention with {', '.join(more)}")
    lengths = [length for length, _ in shared_prefix]
    outputs = []
    prefix_k = prefix_v = key  # replaced by the first piece, which is a prompt
    pieces = zip(*(torch.split(x, lengths, 2) for x in (query, key, value)), strict=True)
    for (_, mask), (q, k, v) in zip(shared_prefix, pieces, strict=True):
        if mask is None:
            prefix_k, prefix_v = k, v
        else:
            # (1, heads, P + C, width)
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
    # (1, length, heads, width): the layout that transformers expects
    return torch.cat(outputs, 2).transpose(1, 2).contiguous(), None


_SPLIT = "toolgym_shared_prefix"
ALL_ATTENTION_FUNCTIONS.register(_SPLIT, _split_attention)


@contextmanager
def attention(config: Any, name: str) -> Iterator[None]:
    """The model uses this attention function inside the block."""
    before = config._attn_implementation
    config._attn_implementation = name
    try:
        yield
    finally:
        config._attn_implementation = before


def _right_padded(rows: Sequence[Sequence[int]], device: torch.device) -> tuple[Tensor, Tensor]:
    """Ids and attention mask, both (rows, longest) int64."""
    width = max(map(len, rows))
    ids = torch.tensor([[*row, *[0] * (width - len(row))] for row in rows], dtype=torch.int64, device=device)
    mask = torch.tensor([[1] * len(row) + [0] * (width - len(row)) for row in rows], dtype=torch.int64, device=device)
    return ids, mask


def _device(backbone: Any) -> torch.device:
    device: torch.device = backbone.get_input_embeddings().weight.device
    return device
