"""The reference policy of the KL: the model as it was when the run began."""

from __future__ import annotations

import copy
from typing import Protocol

from torch import Tensor

from .batch import Batch
from .forward import TrainingForward


class Reference(Protocol):
    """Whatever scores samples: a TrainingForward does."""

    def score(self, batch: Batch, temperature: float) -> Tensor:
        """Log-probabilities of the sampled tokens, (N, T), 0 elsewhere; see ``TrainingForward.score``."""


def reference_of(forward: TrainingForward, *, new_adapters: bool) -> Reference:
    """The policy as it is now, for later: a frozen copy.

    Args:
        new_adapters: the model's adapters are untrained, so that they add 0. Then it is not copied: with its adapters
            off it stays the model that the run began with.
    """
    if new_adapters:
        return _AdaptersOff(forward)
    frozen = copy.deepcopy(forward.model).requires_grad_(False).eval()
    return TrainingForward(frozen, ranks=forward.ranks)


class _AdaptersOff:
    def __init__(self, forward: TrainingForward):
        self.forward = forward

    def score(self, batch: Batch, temperature: float) -> Tensor:
        with self.forward.model.disable_adapter():
            return self.forward.score(batch, temperature)
