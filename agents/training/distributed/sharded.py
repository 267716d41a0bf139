"""FSDP2: weights, gradients and the optimizer's state divided among the ranks, for a model that does not fit otherwise.

A layer's weights are gathered while the layer computes, and each rank keeps its part of the summed gradients. So ranks
must compute in step: they have equally many micro-batches, of which some may be padding, and each micro-batch is one
call of the model.

    weights           in the model's dtype (bfloat16 on GPUs), gathered layer by layer
    gradients         summed over the ranks in float32
    optimizer         float32 weights and moments, each rank's part (``MasterAdamW`` on DTensors)
    sampling          each rank samples from a whole copy of the weights, in the model's dtype
    checkpoints       whole, as those of one process: any number of ranks resumes them, with or without FSDP
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FSDPModule, MixedPrecisionPolicy, fully_shard
from torch.distributed.tensor import DTensor, distribute_tensor

from toolgym.runlog import RunError

from ...sampling.engine import windows
from ..batch import Batch, Row
from ..forward import Layout, TrainingForward
from ..recompute import layers_of
from .shares import divide


class ShardedForward(TrainingForward):
    """A TrainingForward whose model is divided among the ranks; every rank must call each method as often.

    Args:
        model: on the CPU or the rank's device, the same on every rank. It is divided in place.
        like: of a whole model of the same architecture: the layout is not chosen again.
    """

    def __init__(self, model: Any, like: TrainingForward):
        vars(self).update(vars(like))
        self.use(model)
        self._root = _divided(model, like.model.device, self.ranks.size)
        self._inside = False

    def micro_batches(self, batch: Batch) -> Iterator[Batch]:
        """This rank's share, filled up with padding to the largest number of micro-batches of any rank."""
        device = self.model.device
        shares = [list(batch.micro_rows(device, rows)) for rows in divide(batch.rows, self.ranks.size)]
        if self._plain == "single" and (self.layout != "split" or any(windows(self.config))):  # a call for each row
            shares = [[[row] for rows in share for row in rows] for share in shares]
        mine = shares[self.ranks.rank]
        for rows in mine:
            yield batch.take(rows, device)
        missing = max(map(len, shares)) - len(mine)
        if missing:
            shortest = min(range(len(batch)), key=lambda i: len(batch.rows[i]))
            for _ in range(missing):
                yield replace(batch.take([shortest], device), padding=True)

    def hidden(self, batch: Batch) -> Tensor:
        """As TrainingForward's."""
        states: Tensor = self._gathering(super().hidden, batch)
        return states

    def logprobs(self, batch: Batch, **how: Any) -> tuple[Tensor, Tensor | None]:
        """As TrainingForward's."""
        found: tuple[Tensor, Tensor | None] = self._gathering(super().logprobs, batch, **how)
        return found

    def with_states(self, batch: Batch, **how: Any) -> tuple[Tensor, Tensor, Tensor | None]:
        """As TrainingForward's."""
        found: tuple[Tensor, Tensor, Tensor | None] = self._gathering(super().with_states, batch, **how)
        return found

    def _layout_for(self, rows: list[Row]) -> Layout:
        layout = super()._layout_for(rows)
        return self._plain if layout == "cached" else layout  # it calls the model once or twice for each prompt

    def _gathering(self, compute: Callable[..., Any], *args: Any, **how: Any) -> Any:
        """Compute in the forward of the root module, which gathers the weights that are in no layer."""
        if self._inside:
            return compute(*args, **how)
        self._inside = True
        try:
            return self._root(compute, *args, **how)
        finally:
            self._inside = False


class _Root(nn.Module):
    """FSDP gathers weights when a module is called, and ``TrainingForward`` calls parts of the model: this calls it."""

    def __init__(self, model: nn.Module):
        super().__init__()
        self.model = model

    def forward(self, compute: Callable[..., Any], *args: Any, **how: Any) -> Any:
        return compute(*args, **how)


def _divided(model: Any, device: torch.device, size: int) -> nn.Module:
    """The model, divided, in a module to call it in. Each layer's weights are gathered together; so are all others."""
    mesh = init_device_mesh(device.type, (size,))
    how: dict[str, Any] = {"mesh": mesh, "mp_policy": MixedPrecisionPolicy(reduce_dtype=torch.float32)}
    root: nn.Module = _Root(model)
    try:
        for part in (*layers_of(model), root):
            fully_shard(part, **how)
    except ValueError as error:  # e.g. layers that share weights (Zamba 2)
        raise RunError(f"{type(model).__name__} cannot be divided (fsdp): {error}") from error
    for module in root.modules():
        if isinstance(module, FSDPModule):
            # the sum over the ranks and not the mean; gloo has no other way to reduce
            module.set_gradient_divide_factor(1.0)
            module.set_force_sum_reduction_for_comms(True)
    return root


@torch.no_grad()
def copy_weights(divided: nn.Module, whole: nn.Module) -> None:
    """Copy a divided model's trained weights into a whole copy of it, one by one. Every rank calls this at once."""
    for part, mine in zip(divided.parameters(), whole.parameters(), strict=True):
        if part.requires_grad:
            mine.copy_(part.full_tensor() if isinstance(part, DTensor) else part)


@torch.no_grad()
def gathered(state: Any, keep: bool) -> Any:
    """A state with whole tensors, on the CPU, instead of divided ones. Every rank calls this at once.

    Args:
        keep: False frees each tensor at once and returns None in its place, on ranks that do not save it.
    """
    if isinstance(state, DTensor):
        whole = state.full_tensor()
        return whole.cpu() if keep else None
    if isinstance(state, dict):
        return {name: gathered(value, keep) for name, value in state.items()}
    if isinstance(state, list):
        return [gathered(value, keep) for value in state]
    return state


@torch.no_grad()
def divided(state: dict[str, Any], masters: Sequence[Tensor]) -> dict[str, Any]:
    """The state of a ``MasterAdamW``, with each rank's part of the tensors whose masters are divided."""

    def part(value: Any, master: Tensor) -> Any:
        if not isinstance(master, DTensor) or not isinstance(value, Tensor) or value.shape != master.shape:
            return value
        whole = value.to(master.device)
        # every rank has read the whole value: nothing travels
        return distribute_tensor(whole, master.device_mesh, master.placements, src_data_rank=None)

    adamw = state["adamw"]
    moments = {i: {name: part(value, masters[i]) for name, value in each.items()} for i, each in adamw["state"].items()}
    return {
        "adamw": {**adamw, "state": moments},
        "masters": [part(value, master) for value, master in zip(state["masters"], masters, strict=True)],
    }
