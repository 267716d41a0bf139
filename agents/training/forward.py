"""TrainingForward: the log-probabilities and hidden states that an update differentiates.

It uses the first of the three layouts of ``shared_prefix.py`` that is right for the model:

- split needs attention through transformers' registered functions, full attention in every layer (a sliding window is
  fine if no sequence is longer), and nothing added to the scores (soft cap, sinks, position bias).
- cached needs a cache of keys and values alone (no recurrent layers), and a rotary embedding that does not depend on
  the length.
- both need gradient checkpointing off, and hidden states that agree with the plain model's on a few tokens. The
  constructor tests that.
- padded works for every causal language model.

A model is ``separable`` if its logits are its output layer applied to its last hidden state. Soft-capped or scaled
logits and peft's prompt tuning are not separable: such a model computes all its logits and has no ``hidden``.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal, TypeAlias, get_args

import torch
from torch import Tensor, nn

from .batch import Batch, Row
from .logprobs import token_logprobs
from .shared_prefix import cached, padded, plain_logits, split

logger = logging.getLogger(__name__)

Layout: TypeAlias = Literal["split", "cached", "padded"]


class TrainingForward:
    """Scores samples under a causal language model of transformers, plain or with peft's LoRA.

    Args:
        model: its mode and dtype stay as they are.
        layout: "auto" or one of the layouts. Raises ValueError for a layout that does not work for this model.
    """

    def __init__(self, model: Any, layout: Layout | Literal["auto"] = "auto"):
        if layout not in ("auto", *get_args(Layout)):
            raise ValueError(f"unknown layout {layout!r}: choose auto, {', '.join(get_args(Layout))}")
        core = model.get_base_model() if hasattr(model, "get_base_model") else model
        self.model = model
        self.backbone = core.get_decoder()
        self.head = core.get_output_embeddings()
        self.config = self.backbone.config
        self.separable = True
        """Whether logits are the output layer applied to the backbone's last hidden state."""
        self.layout: Layout = "padded"
        """The layout of ``hidden``, if the call's lengths and the model's mode allow it."""
        self._choose(layout)

    def hidden(self, batch: Batch) -> Tensor:
        """The last hidden state before each of the n sampled tokens, (n, H), row after row.

        Raises ValueError for a batch without sampled tokens, and for a model that is not ``separable``.
        """
        if not self.separable:
            raise ValueError("this model's logits are not its output layer applied to its last hidden state")
        return self._hidden(_rows_of(batch))

    def logprobs(
        self,
        batch: Batch,
        *,
        hidden: Tensor | None = None,
        temperature: float = 1.0,
        entropy: bool = False,
        chunk: int | None = None,
    ) -> tuple[Tensor, Tensor | None]:
        """Log-probabilities of the sampled tokens, and entropies if asked for: (n,) each, row after row.

        ``batch.place`` puts them in their places in (N, T).

        Args:
            hidden: the result of ``hidden(batch)``, if it is needed for values too: one forward serves both.
            temperature, entropy, chunk: see ``token_logprobs``.
        """
        rows = _rows_of(batch)
        if self.separable:
            states = self._hidden(rows) if hidden is None else hidden
            # a bias or an adapter needs the module; a bare matrix has the faster backward
            only_a_matrix = type(self.head) is nn.Linear and self.head.bias is None
            head = self.head.weight if only_a_matrix else self.head
        else:
            states, head = plain_logits(self.model, rows), _unchanged  # (n, V): the states are the logits
        targets = torch.tensor([token for row in rows for token in row.targets], device=states.device)
        return token_logprobs(states, head, targets, temperature=temperature, entropy=entropy, chunk=chunk)

    @torch.no_grad()
    def score(self, batch: Batch, temperature: float) -> Tensor:
        """Log-probabilities of the sampled tokens without gradients, (N, T) on the CPU, 0 elsewhere."""
        out = torch.zeros_like(batch.logprobs)
        for micro in batch.micro_batches(self.model.device):
            logprobs, _ = self.logprobs(micro, temperature=temperature)
            placed = micro.place(logprobs)
            out[list(micro.index), : placed.shape[1]] = placed.cpu()
        return out

    def _hidden(self, rows: list[Row], layout: Layout | None = None) -> Tensor:
        layout = layout or self._layout_for(rows)
        forward = {"split": split, "cached": cached, "padded": padded}[layout]
        states, places = forward(self.backbone, rows)  # (m, H), n indices
        return states.index_select(0, torch.tensor(places, device=states.device))

    def _layout_for(self, rows: list[Row]) -> Layout:
        # checkpointing runs the layers again in backward, when split's attention and cached's cache are gone
        if any(getattr(part, "gradient_checkpointing", False) and part.training for part in self.backbone.modules()):
            return "padded"
        window = getattr(self.config, "sliding_window", None)
        if self.layout == "split" and window is not None and max(map(len, rows)) > window:
            return "cached" if _can_be_cached(self.config) else "padded"
        return self.layout

    def _choose(self, wanted: str) -> None:
        rows = _probe_rows(self.config.vocab_size)
        with _evaluating(self.model), torch.no_grad():
            logits = plain_logits(self.model, rows)
            plain = self._hidden(rows, "padded")
            scaled = self.head is None or _rescales_logits(self.config)
            self.separable = not scaled and _close(self.head(plain), logits)
            for layout in ("split", "cached"):
                if wanted in ("auto", layout) and self.separable and self._agrees(rows, layout, plain):
                    self.layout = layout
                    return
        if wanted in ("split", "cached"):
            raise ValueError(f"layout {wanted!r} does not work for {type(self.model).__name__}: use 'auto'")

    def _agrees(self, rows: list[Row], layout: Layout, plain: Tensor) -> bool:
        allowed = _can_be_split if layout == "split" else _can_be_cached
        if not allowed(self.config):
            return False
        try:
            if _close(self._hidden(rows, layout), plain):
                return True
            why = "its hidden states differ from the plain model's"
        except Exception as error:  # a model's own code may raise anything for arguments it does not expect
            why = f"{type(error).__name__}: {error}"
        logger.info("%s cannot use layout %s: %s", type(self.model).__name__, layout, why)
        return False


def padded_logprobs(model: Any, batch: Batch, *, temperature: float = 1.0) -> Tensor:
    """Log-probabilities of the sampled tokens, (n,), from the model's own logits of the plain padded batch."""
    rows = _rows_of(batch)
    logprobs = (plain_logits(model, rows).float() / temperature).log_softmax(-1)
    targets = torch.tensor([token for row in rows for token in row.targets], device=logprobs.device)
    return logprobs.gather(1, targets[:, None])[:, 0]


def _rows_of(batch: Batch) -> list[Row]:
    """The rows with a sampled token, in order. Raises ValueError without one."""
    rows = [row for row in batch.rows if row.sampled]
    if not rows:
        raise ValueError("no sample has a sampled token: leave such a batch out")
    return rows


def _unchanged(logits: Tensor) -> Tensor:
    return logits


# Which layouts a model can have --------------------------------------------------------------------------------------


def _can_be_split(config: Any) -> bool:
    return set(getattr(config, "layer_types", None) or ()) <= {"full_attention", "sliding_attention"}


def _can_be_cached(config: Any) -> bool:
    by_length = any(kind in str(getattr(config, "rope_parameters", None)) for kind in ("dynamic", "longrope"))
    return _can_be_split(config) and not by_length


def _rescales_logits(config: Any) -> bool:
    """Whether the config names a soft cap or scale: the constructor's test cannot see a cap if logits are small."""
    names = ("final_logit_softcapping", "logit_scale", "logits_scaling", "lm_head_multiplier")
    return any(getattr(config, name, None) not in (None, 1, 1.0) for name in names)


def _close(got: Tensor, wanted: Tensor) -> bool:
    allowed = 1e-3 if wanted.dtype in (torch.float32, torch.float64) else 5e-2
    return got.shape == wanted.shape and bool((got - wanted).norm() <= allowed * wanted.norm())


def _probe_rows(vocabulary: int) -> list[Row]:
    """Two groups of unequal lengths, with environment tokens in the middle."""
    ids = [(7919 * i + 13) % vocabulary for i in range(40)]
    rows = []
    for start, first, end in ((0, 7, 12), (0, 7, 8), (0, 7, 15), (20, 25, 31)):
        sampled = tuple(i for i in range(end - first) if i != 2)
        targets = tuple(ids[first + i] for i in sampled)
        rows.append(Row(tuple(ids[start:first]), tuple(ids[first : end - 1]), sampled, targets, end - first))
    return rows


@contextmanager
def _evaluating(model: nn.Module) -> Iterator[None]:
    """Dropout is off inside the block; afterwards every module has its mode back."""
    training = [module for module in model.modules() if module.training]
    model.eval()
    try:
        yield
    finally:
        for module in training:
            module.training = True
