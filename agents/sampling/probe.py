"""Probe: whether an engine's logits are the model's own, tried on a few tokens when a model is loaded."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from .engine import Engine, core_of, plain_logits


class Probe:
    """A model's plain forward on four short texts, which its engines are compared with.

    Args:
        model: a causal language model of transformers, in eval mode.
    """

    def __init__(self, model: Any):
        self.model = model
        self.precise = is_precise(model)
        vocabulary = core_of(model).config.get_text_config(decoder=True).vocab_size
        ids = [(7919 * i + 13) % vocabulary for i in range(48)]
        # three prompts; the second is sampled twice
        self._prompts = [ids[:12], ids[:24], ids[3:8]]
        self._prompt_of = [0, 1, 1, 2]
        self._texts = [self._prompts[i] + ids[25 + 5 * row :][:6] for row, i in enumerate(self._prompt_of)]

    def causal(self) -> str:
        """Empty if the logits after a text do not depend on the tokens that follow, else the reason why not."""
        try:
            alone = torch.stack([self._forward(self._prompts[i])[-1] for i in self._prompt_of[1:]])
            within = [self._plain[row][len(self._prompts[i]) - 1] for row, i in enumerate(self._prompt_of)]
        except Exception as error:  # a model's own code may raise anything
            return f"its forward raises {type(error).__name__}: {error}"
        if close_rows(alone, torch.stack(within[1:]), allowed=1e-3 if self.precise else 0.08, precise=self.precise):
            return ""
        return "its logits after a text depend on the tokens that follow, so it cannot write from left to right"

    def agrees(self, engine: Engine, allowed: float = 1e-5) -> str:
        """Empty if the engine's logits agree with the plain forward's, else the reason why not.

        The engine prefills prompts of different lengths, one of them for two rows; it decodes, removes and resumes.

        Args:
            allowed: in float32, as for ``close_rows``. Rounding alone gives 1e-6, but recurrent states may add it up;
                a wrong engine gives 0.01 and more.
        """
        rows = list(range(len(self._texts)))  # row of the engine -> its text
        done = [len(self._prompts[i]) for i in self._prompt_of]  # by text: its tokens so far
        caches: dict[int, Any] = {}

        def check(logits: Tensor, step: str) -> None:
            wanted = torch.stack([self._plain[text][done[text] - 1] for text in rows])
            if not close_rows(logits, wanted, allowed=allowed if self.precise else 0.08, precise=self.precise):
                raise _Differs(f"its logits after {step} differ from those of a plain forward")

        def decode() -> None:
            tokens = [self._texts[text][done[text]] for text in rows]
            logits = engine.decode(torch.tensor(tokens, device=self.model.device))
            for text in rows:
                done[text] += 1
            check(logits, "decoding")

        def remove(row: int) -> None:
            caches[rows[row]] = engine.remove(row)
            rows[row] = rows[-1]
            rows.pop()

        try:
            check(engine.prefill(self._prompts, self._prompt_of), "a prompt")
            decode()
            remove(1)
            decode()
            decode()
            while rows:
                remove(0)
            if all(cache is not None for cache in caches.values()):
                rows = [1, 0, 3]  # 5, 3 and 3 new tokens
                more = [self._texts[text][done[text] :] for text in rows]
                for text in rows:
                    done[text] = len(self._texts[text])
                check(engine.resume([caches[text] for text in rows], more), "a resumed conversation")
        except _Differs as error:
            return str(error)
        except Exception as error:  # the model is built in another way than the engine expects
            return f"{type(error).__name__}: {error}"
        finally:
            engine.close()
        return ""

    @cached_property
    def _plain(self) -> list[Tensor]:
        """The logits of each text, (T, V): those after every token of it."""
        return [self._forward(text) for text in self._texts]

    @torch.inference_mode()
    def _forward(self, ids: list[int]) -> Tensor:
        return plain_logits(self.model, torch.tensor([ids], device=self.model.device))[0]


class _Differs(Exception):
    """The engine's logits are not the model's."""


def is_precise(model: Any) -> bool:
    """Whether all weights are float32 or float64. (The logits may be float32 in any case.)"""
    return all(weight.dtype in (torch.float32, torch.float64) for weight in model.parameters())


def close_rows(got: Tensor, wanted: Tensor, *, allowed: float, precise: bool) -> bool:
    """Whether the rows of logits (rows, V) are close to the wanted rows, in relation to their norms.

    In bfloat16 and float16, the order of sums changes the rounding, and with it sometimes the experts that a token is
    sent to: one row may be further away.

    Args:
        allowed: a row's distance from the wanted row, as a part of the wanted row's norm.
        precise: of ``is_precise``.
    """
    if got.shape != wanted.shape:
        return False
    finite = wanted.isfinite().all(-1)  # broken weights are reported in sampling
    got, wanted = got[finite].float(), wanted[finite].float()
    distances = (got - wanted).norm(dim=-1) / wanted.norm(dim=-1).clamp(min=1e-30)
    return int((~(distances <= allowed)).sum()) <= (0 if precise else 1)
