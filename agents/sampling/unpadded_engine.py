"""The engine for models whose cache cannot be padded: recurrent, linear-attention and hybrid models, and any other.

Padding would enter a recurrent state, and such a state cannot be cut. So each prompt is run alone; the rows sampled
from it have one length, and go on as one batch. The model's cache is passed on as it is, as transformers' ``generate``
does, and is not kept between batches: a later turn prefills the conversation from its start.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any, Literal, TypeAlias

import torch
from torch import Tensor, nn
from transformers import DynamicCache, PreTrainedConfig

from .engine import core_of, plain_logits, takes
from .kv_cache import KVCache

Mode: TypeAlias = Literal["together", "apart", "recompute"]


class UnpaddedEngine:
    """An engine (see ``Engine``) that never pads.

    Args:
        model: a causal language model of transformers.
        mode: "together" decodes the rows of a prompt as one batch. "apart" decodes each row alone, for a model that
            mixes up its rows. "recompute" runs the whole text for every token, for a model without a usable cache.
    """

    def __init__(self, model: Any, mode: Mode = "together"):
        self.model = model
        self.mode = mode
        self.close()

    def close(self) -> None:
        """Remove all rows and free their memory."""
        # per row: the batch of its prompt, and its row there
        self._rows: list[tuple[_Batch, int]] = []

    @torch.inference_mode()
    def prefill(self, prompts: Sequence[Sequence[int]], prompt_of: Sequence[int]) -> Tensor:
        """Prefill each prompt once, and open a row for each index in ``prompt_of``; logits (rows, V)."""
        batches = [_Batch(self.model, prompt, cached=self.mode != "recompute") for prompt in prompts]
        logits = torch.cat([batch.run() for batch in batches])  # (prompts, V)
        self._rows = [(batches[i].copy() if self.mode == "apart" else batches[i], 0) for i in prompt_of]
        return logits[torch.tensor(prompt_of, device=logits.device)]

    def resume(self, caches: Sequence[KVCache], tokens: Sequence[Sequence[int]]) -> Tensor:
        """Never called: ``remove`` returns no KV cache."""
        raise NotImplementedError("this engine keeps no KV caches")

    @torch.inference_mode()
    def decode(self, tokens: Tensor) -> Tensor:
        """Append one token to each row, (rows,); logits (rows, V)."""
        members: dict[_Batch, list[int]] = {}
        for row, (batch, _) in enumerate(self._rows):
            members.setdefault(batch, []).append(row)
        logits: list[Tensor] = []
        for batch, rows in members.items():
            # drops the rows that were removed; at first, repeats the prompt's one row
            batch.select([self._rows[row][1] for row in rows])
            batch.append(tokens[torch.tensor(rows, device=tokens.device)])
            logits.append(batch.run())
            for i, row in enumerate(rows):
                self._rows[row] = (batch, i)
        # from batch after batch to the order of the rows
        order = torch.tensor([row for rows in members.values() for row in rows], device=tokens.device)
        return torch.cat(logits)[order.argsort()]

    def remove(self, row: int) -> None:
        """Remove a row; the last row takes its place."""
        last = self._rows.pop()
        if row < len(self._rows):
            self._rows[row] = last


class _Batch:
    """Texts of one length that began with one prompt, and the model's cache of all their tokens but the last."""

    def __init__(self, model: Any, prompt: Sequence[int], *, cached: bool):
        self.model = model
        self.core = core_of(model)
        self.cached = cached
        self.ids = torch.tensor([list(prompt)], device=model.device)  # (rows, T)
        accepted = takes(model)
        # what ``generate`` passes from step to step; the model adds its cache, under the name that it uses
        self.state: dict[str, Any] = {"use_cache": True}
        if "attention_mask" in accepted:
            self.state["attention_mask"] = torch.ones_like(self.ids)
        if "position_ids" in accepted:
            self.state["position_ids"] = torch.arange(self.ids.shape[1], device=self.ids.device)[None]
        if "logits_to_keep" in accepted:
            self.state["logits_to_keep"] = 1
        if self.core._supports_default_dynamic_cache():  # else the model makes a cache of its own type
            name = "cache_params" if "cache_params" in accepted else "past_key_values"
            self.state[name] = DynamicCache(config=self.core.config.get_text_config(decoder=True))
        self._new: int | None = None  # how many tokens the cache does not have; None: all

    def copy(self) -> _Batch:
        other = copy.copy(self)
        other.state = select_rows(self.state, torch.arange(len(self.ids), device=self.ids.device), len(self.ids))
        return other

    def select(self, rows: list[int]) -> None:
        """Keep these rows, in this order; a row may be named several times."""
        count = len(self.ids)
        if rows != list(range(count)):
            index = torch.tensor(rows, device=self.ids.device)
            self.ids = self.ids[index]
            self.state = select_rows(self.state, index, count)

    def append(self, tokens: Tensor) -> None:
        """Append one token to each row, (rows,)."""
        self.ids = torch.cat([self.ids, tokens[:, None]], 1)

    def run(self) -> Tensor:
        """The logits after the last token of each row, (rows, V)."""
        if not self.cached:
            return plain_logits(self.model, self.ids)[:, -1]
        inputs = self.core.prepare_inputs_for_generation(
            self.ids, next_sequence_length=self._new, is_first_iteration=self._new is None, **self.state
        )
        out = self.model(**inputs, return_dict=True)
        self.state = self.core._update_model_kwargs_for_generation(out, self.state)
        self._new = 1
        logits: Tensor = out.logits
        return logits[:, -1]


def select_rows(state: Any, rows: Tensor, count: int) -> Any:
    """A copy of a cache of any type with some of its ``count`` rows; a row may be named several times.

    A tensor of two or more dimensions has a row in each entry of its first, if that is of this size. (``reorder_cache``
    does not serve: MiniMax's leaves its linear states as they are, and RWKV's cache is a list of tensors.)
    """
    copied: dict[int, Any] = {}  # by identity: layers may share a state

    def selected(value: Any) -> Any:
        if isinstance(value, (nn.Module, PreTrainedConfig, type)) or callable(value):
            return value
        if id(value) in copied:
            return copied[id(value)]
        new = value
        if isinstance(value, Tensor):
            new = value.index_select(0, rows) if value.dim() > 1 and len(value) == count else value.clone()
        elif isinstance(value, tuple):
            new = type(value)(selected(item) for item in value)
        elif isinstance(value, (list, dict)):
            new = copied[id(value)] = copy.copy(value)
            for key, item in value.items() if isinstance(value, dict) else enumerate(value):
                new[key] = selected(item)
        elif hasattr(value, "__dict__"):
            new = copied[id(value)] = copy.copy(value)
            new.__dict__ = {name: selected(item) for name, item in value.__dict__.items()}
        copied[id(value)] = new
        return new

    return selected(state)
