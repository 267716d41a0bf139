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

from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from functools import cached_property
from typing import Any, Literal, TypeAlias

import msgspec

from .templates.opened_thought import after_opening, opened_thought, opening_in
from .templates.pieces import ChatPieces, Messages
from .templates.template import ChatTemplate, TemplateError
from .templates.text_tokens import TextTokens, clean, unguarded

__all__ = ["ChatTokens", "Offer", "Sample", "TemplateError", "Tools", "Transcript"]

Offer: TypeAlias = Literal["prompt", "template"]
"""How a local model is told of its tools: by the messages, or by the chat template's own prompt for tools."""
Tools: TypeAlias = Sequence[Mapping[str, Any]]
"""OpenAI-style schemas."""


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
    off_policy: bool = False
    """The answers are gold and not sampled, in a group of sampled ones; see ``training/guided.py``."""
    version: int = 0
    """Of the weights that wrote all of its answers: the number of training steps that they have had."""

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

    def after(self, prompt: Sequence[int]) -> Sample:
        """The same answers and replies after another prompt, such as the prompt without its demonstrations.

        ``logprobs`` stay the sampler's, after the prompt that it read: training forms its own after this one.
        """
        old, new = self.prompt_length, len(prompt)
        return msgspec.structs.replace(
            self,
            token_ids=[*prompt, *self.token_ids[old:]],
            loss_mask=[0] * new + self.loss_mask[old:],
            logprobs=[0.0] * new + self.logprobs[old:],
            advantages=[0.0] * new + self.advantages[old:],
            prompt_length=new,
            turns=[(start + new - old, end + new - old) for start, end in self.turns],
        )


class ChatTokens:
    """A tokenizer and its chat template, used in a way that only appends tokens.

    The tokens of a conversation are the template's opening, then each answer as it was written, and after it the
    template's text for the reply. A template never sees an answer, so it cannot rewrite one. Roles that a template
    lacks are folded into those it has (``folds``).

    A control token that a message spells out, e.g. ``<|im_end|>`` in a tool's result, is encoded as plain text.

    Args:
        tokenizer: a transformers tokenizer with a chat template and an end-of-sequence token.
        template_kwargs: arguments of the template, e.g. ``{"enable_thinking": False}``.
        tools: "template" gives the tools to the template, which describes them in its own words; with "prompt", the
            messages do.

    Raises TemplateError if it has no chat template, or if the template refuses a conversation of several turns, or
    tools; ValueError for an argument that no template can have.
    """

    def __init__(self, tokenizer: Any, *, template_kwargs: Mapping[str, Any] | None = None, tools: Offer = "prompt"):
        if tools not in ("prompt", "template"):
            raise ValueError(f"tools is prompt or template, got {tools!r}")
        self.tokenizer = tokenizer
        self.tools = tools
        self._template = ChatTemplate(tokenizer, template_kwargs, with_tools=tools == "template")
        self.template_kwargs = self._template.arguments
        self._text = TextTokens(tokenizer, self._template.source)
        self._pieces = ChatPieces(self._template, self._text.control)
        if tools == "template":
            self._pieces.check_tools()

    @property
    def folds(self) -> tuple[str, ...]:
        """What the template lacks, and what is done about it, in words; () for a template that takes everything."""
        return self._pieces.folds

    @property
    def unknown_kwargs(self) -> list[str]:
        """Names in ``template_kwargs`` that the template never mentions: they change nothing."""
        return self._template.unknown_arguments

    def prompt(self, messages: Messages, tools: Tools = ()) -> list[int]:
        """The conversation as token ids, ending in the assistant's opening.

        An answer among the messages is encoded again, as ``answer`` does; a Transcript keeps the sampled ids instead.
        """
        ids: list[int] = []
        for text, is_answer in self._texts(messages, tools):
            if is_answer:
                ids += self._text.encode_answer(after_opening(text, self.opened_thought(ids)), self._end_id)
            else:
                ids += self._reply_ids(text) if ids else self._text.encode_guarded(text, goes_on=False)
        return ids

    def transcript(self, messages: Messages, tools: Tools = ()) -> Transcript:
        """An episode that starts with these messages."""
        return Transcript(self, messages, tools)

    def render(
        self,
        messages: Messages,
        add_generation_prompt: bool = True,
        tools: Tools = (),
    ) -> str:
        """The conversation as text. Lone surrogates, which tokenizers refuse, become U+FFFD.

        Raises TemplateError if the template refuses the conversation.
        """
        pieces: list[str] = []
        for text, is_answer in self._texts(messages, tools, add_generation_prompt):
            pieces.append(after_opening(text, opening_in(pieces[-1])) if is_answer else unguarded(text))
        return "".join(pieces)

    def reply(self, messages: Messages) -> list[int]:
        """Token ids after an answer: its end in the template, these messages, and the assistant's next opening."""
        return self._reply_ids(self._pieces.reply(self._guarded(messages)))

    def encode(self, text: str) -> list[int]:
        """Token ids of the text alone, without special tokens before or after it."""
        return self._text.encode(text)

    def answer(self, text: str, thought: str = "") -> list[int]:
        """A gold answer as the model would sample it: the text's tokens and the end-of-turn token.

        Control tokens that the text spells out are plain text, for a sampled one would have ended the answer.

        Args:
            thought: the opening of a thought that stands in the prompt (``opened_thought``). The text goes on after its
                own opening; a text without a thought first closes it.

        Raises ValueError for a text that no tokens decode to.
        """
        written = after_opening(clean(text), thought)
        said = ""
        for ids in self._text.ways_to_write(written):
            said = self.decode(ids)
            if said == written and self.end_of_turn not in ids:
                return [*ids, self.end_of_turn]
        raise ValueError(f"the tokenizer changes the answer: {_difference(written, said)}")

    def decode(self, token_ids: Sequence[int]) -> str:
        """The text of the tokens, special tokens included."""
        return self._text.decode(token_ids)

    def opened_thought(self, prompt: Sequence[int]) -> str:
        """The opening of a thought in which a prompt ends; "" if it ends in none."""
        return opened_thought(prompt, self.decode)

    @property
    def end_of_turn(self) -> int:
        """The token that ends an assistant's turn: the template's, or else the tokenizer's end-of-sequence token.

        Raises TemplateError if there is neither.
        """
        if self._end_id is None:
            raise TemplateError("no token ends an assistant's turn: set tokenizer.eos_token")
        return self._end_id

    # --------------------------------------------------------------------------------------------

    def _reply_ids(self, text: str) -> list[int]:
        """Token ids of a template's text after an answer, without blanks before the end of the turn: a sampled end
        follows the answer at once."""
        ids = self._text.encode_guarded(text, goes_on=True)
        at = ids.index(self._end_id) if self._end_id in ids[:4] else 0
        return ids if self.decode(ids[:at]).strip() else ids[at:]

    @cached_property
    def _end_id(self) -> int | None:
        tail = self._pieces.end.lstrip()
        first = next(iter(self.encode(tail)), None) if tail else None
        known: int | None = self.tokenizer.eos_token_id
        return first if first in self.tokenizer.added_tokens_decoder else known

    def _texts(
        self, messages: Messages, tools: Tools, add_generation_prompt: bool = True
    ) -> Iterator[tuple[str, bool]]:
        """The conversation's texts in order, each with whether it is an answer. The template's texts are guarded."""
        answers = [i for i, message in enumerate(messages) if message["role"] == "assistant"]
        ends = [*answers, len(messages)]
        offered = self._text.guard(tools) if self.tools == "template" else ()
        opens = bool(answers) or add_generation_prompt
        yield self._pieces.opening(self._guarded(messages[: ends[0]]), offered, add_generation_prompt=opens), False
        for at, end in zip(answers, ends[1:], strict=True):
            yield clean(_content(messages[at])), True
            opens = end < len(messages) or add_generation_prompt
            yield self._pieces.reply(self._guarded(messages[at + 1 : end]), add_generation_prompt=opens), False

    def _guarded(self, messages: Messages) -> list[dict[str, Any]]:
        return [self._text.guard({**message, "content": _content(message)}) for message in messages]


class Transcript:
    """The tokens of one episode, append-only. ``token_ids`` is also the next prompt of the sampler.

    Sampled and environment tokens alternate; see the module's example.
    """

    def __init__(self, chat: ChatTokens, messages: Messages, tools: Tools = ()):
        self.chat = chat
        self.token_ids: list[int] = chat.prompt(messages, tools)
        self.thought = chat.opened_thought(self.token_ids)
        """The opening of a thought in which the tokens end, so that the next answer goes on with it; else ""."""
        self._answer: list[int] | None = None  # sampled, without a reply so far
        self.prompt_length = len(self.token_ids)
        self.loss_mask = [0] * self.prompt_length
        self.logprobs = [0.0] * self.prompt_length
        self.turns: list[tuple[int, int]] = []
        self.version = 0

    def append_sampled(self, ids: Sequence[int], logprobs: Sequence[float], version: int = 0) -> None:
        """Append an answer, with its end-of-turn token only if that was sampled.

        Args:
            version: of the weights that wrote it, the same for all answers of an episode.

        Raises ValueError for an empty answer, a wrong number of log-probabilities, two answers without a reply
        between them, or answers of two versions.
        """
        if self.turns and version != self.version:
            raise ValueError(f"an answer by the weights of step {version} in an episode of step {self.version}")
        if self._answer is not None:
            raise ValueError("the last answer has no reply yet: call append_environment first")
        if len(ids) != len(logprobs) or not ids:
            raise ValueError(f"an answer of {len(ids)} tokens with {len(logprobs)} log-probabilities")
        start, self.version = len(self.token_ids), version
        self._answer = list(ids)
        self.token_ids += ids
        self.loss_mask += [1] * len(ids)
        self.logprobs += logprobs
        self.turns.append((start, len(self.token_ids)))

    def append_environment(self, messages_so_far: Messages, new_messages: Messages) -> None:
        """Append the reply to the last answer, and the assistant's next opening.

        Args:
            messages_so_far: the conversation up to the last answer, whose content is the text of the sampled tokens,
                with the opening of a thought that stands in the prompt or without it.
            new_messages: the reply.

        Raises ValueError if the last message is not the text of the sampled tokens.
        """
        if self._answer is None:
            raise ValueError("there is no answer to reply to: call append_sampled first")
        ended = self._ended(self._answer, clean(_content(messages_so_far[-1])) if messages_so_far else "")
        ids = self.chat.reply(new_messages)
        if ended and ids[:1] == self._answer[-1:]:
            del ids[0]
        self.token_ids += ids
        self.loss_mask += [0] * len(ids)
        self.logprobs += [0.0] * len(ids)
        self.thought, self._answer = self.chat.opened_thought(self.token_ids), None

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
            self.prompt_length, list(self.turns), truncated, version=self.version,
        )  # fmt: skip

    def _ended(self, answer: list[int], text: str) -> bool:
        """Whether the answer's last token is an end token that its text leaves out."""
        texts = (text, after_opening(text, self.thought))
        if self.chat.decode(answer) in texts:
            return False
        if self.chat.decode(answer[:-1]) in texts:
            return True
        raise ValueError(f"the last message is not what was sampled: {_difference(self.chat.decode(answer), text)}")


def _content(message: Mapping[str, Any]) -> str:
    """A message's text; parts of text, as OpenAI has them, are put together."""
    content = message.get("content")
    if isinstance(content, (list, tuple)):
        return "".join(str(part.get("text", "")) for part in content if isinstance(part, Mapping))
    return "" if content is None else str(content)


def _difference(before: str, after: str, around: int = 40) -> str:
    """Says at which character ``after`` departs from ``before``, and shows both."""
    pairs = zip(before, after, strict=False)
    at = next((i for i, (old, new) in enumerate(pairs) if old != new), min(len(before), len(after)))
    start = max(0, at - around)
    return f"at character {at}, {before[start : at + around]!r} became {after[start : at + around]!r}"
