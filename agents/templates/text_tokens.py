"""Text to token ids and back, with control tokens only where a chat template writes them.

A message may spell out a control token, e.g. a tool's result that quotes ``<|im_end|>``. ``guard`` breaks it with a
mark before a template renders the message, and ``encode_guarded`` encodes the two halves apart: the text is the same,
and no token of it ends a turn or begins a message.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

_SURROGATE = re.compile("[\ud800-\udfff]")
_BREAK = "\ud800"  # texts have no surrogates of their own: ``clean`` replaces them
_LAYOUT = {"<think>", "</think>", "<tool_call>", "</tool_call>", "<response>", "</response>", "<|python_tag|>"}
"""Tokens that dialects write and read as text; some tokenizers call them special."""


class TextTokens:
    """A tokenizer's encoding and decoding of plain text.

    Args:
        tokenizer: a transformers tokenizer.
        template: its chat template's text. Tokens that it writes are control tokens too, if they are added ones.
    """

    def __init__(self, tokenizer: Any, template: str = ""):
        self.tokenizer = tokenizer
        added = getattr(tokenizer, "added_tokens_decoder", {}).values()
        special = {str(token.content) for token in added if token.special or str(token.content) in template}
        special |= {*map(str, tokenizer.all_special_tokens)}
        names = sorted((name for name in special - _LAYOUT if len(name) > 1), key=len, reverse=True)
        self.control = re.compile("|".join(map(re.escape, names)) or "(?!)")
        """Matches control tokens: special tokens and tokens of the template, except the layout of dialects."""

    def encode(self, text: str) -> list[int]:
        """Token ids of the text alone, without special tokens before or after it."""
        return list(self.tokenizer(clean(text), add_special_tokens=False, verbose=False).input_ids)

    def decode(self, token_ids: Sequence[int]) -> str:
        """The text of the tokens, special tokens included."""
        return str(self.tokenizer.decode(token_ids, skip_special_tokens=False, clean_up_tokenization_spaces=False))

    def guard(self, value: Any) -> Any:
        """A copy of a JSON value, with a mark in every control token that its texts spell out."""
        if isinstance(value, str):
            return self.control.sub(lambda found: f"{found[0][0]}{_BREAK}{found[0][1:]}", clean(value))
        if isinstance(value, Mapping):
            return {self.guard(key): self.guard(item) for key, item in value.items()}
        return [self.guard(item) for item in value] if isinstance(value, (list, tuple)) else value

    def encode_guarded(self, text: str, *, goes_on: bool) -> list[int]:
        """Token ids of a text with marks. ``goes_on``: it follows another text."""
        ids: list[int] = []
        for piece in text.split(_BREAK):
            ids += self._encode_further(piece) if goes_on or ids else self.encode(piece)
        return ids

    def encode_answer(self, text: str, end: int | None) -> list[int]:
        """Token ids of an answer that was sampled elsewhere: only its ``end`` token cannot stand inside it."""
        ending = "" if end is None else self.decode([end])
        marked = clean(text)
        if len(ending) > 1:
            marked = marked.replace(ending, f"{ending[0]}{_BREAK}{ending[1:]}")
        return self.encode_guarded(marked, goes_on=False)

    def ways_to_write(self, text: str) -> Iterator[list[int]]:
        """Token ids that a model could sample for a text; control tokens in it are plain text."""
        yield self.encode_guarded(self.guard(text), goes_on=False)
        # for tokenizers that put a blank before each half of a broken token
        yield list(self.tokenizer(text, add_special_tokens=False, split_special_tokens=True, verbose=False).input_ids)

    def _encode_further(self, text: str) -> list[int]:
        """Token ids of a text inside another one, without the blank that some tokenizers put at the start."""
        if self._blank_at_start:
            line = self.encode("\n")
            ids = self.encode("\n" + text)
            if ids[: len(line)] == line:
                return ids[len(line) :]
        return self.encode(text)

    @cached_property
    def _blank_at_start(self) -> bool:
        line = self.encode("\n")
        return self.encode("\na")[len(line) :] != self.encode("a")


def unguarded(text: str) -> str:
    """The text without marks."""
    return clean(text.replace(_BREAK, ""))


def clean(text: str) -> str:
    """The text with U+FFFD in place of lone surrogates, which tokenizers refuse."""
    return _SURROGATE.sub("\ufffd", text)
