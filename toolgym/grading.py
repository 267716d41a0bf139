"""Verdicts: that of suites without one of their own, and how many of a run's were successes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import zip_longest

from toolgym.rewards.matching import match_optimal
from toolgym.rewards.rubric import Evidence
from toolgym.types import Completion, Term, ToolCall, Trajectory, Turn, Verdict

TOKENS_RAN_OUT = "the episode's tokens ran out"
"""The verdict on an episode that the model's context, or a limit of tokens, cut off."""

_PASSED = Verdict(True)


def as_expected(expected: Sequence[Sequence[ToolCall]], turns: Sequence[Turn]) -> Verdict:
    """Whether each turn made its expected calls, in any order, and nothing else."""
    made = [[record.call for record in turn.reward.calls] for turn in turns]
    for i, (wanted, calls) in enumerate(zip_longest(expected, made, fillvalue=())):
        if not _same_calls(wanted, calls):
            return Verdict(False, f"turn {i + 1}: expected {_show(wanted)}, got {_show(calls)}")
    return _PASSED


def tally(trajectories: Iterable[Trajectory]) -> tuple[dict[str, list[bool]], int]:
    """Category -> whether each episode was a success; and how many were left out because something of ours failed.

    An episode without a verdict counts as a failure.
    """
    found: dict[str, list[bool]] = defaultdict(list)
    invalid = 0
    for trajectory in trajectories:
        if trajectory.reward_valid:
            found[trajectory.category].append(bool(trajectory.success))
        else:
            invalid += 1
    return dict(found), invalid


def _same_calls(wanted: Sequence[ToolCall], made: Sequence[ToolCall]) -> bool:
    """Equal as multisets of (name, arguments)."""
    if len(wanted) != len(made):
        return False
    left = list(wanted)
    for call in made:
        for i, other in enumerate(left):
            if call.name == other.name and call.error is None and call.arguments == other.arguments:
                del left[i]
                break
        else:
            return False
    return True


def _show(calls: Sequence[ToolCall]) -> str:
    if not calls:
        return "no call"
    text = ", ".join(f"{c.name}({', '.join(f'{k}={v!r}' for k, v in c.arguments.items())})" for c in calls[:5])
    return text if len(text) <= 300 else text[:300] + "..."


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
