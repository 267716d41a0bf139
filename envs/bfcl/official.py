"""Calls that a dialect finds beside words, where the official decoder of a prompted or a native answer finds none."""

from __future__ import annotations

import msgspec

from toolgym.dialects import Dialect
from toolgym.dialects.openai import OpenAI
from toolgym.dialects.pythonic import Pythonic
from toolgym.types import Completion, Term, ToolCall

BESIDE = "it stands beside other text, where the official decoder reads no calls"
"""The error of a call that the official decoder does not find."""


def overlooked(dialect: Dialect, completion: Completion) -> bool:
    """Whether the official decoder finds no call in an action in which the dialect does.

    Officially, a prompted answer ("pythonic", "compact") is calls and nothing else, and a native answer ("openai") has
    its calls in "tool_calls". The other dialects have no official decoder: the calls that they read count.
    """
    return completion.misplaced and isinstance(dialect, (Pythonic, OpenAI))


def as_malformed(completion: Completion) -> Completion:
    """The action with its calls as malformed calls: they are not run, and the reward sees that they were tried."""
    calls = tuple([ToolCall(call.name, {}, BESIDE, call.start, call.end) for call in completion.calls])
    return msgspec.structs.replace(completion, calls=calls)


def without_calls(completion: Completion) -> Completion:
    """The action as the official decoder sees it."""
    return msgspec.structs.replace(completion, calls=())


def beside_text() -> Term:
    """A further term: a call that the official decoder does not find earns less than the highest correctness."""
    return Term("beside_text", -1.0, 1.0, "the official decoder reads no call beside other text")
