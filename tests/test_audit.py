from __future__ import annotations

import pytest
from conftest import shop_tasks

from toolgym.dialects import get_dialect
from toolgym.rewards import Evidence, Rubric, ToolRLReward, get_rubric, terms
from toolgym.rewards.audit import ADVERSARIES, Case, audit, cases_of, default_cases, gold, weak
from toolgym.types import ToolCall


def row(report, adversary):
    return next(row for row in report.rows if row.adversary == adversary)


@pytest.mark.parametrize("scale", ["max", "equal", "two_stage", "dynamic"])
@pytest.mark.parametrize("granularity", ["fine", "intermediate", "coarse"])
@pytest.mark.parametrize("strict", [False, True])
def test_no_hole_in_the_default_rubrics(scale, granularity, strict):
    for step in (0, 75):
        report = audit(ToolRLReward(scale=scale, granularity=granularity, strict=strict, step=step))
        assert report.passed, str(report)
        assert report.gold_is_best
        assert report.order_free
        assert str(report).endswith("no hole found")


def test_adversaries_earn_little_from_the_default():
    report = audit("toolrl")
    assert {row.adversary for row in report.rows} == set(ADVERSARIES)
    for adversary in ("silent", "format only", "junk calls", "gold + 20 junk calls", "gold among 20 guesses"):
        assert row(report, adversary).reward < 0
    assert all(row.gold == 4 for row in report.rows)
    assert all(row.reward < row.weak < 4 for row in report.rows if row.adversary != "needless call")


def test_the_holes_of_the_released_reward_are_found():
    report = audit("toolrl-reference")
    assert not report.passed
    assert not report.order_free
    beating = {row.adversary for row in report.rows if row.beats}
    assert beating == {"gold + 20 junk calls", "gold twice", "gold among 20 guesses"}
    text = str(report)
    assert "gold + 20 junk calls beats the weak policy" in text
    assert "a needless call costs nothing" in text
    assert "the order of the expected calls matters in 'one tool twice': 1.000 to 3.000" in text


def test_an_exact_call_with_junk_earns_1_57_of_3_from_the_released_reward():
    case = Case("one", (ToolCall("convert", {"amount": 3, "unit": "km"}),))
    spam = row(audit("toolrl-reference", [case]), "gold + 20 junk calls")
    assert spam.reward - 1 == pytest.approx(1.571, abs=1e-3)
    assert row(audit("toolrl", [case]), "gold + 20 junk calls").reward - 1 < -2


@pytest.mark.parametrize("dialect", ["toolrl", "hermes"])
def test_gold_of_suites_can_be_audited(dialect):
    cases = cases_of(shop_tasks())
    assert [case.name for case in cases] == ["milk turn 1", "count turn 1", "count turn 2", "hello turn 1"]
    report = audit("toolrl", cases, dialect=dialect)
    assert report.passed, str(report)
    assert all(row.gold == 4 for row in report.rows)


def test_a_rubric_that_pays_for_layout_alone_has_holes():
    report = audit(Rubric([("format", terms.layout, 1.0)]))
    assert not report.gold_is_best
    assert any("junk calls earns as much as the expected answer" in hole for hole in report.holes)


def test_a_rubric_that_pays_for_calls_is_spammed():
    def count(evidence: Evidence) -> float:
        return len(evidence.completion.calls)

    report = audit(Rubric([("calls", count, 1.0)]))
    assert row(report, "junk calls").beats
    assert any("junk calls beats the weak policy" in hole for hole in report.holes)


def test_schemas_are_checked_where_there_are_tools():
    report = audit(Rubric([("valid", terms.valid_arguments, 1.0), ("name", terms.name, 1.0)]), cases_of(shop_tasks()))
    assert row(report, "invented parameters").reward < row(report, "invented parameters").gold == 2


def test_the_weak_policy_gets_one_value_wrong():
    dialect, reward = get_dialect("toolrl"), get_rubric("toolrl")
    for case in default_cases():
        totals = []
        for policy in (gold, weak):
            completion = dialect.parse(dialect.render(policy(case)))
            evidence = Evidence(completion, case.expected, dialect, case.response is not None)
            totals.append(reward.score(evidence).total)
            maximum = evidence.match.maximum
        lost = 6 / maximum if any(call.arguments for call in case.expected) else 0
        assert totals == pytest.approx([4, 4 - lost])


def test_an_audit_needs_cases():
    with pytest.raises(ValueError, match="at least one case"):
        audit("toolrl", [])
