"""Which tokens wrote a call, and how much of a reward is its own. Pure functions, for ``credit="call"``."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from functools import cache

from toolgym.types import RewardBreakdown, Turn

from .tokens import Sample

# which of a call's points a term is made of, in the rewards of toolgym.rewards
POINTS = {"name": "name", "param": "param", "value": "value", "call": "value", "exact": "value"}


def call_parts(reward: RewardBreakdown) -> list[float]:
    """How much of an action's reward is each call's own, in units of the reward; one per call.

    A term made of the calls' points (named name, param or value; call or exact, in ToolRL's coarser rewards) is shared
    out in proportion to them. What no call earned, as for the layout, is no call's own; under a rubric with other
    terms nothing is.
    """
    scores = [record.score for record in reward.calls]
    parts = [0.0] * len(scores)
    for term in reward.terms:
        if term.name not in POINTS:
            continue
        points = [float(getattr(score, POINTS[term.name])) for score in scores]
        total = sum(points)
        if total > 0:
            parts = [part + term.weight * term.score * mine / total for part, mine in zip(parts, points, strict=True)]
    return parts


def credit_calls(
    sample: Sample, k: int, turn: Turn, extra: Sequence[float], decode: Callable[[Sequence[int]], str]
) -> None:
    """Add ``extra``, one number per call of turn ``k``, to the advantages of the tokens that wrote the call.

    A token that holds characters of two calls belongs to the first.

    Args:
        decode: token ids to text, as the action was decoded: ``ChatTokens.decode``.

    Raises ValueError where the turn's action is not what its tokens decode to, or a call lies outside of it.
    """
    calls = [(record.call.start, record.call.end) for record in turn.reward.calls]
    if not any(extra) and len(extra) == len(calls):
        return
    start, end = sample.turns[k]
    ids = sample.token_ids[start:end]
    if not decode(ids).startswith(turn.action):
        raise ValueError(f"the action of turn {k} is not what was sampled: {turn.action[:80]!r}")
    free = set(range(len(ids)))
    for (first, last), value in zip(token_spans(ids, calls, decode), extra, strict=True):
        for i in free.intersection(range(first, last)):
            sample.advantages[start + i] += value
        free.difference_update(range(first, last))


def token_spans(
    token_ids: Sequence[int], spans: Sequence[tuple[int, int]], decode: Callable[[Sequence[int]], str]
) -> list[tuple[int, int]]:
    """Which tokens hold the characters ``text[start:end]`` of what they decode to: first, and one past the last.

    Nothing is encoded: where a token begins is read off what the tokens up to it decode to. A token that holds only
    some bytes of a character holds it, as do the others with the rest of its bytes. Takes a number of decodings that
    grows with the logarithm of the number of tokens, for each span.

    An empty span has no tokens. Raises ValueError for a span that is not within the text.
    """
    n = len(token_ids)
    upto = cache(lambda i: decode(token_ids[:i]))
    text = upto(n)

    def beginning(at: int) -> int:
        """The token in which the character begins; ``n`` where the text ends."""
        before = text[:at]
        return bisect_left(range(n), True, key=lambda i: len(upto(i + 1)) > at and upto(i + 1).startswith(before))

    def ending(at: int) -> int:
        """One past the last token that holds something before the character."""
        i = beginning(at)
        if i == n:
            return n
        # its first bytes may complete (or break off) a character that earlier tokens began: by itself it is longer then
        completes = len(upto(i + 1)) < len(upto(i)) + len(decode(token_ids[i : i + 1]))
        return i + 1 if completes or len(upto(i)) < at else i

    found = []
    for start, end in spans:
        if not 0 <= start <= end <= len(text):
            raise ValueError(f"characters {start} to {end} are not within a text of {len(text)}")
        found.append((beginning(start), ending(end)) if start < end else (0, 0))
    return found
