"""TokenPolicy: the part of a policy that needs no model. Prompts, settings, random streams, texts."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from copy import copy
from hashlib import blake2b
from typing import Any, NamedTuple, Self

from toolgym.assets import AssetError
from toolgym.rollout import AgentError, ContextFull, Refused
from toolgym.types import Trajectory

from .sampler import FinishReason, Generation
from .tokens import ChatTokens, Offer, TemplateError, Tools
from .tool_offer import FirstTools, check_offer

logger = logging.getLogger(__name__)


class Asked(NamedTuple):
    """An answer that is to be sampled."""

    prompt: tuple[int, ...]
    room: int
    """The most tokens it may have."""
    stream: str
    """The name of its random stream: the seed, the prompt, and how often this prompt was sampled."""


class Sampling(NamedTuple):
    """The settings of the sampling. Raises ValueError if one is out of range: see ``checked``."""

    max_new_tokens: int
    temperature: float
    top_p: float
    top_k: int
    seed: int
    stop: tuple[str, ...]

    @classmethod
    def checked(
        cls, max_new_tokens: int, temperature: float, top_p: float, top_k: int, seed: int, stop: Sequence[str] | None
    ) -> Sampling:
        if max_new_tokens < 1:
            raise ValueError(f"max_new_tokens must be at least 1, got {max_new_tokens}")
        if not (temperature >= 0 and 0 < top_p <= 1 and top_k >= 0):
            raise ValueError(f"need temperature >= 0, 0 < top_p <= 1, top_k >= 0; got {temperature}, {top_p}, {top_k}")
        if isinstance(stop, str) or not all(stop or ()):
            raise ValueError(f"stop is a list of strings, none of them empty; got {stop!r}")
        return cls(max_new_tokens, temperature, top_p, top_k, seed, tuple(stop or ()))


class TokenPolicy(ABC):
    """An agent that samples token ids. Subclasses say how, in ``sample_ids``.

    Args:
        name: shown in tables.
        tokenizer, template_kwargs, tools: see ``ChatTokens``.
        config, generation_config: of the model, for its context, its vocabulary and its end tokens.
        sampling: the settings.

    Raises AssetError if the tokenizer has no chat template or one that refuses conversations (or tools).
    """

    def __init__(
        self,
        name: str,
        tokenizer: Any,
        config: Any,
        generation_config: Any,
        sampling: Sampling,
        *,
        template_kwargs: Mapping[str, Any] | None = None,
        tools: Offer = "prompt",
        trust_remote_code: bool = False,
    ):
        self.name, self.tokenizer = name, tokenizer
        self.trust_remote_code = trust_remote_code
        if not tokenizer.chat_template:
            raise AssetError(
                f"the tokenizer of {name!r} has no chat template, so there is no telling how the model expects "
                "a conversation. Use an instruction-tuned model, or put chat_template.jinja into its folder."
            )
        try:
            self.chat = ChatTokens(tokenizer, template_kwargs=template_kwargs, tools=tools)
        except TemplateError as error:
            raise AssetError(f"{name!r}: {error}") from None
        for unknown in self.chat.unknown_kwargs:
            logger.warning("the chat template of %r never mentions %r: it changes nothing", name, unknown)
        self.max_new_tokens, self.temperature = sampling.max_new_tokens, sampling.temperature
        self.top_p, self.top_k, self.stop = sampling.top_p, sampling.top_k, sampling.stop
        self.seed: int | str = sampling.seed
        self.version = 0
        """Of the weights that sample: a trainer sets it to the number of its steps."""
        text_config = config.get_text_config(decoder=True)
        self.context = _context(text_config)
        self._vocabulary: int = text_config.vocab_size
        self.end_ids = end_ids(generation_config, self.chat)
        self._samples: Counter[str] = Counter()  # digest of a prompt -> answers sampled to it so far
        self._resumed: Counter[str] = Counter()  # the same before a resumed run, for prompts without their tools
        self._first_tools = FirstTools()

    @abstractmethod
    def sample_ids(self, prompts: Sequence[Sequence[int]], max_tokens: int | None = None) -> list[Generation]:
        """See ``Sampler``."""

    @property
    def settings(self) -> dict[str, Any]:
        """The settings of the sampling, by name."""
        names = ("max_new_tokens", "temperature", "top_p", "top_k", "seed", "stop")
        told: dict[str, Any] = {"template_kwargs": self.chat.template_kwargs} if self.chat.template_kwargs else {}
        told |= {"tools": self.chat.tools} if self.chat.tools != "prompt" else {}
        told |= {"trust_remote_code": True} if self.trust_remote_code else {}
        return {name: getattr(self, name) for name in names} | told

    def for_env(self, env: Any) -> Self:
        """This policy. Raises ValueError if the environment and the chat template describe the tools twice, or not."""
        check_offer(self.chat, env.unwrapped)
        return self

    def sample(self, conversations: Sequence[Sequence[Mapping[str, Any]]]) -> list[Generation]:
        """An answer to each conversation. One given several times is prefilled once and answered each time."""
        return self.sample_ids([self.encode(messages) for messages in conversations])

    def greedy(self) -> Self:
        """The same model at temperature 0."""
        other = copy(self)
        other.temperature, other._samples, other._resumed = 0.0, Counter(), Counter()
        return other

    def reseed(self, seed: int | str) -> None:
        """Restart the random streams, as in a new policy with this seed."""
        self.seed = seed
        self._samples.clear()
        self._resumed.clear()

    @property
    def sampled(self) -> Counter[str]:
        """How often each prompt, by its digest, was sampled; to be put back if these answers do not count."""
        return self._samples.copy()

    @sampled.setter
    def sampled(self, counts: Counter[str]) -> None:
        self._samples = counts.copy()

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

    def _asked(self, prompt: Sequence[int], max_tokens: int | None = None) -> Asked:
        """An answer to the prompt, which is counted as sampled."""
        checked = self._checked(prompt)
        limits = [limit - len(checked) for limit in (self.context, max_tokens) if limit is not None]
        digest = _digest(checked)
        earlier = self._samples[digest]
        if self.temperature > 0:
            self._samples[digest] += 1
        # the stream depends on the prompt and not on the batch; the count makes repeats of a prompt differ
        return Asked(checked, min([self.max_new_tokens, *limits]), f"{self.seed} {digest} {earlier}")

    def _generation(
        self, prompt: tuple[int, ...], tokens: Sequence[int], logprobs: Sequence[float], finish: FinishReason
    ) -> Generation:
        text = self.chat.opened_thought(prompt) + self.decode(tokens)
        return Generation(prompt, tuple(tokens), tuple(logprobs), text, finish, self.version)


def _digest(prompt: tuple[int, ...]) -> str:
    return blake2b(repr(prompt).encode(), digest_size=16).hexdigest()


def end_ids(generation_config: Any, chat: ChatTokens) -> frozenset[int]:
    """The tokens that end an answer: from the model's generation settings, the tokenizer and the chat template.

    Training teaches the chat template's end token; the settings of a base model may name another one.
    """
    named = generation_config.eos_token_id
    found = [*named] if isinstance(named, (list, tuple)) else [named]
    with suppress(TemplateError):
        found.append(chat.end_of_turn)
    return frozenset(i for i in (*found, chat.tokenizer.eos_token_id) if i is not None)


def _context(config: Any) -> int | None:
    """The length of the model's context, in tokens, or None if its config has no limit.

    With longrope it is ``original_max_position_embeddings``. In a longer conversation, the rotations of all tokens
    change, and cached keys would have the wrong rotations.
    """
    rope = getattr(config, "rope_parameters", None) or {}
    # MPT's, DBRX's and CTRL's names
    names = ("max_position_embeddings", "max_seq_len", "n_positions")
    limit: int | None = next((size for name in names if (size := getattr(config, name, None))), None)
    if rope.get("rope_type") == "longrope":
        limit = rope.get("original_max_position_embeddings") or limit
    return limit
