"""ServedWeights: how a trainer's weights get into a vLLM server, and how it is known that they are there.

    folder   ``save_pretrained`` into a folder that the server can read: the whole model, or its LoRA adapters
    load     pause (running requests finish), load, empty the prefix cache, set the version's label, resume
    canary   the server's log-probabilities of a few fixed texts against the trainer's own

A server that was killed comes back with the weights that it was started with, and another label. Then the folder is
loaded again: the trainer's own weights may have changed since.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias
from uuid import uuid4

import torch

from toolgym.agent import AgentError
from toolgym.web import Failure

from .. import checkpoint
from ..token_policy import Asked
from .answers import sampled, scored
from .server import VLLMServer

Probe: TypeAlias = tuple[list[int], list[int]]
"""A prompt, and tokens that might follow it: the canary compares their log-probabilities."""
Score: TypeAlias = Callable[[Sequence[Probe]], list[list[float]]]
"""Probes -> of each, the model's log-probabilities of the tokens, at the temperature of the sampling."""

PROBES, LENGTH, TOKENS = 4, 24, 16
"""Of the canary: the number of prompts, the tokens of a prompt, and the tokens that are compared after each."""
NOISE, ZERO_NOISE = 0.3, 0.05
"""Standard deviation of the noise in ``prove``: as a part of each weight's own, or of a weight whose own is 0."""
STALE = 0.12
"""The server is wrong if its log-probabilities miss more than this part of what the noise changed."""
DIFFERENT = 0.5
"""Nats: the largest mean gap of the canary, whatever the server's precision is."""
GROWN = 4.0
"""The largest gap of the canary, as a multiple of the first one, or ``_PRECISE`` if that is more."""
_PRECISE = 1e-3
ADAPTER = "toolgym-adapter"


class WeightsDiffer(AgentError):
    """The server does not sample with the trainer's weights."""


class WeightsLost(AgentError):
    """The server answers with other weights than those that were sent: they must be sent again."""


class SentWeights:
    """Weights on a vLLM server that another process sends; it tells this one ``version`` and ``label``.

    Args:
        adapter: they are LoRA adapters.
    """

    def __init__(self, adapter: bool):
        self.adapter = adapter
        self.version = -1
        """Training steps of the weights that were sent last; -1 before the first."""
        self.label = ""
        """The version as the server is told it. Another run's label is another one."""
        self.refused = 0
        """Answers so far that were refused, because other weights had written them."""

    def served_as(self, name: str) -> str:
        """The name of the model in a request, given the name of the server's own model."""
        return ADAPTER if self.adapter else name

    def send(self) -> None:
        """Raises WeightsLost: only the other process can send them."""
        raise WeightsLost("the server has lost the weights that it was sent", kind="server")


class ServedWeights(SentWeights):
    """The weights of a trainer's model on a vLLM server.

    Args:
        server: started with ``VLLM_SERVER_DEV_MODE=1`` and the extension in ``worker/``; for LoRA adapters with
            ``--enable-lora`` and ``VLLM_ALLOW_RUNTIME_LORA_UPDATING=1``.
        folder: is made; the server must see it under the same path.
        model: the trainer's model, plain or with peft's adapters.
        score: the model's log-probabilities.
        temperature: of the sampling.
    """

    def __init__(self, server: VLLMServer, folder: Path, model: Any, score: Score, temperature: float):
        super().__init__(hasattr(model, "peft_config"))
        self.server, self.folder, self.model, self.score = server, folder.resolve(), model, score
        self.temperature = temperature
        self.gap = 0.0
        """Of the canary: mean absolute difference between the server's and the trainer's log-probabilities, nats."""
        self._floor: float | None = None
        self._run = uuid4().hex[:12]
        self._sent = 0
        vocabulary = range(model.config.get_text_config(decoder=True).vocab_size)
        stream = random.Random("canary")
        self._probes = [
            (stream.choices(vocabulary, k=LENGTH), stream.sample(vocabulary, TOKENS)) for _ in range(PROBES)
        ]
        self._expected: list[list[float]] = []

    def publish(self, version: int) -> None:
        """Send the model as it is now. Raises WeightsDiffer if the server then has other weights, AgentError if it
        cannot be reached, OSError if the folder cannot be written."""
        if version != self.version:
            self._write(version)
            self.send()
            self._floor = self.gap if self._floor is None else self._floor

    def send(self) -> None:
        """Make the server load the folder, as it was last published. Raises WeightsDiffer, AgentError."""
        limit = DIFFERENT if self._floor is None else max(_PRECISE, GROWN * self._floor)
        for last in (False, True):
            self._load()
            self.gap = _gap(self._scores(), self._expected)
            if self.gap <= min(limit, DIFFERENT):
                return
            if last:
                raise WeightsDiffer(
                    f"{self.server} was sent the weights of step {self.version}, and its log-probabilities of "
                    f"{TOKENS} tokens after {PROBES} fixed prompts differ from the trainer's by {self.gap:.3g} nats on "
                    f"average (at most {min(limit, DIFFERENT):.3g} were expected): it does not have these weights. "
                    "Is it a server of the same model, started by `toolgym serve-sampler`?",
                    kind="server",
                )

    def prove(self) -> None:
        """Send weights with noise, and check that the server takes all of them. Raises WeightsDiffer, AgentError.

        Weights that hardly changed do not show that a part of them stays as it was. The model itself is unchanged
        afterwards, bit for bit.
        """
        plain = self.score(self._probes)
        with _noise(self.model, only="lora_" if self.adapter else ""):
            self._write(-1)
        self._load()
        moved, gap = _gap(self._expected, plain), _gap(self._scores(), self._expected)
        if not gap <= STALE * moved:
            raise WeightsDiffer(
                f"{self.server} was sent weights with noise, which changed its log-probabilities by {moved:.3g} nats "
                f"per token, and the server's are off by {gap:.3g}: it did not take all of the weights. "
                "Start it anew by `toolgym serve-sampler`, with the same model",
                kind="server",
            )

    def close(self) -> None:
        """Remove what was written. The server keeps the weights that it has."""
        for place in self.folder.glob("toolgym-weights-[01]"):
            shutil.rmtree(place, ignore_errors=True)
        with suppress(OSError):  # the user's own folder may hold more
            self.folder.rmdir()

    # --------------------------------------------------------------------------------------------

    def _write(self, version: int) -> None:
        """Write the model as it is now, and what the canary expects of it."""
        self._sent += 1
        self.label = f"{self._run}:{self._sent}"
        place = self._place
        shutil.rmtree(place, ignore_errors=True)
        with checkpoint.writing():
            self.model.save_pretrained(place)
        self.version, self._expected = version, self.score(self._probes)

    @property
    def _place(self) -> Path:
        """The folder of the weights that were written last: another one than that before, which vLLM might know."""
        return self.folder / f"toolgym-weights-{self._sent % 2}"

    def _load(self) -> None:
        self.server.ask(self._load_paused)

    async def _load_paused(self) -> None:
        await self.server.send("/pause?mode=wait")
        try:
            if self.adapter:
                body = {"lora_name": ADAPTER, "lora_path": str(self._place), "load_inplace": True}
                await self.server.send("/v1/load_lora_adapter", body)
            else:
                await self.server.send("/collective_rpc", {"method": "load_folder", "args": [str(self._place)]})
            await self.server.send("/reset_prefix_cache", {}, _emptied)
            await self.server.send("/update_weight_version", {"new_version": self.label})
        finally:
            await self.server.send("/resume")

    def _scores(self) -> list[list[float]]:
        return self.server.ask(*(partial(self._score, *probe) for probe in self._probes))

    async def _score(self, prompt: list[int], tokens: list[int]) -> list[float]:
        asked = Asked(tuple(prompt), 1, "")
        # vLLM returns the sampled token and all of these but one
        ids = [*tokens, next(i for i in range(TOKENS + 1) if i not in tokens)]
        body = {
            "model": self.served_as((await self.server.model()).name),
            "token_ids": prompt,
            "return_token_ids": True,
            "sampling_params": {
                "max_tokens": 1,
                "temperature": self.temperature,
                "logprobs": len(ids),
                "logprob_token_ids": ids,
                "detokenize": False,
            },
        }
        return await self.server.send(
            "/inference/v1/generate", body, lambda found: scored(sampled(found, asked, ()), tokens)
        )


def _emptied(body: bytes) -> None:
    if b'"success":true' not in body.replace(b" ", b""):
        raise Failure(f"the prefix cache was not emptied: {body[:100]!r}", True)


def _gap(one: list[list[float]], other: list[list[float]]) -> float:
    """Mean absolute difference."""
    pairs = [pair for rows in zip(one, other, strict=True) for pair in zip(*rows, strict=True)]
    return sum(abs(a - b) for a, b in pairs) / len(pairs)


@contextmanager
def _noise(model: Any, only: str) -> Iterator[None]:
    """Add noise to the weights that have ``only`` in their names inside this block, and put them back as they were."""
    stream = torch.Generator().manual_seed(0)
    kept: list[tuple[torch.Tensor, torch.Tensor]] = []
    try:
        with torch.no_grad():
            for name, weight in model.named_parameters():
                if only in name and weight.is_floating_point():
                    kept.append((weight, weight.detach().to("cpu", copy=True)))
                    size = NOISE * float(weight.float().std(correction=0)) or ZERO_NOISE
                    weight.add_((torch.randn(weight.shape, generator=stream) * size).to(weight))
        yield
    finally:
        with torch.no_grad():
            for weight, before in kept:
                weight.copy_(before)
