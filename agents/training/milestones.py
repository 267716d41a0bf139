"""Milestones of an answer: after each part of a call, the reward that the calls so far would earn.

A part is a call's name, or one of its arguments. ``credit="term"`` takes the reward of the last milestone off what a
token is credited with: nothing that the token does can have caused it (term_credit.py).

What the tokens so far have earned is a baseline, and leaves the gradient unbiased, only if it is the same whatever
follows. So it is never taken from the records of the whole answer: there the best pairing of calls, or a bracket too
many at the end, changes what earlier calls are worth. It is the rubric's score of the text up to the milestone, with
its brackets closed: a function of that text and of the state before the turn. A part is over when its end is written,
the bracket or comma after it. Before that, ``book`` may still become ``book_flight``, and 1 become 12.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from toolgym.env import ToolEnv
from toolgym.rewards.rubric import Evidence, own_rubric
from toolgym.types import Completion

MAX_MILESTONES = 64
"""An answer with more parts has its last milestone at this one."""
MAX_CHARS = 8_000
"""No milestone lies behind this character, since the text is read from its beginning for each."""
MAX_READINGS = 256
"""How often a text is read, at most: at its first brackets and commas."""
_MARK = re.compile(r"</think>|</?tool_call>|\\.|[\"'()\[\]{},]", re.DOTALL)
_CLOSE = {"(": ")", "[": "]", "{": "}"}


def milestones(env: ToolEnv, text: str) -> list[tuple[int, float]]:
    """(characters of the text, reward if the answer ended there) at its beginning and after each part, in order.

    Args:
        env: before its step with this action. It is only asked, and does not change.
        text: the action, in any dialect that writes calls with brackets, commas and quotes around texts. In other
            dialects an answer has its first milestone alone.
    """
    found = [(0, _worth(env, env.parse("")))]
    shape = (0, 0)  # calls, and arguments of the last one
    for end, closed in islice(_cuts(text[:MAX_CHARS]), MAX_READINGS):
        completion = env.parse(closed)
        last = completion.calls[-1] if completion.calls else None
        now = (len(completion.calls), len(last.arguments) if last else 0)
        if last is None or last.error is not None or now <= shape:
            continue
        shape = now
        found.append((end, _worth(env, completion)))
        if len(found) > MAX_MILESTONES:
            break
    return found


def _worth(env: ToolEnv, completion: Completion) -> float:
    """The rubric's score of this action, as if its calls did not run."""
    expected, n = env.expected(completion), len(completion.calls)
    evidence = Evidence(
        completion, expected, env.dialect, env.wants_response(expected), (None,) * n, ((),) * n, env.task.data
    )
    return float(own_rubric(env.rubric).score(evidence).total)


def _cuts(text: str) -> Iterator[tuple[int, str]]:
    """Places at which a part may end: one past the character that ends it, and the text so far with brackets closed.

    Each is found from the characters before it alone. A tag begins anew, since free text may stand before it.
    """
    brackets: list[str] = []
    quote = tail = ""
    for mark in _MARK.finditer(text):
        sign, end = mark[0], mark.end()
        if sign[0] == "<":
            brackets, quote = [], ""
            tail = "\n</tool_call>" if sign == "<tool_call>" else ""
        elif quote:
            quote = "" if sign == quote else quote
        elif sign in _CLOSE:
            brackets.append(_CLOSE[sign])
            yield end, text[:end] + "".join(reversed(brackets)) + tail
        elif brackets and sign in ("'", '"'):
            quote = sign
        elif brackets and sign in (",", brackets[-1]):
            yield end, text[: end - 1] + "".join(reversed(brackets)) + tail
            if sign != ",":
                brackets.pop()
