"""The official verdict on an agentic episode: whether the last message has an accepted answer in it.

Written from the rules of bfcl_eval 2026.3.23 (``agentic_checker``, ``eval_runner``); the tests compare the two. Of
answer and message ``, . / - _ * ^ ( )`` are removed, not spaces; case does not count, and ' is ". The answer must then
stand between word boundaries. That the message has the form which the prompt asks for is not looked at.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from toolgym.types import Verdict

NOT_FOUND = "agentic:answer_not_found"
NO_MESSAGE = "agentic:no_last_message"

_REMOVED = str.maketrans("", "", ",./-_*^()")


def standardized(text: str) -> str:
    """A text as it is compared."""
    return text.translate(_REMOVED).lower().replace("'", '"')


def contains(message: str, answers: Sequence[str]) -> bool:
    """Whether one of the answers is in the message."""
    text = standardized(message)
    return any(re.search(rf"\b{re.escape(standardized(answer))}\b", text) for answer in answers)


def check(message: str | None, answers: Sequence[str]) -> Verdict:
    """The verdict on the last message that calls nothing; None or "" where there is none."""
    if not message:
        return Verdict(False, "no message without a call", NO_MESSAGE)
    if contains(message, answers):
        return Verdict(True)
    return Verdict(False, f"expected {' or '.join(map(repr, answers))}, got {message[-100:]!r}", NOT_FOUND)
