"""The official verdict on an agentic episode: whether the last message contains an accepted answer.

Written from the rules of bfcl_eval 2026.3.23 (``agentic_checker``, ``eval_runner``); the tests compare the two. Answer
and message are compared in lower case, without ``, . / - _ * ^ ( )`` (spaces stay) and with ' replaced by ". The answer
must stand between word boundaries. The form that the prompt asks for is not checked.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from toolgym.types import Verdict

NOT_FOUND = "agentic:answer_not_found"
NO_MESSAGE = "agentic:no_last_message"

_REMOVED = str.maketrans("", "", ",./-_*^()")


def standardized(text: str) -> str:
    """The form in which texts are compared."""
    return text.translate(_REMOVED).lower().replace("'", '"')


def contains(message: str, answers: Sequence[str]) -> bool:
    """Whether the message contains one of the answers."""
    text = standardized(message)
    return any(re.search(rf"\b{re.escape(standardized(answer))}\b", text) for answer in answers)


def check(message: str | None, answers: Sequence[str]) -> Verdict:
    """The verdict on the last message without a call; None or "" if no message came without a call."""
    if not message:
        return Verdict(False, "no message without a call", NO_MESSAGE)
    if contains(message, answers):
        return Verdict(True)
    return Verdict(False, f"expected {' or '.join(map(repr, answers))}, got {message[-100:]!r}", NOT_FOUND)
