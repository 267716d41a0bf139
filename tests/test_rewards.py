from __future__ import annotations

import copy
import itertools
import json
import pickle
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toolgym.dialects import Dialect, get_dialect
from toolgym.rewards import Evidence, Reward, Rubric, ToolRLReward, get_rubric, terms
from toolgym.types import Completion, ToolCall, ToolResult

TOOLRL = get_dialect("toolrl")
MATCHINGS = ("optimal", "reference")
GRANULARITIES = ("fine", "intermediate", "coarse")
SCALES = ("max", "equal", "two_stage", "dynamic")


class Bare(Dialect):
    """A dialect of calls alone: texts are not read, so that a test says what was."""

    name = "bare"

    def instructions(self, tools: Any) -> str:
        return ""

    def parse(self, text: str) -> Completion:
        return Completion(text)

    def render(self, completion: Completion) -> str:
        return completion.text


def call(name: str, **arguments: Any) -> ToolCall:
    return ToolCall(name, arguments)


def answer(*calls: ToolCall, think: str = "ok", say: str | None = None) -> Completion:
    return TOOLRL.parse(TOOLRL.render(Completion("", calls, think, say)))


def evidence(expected: tuple[ToolCall, ...], completion: Completion, **more: Any) -> Evidence:
    return Evidence(completion, expected, TOOLRL, more.pop("wants_response", not expected), **more)


KM = call("convert", amount=3, unit="km")
MILES = call("convert", amount=3, unit="miles")

VALUES = st.sampled_from([0, 1, 2.5, True, None, "x", ["a"], {"k": [1]}])
CALLS = st.lists(
    st.builds(ToolCall, st.sampled_from("fgh"), st.dictionaries(st.sampled_from("abc"), VALUES, max_size=3)), max_size=4
).map(tuple)
OPTIONS = st.fixed_dictionaries(
    {
        "granularity": st.sampled_from(GRANULARITIES),
        "strict": st.booleans(),
        "scale": st.sampled_from(SCALES),
        "length": st.sampled_from(["off", "fixed", "dynamic"]),
        "matching": st.sampled_from(MATCHINGS),
        "step": st.sampled_from([0, 29, 30, 105, 150, 1000]),
    }
)

# ToolRL ---------------------------------------------------------------------------------------------


@settings(deadline=None)
@given(CALLS, OPTIONS)
def test_the_expected_answer_scores_just_the_maximum(expected, options):
    reward = ToolRLReward(**options)
    limits = reward.bounds
    completion = answer(*expected, think="word " * 3000, say=None if expected else "Hi")
    scores = reward.score(evidence(expected, completion))
    best = limits.format_max
    if expected or options["matching"] == "optimal":
        best += limits.correct_max
    assert scores.total == best + (options["length"] != "off")
    assert all(term.reason == "" for term in scores.terms if term.name != "minimum")


@settings(max_examples=300, deadline=None)
@given(CALLS, CALLS, OPTIONS, st.booleans())
def test_terms_add_up_to_the_total_within_its_bounds(expected, made, options, formed):
    reward = ToolRLReward(**options)
    completion = answer(*made, say="Hi" if not made or not formed else None)
    scores = reward.score(evidence(expected, completion))
    assert scores.total == pytest.approx(sum(term.weight * term.score for term in scores.terms), abs=1e-9)
    limits = reward.bounds
    least = limits.format_min + min(limits.correct_min, 0)
    assert least - 1e-9 <= scores.total <= limits.format_max + limits.correct_max + 1 + 1e-9
    assert len(scores.calls) == len(completion.calls)


PLAIN = st.dictionaries(st.sampled_from("abcd"), st.sampled_from([2, "x", "y", None, ["a"]]), max_size=4)


@given(PLAIN, st.sampled_from("fg"), PLAIN, st.sampled_from(SCALES), st.integers(0, 200))
def test_on_one_call_for_one_both_matchings_agree(gold, name, made, scale, step):
    one = evidence((ToolCall("f", gold),), answer(ToolCall(name, made)))
    optimal, reference = (ToolRLReward(matching=each, scale=scale, step=step).score(one).total for each in MATCHINGS)
    assert optimal == pytest.approx(reference)


def test_a_worked_example():
    # names 1, parameter names 1, values 1 of 2: 3 of 1 + 1 + 2 points, each worth 6/4
    scores = ToolRLReward().score(evidence((KM,), answer(MILES)))
    assert scores.total == 1 + 6 * 3 / 4 - 3 == 2.5
    assert [(t.name, t.score, t.weight) for t in scores.terms] == [
        ("format", 1, 1),
        ("name", 1, 1.5),
        ("param", 1, 1.5),
        ("value", 1, 1.5),
        ("minimum", -3, 1),
    ]
    assert scores.terms[3].reason == "1 of 2 equal"
    (score,) = scores.calls
    assert (score.expected, score.name, score.param, score.value) == (0, 1, 1, 1)
    assert score.reason == "value differs: unit: expected 'km', got 'miles'"


def test_surplus_calls_cost_what_they_would_have_to_earn():
    # names 1/2, parameters 1, values 2 of 1 + 3 + 2 points
    scores = ToolRLReward().score(evidence((KM,), answer(KM, call("look", at="x"))))
    assert scores.total == pytest.approx(1 + 6 * 3.5 / 6 - 3)
    assert scores.terms[1].reason == "expected convert; got convert, look"
    assert scores.calls[1].reason == "surplus call: another tool is expected"


def test_needless_calls_and_silence():
    reward = ToolRLReward()
    assert reward.score(evidence((), answer(say="Hi"))).total == 4
    assert reward.score(evidence((), answer(KM))).total == -3
    assert reward.score(evidence((), TOOLRL.parse("Hi"))).total == 3
    silence = reward.score(evidence((KM,), TOOLRL.parse("")))
    assert silence.total == -3
    assert silence.terms[1].reason == "expected convert; got no call"


def test_the_order_of_expected_calls_does_not_matter():
    small, large = call("f", a=1), call("f", a=1, b=1)
    made = answer(call("f", a=1, b=1), call("f", a=2))
    totals = {
        matching: [
            ToolRLReward(matching=matching).score(evidence(g, made)).total for g in ((small, large), (large, small))
        ]
        for matching in MATCHINGS
    }
    assert totals == {"optimal": [3, 3], "reference": [1, 3]}


def test_values_are_compared_as_json():
    gold = (call("f", flag=True),)
    assert ToolRLReward().score(evidence(gold, answer(call("f", flag=1)))).total == 2
    assert ToolRLReward(matching="reference").score(evidence(gold, answer(call("f", flag=1)))).total == 4
    assert ToolRLReward().score(evidence((call("f", x=1),), answer(call("f", x=1.0)))).total == 4
    frozen = (call("f", x=(1, (2,))),)
    for matching in MATCHINGS:
        assert ToolRLReward(matching=matching).score(evidence(frozen, answer(call("f", x=[1, [2]])))).total == 4


def test_schedules_follow_the_step():
    reward = ToolRLReward(scale="two_stage")
    good = evidence((KM,), answer(KM))
    assert reward.score(good).total == 1 + 1
    reward.set_step(30)
    assert reward.score(good).total == 0.5 + 3
    reward.set_step(0)
    assert reward.score(good).total == 1 + 1


def test_length_pays_for_words_of_thought():
    expected = (KM,)
    scores = ToolRLReward(length="fixed").score(evidence(expected, answer(KM, think="a " * 128)))
    assert scores.total == 4.25
    assert (scores.terms[-1].name, scores.terms[-1].reason) == ("length", "128 of 512 words")
    assert (
        ToolRLReward(length="dynamic", step=105).score(evidence(expected, answer(KM, think="a " * 160))).total == 4.25
    )


@pytest.mark.parametrize(
    ("granularity", "names"),
    [
        ("fine", ["format", "name", "param", "value", "minimum"]),
        ("intermediate", ["format", "name", "call", "minimum"]),
        ("coarse", ["format", "exact", "minimum"]),
    ],
)
def test_the_terms_of_each_granularity(granularity, names):
    gold = (KM, call("g"))
    for matching in MATCHINGS:
        reward = ToolRLReward(granularity=granularity, matching=matching)
        for made in (gold, gold[:1], (KM, call("g", x=1))):
            scores = reward.score(evidence(gold, answer(*made)))
            assert [term.name for term in scores.terms] == names
            assert (scores.total == 4) == (made is gold)


def test_why_the_format_term_is_missed():
    reward = ToolRLReward()

    def why(expected: tuple[ToolCall, ...], completion: Completion, **more: Any) -> str:
        return reward.score(Evidence(completion, expected, **{"dialect": TOOLRL, **more})).terms[0].reason

    bare = {"dialect": Bare()}
    assert why((KM,), answer(KM)) == ""
    assert why((KM,), Completion("", (KM,), problem="text after the last call"), **bare) == "text after the last call"
    assert why((KM,), Completion(""), **bare) == "a call is missing"
    assert why((), Completion("", (KM,)), **bare) == "a call that is not expected"
    assert why((KM,), Completion("", (ToolCall("", {}, error="no"),)), **bare) == "a malformed call"
    assert why((KM,), answer(KM, say="Hi")) == "a response beside the calls is not expected"


def test_the_reference_scores_calls_in_other_dialects():
    reward = ToolRLReward(matching="reference")

    def total(*calls: ToolCall) -> float:
        return reward.score(Evidence(Completion("no tags", calls), (KM,), Bare())).total

    assert total(KM) == 4
    assert total(MILES) == 1 + 1.5
    assert total(KM, ToolCall("", {}, error="bad")) == 0 - 3
    assert total() == 0 - 3


def test_the_reference_reads_the_text_in_its_own_dialect():
    reward = ToolRLReward(matching="reference")
    text = answer(KM).text
    assert reward.score(evidence((KM,), TOOLRL.parse(f"  {text}\n"))).total == 4
    broken = TOOLRL.parse(text.replace("\n</tool_call>", '\n{"name": \n</tool_call>'))
    scores = reward.score(evidence((KM,), broken))
    assert scores.total == 1 - 3
    assert [score.name for score in scores.calls] == [0, 0]
    assert scores.terms[1].reason == "the calls cannot all be read"
    mentioned = TOOLRL.parse(text.replace("ok", "I write <tool_call> now"))
    assert reward.score(evidence((KM,), mentioned)).total == 0 - 3
    assert ToolRLReward().score(evidence((KM,), mentioned)).total == 0 + 3


def test_the_reference_ignores_calls_where_none_is_expected():
    reward = ToolRLReward(matching="reference")
    assert reward.score(evidence((), answer(say="Hi"))).total == 1
    scores = reward.score(evidence((), answer(KM)))
    assert scores.total == 0
    assert "not scored" in scores.calls[0].reason


def test_deep_and_large_texts_are_scored():
    deep: Any = 1
    for _ in range(5000):
        deep = [deep]
    huge = call("convert", amount=deep, unit="x" * 10**6)
    for matching, dialect in itertools.product(MATCHINGS, (TOOLRL, Bare())):
        reward = ToolRLReward(matching=matching)
        total = reward.score(Evidence(Completion("", (huge,)), (KM,), dialect)).total
        assert -3 <= total < 4
        total = reward.score(Evidence(Completion("", (huge,)), (huge,), Bare())).total if matching == "optimal" else 4
        assert total == 4


def test_unknown_options_are_refused():
    for option in ("granularity", "scale", "length", "matching"):
        with pytest.raises(ValueError, match=f"{option} must be one of .*; got 'best'"):
            ToolRLReward(**{option: "best"})
    with pytest.raises(ValueError, match="counts from 0"):
        ToolRLReward().set_step(-1)


def test_rewards_can_be_copied_and_pickled():
    reward = ToolRLReward(scale="dynamic", step=75)
    one = evidence((KM,), answer(MILES))
    for twin in (copy.deepcopy(reward), pickle.loads(pickle.dumps(reward))):
        assert twin.score(one) == reward.score(one)
        assert repr(twin) == repr(reward)


# Rubrics and terms ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "error", "says"),
    [
        ([], ValueError, "at least one term"),
        ([("a", 1, 1.0)], TypeError, "'a' needs a function"),
        ([terms.exact], TypeError, r"\(name, function, weight\)"),
        ([("a", terms.exact)], TypeError, r"\(name, function, weight\)"),
    ],
)
def test_a_rubric_of_no_terms_is_refused(given, error, says):
    with pytest.raises(error, match=says):
        Rubric(given)


def test_terms_have_names_of_their_own_and_one_that_fails_is_named():
    with pytest.raises(ValueError, match="'mine' stands twice"):
        Rubric([("mine", terms.exact, 1.0), ("mine", terms.layout, 1.0)])
    with pytest.raises(ZeroDivisionError) as failed:
        Rubric([("ratio", lambda evidence: 1 / 0, 1.0)]).score(evidence((), answer(say="Hi")))
    assert failed.value.__notes__ == ["in the rubric's term 'ratio'"]


def test_a_rubric_is_the_weighted_sum_of_its_terms():
    rubric = Rubric([("format", terms.layout, 0.5), ("short", lambda evidence: (-0.25, "too long"), 2)])
    scores = rubric.score(evidence((KM,), answer(KM, MILES)))
    assert scores.total == 0.5 - 0.5
    assert [(t.name, t.score, t.weight, t.reason) for t in scores.terms] == [
        ("format", 1, 0.5, ""),
        ("short", -0.25, 2, "too long"),
    ]
    assert [score.reason for score in scores.calls] == ["", "surplus call: one too many of this tool"]
    assert isinstance(rubric, Reward)


def test_a_term_that_returns_no_number_is_named():
    with pytest.raises(TypeError, match=r"term 'mine' must return a number or \(number, reason\), got None"):
        Rubric([("mine", lambda evidence: None, 1.0)]).score(evidence((), answer(say="Hi")))  # type: ignore[list-item, return-value]


def test_the_match_is_found_once():
    one = evidence((KM,), answer(MILES))
    assert one.match is one.match


def test_shares():
    one = evidence((KM, call("g", x=1), call("list")), answer(MILES, call("list"), call("h"), call("h")))
    assert terms.exact(one) == 0
    assert terms.name(one) == 2 / 5
    assert terms.param(one) == 2 / 3
    assert terms.value(one) == 1 / 3
    assert terms.surplus_calls(one) == (-2 / 4, "2 of 4 calls are surplus")
    assert terms.layout(one) == (1, "")
    assert terms.layout(evidence((KM,), TOOLRL.parse("hm")))[0] == 0


@pytest.mark.parametrize("share", [terms.exact, terms.name, terms.param, terms.value])
@pytest.mark.parametrize("expected", [(KM, call("g")), (call("g"),), ()])
def test_shares_are_1_for_the_expected_answer_and_0_for_none_of_it(share, expected):
    assert share(evidence(expected, answer(*expected, say="Hi"))) == 1
    wrong = answer(call("junk"), say="Hi")
    assert share(evidence(expected, wrong)) == 0


def test_terms_about_running_the_calls():
    bad = ToolCall("", {}, error="not JSON")
    completion = answer(KM, MILES)
    completion = Completion(completion.text, (*completion.calls, call("unknown"), bad))
    one = evidence(
        (KM,),
        completion,
        results=(ToolResult("3"), None, ToolResult("no such tool", "not_found"), ToolResult("?", "malformed")),
        problems=((), ("unit: 'miles' is not allowed",), (), ()),
    )
    assert terms.valid_arguments(one) == (1 / 4, "unit: 'miles' is not allowed")
    assert terms.executed(one) == (pytest.approx(1 / 3), "not_found")
    nothing = evidence((), answer(say="Hi"))
    assert terms.valid_arguments(nothing) == terms.executed(nothing) == (1, "")


def test_over_length():
    penalty = terms.over_length(10)

    def of(words: int) -> Any:
        return penalty(evidence((), Completion("a " * words)))

    assert of(10) == (0, "")
    assert of(15) == (-0.5, "15 words, more than 10")
    assert of(20)[0] == of(1000)[0] == -1
    with pytest.raises(ValueError, match="positive"):
        terms.over_length(0)


def test_rubrics_by_name():
    assert repr(get_rubric("toolrl")) == repr(ToolRLReward())
    assert repr(get_rubric("toolrl-reference")) == repr(ToolRLReward(matching="reference"))
    mine = Rubric([("exact", terms.exact, 1.0)])
    assert get_rubric(mine) is mine
    with pytest.raises(ValueError, match="unknown rubric 'best': choose toolrl"):
        get_rubric("best")
    with pytest.raises(ValueError, match=r"must have score\(evidence\)"):
        get_rubric(object())  # type: ignore[arg-type]


def test_scores_survive_json():
    scores = ToolRLReward().score(evidence((KM,), answer(MILES)))
    assert msgspec.json.decode(msgspec.json.encode(scores), type=type(scores)) == scores
    assert json.loads(msgspec.json.encode(scores))["total"] == 2.5
