"""Whether one decision is the expected one, for suites that run nothing and have no official verdict: exactly."""

from __future__ import annotations

from collections.abc import Sequence

from toolgym.rewards.matching import match_optimal
from toolgym.rewards.rubric import Evidence
from toolgym.types import Completion, Term, ToolCall, Verdict

_PASSED = Verdict(True)


def grade(expected: tuple[ToolCall, ...], completion: Completion) -> Verdict:
    """The verdict on an action.

    Where calls are expected, the action must make just these, in any order: equal names, equal parameters, values
    equal as JSON (1 equals 1.0, not "1"). What it says beside them is not judged. Where none is expected, it
    must make none, and say something. The layout, which is the format reward's matter, plays no part.

    Error types: "missing_call", "needless_call", "wrong_calls", "no_response".
    """
    calls = completion.calls
    if not expected:
        if calls:
            return Verdict(False, f"no call is expected, got {_names(calls)}", "needless_call")
        if not (completion.response or "").strip():
            return Verdict(False, "no call and no response", "no_response")
        return _PASSED
    if not calls:
        return Verdict(False, f"expected {_names(expected)}, got no call", "missing_call")
    match = match_optimal(expected, calls)
    if match.exact:
        return _PASSED
    reasons = [score.reason for score in match.scores if score.reason]
    reasons += [f"missing call of {expected[i].name}" for i in match.missing]
    return Verdict(False, "; ".join(reasons)[:300], "wrong_calls")


def told_nothing(total: float, evidence: Evidence) -> Sequence[Term]:
    """A further term (see rewards/extended.py), so that reward and verdict agree: a point less where no call is
    expected, none is made, and nothing is said either. The paper's format reward takes an empty response for one."""
    completion = evidence.completion
    if evidence.expected or completion.calls or (completion.response or "").strip():
        return ()
    return (Term("answer", -1.0, 1.0, "no call is expected, and nothing is said"),)


def _names(calls: tuple[ToolCall, ...]) -> str:
    return ", ".join([call.name[:60] or "a malformed call" for call in calls[:5]]) + (", ..." if len(calls) > 5 else "")
