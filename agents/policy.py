"""Policy: a transformers model as an agent. Its answers carry token ids and log-probabilities for a trainer."""

from __future__ import annotations

import logging
import math
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from copy import copy
from hashlib import blake2b
from pathlib import Path
from typing import Any, Literal, TypeAlias

import msgspec
import torch
from torch import Tensor

from toolgym.assets import AssetError
from toolgym.rollout import AgentError, ContextFull, Refused
from toolgym.types import Observation, Trajectory, answer_text

from .model import DEFAULT_MODEL, load_model
from .sampling.choose_engine import engine_for
from .sampling.draw import choose
from .sampling.kv_cache import CachePool, KVCache
from .sampling.llama_layers import weights_version
from .tokens import ChatTokens, Offer, TemplateError, Tools
from .tool_offer import FirstTools, check_offer

logger = logging.getLogger(__name__)

FinishReason: TypeAlias = Literal["end", "stop", "length"]


class Generation(msgspec.Struct, frozen=True):
    """One sampled answer. Training uses the sampled ids themselves: ``text`` is decoded, never encoded back."""

    prompt_ids: tuple[int, ...]
    token_ids: tuple[int, ...]
    """Every sampled token; the end token too, if one was sampled."""
    logprobs: tuple[float, ...]
    """One per token, under softmax(logits / temperature) over the whole vocabulary, without ``top_p`` and ``top_k``.
    Greedy sampling uses temperature 1 here."""
    text: str
    """The tokens decoded, without the end token. A stop string is included, with the rest of its last token.
    If the prompt ends in an opened thought, the text begins with it: the action that the environment reads."""
    finish_reason: FinishReason
    """end: an end token; stop: a stop string; length: ``max_new_tokens``, or the model's context is full."""

    @property
    def answer(self) -> str:
        """The text as an action: an UnfinishedAnswer if ``finish_reason`` is "length"."""
        return answer_text(self.text, "length" if self.finish_reason == "length" else None)


class Policy:
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
        if max_new_tokens < 1 or batch_size < 1:
            raise ValueError(f"max_new_tokens and batch_size must be at least 1, got {max_new_tokens}, {batch_size}")
        if not (temperature >= 0 and 0 < top_p <= 1 and top_k >= 0):
            raise ValueError(f"need temperature >= 0, 0 < top_p <= 1, top_k >= 0; got {temperature}, {top_p}, {top_k}")
        if isinstance(stop, str) or not all(stop or ()):
            raise ValueError(f"stop is a list of strings, none of them empty; got {stop!r}")
        if isinstance(model, tuple):
            self.model, self.tokenizer = model
        else:
            self.model, self.tokenizer = load_model(model, device, dtype, trust_remote_code=trust_remote_code)
        self.model.eval()
        self.trust_remote_code = trust_remote_code
        self.name = Path(self.model.name_or_path if isinstance(model, tuple) else model).name or "policy"
        if not self.tokenizer.chat_template:
            raise AssetError(
                f"the tokenizer of {self.name!r} has no chat template, so there is no telling how the model expects "
                "a conversation. Use an instruction-tuned model, or put chat_template.jinja into its folder."
            )
        try:
            self.chat = ChatTokens(self.tokenizer, template_kwargs=template_kwargs, tools=tools)
        except TemplateError as error:
            raise AssetError(f"{self.name!r}: {error}") from None
        for name in self.chat.unknown_kwargs:
            logger.warning("the chat template of %r never mentions %r: it changes nothing", self.name, name)
        self.max_new_tokens = max_new_tokens
        self.temperature = temperature
        self.top_p = top_p
        self.top_k = top_k
        self.seed: int | str = seed
        self.batch_size = batch_size
        self.stop = tuple(stop or ())
        self.context = _context(self.model)
        self._vocabulary = self.model.config.get_text_config(decoder=True).vocab_size
        self.end_ids = end_ids(self.model, self.chat)
        self._engine = engine_for(self.model)
        self._cache_pool = CachePool()
        self._version: tuple[int, ...] = ()  # of the weights that the KV caches were computed with
        self._samples: Counter[str] = Counter()  # digest of a prompt -> answers sampled to it so far
        self._resumed: Counter[str] = Counter()  # the same before a resumed run, for prompts without their tools
        self._first_tools = FirstTools()
        # every token holds at least one byte, so this many last tokens contain any stop string that just ended;
        # 4 more, because a character may be split over as many tokens
        self._tail = max((len(text.encode("utf-8", "replace")) for text in self.stop), default=0) + 4

    @property
    def settings(self) -> dict[str, Any]:
        """The settings of the sampling, by name."""
        names = ("max_new_tokens", "temperature", "top_p", "top_k", "seed", "stop")
        told: dict[str, Any] = {"template_kwargs": self.chat.template_kwargs} if self.chat.template_kwargs else {}
        told |= {"tools": self.chat.tools} if self.chat.tools != "prompt" else {}
        told |= {"trust_remote_code": True} if self.trust_remote_code else {}
        return {name: getattr(self, name) for name in names} | told

    def for_env(self, env: Any) -> Policy:
        """This policy. Raises ValueError if the environment and the chat template describe the tools twice, or not."""
        check_offer(self.chat, env.unwrapped)
        return self

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

    def sample(self, conversations: Sequence[Sequence[Mapping[str, Any]]]) -> list[Generation]:
        """An answer to each conversation. One given several times is prefilled once and answered each time."""
        return self.sample_ids([self.encode(messages) for messages in conversations])

    def sample_ids(self, prompts: Sequence[Sequence[int]], max_tokens: int | None = None) -> list[Generation]:
        """Like ``sample``, for prompts as token ids. ``max_tokens`` limits prompt and answer together.

        Raises AgentError if a prompt leaves no room in the model's context, or if memory runs out.
        """
        rows = [self._row(self._checked(prompt), max_tokens) for prompt in prompts]
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
        return [self._generation(row) for row in rows]

    def branch(self, conversation: Sequence[int], length: int) -> None:
        """Keep the KV cache of the first ``length`` tokens of a conversation, to sample from there once more. It covers
        tokens up to the last answer sampled in the conversation; the next answer does not prefill them again."""
        self._cache_pool.branch(tuple(conversation), length)

    def forget(self) -> None:
        """Free the KV caches of all conversations. The next answer to one of them prefills it from the start."""
        self._cache_pool.clear()

    def greedy(self) -> Policy:
        """The same model at temperature 0, with its own pool of KV caches."""
        other = copy(self)
        other.temperature, other._cache_pool, other._samples, other._resumed = 0.0, CachePool(), Counter(), Counter()
        return other

    def reseed(self, seed: int | str) -> None:
        """Restart the random streams, as in a new Policy with this seed."""
        self.seed = seed
        self._samples.clear()
        self._resumed.clear()

    def resume(self, played: Sequence[Trajectory]) -> None:
        """Count the answers in these episodes as sampled, so that further repeats of their tasks get new answers."""
        if self.temperature > 0:
            for trajectory in played:
                messages = list(trajectory.messages)
                counts = self._samples if self.chat.tools == "prompt" else self._resumed
                for turn in trajectory.turns:
                    counts[_digest(self.encode(messages))] += 1
                    messages += turn.messages

    def encode(self, messages: Sequence[Mapping[str, Any]], tools: Tools = ()) -> tuple[int, ...]:
        """The prompt's token ids, open for the assistant to answer: see ``ChatTokens``.

        Lone surrogates, which no tokenizer accepts, become U+FFFD. Raises AgentError if the template refuses the
        tools.

        Args:
            tools: schemas, for ``tools="template"``. The tools of a conversation's first prompt stay in its prompts:
                tools that are offered later are announced by the environment.
        """
        try:
            if self.chat.tools == "prompt" or not tools:
                return tuple(self.chat.prompt(messages))
            prompt = tuple(self.chat.prompt(messages, self._first_tools.of(messages, tools)))
        except TemplateError as error:
            raise Refused(f"{self.name!r}: {error}") from None
        if self._resumed:
            self._samples[_digest(prompt)] += self._resumed.pop(_digest(self.encode(messages)), 0)
        return prompt

    def decode(self, token_ids: Sequence[int]) -> str:
        """The text of sampled tokens, including control tokens, without the end token if it is the last token."""
        if token_ids and token_ids[-1] in self.end_ids:
            token_ids = token_ids[:-1]
        return str(self.tokenizer.decode(token_ids, skip_special_tokens=False, clean_up_tokenization_spaces=False))

    # --------------------------------------------------------------------------------------------

    def _checked(self, prompt: Sequence[int]) -> tuple[int, ...]:
        if not prompt:
            raise AgentError("the prompt has no tokens")
        if max(prompt) >= self._vocabulary:
            raise AgentError(
                f"the tokenizer of {self.name!r} gives token {max(prompt)}, and the model has tokens 0 to "
                f"{self._vocabulary - 1}: they do not belong together"
            )
        if self.context is not None and len(prompt) >= self.context:
            raise ContextFull(
                f"the prompt has {len(prompt)} tokens and the context of {self.name!r} is {self.context}: "
                "no room is left for an answer. Use a model with a longer context, or fewer turns or tools."
            )
        return tuple(prompt)

    def _row(self, prompt: tuple[int, ...], max_tokens: int | None) -> _Row:
        limits = [limit - len(prompt) for limit in (self.context, max_tokens) if limit is not None]
        room = min([self.max_new_tokens, *limits])
        digest = _digest(prompt)
        earlier = self._samples[digest]
        if self.temperature > 0:
            self._samples[digest] += 1
        # the stream depends on the prompt and not on the batch; the count makes repeats of a prompt differ
        return _Row(prompt, room, random.Random(f"{self.seed} {digest} {earlier}"))

    def _generation(self, row: _Row) -> Generation:
        text = self.chat.opened_thought(row.prompt) + self.decode(row.tokens)
        return Generation(row.prompt, tuple(row.tokens), tuple(row.logprobs), text, row.finish or "length")

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

    def __init__(self, prompt: tuple[int, ...], room: int, stream: random.Random):
        self.prompt = prompt
        self.room = room
        self.random = stream
        self.tokens: list[int] = []
        self.logprobs: list[float] = []
        self.finish: FinishReason | None = None
        self.cache: KVCache | None = None


def _digest(prompt: tuple[int, ...]) -> str:
    return blake2b(repr(prompt).encode(), digest_size=16).hexdigest()


def end_ids(model: Any, chat: ChatTokens) -> frozenset[int]:
    """The tokens that end an answer: from the model's generation settings, the tokenizer and the chat template.

    Training teaches the chat template's end token; the settings of a base model may name another one.
    """
    named = model.generation_config.eos_token_id
    found = [*named] if isinstance(named, (list, tuple)) else [named]
    with suppress(TemplateError):
        found.append(chat.end_of_turn)
    return frozenset(i for i in (*found, chat.tokenizer.eos_token_id) if i is not None)


def _context(model: Any) -> int | None:
    """The length of the model's context, in tokens, or None if its config has no limit.

    With longrope it is ``original_max_position_embeddings``. In a longer conversation, the rotations of all tokens
    change, and cached keys would have the wrong rotations.
    """
    config = model.config.get_text_config(decoder=True)
    rope = getattr(config, "rope_parameters", None) or {}
    # MPT's, DBRX's and CTRL's names
    names = ("max_position_embeddings", "max_seq_len", "n_positions")
    limit: int | None = next((size for name in names if (size := getattr(config, name, None))), None)
    if rope.get("rope_type") == "longrope":
        limit = rope.get("original_max_position_embeddings") or limit
    return limit
