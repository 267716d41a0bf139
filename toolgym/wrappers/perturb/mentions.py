"""Whether messages speak of a tool by its name: then the tool keeps its name and stays as it is."""

from __future__ import annotations

import re
from collections.abc import Sequence

_ONE_WORD = re.compile(r"[A-Z]?[a-z]+")


def mentioned(name: str, texts: Sequence[str]) -> bool:
    """Whether a text has the name as a word of its own. A name that is an ordinary word ("search") has to stand in
    quotes, or before a bracket, as in a call."""
    if not any(name in text for text in texts):
        return False
    word = re.escape(name)
    if _ONE_WORD.fullmatch(name):
        pattern = rf"[\"'`]{word}[\"'`]|(?<!\w){word}\("
    else:
        pattern = rf"(?<!\w){word}(?!\w)"
    return any(re.search(pattern, text) for text in texts)
