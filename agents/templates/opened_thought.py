"""Thoughts whose opening tag stands in the prompt: prompts of some reasoning models end in ``<think>``.

Token ids stay as sampled: an answer to such a prompt begins inside the thought. The environment reads a text, and that
text begins with the opening, so that the thought is read as one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

OPEN, CLOSE = "<think>", "</think>"
NO_THOUGHT = "\n</think>\n\n"
"""Closes an opened thought at once."""

_OPENED = re.compile(r"<think>\s*\Z")


def opened_thought(prompt: Sequence[int], decode: Callable[[Sequence[int]], str]) -> str:
    r"""The opening in which a prompt ends, e.g. ``"<think>\n"``; "" if it ends in none."""
    return opening_in(decode(list(prompt[-16:])))


def opening_in(text: str) -> str:
    """As ``opened_thought``, for the prompt as text."""
    found = _OPENED.search(text[-40:])
    return found[0] if found else ""


def after_opening(text: str, thought: str) -> str:
    """The part of an answer's text that was sampled, or is to be, after the opening ``thought``.

    A text with a thought goes on after its own tag; a text without one first closes the thought.
    """
    if not thought or (OPEN not in text and CLOSE in text):
        return text
    if text.startswith(thought):
        return text[len(thought) :]
    return text.lstrip()[len(OPEN) :] if text.lstrip().startswith(OPEN) else NO_THOUGHT + text
