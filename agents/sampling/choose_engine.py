"""Choosing the fastest engine that gives a model's own logits."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from typing import Any

from toolgym.assets import AssetError

from .engine import Engine, PlainEngine, keep_weights
from .llama_engine import LlamaEngine
from .probe import Probe
from .unpadded_engine import UnpaddedEngine

logger = logging.getLogger(__name__)


def engine_for(model: Any) -> Engine:
    """The fastest engine whose logits agree with the model's plain forward on a few tokens.

    Raises AssetError if no engine's do: e.g. the model is an encoder, which reads later tokens too.
    """
    keep_weights(model)
    if LlamaEngine.supports(model):
        return LlamaEngine(model)
    probe = Probe(model)
    if why := probe.causal():
        raise AssetError(f"{type(model).__name__} is not a causal language model that can be sampled: {why}")
    why = ""
    for make in _ENGINES:
        engine = make(model)
        if not (why := probe.agrees(engine, allowed=1e-4 if isinstance(engine, PlainEngine) else 1e-5)):
            return engine
        logger.info("%s cannot use %s: %s", type(model).__name__, type(engine).__name__, why)
    if not probe.precise:  # the last engine computes what the probe does, up to rounding
        return engine
    raise AssetError(f"{type(model).__name__} cannot be sampled: {why}")


_ENGINES: tuple[Callable[[Any], Engine], ...] = (  # fastest first
    PlainEngine,
    partial(PlainEngine, resumes=False),
    UnpaddedEngine,
    partial(UnpaddedEngine, mode="apart"),
    partial(UnpaddedEngine, mode="recompute"),
)
