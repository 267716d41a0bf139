"""Results that look like results: cut off, or old."""

from __future__ import annotations

import re

from toolgym.wrappers.faults.plan import Fault

_DIGITS = re.compile(r"[0-9]+")


def softened(fault: Fault, text: str) -> str:
    """A result as the model reads it after a fault of the data. Takes time linear in the text."""
    if fault.kind == "truncated":
        kept = int(len(text) * (0.1 + 0.6 * fault.draws[0]))
        return f"{text[:kept]}\n[the answer was cut off: {kept} of {len(text)} characters arrived]"
    if fault.kind == "stale":
        return f"{_older(text, fault.draws[0])}\n[from a cache, {1 + int(71 * fault.draws[1])} hours old]"
    return text


def _older(text: str, draw: float) -> str:
    """The text with other numbers; without numbers, its first half."""
    step = 1 + int(draw * 9)
    if not _DIGITS.search(text):
        return text[: len(text) // 2]
    return _DIGITS.sub(lambda found: found[0][:-1] + str((int(found[0][-1]) + step) % 10), text)
