"""VLLMPolicy: a model on a vLLM server as an agent, and as the trainer's sampler. Token ids in, token ids out."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import Any

from transformers import AutoConfig, AutoTokenizer, GenerationConfig

from toolgym.agent import AgentError
from toolgym.assets import AssetError
from toolgym.types import Observation

from ..lora import base_of
from ..model import DEFAULT_MODEL, smollm2_folder
from ..sampler import Generation
from ..token_policy import Asked, Sampling, TokenPolicy
from ..tokens import Offer
from .answers import Answer, sampled
from .server import Refusal, VLLMServer
from .weights import SentWeights

logger = logging.getLogger(__name__)

SENDINGS = 3
"""How often weights are sent again before a batch of answers is given up."""


class VLLMPolicy(TokenPolicy):
    """An agent that samples from the model on a vLLM server (0.32 or later, started with ``--enable-scale-out``).

    Conversations are encoded here, with the model's tokenizer, and decoded here: the server sees token ids only.
    Each answer has its own seed, made of (seed, prompt, how often this prompt was sampled). Which tokens a seed gives
    is the server's: other ones than those of ``Policy``.

    Args:
        base_url: the server's address, http://host:port; or a VLLMServer.
        model: whose tokenizer and settings these are: a name or folder as for ``Policy``, of which no weights are
            read; or a loaded pair (model, tokenizer).
        weights: the weights that the server is to sample with; None for those that it has.
        max_new_tokens, temperature, top_p, top_k, seed, stop, template_kwargs, tools: as for ``Policy``.

    Raises ValueError if a setting is out of range, AssetError if the tokenizer cannot be used, AgentError if the
    server is not one of vLLM.
    """

    def __init__(
        self,
        base_url: str | VLLMServer,
        model: str | Path | tuple[Any, Any] = DEFAULT_MODEL,
        *,
        max_new_tokens: int = 256,
        temperature: float = 0.0,
        top_p: float = 1.0,
        top_k: int = 0,
        seed: int = 0,
        stop: Sequence[str] | None = None,
        template_kwargs: Mapping[str, Any] | None = None,
        tools: Offer = "prompt",
        trust_remote_code: bool = False,
        weights: SentWeights | None = None,
    ):
        sampling = Sampling.checked(max_new_tokens, temperature, top_p, top_k, seed, stop)
        self.server = base_url if isinstance(base_url, VLLMServer) else VLLMServer(base_url)
        if isinstance(model, tuple):
            name, config, generation_config, tokenizer = _of_loaded(*model)
        else:
            name, config, generation_config, tokenizer = _without_weights(str(model), trust_remote_code)
        super().__init__(
            name, tokenizer, config, generation_config, sampling,
            template_kwargs=template_kwargs, tools=tools, trust_remote_code=trust_remote_code,
        )  # fmt: skip
        self.weights = weights
        (self.served,) = self.server.ask(self.server.model)
        limits = [limit for limit in (self.context, self.served.context) if limit is not None]
        self.context = min(limits) if limits else None

    async def act(self, observation: Observation) -> str:
        """The model's answer. Raises AgentError if there is none."""
        asked = self._asked(self.encode(observation["messages"], observation["tools"]))
        (answer,) = await self.server.gather(partial(self._ask, asked))
        return self._read(asked, answer).answer

    def sample_ids(self, prompts: Sequence[Sequence[int]], max_tokens: int | None = None) -> list[Generation]:
        """An answer to each prompt, all by the weights of ``weights``: see ``Sampler``.

        Raises WeightsLost if the server has other weights, and another process must send them.
        """
        asked = [self._asked(prompt, max_tokens) for prompt in prompts]
        answers = self.server.ask(*(partial(self._ask, each) for each in asked))
        if self.weights is not None:
            self.version = self.weights.version
            for _ in range(SENDINGS):
                wrong = [i for i, answer in enumerate(answers) if answer is None or answer.label != self.weights.label]
                if not wrong:
                    break
                logger.warning("%d answers of %s are not by the weights that were sent", len(wrong), self.server)
                self.weights.refused += len(wrong)
                self.weights.send()
                for i, answer in zip(
                    wrong, self.server.ask(*(partial(self._ask, asked[i]) for i in wrong)), strict=True
                ):
                    answers[i] = answer
            else:
                raise other_weights(self.server)
        return [self._read(each, answer) for each, answer in zip(asked, answers, strict=True)]

    def branch(self, conversation: Sequence[int], length: int) -> None:
        """Nothing to do: the server keeps the KV cache of prefixes by itself."""

    def forget(self) -> None:
        """Nothing to do: the server's KV cache is emptied when weights are sent."""

    # --------------------------------------------------------------------------------------------

    async def _ask(self, asked: Asked) -> Answer | None:
        """The server's answer; None if the server has lost the adapter that it was sent."""
        body = {
            "model": self.served.name if self.weights is None else self.weights.served_as(self.served.name),
            "token_ids": asked.prompt,
            "return_token_ids": True,
            "sampling_params": {
                "max_tokens": asked.room,
                "temperature": self.temperature,
                "top_p": self.top_p,
                "top_k": self.top_k,
                "seed": request_seed(asked.stream),
                "logprobs": 0,
                "stop": self.stop,
                "stop_token_ids": sorted(self.end_ids),
                "ignore_eos": True,  # the end tokens are those above, also if the server's files name other ones
                "skip_special_tokens": False,
                "detokenize": bool(self.stop),
            },
        }
        try:
            return await self.server.send(
                "/inference/v1/generate", body, partial(sampled, asked=asked, end_ids=self.end_ids)
            )
        except Refusal as refusal:
            if refusal.status == 404 and self.weights is not None and self.weights.adapter:
                return None
            raise

    def _read(self, asked: Asked, answer: Answer | None) -> Generation:
        assert answer is not None
        return self._generation(asked.prompt, answer.token_ids, answer.logprobs, answer.finish_reason)


def other_weights(server: VLLMServer) -> AgentError:
    """The error if sending the weights again does not help."""
    return AgentError(
        f"{server} answers with other weights, even after they were sent {SENDINGS} times: does another run send "
        "weights to it? Each run needs a server of its own",
        kind="server",
    )


def request_seed(stream: str) -> int:
    """The seed of a request, from 0 to 2**62, from the name of its random stream."""
    return int.from_bytes(blake2b(stream.encode(), digest_size=8).digest(), "big") >> 2


def _of_loaded(model: Any, tokenizer: Any) -> tuple[str, Any, Any, Any]:
    return Path(model.name_or_path).name or "policy", model.config, model.generation_config, tokenizer


def _without_weights(source: str, trust: bool) -> tuple[str, Any, Any, Any]:
    """Name, config, generation config and tokenizer of a model. Raises AssetError."""
    place = str(smollm2_folder()) if source == DEFAULT_MODEL else source
    adapters = (Path(place) / "adapter_config.json").is_file()
    base = base_of(Path(place)) if adapters else place
    try:
        tokenizer = AutoTokenizer.from_pretrained(place, trust_remote_code=trust)
        config = AutoConfig.from_pretrained(base, trust_remote_code=trust)
        try:
            generation_config = GenerationConfig.from_pretrained(base)
        except OSError:  # the model has none
            generation_config = GenerationConfig.from_model_config(config)
    except Exception as error:  # damaged files make the libraries raise almost anything
        raise AssetError(
            f"cannot read the tokenizer and the settings of {source!r}: {error}. Give the folder or the name of the "
            "model that the server serves"
        ) from error
    return Path(source).name or "policy", config, generation_config, tokenizer
