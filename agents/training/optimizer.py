"""AdamW on float32 master weights, for a model that computes in bfloat16."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import nn
from torch.distributed.tensor import DTensor

from .distributed.ranks import ALONE, Ranks


class MasterAdamW:
    """Keeps a float32 copy of each trained weight that is not float32 itself.

    The model computes in its own dtype, so forward and backward cast nothing. A step updates the float32 copy, in which
    small changes add up, and rounds it into the model once.

    Args:
        parameters: only parameters with ``requires_grad`` are trained.
        max_grad_norm: gradients are scaled down to this norm.
        ranks: the processes that train these parameters. A step takes the sum of their gradients, in float32.
    """

    def __init__(
        self,
        parameters: Iterable[nn.Parameter],
        *,
        weight_decay: float = 0.0,
        max_grad_norm: float = 1.0,
        ranks: Ranks = ALONE,
    ):
        self.ranks = ranks
        self.trained = [parameter for parameter in parameters if parameter.requires_grad]
        self.masters = [
            p if p.dtype == torch.float32 else nn.Parameter(p.detach().float().clone()) for p in self.trained
        ]
        self.max_grad_norm = max_grad_norm
        self.adamw = torch.optim.AdamW(self.masters, lr=0.0, betas=(0.9, 0.99), weight_decay=weight_decay)

    @contextmanager
    def summing(self) -> Iterator[None]:
        """Gradients of the micro-batches inside the block add up in float32, each as soon as backward computes it."""
        hooks = [
            parameter.register_post_accumulate_grad_hook(partial(_hand_over, master))  # type: ignore[no-untyped-call]
            for parameter, master in self._copied()
        ]
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()

    def step(self, learning_rate: float) -> float:
        """Update the weights and clear the gradients; returns the gradients' norm before scaling.

        If the norm is not finite, the weights stay as they are: the caller decides about the batch.
        """
        for parameter, master in self._copied():
            _hand_over(master, parameter)
        self.ranks.add_gradients(self.masters)
        # clipped in float32, over all weights together
        total = nn.utils.clip_grad_norm_(self.masters, self.max_grad_norm)
        norm = float(total.full_tensor() if isinstance(total, DTensor) else total)
        if norm == norm and norm != float("inf"):
            for group in self.adamw.param_groups:
                group["lr"] = learning_rate
            self.adamw.step()
            self._publish()
        self.adamw.zero_grad(set_to_none=True)
        return norm

    @torch.no_grad()
    def _publish(self) -> None:
        for parameter, master in self._copied():
            parameter.copy_(master)

    def _copied(self) -> list[tuple[nn.Parameter, nn.Parameter]]:
        """(weight, its float32 copy) for each weight that has one."""
        return [pair for pair in zip(self.trained, self.masters, strict=True) if pair[0] is not pair[1]]

    def state_dict(self) -> dict[str, Any]:
        return {"adamw": self.adamw.state_dict(), "masters": [master.detach() for master in self.masters]}

    @torch.no_grad()
    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Load a saved state, weights included."""
        self.adamw.load_state_dict(state["adamw"])
        for master, saved in zip(self.masters, state["masters"], strict=True):
            master.copy_(saved)
        self._publish()


def _hand_over(master: nn.Parameter, parameter: nn.Parameter) -> None:
    """Add the parameter's gradient to the copy's and clear it, in either direction."""
    if parameter.grad is not None:
        if master.grad is None:
            master.grad = parameter.grad.float()
        else:
            master.grad += parameter.grad
        parameter.grad = None
