"""TrainingForward: the log-probabilities and hidden states that an update differentiates.

It uses the first of the four layouts of ``shared_prefix.py`` that is right for the model:

- split needs attention through transformers' registered functions, full attention in every layer (a sliding window is
  fine if no sequence is longer), and nothing added to the scores (soft cap, sinks, position bias).
- cached needs a cache of keys and values alone (no recurrent layers), and a rotary embedding that does not depend on
  the length.
- both need gradient checkpointing off.
- padded needs a model in which tokens after a text change nothing in it, also if they are padding.
- single works for every causal language model.

The constructor compares hidden states with the plain model's on a few tokens, each text alone, as sampling sees them.

A model is ``separable`` if its logits are its output layer applied to its last hidden state. Soft-capped or scaled
logits and peft's prompt tuning are not separable: such a model computes all its logits.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any, Literal, TypeAlias, get_args

import torch
from torch import Tensor, nn
from transformers import DynamicCache

from toolgym.assets import AssetError

from ..sampling.engine import core_of, holds_keys_and_values, keep_weights, uncached, windows
from ..sampling.probe import close_rows, is_precise
from .batch import Batch, Row
from .distributed.ranks import ALONE, Ranks
from .distributed.shares import divide
from .logprobs import token_logprobs
from .recompute import recomputes
from .shared_prefix import Run, cached, padded, single, split

logger = logging.getLogger(__name__)

Layout: TypeAlias = Literal["split", "cached", "padded", "single"]


class TrainingForward:
    """Scores samples under a causal language model of transformers, plain or with peft's LoRA.

    Args:
        model: its mode and dtype stay as they are.
        layout: "auto" or one of the layouts. Raises ValueError for a layout that does not work for this model.
        ranks: the processes that train the model; each computes its share of a batch.
    """

    def __init__(self, model: Any, layout: Layout | Literal["auto"] = "auto", ranks: Ranks = ALONE):
        if layout not in ("auto", *get_args(Layout)):
            raise ValueError(f"unknown layout {layout!r}: choose auto, {', '.join(get_args(Layout))}")
        self.ranks = ranks
        keep_weights(model)
        self.use(model)
        self.separable = False
        """Whether logits are the output layer applied to the backbone's last hidden state."""
        self.layout: Layout = "single"
        """The layout of ``hidden``, if the call's lengths and the model's mode allow it."""
        self.width = 0
        """H, the size of a hidden state; 0 for a model without an output layer."""
        self._plain: Layout = "single"
        self._precise = is_precise(model)
        self._choose(layout)

    def use(self, model: Any) -> None:
        """Score samples under this model from now on. It must have the architecture of the one before."""
        core = core_of(model)
        self.model = model
        self.backbone = core.get_decoder()
        self.head = core.get_output_embeddings()
        self.config = core.config.get_text_config(decoder=True)

    def hidden(self, batch: Batch) -> Tensor:
        """The hidden state before each of the n sampled tokens, as it enters the output layer: (n, H), row after row.

        Raises ValueError for a batch without sampled tokens, and for a model without an output layer.
        """
        if not self.width:
            raise ValueError(f"{type(self.model).__name__} has no output layer, and so no hidden states before it")
        rows = _rows_of(batch)
        return self._hidden(rows) if self.separable else self._of(self._before_head, rows, self._plain)

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
            states, head = self._of(self._logits, rows, self._plain), _unchanged  # (n, V): the states are the logits
        targets = torch.tensor([token for row in rows for token in row.targets], device=states.device)
        return token_logprobs(states, head, targets, temperature=temperature, entropy=entropy, chunk=chunk)

    def with_states(
        self, batch: Batch, *, temperature: float = 1.0, entropy: bool = False
    ) -> tuple[Tensor, Tensor, Tensor | None]:
        """The hidden states (n, H) of ``hidden``, and the result of ``logprobs``, from one forward."""
        states = self.hidden(batch)
        logprobs, entropies = self.logprobs(batch, hidden=states, temperature=temperature, entropy=entropy)
        return states, logprobs, entropies

    def micro_batches(self, batch: Batch) -> Iterator[Batch]:
        """This rank's share of the batch in micro-batches, on the model's device; the whole batch in one process."""
        return batch.micro_batches(self.model.device, divide(batch.rows, self.ranks.size)[self.ranks.rank])

    @torch.no_grad()
    def placed(self, batch: Batch, compute: Callable[[Batch], Tensor]) -> Tensor:
        """A value per sampled token without gradients, (N, T) on the CPU, 0 elsewhere; by all ranks together.

        Args:
            compute: of a micro-batch, (n,) values of its sampled tokens.
        """
        out = torch.zeros_like(batch.logprobs)
        for micro in self.micro_batches(batch):
            found = micro.place(compute(micro))
            if not micro.padding:
                out[list(micro.index), : found.shape[1]] = found.cpu()
        return self.ranks.add(out)

    def score(self, batch: Batch, temperature: float) -> Tensor:
        """Log-probabilities of the sampled tokens without gradients, (N, T) on the CPU, 0 elsewhere."""
        return self.placed(batch, lambda micro: self.logprobs(micro, temperature=temperature)[0])

    def _hidden(self, rows: list[Row], layout: Layout | None = None) -> Tensor:
        """The hidden states of a separable model, (n, H)."""
        layout = layout or self._layout_for(rows)
        if layout in ("padded", "single"):
            return self._of(self._last_states, rows, layout)
        states, places = (split if layout == "split" else cached)(self.backbone, rows)  # (m, H), n indices
        return states.index_select(0, torch.tensor(places, device=states.device))

    def _of(self, run: Run, rows: list[Row], layout: Layout) -> Tensor:
        """What ``run`` computes before each sampled token, (n, ...), each row by the model's plain forward."""
        states, places = (padded if layout == "padded" else single)(run, self.model.device, rows)
        return states.index_select(0, torch.tensor(places, device=states.device))

    def _last_states(self, **inputs: Tensor) -> Tensor:
        states: Tensor = self.backbone(**inputs, **uncached(self.backbone)).last_hidden_state
        return states

    def _logits(self, **inputs: Tensor) -> Tensor:
        logits: Tensor = self.model(**inputs, **uncached(self.model)).logits
        return logits

    def _through_head(self, rows: list[Row]) -> Tensor:
        logits: Tensor = self.head(self._of(self._last_states, rows, self._plain))
        return logits

    def _before_head(self, **inputs: Tensor) -> Tensor:
        seen: list[Tensor] = []
        hook = self.head.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
        try:
            self._logits(**inputs)
        finally:
            hook.remove()
        return seen[-1]

    def _layout_for(self, rows: list[Row]) -> Layout:
        # checkpointing runs the layers again in backward, when split's attention and cached's cache are gone
        if any(getattr(part, "gradient_checkpointing", False) and part.training for part in self.backbone.modules()):
            return self._plain
        if self.layout == "cached" and recomputes(self.backbone):  # computed again, a layer would append twice
            return self._plain
        window = min(windows(self.config), default=None)
        if self.layout == "split" and window is not None and max(map(len, rows)) > window:
            return "cached" if _can_be_cached(self.config) and not recomputes(self.backbone) else self._plain
        return self.layout

    def _choose(self, wanted: str) -> None:
        rows = _probe_rows(self.config.vocab_size)
        with _evaluating(self.model), torch.no_grad():
            try:
                logits = self._of(self._logits, rows, "single")
            except Exception as error:  # a model's own code may raise anything
                why = f"its forward raises {type(error).__name__}: {error}"
                raise AssetError(f"{type(self.model).__name__} cannot be trained: {why}") from error
            if self._agrees("padded", lambda: self._of(self._logits, rows, "padded"), logits):
                self._plain = self.layout = "padded"
            if self.head is not None:
                with suppress(IndexError):  # the model uses the output layer's weights, and does not call it
                    self.width = self._of(self._before_head, rows, "single").shape[1]
            if self.head is not None and not _rescales_logits(self.config):
                apply = partial(self._through_head, rows)
                self.separable = self._agrees("of backbone and output layer", apply, logits)
            if self.separable and wanted in ("auto", "split", "cached"):
                plain = self._of(self._last_states, rows, "single")
                for layout in ("split", "cached") if wanted == "auto" else (wanted,):
                    allowed = _can_be_split if layout == "split" else _can_be_cached
                    if allowed(self.config) and self._agrees(layout, partial(self._hidden, rows, layout), plain):
                        self.layout = layout
                        return
        if wanted == "single":
            self.layout = self._plain = "single"
        elif wanted not in ("auto", self.layout):
            raise ValueError(f"layout {wanted!r} does not work for {type(self.model).__name__}: use 'auto'")

    def _agrees(self, layout: str, compute: Callable[[], Tensor], plain: Tensor) -> bool:
        try:
            if close_rows(compute(), plain, allowed=2e-5 if self._precise else 0.08, precise=self._precise):
                return True
            why = "its hidden states differ from the plain model's"
        except Exception as error:
            why = f"{type(error).__name__}: {error}"
        logger.info("%s cannot use layout %s: %s", type(self.model).__name__, layout, why)
        return False


def padded_logprobs(model: Any, batch: Batch, *, temperature: float = 1.0) -> Tensor:
    """Log-probabilities of the sampled tokens, (n,), from the model's own logits of the plain padded batch."""
    rows = _rows_of(batch)
    states, places = padded(lambda **inputs: model(**inputs, **uncached(model)).logits, model.device, rows)
    logprobs = (states[torch.tensor(places, device=states.device)].float() / temperature).log_softmax(-1)
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
    if not set(getattr(config, "layer_types", None) or ()) <= {"full_attention", "sliding_attention"}:
        return False
    return holds_keys_and_values(DynamicCache(config=config))  # not, e.g., the keys of a sparse attention's index


def _can_be_cached(config: Any) -> bool:
    by_length = any(kind in str(getattr(config, "rope_parameters", None)) for kind in ("dynamic", "longrope"))
    return _can_be_split(config) and not by_length


def _rescales_logits(config: Any) -> bool:
    """Whether the config names a soft cap or scale: the constructor's test cannot see a cap if logits are small."""
    changes = re.compile("(?!attn).*logits?_(soft_?cap|scal)|lm_head_multiplier")
    return any(changes.match(name) and value not in (None, 1) for name, value in vars(config).items())


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
