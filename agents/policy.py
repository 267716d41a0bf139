"""Policy: a transformers model as an agent. Its answers carry token ids and log-probabilities for a trainer."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor

from toolgym.rollout import AgentError
from toolgym.types import Observation

from .model import DEFAULT_MODEL, load_model
from .sampler import FinishReason, Generation
from .sampling.choose_engine import engine_for
from .sampling.draw import choose
from .sampling.kv_cache import CachePool, KVCache
from .sampling.llama_layers import weights_version
from .token_policy import Asked, Sampling, TokenPolicy
from .tokens import Offer

__all__ = ["Generation", "Policy"]


class Policy(TokenPolicy):
    """An agent that samples from a causal language model.

    The same seed and prompts give the same texts, whatever the rest of the batch is, as far as floating point
    allows. Each answer has its own random stream, seeded by (seed, prompt, how often this prompt was sampled).

    Args:
        model: a name or folder for ``load_model``, or a loaded pair (model, tokenizer). The model is put into eval
            mode: with dropout it would be another one at every token.
        max_new_tokens: most tokens in one answer.
        temperature: 0 is greedy.
        top_p, top_k: cut off unlikely tokens; 1 and 0 keep all. Use them to evaluate; a trainer needs them off.
        seed: seed of the sampling.
        batch_size: answers generated at once; lower it if memory runs out.
        stop: strings; an answer ends when it contains one of them.
        device, dtype, trust_remote_code: see ``load_model``; ignored if a loaded model is given.
        template_kwargs: arguments of the chat template, e.g. ``{"enable_thinking": False}``.
        tools: "prompt": the messages describe the tools. "template": the chat template does, in the words the model was
            trained on; make the environment with ``instructions=False`` and the model's own dialect.

    Raises AssetError if the model cannot be loaded or sampled (see ``engine_for``), or if its tokenizer has no chat
    template or one that refuses conversations (or tools); ValueError if a setting is out of range.
    """

    def __init__(
        self,
        model: str | Path | tuple[Any, Any] = DEFAULT_MODEL,
        *,
        max_new_tokens: int = 256,
        temperature: float = 0.0,
        top_p: float = 1.0,
        top_k: int = 0,
        seed: int = 0,
        batch_size: int = 16,
        stop: Sequence[str] | None = None,
        device: str | torch.device = "auto",
        dtype: str | torch.dtype = "auto",
        template_kwargs: Mapping[str, Any] | None = None,
        tools: Offer = "prompt",
        trust_remote_code: bool = False,
    ):
        sampling = Sampling.checked(max_new_tokens, temperature, top_p, top_k, seed, stop)
        if batch_size < 1:
            raise ValueError(f"batch_size must be at least 1, got {batch_size}")
        if isinstance(model, tuple):
            self.model, tokenizer = model
        else:
            self.model, tokenizer = load_model(model, device, dtype, trust_remote_code=trust_remote_code)
        self.model.eval()
        super().__init__(
            Path(self.model.name_or_path if isinstance(model, tuple) else model).name or "policy",
            tokenizer,
            self.model.config,
            self.model.generation_config,
            sampling,
            template_kwargs=template_kwargs,
            tools=tools,
            trust_remote_code=trust_remote_code,
        )
        self.batch_size = batch_size
        self._engine = engine_for(self.model)
        self._cache_pool = CachePool()
        self._version: tuple[int, ...] = ()  # of the weights that the KV caches were computed with
        # every token holds at least one byte, so this many last tokens contain any stop string that just ended;
        # 4 more, because a character may be split over as many tokens
        self._tail = max((len(text.encode("utf-8", "replace")) for text in self.stop), default=0) + 4

    def act(self, observation: Observation) -> str:
        """The model's answer. Raises AgentError if the model cannot take the conversation as a prompt."""
        return self.sample_ids([self.encode(observation["messages"], observation["tools"])])[0].answer

    def act_batch(self, observations: Sequence[Observation]) -> list[str | AgentError]:
        """An answer per observation, or an AgentError if the model cannot take that conversation as a prompt."""
        answers: list[str | AgentError] = []
        prompts: list[tuple[int, ...]] = []
        for observation in observations:
            try:
                prompts.append(self._checked(self.encode(observation["messages"], observation["tools"])))
                answers.append("")
            except AgentError as error:
                answers.append(error)
        generations = iter(self.sample_ids(prompts))
        return [next(generations).answer if answer == "" else answer for answer in answers]

    def sample_ids(self, prompts: Sequence[Sequence[int]], max_tokens: int | None = None) -> list[Generation]:
        """Like ``sample``, for prompts as token ids. ``max_tokens`` limits prompt and answer together.

        Raises AgentError if a prompt leaves no room in the model's context, or if memory runs out.
        """
        rows = [_Row(self._asked(prompt, max_tokens)) for prompt in prompts]
        if (version := weights_version(self.model)) != self._version:
            # keys and values of the old weights would be wrong for the new weights
            self._version = version
            self.forget()
        # an engine's batch is opened by prefill or by resume, so rows with and without a KV cache do not mix
        fresh: list[_Row] = []
        cached: list[_Row] = []
        for row in rows:
            row.cache = self._cache_pool.longest_match(row.prompt)
            (fresh if row.cache is None else cached).append(row)
        for batch in (fresh, cached):
            # similar lengths together, so that little is padded; equal prompts side by side, to be prefilled once
            batch.sort(key=lambda row: (len(row.prompt), row.prompt))
            try:
                for first in range(0, len(batch), self.batch_size):
                    self._generate(batch[first : first + self.batch_size])
            except torch.cuda.OutOfMemoryError as error:
                raise AgentError(f"out of memory; lower batch_size (now {self.batch_size}): {error}") from None
            finally:
                self._engine.close()
        # each of these conversations has left a longer KV cache in the pool
        self._cache_pool.drop([row.cache for row in cached if row.cache is not None])
        self._cache_pool.trim()
        return [self._generation(row.prompt, row.tokens, row.logprobs, row.finish or "length") for row in rows]

    def branch(self, conversation: Sequence[int], length: int) -> None:
        """Keep the KV cache of the first ``length`` tokens of a conversation, to sample from there once more. It covers
        tokens up to the last answer sampled in the conversation; the next answer does not prefill them again."""
        self._cache_pool.branch(tuple(conversation), length)

    def forget(self) -> None:
        """Free the KV caches of all conversations. The next answer to one of them prefills it from the start."""
        self._cache_pool.clear()

    def greedy(self) -> Self:
        """The same model at temperature 0, with its own pool of KV caches."""
        other = super().greedy()
        other._cache_pool = CachePool()
        return other

    # --------------------------------------------------------------------------------------------

    @torch.inference_mode()
    def _generate(self, rows: list[_Row]) -> None:
        """Sample until every row is finished. Either all rows have a KV cache, or none has."""
        caches = [row.cache for row in rows if row.cache is not None]
        # logits: (rows, V) after the last token of each prompt
        if caches:
            # the KV cache is of a prefix of the prompt; the rest is e.g. the tool's reply to the last answer
            new = [row.prompt[len(cache) :] for row, cache in zip(rows, caches, strict=True)]
            logits = self._engine.resume(caches, new)
        else:
            prompts = list(dict.fromkeys(row.prompt for row in rows))  # a group shares one prefill
            logits = self._engine.prefill(prompts, [prompts.index(row.prompt) for row in rows])
        rows = list(rows)
        while rows:
            tokens = self._sample_tokens(rows, logits)  # (rows,)
            order = list(range(len(rows)))  # row of the engine -> its index in tokens
            # from the last row to the first: the row that fills a gap was looked at already
            for i in reversed(range(len(rows))):
                if rows[i].finish is not None:
                    self._remove(i, rows[i])
                    rows[i], order[i] = rows[-1], order[-1]  # the engine, too, puts its last row into the gap
                    rows.pop()
                    order.pop()
            if rows:
                # only rows that go on are decoded; the batch gets smaller with every finished answer
                logits = self._engine.decode(tokens[torch.tensor(order, device=tokens.device)])

    def _remove(self, i: int, row: _Row) -> None:
        cache = self._engine.remove(i)
        if cache is not None:
            # without the last token: it was sampled, but the model was not run on it
            self._cache_pool.add([*row.prompt, *row.tokens[:-1]], cache)

    def _sample_tokens(self, rows: list[_Row], logits: Tensor) -> Tensor:
        """Sample a token for each row, (rows,). Appends it to the row, and sets ``finish`` if the row ends with it."""
        uniforms = None
        if self.temperature > 0:
            # (rows,): one number from each row's own stream
            uniforms = torch.tensor([row.random.random() for row in rows], dtype=torch.float64, device=logits.device)
        tokens, logprobs = choose(logits, uniforms, temperature=self.temperature, top_p=self.top_p, top_k=self.top_k)
        for row, token, logprob in zip(rows, tokens.tolist(), logprobs.tolist(), strict=True):
            if not math.isfinite(logprob):
                raise AgentError(
                    f"the logits of {self.name!r} are not finite: its weights are broken, or {logits.dtype} overflows"
                )
            row.tokens.append(token)
            row.logprobs.append(logprob)
            row.finish = self._finish_reason(row)
        return tokens

    def _finish_reason(self, row: _Row) -> FinishReason | None:
        if row.tokens[-1] in self.end_ids:
            return "end"
        if self.stop:
            # the text is decoded from the last tokens alone: decoding all of them would be quadratic
            tail = self.decode(row.tokens[-self._tail :])
            if any(text in tail for text in self.stop):
                return "stop"
        return "length" if len(row.tokens) >= row.room else None


class _Row:
    """An answer that is being sampled. ``room``: the most tokens it may have; ``cache``: of a prefix of its prompt."""

    __slots__ = ("cache", "finish", "logprobs", "prompt", "random", "room", "tokens")

    def __init__(self, asked: Asked):
        self.prompt = asked.prompt
        self.room = asked.room
        self.random = random.Random(asked.stream)
        self.tokens: list[int] = []
        self.logprobs: list[float] = []
        self.finish: FinishReason | None = None
        self.cache: KVCache | None = None
