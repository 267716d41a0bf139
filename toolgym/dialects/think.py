"""Splits the thought of an action from the rest of its text."""

from __future__ import annotations

OPEN, CLOSE = "<think>", "</think>"


def split_think(text: str, before: str = "") -> tuple[str | None, int, str | None]:
    """The thought, the position at which the rest of the text begins, and the error in the tags, if any.

    ``<think>a</think>b`` gives ``("a", 16, None)``; a text without a thought ``(None, 0, None)``.
    The prompt may already contain ``<think>``. So a text with only the closing tag also begins with a thought,
    unless ``before`` occurs ahead of the tag. A thought that is not closed ends at the first ``before``, or at the
    end of the text.
    """
    start = 0 if text.startswith(OPEN) else len(text) - len(text.lstrip())
    if text.startswith(OPEN, start):
        start += len(OPEN)
        end = text.find(CLOSE, start)
        if end >= 0:
            return text[start:end], end + len(CLOSE), None
        end = text.find(before, start) if before else -1
        end = len(text) if end < 0 else end
        return text[start:end], end, f"{OPEN} is not closed"
    end = text.find(CLOSE)
    if end < 0 or (before and before in text[:end]):
        return None, 0, None
    return text[:end], end + len(CLOSE), None


def write_think(think: str | None) -> str:
    """The thought between tags, followed by a newline; "" for None."""
    return "" if think is None else f"{OPEN}{think}{CLOSE}\n"
