"""Messages and token ids: the tokens that are trained on are exactly the tokens that were sampled.

A ``Transcript`` grows with the episode and never encodes a sampled answer again. One episode, token by token (ChatML;
``tests/test_tokens.py`` runs it):

     i   token          mask  logprob
     0   <|im_start|>    0     0.0       prompt: the rendered chat template, ending in the assistant's opening
     1   user            0     0.0
     2   \\n              0     0.0
     3   1+1             0     0.0
     4   <|im_end|>      0     0.0
     5   \\n              0     0.0
     6   <|im_start|>    0     0.0
     7   assistant       0     0.0
     8   \\n              0     0.0
     9   add             1    -0.1       sampled: append_sampled([add, 1, <|im_end|>], ...), turns[0] == (9, 12)
    10   1               1    -0.2
    11   <|im_end|>      1    -0.3       sampled too: the policy has to learn to stop
    12   \\n              0     0.0       append_environment(...): the template's text after <|im_end|>,
    13   <|im_start|>    0     0.0       the tool's message, and the assistant's next opening
    14   tool            0     0.0
    15   \\n              0     0.0
    16   2               0     0.0
    17   <|im_end|>      0     0.0
    18   \\n              0     0.0
    19   <|im_start|>    0     0.0
    20   assistant       0     0.0
    21   \\n              0     0.0
    22   2               1    -0.4       sampled, cut off by the token limit: no end was sampled, so none is learnt;
                                         if the episode went on, <|im_end|> would follow with mask 0

The log-probability of token i comes from the model's output at i - 1. Masks are kept, never inferred from ids:
<|im_end|> may also be the padding token.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from copy import copy
from functools import cached_property
from typing import Any

import msgspec

_SURROGATE = re.compile("[\ud800-\udfff]")
_PROBE = "probe"


class TemplateError(ValueError):
    """The chat template cannot be used for training: it refuses a conversation, or rewrites earlier messages."""


class Sample(msgspec.Struct):
    """One episode as tokens, the input of an update. The first four lists run over the same tokens."""

    token_ids: list[int]
    """Prompt, then sampled and environment tokens in turn."""
    loss_mask: list[int]
    """1 for a token that the policy sampled, else 0."""
    logprobs: list[float]
    """Of sampled tokens, as the sampler computed them; 0.0 elsewhere."""
    advantages: list[float]
    """Of sampled tokens; 0.0 elsewhere. See ``credit``."""
    prompt_length: int
    """Tokens of the prompt, which is the same in every sample of a group."""
    turns: list[tuple[int, int]] = []
    """For each action, its first token and one past its last."""
    truncated: bool = False
    """The token limit, the turn limit or the context cut the episode off."""

    def __post_init__(self) -> None:
        n = len(self.token_ids)
        lengths = n, len(self.loss_mask), len(self.logprobs), len(self.advantages)
        if len(set(lengths)) > 1:
            raise ValueError(f"token_ids, loss_mask, logprobs, advantages must be of one length, got {lengths}")
        if not 0 < self.prompt_length <= n or any(self.loss_mask[: self.prompt_length]):
            raise ValueError(f"a prompt of 1 to {n} tokens, none of them sampled, is needed; got {self.prompt_length}")

    def credit(self, advantage: float | Sequence[float]) -> None:
        """Set the advantage of every sampled token: one number for the episode, or one per turn."""
        each = [advantage] * len(self.turns) if isinstance(advantage, (int, float)) else list(advantage)
        if len(each) != len(self.turns):
            raise ValueError(f"{len(each)} advantages for {len(self.turns)} turns")
        for (start, end), value in zip(self.turns, each, strict=True):
            self.advantages[start:end] = [float(value)] * (end - start)


class ChatTokens:
    """A tokenizer and its chat template, used in a way that only appends tokens.

    Args:
        tokenizer: a transformers tokenizer with a chat template and an end-of-sequence token.

    Raises TemplateError if it has no chat template.
    """

    def __init__(self, tokenizer: Any):
        if not getattr(tokenizer, "chat_template", None):
            raise TemplateError("the tokenizer has no chat template; use an instruction-tuned model, or set one")
        self.tokenizer = tokenizer

    def prompt(self, messages: Sequence[Mapping[str, Any]]) -> list[int]:
        """The conversation as token ids, ending in the assistant's opening."""
        return self.encode(self.render(messages))

    def transcript(self, messages: Sequence[Mapping[str, Any]]) -> Transcript:
        """An episode that starts with these messages."""
        return Transcript(self, messages)

    def render(self, messages: Sequence[Mapping[str, Any]], add_generation_prompt: bool = True) -> str:
        """The conversation as text. Lone surrogates, which tokenizers refuse, become U+FFFD.

        Raises TemplateError if the template refuses the conversation.
        """
        import jinja2

        try:
            text = self.tokenizer.apply_chat_template(
                list(messages), tokenize=False, add_generation_prompt=add_generation_prompt
            )
        except jinja2.TemplateError as error:
            raise TemplateError(f"the chat template refuses the conversation: {error}") from None
        return _clean(text)

    def encode(self, text: str) -> list[int]:
        """Token ids of the text alone, without special tokens before or after it."""
        return list(self.tokenizer(_clean(text), add_special_tokens=False, verbose=False).input_ids)

    def answer(self, text: str) -> list[int]:
        """A gold answer as the model would write it: the text's tokens and the end-of-turn token.

        Raises ValueError for a text that decoding would not return.
        """
        ids = self.encode(text)
        if self.decode(ids) != _clean(text):
            raise ValueError(f"the tokenizer changes the answer: {_difference(text, self.decode(ids))}")
        return [*ids, self.end_of_turn]

    def decode(self, token_ids: Sequence[int]) -> str:
        """The text of the tokens, special tokens included."""
        return str(self.tokenizer.decode(token_ids, skip_special_tokens=False, clean_up_tokenization_spaces=False))

    @cached_property
    def end_of_turn(self) -> int:
        """The token that ends an assistant's turn: the template's, or else the tokenizer's end-of-sequence token.

        Raises TemplateError if there is neither.
        """
        conversation = [{"role": "user", "content": "hello"}, {"role": "assistant", "content": _PROBE}]
        tail = self.encode(self.render(conversation, add_generation_prompt=False).rpartition(_PROBE)[2])
        if tail and tail[0] in self.tokenizer.added_tokens_decoder:
            return tail[0]
        if self.tokenizer.eos_token_id is None:
            raise TemplateError("no token ends an assistant's turn: set tokenizer.eos_token")
        return int(self.tokenizer.eos_token_id)


class Transcript:
    """The tokens of one episode, append-only. ``token_ids`` is also the next prompt of the sampler.

    Sampled and environment tokens alternate; see the module's example.
    """

    def __init__(self, chat: ChatTokens, messages: Sequence[Mapping[str, Any]]):
        self.chat = chat
        self._text = chat.render(messages)  # the text of the tokens, up to the assistant's last opening
        self._answer: list[int] | None = None  # sampled, without a reply so far
        self.token_ids: list[int] = chat.encode(self._text)
        self.prompt_length = len(self.token_ids)
        self.loss_mask = [0] * self.prompt_length
        self.logprobs = [0.0] * self.prompt_length
        self.turns: list[tuple[int, int]] = []

    def append_sampled(self, ids: Sequence[int], logprobs: Sequence[float]) -> None:
        """Append an answer, with its end-of-turn token only if that was sampled.

        Raises ValueError for an empty answer, a wrong number of log-probabilities, or two answers without a reply
        between them.
        """
        if self._answer is not None:
            raise ValueError("the last answer has no reply yet: call append_environment first")
        if len(ids) != len(logprobs) or not ids:
            raise ValueError(f"an answer of {len(ids)} tokens with {len(logprobs)} log-probabilities")
        start = len(self.token_ids)
        self._answer = list(ids)
        self.token_ids += ids
        self.loss_mask += [1] * len(ids)
        self.logprobs += logprobs
        self.turns.append((start, len(self.token_ids)))

    def append_environment(
        self, messages_so_far: Sequence[Mapping[str, Any]], new_messages: Sequence[Mapping[str, Any]]
    ) -> None:
        """Append the reply to the last answer, and the assistant's next opening.

        Args:
            messages_so_far: the conversation up to the last answer, whose content is the text of the sampled tokens.
            new_messages: the reply.

        Raises TemplateError if the template renders the longer conversation other than as the shorter one with text
        appended, ValueError if the last message is not the text of the sampled tokens.
        """
        if self._answer is None:
            raise ValueError("there is no answer to reply to: call append_sampled first")
        text = _clean(str(messages_so_far[-1].get("content"))) if messages_so_far else ""
        ended = self._ended(self._answer, text)
        before = self._text + text
        after = self.chat.render([*messages_so_far, *new_messages])
        if not after.startswith(before):
            raise TemplateError(
                f"the chat template rewrites a conversation as it grows: {_difference(before, after)}. "
                "What was sampled has to stay as it was; set tokenizer.chat_template to one that only appends."
            )
        ids = self.chat.encode(after[len(before) :])
        if ended and ids and ids[0] == self._answer[-1]:
            del ids[0]
        self.token_ids += ids
        self.loss_mask += [0] * len(ids)
        self.logprobs += [0.0] * len(ids)
        self._text, self._answer = after, None

    def branch(self) -> Transcript:
        """A transcript that continues from here, with mask 0 for all tokens so far: they were sampled elsewhere."""
        other = copy(self)
        other.token_ids, other.turns = list(self.token_ids), []
        other.loss_mask, other.logprobs = [0] * len(self.token_ids), [0.0] * len(self.token_ids)
        return other

    def sample(self, *, truncated: bool = False) -> Sample:
        """The episode so far, with advantages 0."""
        return Sample(
            list(self.token_ids), list(self.loss_mask), list(self.logprobs), [0.0] * len(self.token_ids),
            self.prompt_length, list(self.turns), truncated,
        )  # fmt: skip

    def _ended(self, answer: list[int], text: str) -> bool:
        """Whether the answer's last token is an end token that its text leaves out."""
        if self.chat.decode(answer) == text:
            return False
        if self.chat.decode(answer[:-1]) == text:
            return True
        raise ValueError(f"the last message is not what was sampled: {_difference(self.chat.decode(answer), text)}")


def _clean(text: str) -> str:
    return _SURROGATE.sub("\ufffd", text)


def _difference(before: str, after: str, around: int = 40) -> str:
    """Says at which character ``after`` departs from ``before``, and shows both."""
    pairs = zip(before, after, strict=False)
    at = next((i for i, (old, new) in enumerate(pairs) if old != new), min(len(before), len(after)))
    start = max(0, at - around)
    return f"at character {at}, {before[start : at + around]!r} became {after[start : at + around]!r}"
