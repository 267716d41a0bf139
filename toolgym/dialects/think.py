"""Where the thought of an action ends and the rest begins."""

from __future__ import annotations

OPEN, CLOSE = "<think>", "</think>"


def split_think(text: str, before: str = "") -> tuple[str | None, int, str | None]:
    """The thought, where the rest of the text begins, and what is wrong with the tags, if anything.

    ``<think>a</think>b`` gives ``("a", 16, None)``; a text without a thought ``(None, 0, None)``.
    A chat template may have written ``<think>`` into the prompt already: a text with only the
    closing tag, and no ``before`` ahead of it, begins with a thought as well. A thought that is
    never closed lasts to the first ``before``, or to the end.
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
    """The thought between its tags, with a line end after it; "" for None."""
    return "" if think is None else f"{OPEN}{think}{CLOSE}\n"
