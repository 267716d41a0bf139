from __future__ import annotations

import itertools
import random
from fractions import Fraction
from time import process_time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toolgym.rewards.assignment import best_pairs
from toolgym.rewards.difference import json_equal, value_text
from toolgym.rewards.matching import exact_match, match_greedy, match_optimal, match_reference
from toolgym.types import ToolCall

NAN = float("nan")
VALUES = st.sampled_from([0, 1, 1.0, True, False, None, "x", "y", [1], [True], {"k": 1}, NAN])
ARGUMENTS = st.dictionaries(st.sampled_from("abc"), VALUES, max_size=3)
CALLS = st.lists(st.builds(ToolCall, st.sampled_from("fgh"), ARGUMENTS), max_size=4).map(tuple)
MALFORMED = st.builds(ToolCall, st.sampled_from(["", "f"]), st.just({}), error=st.just("not JSON"))
PREDICTED = st.lists(st.one_of(st.builds(ToolCall, st.sampled_from("fgh"), ARGUMENTS), MALFORMED), max_size=5).map(
    tuple
)
GRANULARITIES = st.sampled_from(["fine", "intermediate", "coarse"])


def call(name: str = "f", **arguments: Any) -> ToolCall:
    return ToolCall(name, arguments)


# Equality of values ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (1, 1.0),
        (NAN, float("nan")),
        ([1, (2, 3)], (1, [2, 3])),
        ({"a": 1, "b": [None]}, {"b": [None], "a": 1.0}),
        (0.0, -0.0),
        ("", ""),
    ],
)
def test_equal_as_json(a, b):
    assert json_equal(a, b)
    assert json_equal(b, a)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (True, 1),
        (False, 0),
        ([True], [1]),
        ({"a": {"b": False}}, {"a": {"b": 0}}),
        ("1", 1),
        (None, False),
        ([], {}),
        ([1], [1, 1]),
        ({"a": 1}, {"b": 1}),
        ({"a": 1}, {"a": 1, "b": 2}),
        ({"a": None}, {}),
        (NAN, 1.0),
    ],
)
def test_different_as_json(a, b):
    assert not json_equal(a, b)
    assert not json_equal(b, a)


def test_values_of_any_depth_are_compared_and_shown():
    def nested(depth: int, inner: Any) -> Any:
        for _ in range(depth):
            inner = [inner]
        return inner

    assert json_equal(nested(100_000, 1), nested(100_000, 1.0))
    assert not json_equal(nested(100_000, 1), nested(100_000, 2))
    assert len(value_text(nested(100_000, 1))) < 50
    assert value_text(1 << 100_000) == "an integer of 100001 bits"
    assert len(value_text("x" * 10**6)) < 50
    assert len(value_text({str(i): "x" * 100 for i in range(10**4)})) < 300


# The best assignment --------------------------------------------------------------------------------


@given(st.data())
def test_assignments_are_heaviest(data):
    rows = data.draw(st.integers(1, 4))
    columns = data.draw(st.integers(1, 7))
    line = st.lists(st.integers(0, 9), min_size=columns, max_size=columns)
    weights = data.draw(st.lists(line, min_size=rows, max_size=rows))
    pairs = best_pairs(weights)
    assert len(pairs) == min(rows, columns)
    assert len({row for row, _ in pairs}) == len({column for _, column in pairs}) == len(pairs)
    if rows <= columns:
        best = max(sum(weights[r][c] for r, c in enumerate(p)) for p in itertools.permutations(range(columns), rows))
    else:
        best = max(sum(weights[r][c] for c, r in enumerate(p)) for p in itertools.permutations(range(rows), columns))
    assert sum(weights[row][column] for row, column in pairs) == best


def slow_match(expected: tuple[ToolCall, ...], predicted: tuple[ToolCall, ...]) -> tuple[Fraction, int]:
    """R_max and S_max by trying all pairings, with exact arithmetic."""
    readable = [c for c in predicted if c.error is None]

    def points(gold: ToolCall, made: ToolCall) -> Fraction:
        keys, others = set(gold.arguments), set(made.arguments)
        jaccard = Fraction(len(keys & others), len(keys | others)) if keys | others else Fraction(1)
        return jaccard + sum(json_equal(gold.arguments[k], made.arguments[k]) for k in keys & others)

    total, pairs, cost = Fraction(0), 0, 0
    for name in {c.name for c in expected} | {c.name for c in readable}:
        golds = [c for c in expected if c.name == name]
        mades = [c for c in readable if c.name == name]
        options = []
        for order in itertools.permutations(range(len(mades)), min(len(golds), len(mades))):
            for chosen in itertools.combinations(range(len(golds)), len(order)):
                earned = sum((points(golds[i], mades[j]) for i, j in zip(chosen, order, strict=True)), Fraction(0))
                left = sum(1 + len(made.arguments) for j, made in enumerate(mades) if j not in order)
                options.append((earned, -left))
        earned, left = max(options)
        total += earned
        cost -= left
        pairs += min(len(golds), len(mades))
    union = len(expected) + len(predicted) - pairs
    total += Fraction(pairs, union) if union else 1
    cost += len(predicted) - len(readable)
    return total, 1 + sum(1 + len(c.arguments) for c in expected) + cost


@settings(max_examples=300, deadline=None)
@given(CALLS, PREDICTED)
def test_the_optimal_match_is_the_best_of_all_pairings(expected, predicted):
    match = match_optimal(expected, predicted)
    points, maximum = slow_match(expected, predicted)
    assert match.points == pytest.approx(float(points), abs=1e-9)
    assert match.maximum == maximum


@settings(max_examples=200, deadline=None)
@given(CALLS, PREDICTED, GRANULARITIES, st.booleans(), st.randoms(use_true_random=False))
def test_the_order_of_neither_side_matters(expected, predicted, granularity, strict, random):
    match = match_optimal(expected, predicted, granularity, strict)
    golds, mades = list(expected), list(predicted)
    random.shuffle(golds)
    random.shuffle(mades)
    other = match_optimal(golds, mades, granularity, strict)
    assert other.points == pytest.approx(match.points, abs=1e-9)
    assert (other.maximum, other.exact, len(other.missing)) == (match.maximum, match.exact, len(match.missing))


@settings(max_examples=200, deadline=None)
@given(CALLS, PREDICTED, GRANULARITIES, st.booleans())
def test_a_match_adds_up(expected, predicted, granularity, strict):
    match = match_optimal(expected, predicted, granularity, strict)
    assert len(match.scores) == match.predicted == len(predicted)
    assert match.points == pytest.approx(match.names + match.params + match.values)
    assert 0 <= match.points <= match.maximum
    assert match.exact == (match.points == match.maximum)
    if predicted:
        assert sum(score.name for score in match.scores) == pytest.approx(match.names)
        assert sum(score.param for score in match.scores) == pytest.approx(match.params)
        assert sum(score.value for score in match.scores) == pytest.approx(match.values)
    paired = [score.expected for score in match.scores if score.expected is not None]
    assert sorted([*paired, *match.missing]) == list(range(len(expected)))
    assert [j for j, score in enumerate(match.scores) if score.expected is None] == list(match.surplus)
    for score, made in zip(match.scores, predicted, strict=True):
        same = score.expected is not None and json_equal(expected[score.expected].arguments, made.arguments)
        assert (score.reason == "") == same
        assert len(score.reason) <= 160


@settings(max_examples=200, deadline=None)
@given(CALLS, PREDICTED, st.one_of(MALFORMED, st.builds(ToolCall, st.just("junk"), ARGUMENTS)))
def test_a_junk_call_always_costs(expected, predicted, junk):
    before, after = match_optimal(expected, predicted), match_optimal(expected, (*predicted, junk))
    if before.points:
        assert after.points / after.maximum < before.points / before.maximum
    else:
        assert after.points == 0


@given(CALLS, GRANULARITIES, st.booleans())
def test_the_expected_calls_earn_all_points(expected, granularity, strict):
    match = match_optimal(expected, expected, granularity, strict)
    assert match == exact_match([len(c.arguments) for c in expected], granularity)
    assert match.exact


def test_surplus_calls_cost_their_size_and_malformed_ones_one():
    gold = (call(a=1, b=2),)
    assert match_optimal(gold, gold).maximum == 4
    assert match_optimal(gold, (*gold, call("g", x=1, y=2, z=3))).maximum == 8
    assert match_optimal(gold, (*gold, ToolCall("f", {}, error="bad"))).maximum == 5
    assert match_optimal(gold, (call(a=1, b=2), call(a=1))).names == 1 / 2
    assert match_optimal(gold, (*gold, call("g", x=1, y=2, z=3)), "intermediate").maximum == 3


def test_where_no_call_is_expected_any_call_loses_everything():
    assert match_optimal((), ()).exact
    for granularity in ("fine", "intermediate", "coarse"):
        match = match_optimal((), (call(),), granularity)  # type: ignore[arg-type]
        assert (match.points, match.exact) == (0, False)


def test_strict_names_and_parameters_earn_all_or_nothing():
    gold = (call(a=1, b=2), call("g"))
    match = match_optimal(gold, (call(a=1), call("g")), strict=True)
    assert (match.names, match.params, match.values) == (1, 1, 1)
    assert match_optimal(gold, (call(b=2, a=1),), strict=True).names == 0
    assert match_optimal(gold, (call(b=2, a=1),), strict=True).params == 1


def test_reasons_say_what_is_wrong():
    gold = (call(city="Ghent", unit="km"), call("g"))
    made = (call(unit="miles"), call(), ToolCall("", {}, error="line 2 is not JSON"), call("g", extra=1))
    assert [score.reason for score in match_optimal(gold, made).scores] == [
        "missing parameter: city; value differs: unit: expected 'km', got 'miles'",
        "surplus call: one too many of this tool",
        "malformed: line 2 is not JSON",
        "unexpected parameter: extra",
    ]


def test_ties_leave_the_smaller_call_over():
    match = match_optimal((call(a=1),), (call(b=1), call(b=1, c=2)))
    assert match.maximum == 1 + 2 + 2
    assert match.surplus == (0,)


def test_thousands_of_calls_take_linear_time():
    gold = tuple(call(a=i, b=i) for i in range(4))

    def seconds(n: int) -> float:
        made = tuple(call(a=i % 7, c=i, d="x") for i in range(n))
        start = process_time()
        match_optimal(gold, made)
        match_reference(gold, made)
        return process_time() - start

    seconds(500)
    assert min(seconds(10_000) for _ in range(2)) < 40 * min(seconds(1000) for _ in range(3))


def test_many_expected_calls_of_one_tool():
    draw = random.Random(0)
    gold = tuple(call(a=draw.randrange(5), b=draw.randrange(5), c=draw.randrange(5)) for _ in range(30))
    made = tuple(call(a=draw.randrange(5), b=draw.randrange(5), c=draw.randrange(5)) for _ in range(40))
    greedy = match_reference(gold, made)
    assert match_optimal(gold, made).points > greedy.points


# The released code's match --------------------------------------------------------------------------


def reference(expected: list[ToolCall], predicted: list[ToolCall], **options: Any) -> tuple[float, float]:
    match = match_reference(expected, predicted, **options)
    return match.points, match.maximum


def test_the_reference_is_greedy_in_the_order_of_the_expected_calls():
    # made: {a:1, b:1} and {a:2}; names 2/2 = 1; maximum 1 + (1+1) + (1+2) = 6
    small, large = call(a=1), call(a=1, b=1)
    made = [call(a=1, b=1), call(a=2)]
    # {a:1} takes {a:1,b:1} for 1/2 + 1; {a:1,b:1} is left with {a:2} for 1/2 + 0
    assert reference([small, large], made) == (1 + 1.5 + 0.5, 6)
    # {a:1,b:1} takes its equal for 1 + 2; {a:1} is left with {a:2} for 1 + 0
    assert reference([large, small], made) == (1 + 3 + 1, 6)
    assert match_optimal([small, large], made).points == match_optimal([large, small], made).points == 5


def test_the_reference_lets_surplus_calls_cost_only_names():
    gold = [call(a=1, b=2)]
    junk = [call(f"junk_{i}") for i in range(20)]
    assert reference(gold, gold + junk) == (1 / 21 + 1 + 2, 4)


def test_the_reference_pairs_no_calls_that_earn_nothing():
    match = match_reference([call(a=1)], [call(b=1)])
    assert (match.missing, match.surplus, match.points) == ((0,), (0,), 1)
    assert match.scores[0].name == 1


def test_the_reference_compares_as_python_does():
    assert reference([call(a=1)], [call(a=True)]) == (3, 3)
    assert reference([call()], [call("f", x=1)]) == (1, 2)
    assert reference([call(a=1, b=1)], [call(b=1, a=1)], strict=True) == (4, 4)  # equal: no look at the order
    assert reference([call(a=1, b=1), call("g")], [call(b=1, a=1)], strict=True) == (0 + 0 + 2, 5)
    assert reference([call(), call("g")], [call("g"), call()], strict=True) == (0 + 1 + 1, 3)


def test_in_the_reference_one_malformed_call_loses_all():
    gold = [call(a=1), call("g")]
    for made in ([], [call(a=1), ToolCall("f", {}, error="bad")]):
        match = match_reference(gold, made)
        assert (match.points, match.maximum, match.missing, match.exact) == (0, 1 + 2 + 1, (0, 1), False)
        assert len(match.scores) == len(made)
    assert [score.reason for score in match.scores] == ["not read: a call of the text is malformed", "bad"]


def test_the_reference_trips_over_odd_json_as_the_released_code_does():
    gold = [{"name": "f", "parameters": {"a": 1}}]
    for odd in (1, "f", None, [], {"parameters": {}}, {"name": "f"}, {"name": "f", "parameters": [1]}, {"name": []}):
        with pytest.raises((TypeError, KeyError, AttributeError)):
            match_greedy(gold, [odd])
    assert match_greedy(gold, [{"name": "g", "parameters": [1]}]).points == 0


@settings(max_examples=100, deadline=None)
@given(CALLS, PREDICTED, GRANULARITIES, st.booleans())
def test_a_reference_match_adds_up(expected, predicted, granularity, strict):
    match = match_reference(expected, predicted, granularity, strict)
    assert len(match.scores) == len(predicted)
    assert sum(score.name for score in match.scores) == pytest.approx(match.names)
    assert match.points == pytest.approx(match.names + match.params + match.values)
