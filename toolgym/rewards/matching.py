"""Matching: expected calls paired with the calls that were made, and the points of each pair.

Points follow ToolRL (arXiv 2504.13958, section 3.3). Fine: a pair earns the Jaccard similarity of its
parameter names plus one point per expected parameter whose value is equal; on top comes the Jaccard similarity
of the tool names, as multisets. Intermediate: a pair earns one point if the calls are equal, on top of the names.
Coarse: one point in all, if all calls are equal. With ``strict``, the similarity of names, and of
parameter names, is 1 if they are the same and else 0.

``match_optimal`` finds the best pairs and lets surplus calls cost. ``match_reference`` pairs as the released
ToolRL code does: greedily, in the order of the expected calls.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import fsum
from typing import Any, Literal, TypeAlias

import msgspec

from toolgym.grading import same_arguments, same_call
from toolgym.rewards.assignment import best_pairs
from toolgym.rewards.difference import compare, cut
from toolgym.types import CallScore, ToolCall

Granularity: TypeAlias = Literal["fine", "intermediate", "coarse"]


class Match(msgspec.Struct, frozen=True, gc=False):
    """How the calls of one action compare with the expected ones."""

    scores: tuple[CallScore, ...]
    """One per predicted call, in order. Their name, param and value points add up to ``points``.
    In intermediate and coarse matching the points for equal calls are value points."""
    expected: int
    """Number of expected calls."""
    predicted: int
    """Number of predicted calls, malformed ones included."""
    names: float
    """Jaccard similarity of the multisets of tool names, in [0, 1]; 0 in coarse matching."""
    params: float
    """Sum of the pairs' param points."""
    values: float
    """Sum of the pairs' value points."""
    points: float
    """R_max of the paper: names + params + values."""
    maximum: float
    """S_max of the paper: the points to be had, plus what surplus calls cost."""
    missing: tuple[int, ...]
    """Indices of the expected calls that no predicted call is paired with."""
    surplus: tuple[int, ...]
    """Indices of the predicted calls that are paired with no expected call."""
    exact: bool
    """Whether the calls are the expected ones."""


UNDECIDED = Match((), 0, 0, 0.0, 0.0, 0.0, 0.0, 1.0, (), (), False)
"""The Match of an answer that ended before it could decide against a call: it earns nothing."""


def exact_match(sizes: Sequence[int], granularity: Granularity = "fine") -> Match:
    """The Match of calls that are just the expected ones, in order; ``sizes`` counts each call's parameters."""
    n = len(sizes)
    if granularity == "coarse":
        return _coarse([CallScore(i) for i in range(n)], n, (), (), True)
    if granularity == "fine":
        scores = [CallScore(i, 1 / n, 1.0, float(size)) for i, size in enumerate(sizes)]
        params, values = float(n), float(sum(sizes))
    else:
        scores = [CallScore(i, 1 / n, 0.0, 1.0) for i in range(n)]
        params, values = 0.0, float(n)
    points = 1.0 + params + values
    return Match(tuple(scores), n, n, 1.0, params, values, points, points, (), (), True)


def same_calls(expected: Sequence[ToolCall], predicted: Sequence[ToolCall]) -> bool:
    """Whether the calls are equal one by one, in order. An error in a call makes it unequal."""
    if len(expected) != len(predicted):
        return False
    if len(expected) == 1:  # the usual case
        return same_call(expected[0], predicted[0])
    return all(map(same_call, expected, predicted))


def match_optimal(
    expected: Sequence[ToolCall],
    predicted: Sequence[ToolCall],
    granularity: Granularity = "fine",
    strict: bool = False,
) -> Match:
    """Pair calls of the same name so that the points are most and, among such pairings, the surplus is least.

    In fine matching ``maximum`` is 1 + the sum of (1 + number of parameters) over the expected calls and
    over the surplus ones; a malformed call is surplus, and costs 1. In intermediate matching each of
    these counts 1. So a call too many always costs, and ``points / maximum`` depends on the order of
    neither side. Values are compared by ``json_equal``. Takes time linear in the number of predicted calls.
    """
    # partner: index of a predicted call -> index of its expected call; alike: predicted calls with equal arguments
    partner, alike = _partners(expected, predicted, granularity, strict)
    common = len(partner)
    union = len(expected) + len(predicted) - common
    names = common / union if union else 1.0  # nothing expected and nothing called: all right
    if strict and names != 1.0:
        names = 0.0
    share = names / common if common else 0.0  # the name score is spread over the pairs
    fine = granularity == "fine"
    maximum = 1.0 + len(expected)  # S_max of the paper: names, then a point per call, then one per parameter
    if fine:
        for call in expected:
            maximum += len(call.arguments)
    scores, params, surplus, values = [], [], [], 0.0
    exact = common == len(expected) == len(predicted)
    for j, call in enumerate(predicted):
        i = partner.get(j)
        if i is None:
            surplus.append(j)  # raises the maximum, so that a call too many lowers points / maximum
            maximum += 1 + len(call.arguments) if fine and call.error is None else 1
            scores.append(_surplus(call, expected))
            continue
        gold, made = expected[i].arguments, call.arguments
        # an equal pair needs no comparison: that was found when it was paired
        shared, equal, reason = (len(gold), len(gold), "") if j in alike else compare(gold, made, True)
        if reason:
            exact = False
        if fine:  # Jaccard of parameter names in [0, 1]; one point per equal value
            param, value = _param(len(gold), len(made), shared, strict), float(equal)
        else:  # one point if the calls are equal
            param, value = 0.0, 0.0 if reason else 1.0
        params.append(param)
        values += value
        scores.append(CallScore(i, share, param, value, reason))
    missing: tuple[int, ...] = ()
    if common < len(expected):
        paired = set(partner.values())
        missing = tuple([i for i in range(len(expected)) if i not in paired])
    if granularity == "coarse":
        return _coarse(scores, len(expected), missing, tuple(surplus), exact)
    total = fsum(params)  # correctly rounded, whatever the order
    points = names + total + values
    sizes = len(expected), len(predicted)
    return Match(tuple(scores), *sizes, names, total, values, points, maximum, missing, tuple(surplus), exact)


_NO_CALL = CallScore(reason="surplus call: none is expected")
_OTHER_TOOL = CallScore(reason="surplus call: another tool is expected")
_TOO_OFTEN = CallScore(reason="surplus call: one too many of this tool")


def _surplus(call: ToolCall, expected: Sequence[ToolCall]) -> CallScore:
    """The score of a call that is paired with none, and why it is not."""
    if call.error is not None:
        return CallScore(reason=cut(f"malformed: {call.error}"))
    if not expected:
        return _NO_CALL
    return _TOO_OFTEN if any(gold.name == call.name for gold in expected) else _OTHER_TOOL


def _partners(
    expected: Sequence[ToolCall], predicted: Sequence[ToolCall], granularity: Granularity, strict: bool
) -> tuple[dict[int, int], set[int]]:
    """The expected call of each predicted call that has one, and which of these are known to be equal; as indices."""
    made_by_name = _by_name(predicted)
    partner: dict[int, int] = {}
    alike: set[int] = set()
    for name, golds in _by_name(expected).items():
        mades = made_by_name.get(name)
        if mades is None:
            continue
        if len(golds) == len(mades) == 1:  # the usual case: one call of this name on each side
            partner[mades[0]] = golds[0]
            continue
        # Equal calls first: they are in some best pairing, and then only the rest has to be assigned
        equal, left, free = _pair_equal(golds, mades, expected, predicted)
        partner.update(equal)
        alike.update(equal)
        if not left or not free:
            continue
        if len(left) == len(free) == 1 or granularity == "intermediate":  # any pairing of the rest earns the same
            partner.update(zip(free, left, strict=False))
            continue
        # (len(left), len(free)) points of each possible pair, as integers so that sums are exact
        weights = [[_weight(expected[i].arguments, predicted[j].arguments, strict) for j in free] for i in left]
        for row, column in best_pairs(weights):
            partner[free[column]] = left[row]
    return partner, alike


def _by_name(calls: Sequence[ToolCall]) -> dict[str, list[int]]:
    groups: dict[str, list[int]] = {}
    for i, call in enumerate(calls):
        if call.error is None:
            groups.setdefault(call.name, []).append(i)
    return groups


def _pair_equal(
    golds: list[int], mades: list[int], expected: Sequence[ToolCall], predicted: Sequence[ToolCall]
) -> tuple[dict[int, int], list[int], list[int]]:
    """Pair the calls of one name that are equal; the pairs, and the calls left over on both sides.

    Equal pairs are part of some best pairing: the points that two calls lack of equality obey the
    triangle inequality, so that swapping partners for an equal one can only gain.
    """
    free = dict.fromkeys(mades)  # a dict, for it keeps the order and gives up items in constant time
    pairs, left = {}, []
    for i in golds:
        gold = expected[i].arguments
        for j in free:
            if same_arguments(gold, predicted[j].arguments):
                pairs[j] = i
                del free[j]
                break
        else:
            left.append(i)
    return pairs, left, list(free)


def _weight(gold: dict[str, Any], made: dict[str, Any], strict: bool) -> int:
    """A pair's points as an integer; below them, ties leave the call with fewer parameters over."""
    shared, equal, _ = compare(gold, made, False)
    return (int((_param(len(gold), len(made), shared, strict) + equal) * 2.0**32) << 32) + 1 + len(made)


def _param(gold: int, made: int, shared: int, strict: bool) -> float:
    """Jaccard similarity of two sets of parameter names, from their sizes and that of their intersection."""
    if shared == gold == made:
        return 1.0
    return 0.0 if strict else shared / (gold + made - shared)


def _coarse(
    scores: Sequence[CallScore], expected: int, missing: tuple[int, ...], surplus: tuple[int, ...], exact: bool
) -> Match:
    """All or nothing: one point, spread over the calls."""
    value = 1 / len(scores) if exact and scores else 0.0
    spread = tuple([CallScore(score.expected, value=value, reason=score.reason) for score in scores])
    point = 1.0 if exact else 0.0
    return Match(spread, expected, len(scores), 0.0, 0.0, point, point, 1.0, missing, surplus, exact)


def match_reference(
    expected: Sequence[ToolCall],
    predicted: Sequence[ToolCall],
    granularity: Granularity = "fine",
    strict: bool = False,
) -> Match:
    """The released code's match: see ``match_greedy``. Without calls, or with a malformed call, nothing matches."""
    try:
        if predicted and not any(call.error is not None for call in predicted):
            return match_greedy(call_items(expected), call_items(predicted), granularity, strict)
    except RecursionError:  # values nested too deep for Python's ==
        pass
    scores = [CallScore(reason=cut(call.error or "not read: a call of the text is malformed")) for call in predicted]
    everything = tuple(range(len(expected))), tuple(range(len(predicted)))
    sizes = [len(call.arguments) if granularity == "fine" else 0 for call in expected]
    maximum = 1.0 if granularity == "coarse" else 1.0 + len(expected) + sum(sizes)
    return Match(tuple(scores), len(expected), len(predicted), 0.0, 0.0, 0.0, 0.0, maximum, *everything, False)


def call_items(calls: Sequence[ToolCall]) -> list[Any]:
    """Calls as the JSON objects that ToolRL writes, one per line."""
    return [{"name": call.name, "parameters": call.arguments} for call in calls]


def match_greedy(
    expected: Sequence[Any], predicted: Sequence[Any], granularity: Granularity = "fine", strict: bool = False
) -> Match:
    """The released code's match of the JSON values on the lines of two ``<tool_call>`` blocks.

    In order, each expected call takes the unused predicted call of its name that earns most, the first among
    equals, and none that earns nothing. Values are compared by Python's ``==`` (so 1 equals True).
    Surplus calls only lower the similarity of names. ``strict`` minds the order of names, too.

    The lines may hold any JSON. If the released code fails on them, so does this function: a KeyError, TypeError or
    AttributeError.
    """
    if expected == predicted:  # the released code's shortcut, which also skips its errors
        return exact_match([_size(tool) for tool in expected], granularity)
    if granularity == "coarse":
        score = CallScore(reason="the calls are not the expected ones, in order")
        missing, surplus = tuple(range(len(expected))), tuple(range(len(predicted)))
        return _coarse([score] * len(predicted), len(expected), missing, surplus, False)
    gold_names = [tool["name"] for tool in expected]
    made_names = [tool["name"] for tool in predicted]
    names = _similarity(gold_names, made_names, strict)
    points, maximum = names, 1.0  # R_max and S_max
    pairs: dict[int, CallScore] = {}  # by index of the predicted call
    for i, tool in enumerate(expected):
        gold = tool["parameters"]  # a KeyError here is the released code's crash: see the docstring
        maximum += 1.0 if granularity == "intermediate" else 1.0 + len(gold)
        best, chosen = CallScore(i), -1
        for j, other in enumerate(predicted):
            if j in pairs or made_names[j] != gold_names[i]:
                continue
            if granularity == "intermediate":
                param, value = 0.0, float(tool == other)
            else:
                made = other["parameters"]
                param = _similarity(list(gold.keys()), list(made.keys()), strict)
                value = float(sum([key in made and made[key] == gold[key] for key in gold]))
            if param + value > best.param + best.value:  # strictly more: the first among equals stays
                best, chosen = CallScore(i, 0.0, param, value), j
        if chosen >= 0:
            pairs[chosen] = best
            points += best.param + best.value
    shares = _shares(gold_names, made_names, pairs, names)
    scores = tuple([_greedy_score(pairs.get(j), shares[j], expected, tool) for j, tool in enumerate(predicted)])
    paired = {score.expected for score in pairs.values()}
    return Match(
        scores,
        len(expected),
        len(predicted),
        names,
        fsum([score.param for score in scores]),
        fsum([score.value for score in scores]),
        points,
        maximum,
        tuple([i for i in range(len(expected)) if i not in paired]),
        tuple([j for j in range(len(predicted)) if j not in pairs]),
        False,
    )


def _size(tool: Any) -> int:
    parameters = tool.get("parameters") if isinstance(tool, dict) else None
    return len(parameters) if isinstance(parameters, dict) else 0


def _similarity(gold: list[Any], made: list[Any], strict: bool) -> float:
    """Jaccard similarity of two lists as multisets; with ``strict``, 1 for equal lists and else 0."""
    if gold == made:
        return 1.0
    if strict or not gold or not made:
        return 0.0
    counts: dict[Any, int] = {}
    for item in gold:
        counts[item] = counts.get(item, 0) + 1
    common = 0
    for item in made:
        if counts.get(item, 0) > 0:
            counts[item] -= 1
            common += 1
    return common / (len(gold) + len(made) - common)


def _shares(gold: list[Any], made: list[Any], pairs: dict[int, CallScore], names: float) -> list[float]:
    """The name score, spread evenly over the predicted calls whose names are expected; paired calls come first."""
    left = list(gold)
    holders = []
    for j in sorted(range(len(made)), key=lambda j: j not in pairs):
        if made[j] in left:
            left.remove(made[j])
            holders.append(j)
    shares = [0.0] * len(made)
    for j in holders:
        shares[j] = names / len(holders)
    return shares


def _greedy_score(pair: CallScore | None, share: float, expected: Sequence[Any], tool: Any) -> CallScore:
    if pair is None or pair.expected is None:
        if share:
            return CallScore(name=share, reason="equals no expected call that is left")
        if not expected:
            return _NO_CALL
        return _TOO_OFTEN if any(gold["name"] == tool["name"] for gold in expected) else _OTHER_TOOL
    gold = expected[pair.expected]
    reason = "" if gold == tool else compare(gold["parameters"], tool["parameters"], True)[2] or "other fields"
    return CallScore(pair.expected, share, pair.param, pair.value, reason)
