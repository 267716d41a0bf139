"""Sampler: what plays a training batch needs of whatever samples its answers. Token ids in, token ids out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol, TypeAlias

import msgspec

from toolgym.types import answer_text

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
    version: int = 0
    """Of the weights that wrote it: the number of training steps that they have had."""

    @property
    def answer(self) -> str:
        """The text as an action: an UnfinishedAnswer if ``finish_reason`` is "length"."""
        return answer_text(self.text, "length" if self.finish_reason == "length" else None)


class Sampler(Protocol):
    """Samples the answers of many conversations, on this machine (``Policy``) or on a server (``VLLMPolicy``)."""

    context: int | None
    """Tokens of the longest conversation; None without a limit."""

    def sample_ids(self, prompts: Sequence[Sequence[int]], max_tokens: int | None = None) -> list[Generation]:
        """An answer to each prompt. ``max_tokens`` limits prompt and answer together.

        Raises AgentError for a prompt without an answer.
        """

    def branch(self, conversation: Sequence[int], length: int) -> None:
        """Say that the first ``length`` tokens of a conversation will be sampled from once more."""

    def forget(self) -> None:
        """Free what is kept of all conversations."""
