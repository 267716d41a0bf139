"""Policy: a transformers model as an agent, with token ids and log-probabilities for a trainer."""

from __future__ import annotations

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
from toolgym.rollout import AgentError, ContextFull
from toolgym.types import Observation, Trajectory

from .model import DEFAULT_MODEL, load_model
from .sampling.draw import choose
from .sampling.engine import PlainReader, Reader
from .sampling.kv_cache import Past, Pasts
from .sampling.llama_engine import Cascade
from .sampling.llama_layers import weights_version
from .tokens import ChatTokens, TemplateError

FinishReason: TypeAlias = Literal["end", "stop", "length"]


class Generation(msgspec.Struct, frozen=True):
    """One sampled answer. What is trained on is what was sampled: ``text`` is decoded, never encoded back."""

    prompt_ids: tuple[int, ...]
    token_ids: tuple[int, ...]
    """Every token that was sampled, the end token included where it was."""
    logprobs: tuple[float, ...]
    """Of each token, under softmax(logits / temperature) over the whole vocabulary (temperature 1 where
    sampling is greedy): ``top_p`` and ``top_k`` are not in it."""
    text: str
    """The tokens decoded, without the end token; a stop string, and what its last token holds beyond it, included."""
    finish_reason: FinishReason
    """end: an end token; stop: a stop string; length: ``max_new_tokens``, or the model's context is full."""


class Policy:
    """An agent that samples from a causal language model.

    The same seed and prompts give the same texts, whatever else is in the batch, as far as floating point
    allows: each answer draws from its own stream, seeded by (seed, prompt, how often this prompt was sampled).

    Args:
        model: what ``load_model`` takes, or a pair (model, tokenizer) already loaded.
        max_new_tokens: tokens of one answer.
        temperature: 0 is greedy.
        top_p, top_k: cut off unlikely tokens; 1 and 0 keep all. For evaluation: a trainer needs them off.
        seed: of the sampling.
        batch_size: answers generated at once; lower it where memory is short.
        stop: strings that end an answer when it contains one.
        device, dtype: see ``load_model``; not used where a model is given.

    Raises AssetError where the model cannot be had or its tokenizer has no chat template, ValueError for a
    setting out of range.
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
    ):
        if max_new_tokens < 1 or batch_size < 1:
            raise ValueError(f"max_new_tokens and batch_size must be at least 1, got {max_new_tokens}, {batch_size}")
        if not (temperature >= 0 and 0 < top_p <= 1 and top_k >= 0):
            raise ValueError(f"need temperature >= 0, 0 < top_p <= 1, top_k >= 0; got {temperature}, {top_p}, {top_k}")
        if isinstance(stop, str) or not all(stop or ()):
            raise ValueError(f"stop is a list of strings, none of them empty; got {stop!r}")
        self.model, self.tokenizer = model if isinstance(model, tuple) else load_model(model, device, dtype)
        self.name = Path(self.model.name_or_path if isinstance(model, tuple) else model).name or "policy"
        if not self.tokenizer.chat_template:
            raise AssetError(
                f"the tokenizer of {self.name!r} has no chat template, so there is no telling how the model expects "
                "a conversation. Use an instruction-tuned model, or put chat_template.jinja into its folder."
            )
        self.chat = ChatTokens(self.tokenizer)
        self.max_new_tokens = max_new_tokens
        self.temperature = temperature
        self.top_p = top_p
        self.top_k = top_k
        self.seed: int | str = seed
        self.batch_size = batch_size
        self.stop = tuple(stop or ())
        self.context = _context(self.model)
        self.end_ids = end_ids(self.model, self.chat)
        self._reader: Reader = Cascade(self.model) if Cascade.suits(self.model) else PlainReader(self.model)
        self._pasts = Pasts()
        self._version: tuple[int, ...] = ()
        self._drawn: Counter[str] = Counter()
        # a character is at least a byte and a token at least a byte: so many tokens hold any stop string whole
        self._tail = max((len(text.encode("utf-8", "replace")) for text in self.stop), default=0) + 4

    @property
    def settings(self) -> dict[str, Any]:
        """How it samples."""
        names = ("max_new_tokens", "temperature", "top_p", "top_k", "seed", "stop")
        return {name: getattr(self, name) for name in names}

    def act(self, observation: Observation) -> str:
        """The model's answer. Raises AgentError where the model cannot read the conversation."""
        return self.sample([observation["messages"]])[0].text

    def act_batch(self, observations: Sequence[Observation]) -> list[str | AgentError]:
        """An answer per observation; an AgentError stands in its place where the conversation cannot be read."""
        answers: list[str | AgentError] = []
        prompts: list[tuple[int, ...]] = []
        for observation in observations:
            try:
                prompts.append(self._checked(self.encode(observation["messages"])))
                answers.append("")
            except AgentError as error:
                answers.append(error)
        generations = iter(self.sample_ids(prompts))
        return [next(generations).text if answer == "" else answer for answer in answers]

    def sample(self, conversations: Sequence[Sequence[Mapping[str, Any]]]) -> list[Generation]:
        """An answer to each conversation; one that is given several times is read once and answered each time."""
        return self.sample_ids([self.encode(messages) for messages in conversations])

    def sample_ids(self, prompts: Sequence[Sequence[int]], max_tokens: int | None = None) -> list[Generation]:
        """As ``sample``, for prompts that are token ids already. ``max_tokens``: of prompt and answer together.

        Raises AgentError for a prompt that leaves no room in the model's context, and where memory runs out.
        """
        rows = [self._row(self._checked(prompt), max_tokens) for prompt in prompts]
        if (version := weights_version(self.model)) != self._version:
            self._version = version
            self.forget()
        fresh: list[_Row] = []
        known: list[_Row] = []
        for row in rows:
            row.past = self._pasts.longest(row.prompt)
            (fresh if row.past is None else known).append(row)
        # alike lengths together, so that little is padded; identical prompts side by side, to be read once
        for batch in (fresh, known):
            batch.sort(key=lambda row: (len(row.prompt), row.prompt))
            try:
                for first in range(0, len(batch), self.batch_size):
                    self._generate(batch[first : first + self.batch_size])
            except torch.cuda.OutOfMemoryError as error:
                raise AgentError(f"out of memory; lower batch_size (now {self.batch_size}): {error}") from None
            finally:
                self._reader.close()
        self._pasts.drop([row.past for row in known if row.past is not None])
        self._pasts.trim()
        return [self._generation(row) for row in rows]

    def branch(self, conversation: Sequence[int], length: int) -> None:
        """Get ready to go on from the first ``length`` tokens of a conversation once more: what was read of them, up to
        the last answer sampled in it, is not read again by the next answer to them."""
        self._pasts.branch(tuple(conversation), length)

    def forget(self) -> None:
        """Free what was kept of the conversations so far. The next answer to one reads it from the start."""
        self._pasts.clear()

    def greedy(self) -> Policy:
        """The same model at temperature 0, with conversations of its own."""
        other = copy(self)
        other.temperature, other._pasts, other._drawn = 0.0, Pasts(), Counter()
        return other

    def reseed(self, seed: int | str) -> None:
        """Start the sampling's streams anew, as a new Policy with this seed would."""
        self.seed = seed
        self._drawn.clear()

    def resume(self, played: Sequence[Trajectory]) -> None:
        """Count the answers in these episodes as drawn, so that more repeats of their tasks differ from them."""
        if self.temperature > 0:
            for trajectory in played:
                messages = list(trajectory.messages)
                for turn in trajectory.turns:
                    self._drawn[_digest(self.encode(messages))] += 1
                    messages += turn.messages

    def encode(self, messages: Sequence[Mapping[str, Any]]) -> tuple[int, ...]:
        """The prompt's token ids: the chat template's rendering, open for the assistant to answer.

        Lone surrogates, which no tokenizer takes, become U+FFFD. Raises AgentError where the template refuses.
        """
        try:
            return tuple(self.chat.prompt(messages))
        except TemplateError as error:
            raise AgentError(f"{self.name!r}: {error}") from None

    def decode(self, token_ids: Sequence[int]) -> str:
        """The text of sampled tokens, control tokens written out, but for an end token that closes it."""
        if token_ids and token_ids[-1] in self.end_ids:
            token_ids = token_ids[:-1]
        return str(self.tokenizer.decode(token_ids, skip_special_tokens=False, clean_up_tokenization_spaces=False))

    # --------------------------------------------------------------------------------------------

    def _checked(self, prompt: Sequence[int]) -> tuple[int, ...]:
        if not prompt:
            raise AgentError("the prompt has no tokens")
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
        draw = self._drawn[digest]
        if self.temperature > 0:
            self._drawn[digest] += 1
        return _Row(prompt, room, random.Random(f"{self.seed} {digest} {draw}"))

    def _generation(self, row: _Row) -> Generation:
        text = self.decode(row.tokens)
        return Generation(row.prompt, tuple(row.tokens), tuple(row.logprobs), text, row.finish or "length")

    @torch.inference_mode()
    def _generate(self, rows: list[_Row]) -> None:
        """Sample until every row is finished: either all rows continue a conversation, or none does."""
        pasts = [row.past for row in rows if row.past is not None]
        if pasts:
            new = [row.prompt[len(past) :] for row, past in zip(rows, pasts, strict=True)]
            logits = self._reader.resume(pasts, new)
        else:
            prompts = list(dict.fromkeys(row.prompt for row in rows))
            logits = self._reader.begin(prompts, [prompts.index(row.prompt) for row in rows])
        rows = list(rows)
        while rows:
            tokens = self._draw(rows, logits)
            order = list(range(len(rows)))
            for i in reversed(range(len(rows))):
                if rows[i].finish is not None:
                    self._close(i, rows[i])
                    rows[i], order[i] = rows[-1], order[-1]  # as the reader does
                    rows.pop()
                    order.pop()
            if rows:
                logits = self._reader.append(tokens[torch.tensor(order, device=tokens.device)])

    def _close(self, i: int, row: _Row) -> None:
        past = self._reader.leave(i)
        if past is not None:  # its last token was sampled, but not read
            self._pasts.add([*row.prompt, *row.tokens[:-1]], past)

    def _draw(self, rows: list[_Row], logits: Tensor) -> Tensor:
        """Draw a token for each row, note it, and finish the rows that it ends; the tokens, (rows,)."""
        uniforms = None
        if self.temperature > 0:
            uniforms = torch.tensor([row.random.random() for row in rows], dtype=torch.float64, device=logits.device)
        tokens, logprobs = choose(logits, uniforms, temperature=self.temperature, top_p=self.top_p, top_k=self.top_k)
        for row, token, logprob in zip(rows, tokens.tolist(), logprobs.tolist(), strict=True):
            if not math.isfinite(logprob):
                raise AgentError(
                    f"the logits of {self.name!r} are not finite: its weights are broken, or {logits.dtype} overflows"
                )
            row.tokens.append(token)
            row.logprobs.append(logprob)
            row.finish = self._finish(row)
        return tokens

    def _finish(self, row: _Row) -> FinishReason | None:
        if row.tokens[-1] in self.end_ids:
            return "end"
        if self.stop:
            tail = self.decode(row.tokens[-self._tail :])
            if any(text in tail for text in self.stop):
                return "stop"
        return "length" if len(row.tokens) >= row.room else None


class _Row:
    """An answer that is being sampled."""

    __slots__ = ("finish", "logprobs", "past", "prompt", "random", "room", "tokens")

    def __init__(self, prompt: tuple[int, ...], room: int, stream: random.Random):
        self.prompt = prompt
        self.room = room
        self.random = stream
        self.tokens: list[int] = []
        self.logprobs: list[float] = []
        self.finish: FinishReason | None = None
        self.past: Past | None = None


def _digest(prompt: tuple[int, ...]) -> str:
    return blake2b(repr(prompt).encode(), digest_size=16).hexdigest()


def end_ids(model: Any, chat: ChatTokens) -> frozenset[int]:
    """The tokens that end an answer: the model's generation settings name some, the tokenizer one, and the chat
    template one, which training teaches (base models may name another in their settings)."""
    named = model.generation_config.eos_token_id
    found = [*named] if isinstance(named, (list, tuple)) else [named]
    with suppress(TemplateError):
        found.append(chat.end_of_turn)
    return frozenset(i for i in (*found, chat.tokenizer.eos_token_id) if i is not None)


def _context(model: Any) -> int | None:
    """How many tokens the model can read. With longrope rotations change, for all tokens, where a conversation grows
    beyond ``original_max_position_embeddings``: keys that were kept would be of the others, so there it ends."""
    config = model.config.get_text_config()
    rope = getattr(config, "rope_parameters", None) or {}
    limit: int | None = getattr(config, "max_position_embeddings", None)
    if rope.get("rope_type") == "longrope":
        limit = rope.get("original_max_position_embeddings") or limit
    return limit
