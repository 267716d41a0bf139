"""Whether messages speak of a tool by its name: then the tool keeps its name and stays as it is."""

from __future__ import annotations

import re
from collections.abc import Sequence

from toolgym.types import Message

_ONE_WORD = re.compile(r"[A-Z]?[a-z]+")


def mentioned(name: str, messages: Sequence[Message]) -> bool:
    """Whether a message has the name as a word of its own. A name that is an ordinary word ("search") has to stand in
    quotes or before a bracket, as in a call; in a system message, which may list the tools, anywhere."""
    for each in messages:
        text = each["content"]
        if name not in text:
            continue
        word = re.escape(name)
        if each["role"] != "system" and _ONE_WORD.fullmatch(name):
            pattern = rf"[\"'`]{word}[\"'`]|(?<!\w){word}\("
        else:
            pattern = rf"(?<!\w){word}(?!\w)"
        if re.search(pattern, text):
            return True
    return False
