"""Learner: what an update changes. The model and its optimizer; for PPO a value head; and the reference of a KL."""

from __future__ import annotations

import copy
import math
from contextlib import AbstractContextManager
from typing import Any

from toolgym.runlog import RunError

from ..config import TrainConfig
from ..lora import with_lora
from ..model import choose_device, choose_dtype, load_model
from .distributed import sharded
from .distributed.ranks import ALONE, Ranks
from .forward import TrainingForward
from .optimizer import MasterAdamW
from .ppo import VALUE_RATE, ValueHead
from .recompute import recompute_layers
from .reference import Reference, reference_of


class Learner:
    """The model of a run on this rank: ``model`` and ``tokenizer`` sample and are saved, ``forward`` is differentiated.

    If FSDP divides the model among the ranks, ``model`` is a whole copy of it: see ``renew_copy``. ``whole`` scores
    samples under ``model`` on this rank alone.

    Args:
        loaded: (model, tokenizer) instead of the model that ``config.model`` names.

    Raises AssetError if the model cannot be loaded, ValueError for ppo and a model without an output layer.
    """

    def __init__(self, config: TrainConfig, ranks: Ranks, loaded: tuple[Any, Any] | None = None):
        self.config, self.ranks = config, ranks
        self.model, self.tokenizer = loaded if loaded is not None else _loaded(config)
        if config.lora_rank:
            self.model = with_lora(self.model, config.lora_rank, config.seed)
        self.model.eval()  # no dropout: the policy that is trained is the policy that samples
        ranks.spread(weight for weight in self.model.parameters() if weight.is_floating_point())
        self.whole: TrainingForward
        self.forward, self.reference = self._forwards()
        self.optimizer = MasterAdamW(self.forward.model.parameters(), ranks=ranks)
        self._optimizers = {"optimizer": (self.optimizer, 1.0)}  # name in checkpoints -> it, and its learning rate
        self.value_head: ValueHead | None = None
        if config.algo == "ppo":
            if not self.forward.width:
                raise ValueError("ppo needs a model with an output layer: its value head reads what enters that layer")
            self.value_head = ValueHead(self.forward.width).to(self.model.device)
            values = MasterAdamW(self.value_head.parameters(), ranks=ranks)
            self._optimizers["value_optimizer"] = values, VALUE_RATE
        self._stale = False  # whether the whole copy of a divided model lacks the last update

    def summing(self) -> AbstractContextManager[None]:
        """Gradients of several micro-batches are added up inside the block."""
        return self.optimizer.summing()

    def step(self, learning_rate: float) -> float:
        """Update all weights; returns the norm of the policy's gradient. A norm that is not finite ends the step."""
        norm = 0.0
        for optimizer, rate in reversed(self._optimizers.values()):  # the policy's last
            norm = optimizer.step(rate * learning_rate)
            if not math.isfinite(norm):
                break
        self._stale = self.config.fsdp
        return norm

    def renew_copy(self) -> None:
        """Bring the whole copy of a divided model up to date, on all ranks at once."""
        if self._stale:
            sharded.copy_weights(self.forward.model, self.model)
            self._stale = False

    def state_dict(self) -> dict[str, Any]:
        """The optimizers, for a checkpoint that rank 0 writes. All ranks call this."""
        state = {}
        if self.config.fsdp or self.ranks.first:
            state = {name: optimizer.state_dict() for name, (optimizer, _) in self._optimizers.items()}
        return sharded.gathered(state, keep=self.ranks.first) if self.config.fsdp else state

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a checkpoint's state. Raises RunError if it is the state of another model or algorithm."""
        try:
            for name, (optimizer, _) in self._optimizers.items():
                optimizer.load_state_dict(sharded.divided(state[name], optimizer.masters))
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            raise RunError(
                f"the checkpoint of step {state['step']} in {self.config.out} does not fit the model "
                f"{self.config.model!r} ({type(error).__name__}: {error}). Has the model changed since the run began?"
            ) from error
        self._stale = self.config.fsdp

    def _forwards(self) -> tuple[TrainingForward, Reference | None]:
        """The policy that is trained, and the reference if there is a KL."""
        config, model = self.config, self.model
        if config.fsdp:
            self.model = copy.deepcopy(model).requires_grad_(False).to(choose_device("auto"))
        forward = TrainingForward(self.model, ranks=self.ranks)
        self.whole = copy.copy(forward)
        self.whole.ranks = ALONE
        reference: Reference | None = None
        if config.beta and config.fsdp and not config.lora_rank:
            reference = sharded.ShardedForward(copy.deepcopy(model).requires_grad_(False).eval(), forward)
        if config.gradient_checkpointing:
            recompute_layers(model)
        if config.fsdp:
            forward = sharded.ShardedForward(model, forward)
        if config.beta and reference is None:
            reference = reference_of(forward, new_adapters=config.lora_rank > 0)
        return forward, reference


def _loaded(config: TrainConfig) -> tuple[Any, Any]:
    device = "cpu" if config.fsdp else "auto"  # a divided model goes to the GPU layer by layer
    dtype = config.dtype if config.dtype != "auto" else choose_dtype("auto", choose_device("auto"))
    trust = config.trust_remote_code
    return load_model(config.model, device, dtype, trust_remote_code=trust, quantize=config.quantize)
