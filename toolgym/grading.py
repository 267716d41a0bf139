"""Grading: when two calls are the same, and the verdicts of suites that have no official one.

``same_call`` is the one rule for rewards, verdicts and suites, so that they cannot disagree.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from toolgym.types import UNFINISHED, Term, ToolCall, Trajectory, Turn, Verdict

if TYPE_CHECKING:
    from toolgym.rewards.rubric import Evidence

TOKENS_RAN_OUT = "the episode's tokens ran out"
"""The verdict on an episode that the model's context, or a limit of tokens, cut off."""
ATOMS = frozenset({str, int, bool, type(None)})
"""Types whose values are equal as JSON if they are of the same type and equal in Python."""

_PASSED = Verdict(True)
_MISSING = object()
NOT_ACTED = Verdict(False, "no action was taken", "unfinished")
"""The verdict on an episode of one decision before the decision."""


# When calls are the same ------------------------------------------------------------------------


def json_equal(a: Any, b: Any) -> bool:
    """Equality of JSON values: 1 equals 1.0, True does not equal 1, NaN equals NaN, a tuple equals a list.

    Values of any depth are compared without recursion.
    """
    kind = type(a)
    if kind is type(b) and kind in ATOMS:
        return bool(a == b)
    todo = [(a, b)]
    while todo:
        a, b = todo.pop()
        if isinstance(a, dict):
            if not isinstance(b, dict) or len(a) != len(b):
                return False
            for key, value in a.items():
                if key not in b:
                    return False
                todo.append((value, b[key]))
        elif isinstance(a, (list, tuple)):
            if not isinstance(b, (list, tuple)) or len(a) != len(b):
                return False
            todo.extend(zip(a, b, strict=True))
        elif isinstance(a, bool) or isinstance(b, bool):
            if a is not b:
                return False
        elif a != b and not (a != a and b != b):
            return False
    return True


def same_arguments(gold: dict[str, Any], made: dict[str, Any]) -> bool:
    """``json_equal`` for two calls' arguments; faster for flat arguments."""
    if len(gold) != len(made):
        return False
    for key, value in gold.items():
        other = made.get(key, _MISSING)
        kind = type(value)
        if kind is type(other) and kind in ATOMS:
            if value != other:
                return False
        elif other is _MISSING or not json_equal(value, other):
            return False
    return True


def same_call(gold: ToolCall, made: ToolCall) -> bool:
    """Whether a call is the expected one: well-formed, of the same name, with arguments that are equal as JSON.

    The one rule for rewards, verdicts and suites: 1 equals 1.0, and neither equals True or "1".
    """
    return made.error is None and gold.name == made.name and same_arguments(gold.arguments, made.arguments)


# Verdicts ---------------------------------------------------------------------------------------


def as_expected(expected: Sequence[Sequence[ToolCall]], turns: Sequence[Turn], known: int = 0) -> Verdict:
    """Whether each turn made its expected calls, in any order, and nothing else. The first ``known`` turns did."""
    rest = zip_longest(expected[known:], turns[known:])
    for i, (wanted, turn) in enumerate(rest, known):
        wanted = wanted or ()
        calls = [] if turn is None else [record.call for record in turn.reward.calls]
        if turn is not None and turn.unfinished is not None and not wanted and not calls:
            return Verdict(False, f"turn {i + 1}: {UNFINISHED[turn.unfinished]}", turn.unfinished)
        if (wanted or calls) and not _same_calls(wanted, calls):
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
    if len(wanted) == 1:
        return same_call(wanted[0], made[0])
    left = list(wanted)
    for call in made:
        for i, other in enumerate(left):
            if same_call(other, call):
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


def grade(evidence: Evidence) -> Verdict:
    """The verdict on a single decision.

    If calls are expected, the action must make exactly these calls, in any order (``same_call``). The text beside them
    is not judged. If no call is expected, the action must not call, and must say something. The layout plays no part:
    the format reward judges it.

    Error types: "missing_call", "needless_call", "wrong_calls", "no_response", and the keys of UNFINISHED.
    """
    completion, expected = evidence.completion, evidence.expected
    calls = completion.calls
    if not expected:
        if calls:
            return Verdict(False, f"no call is expected, got {_names(calls)}", "needless_call")
        if completion.unfinished is not None:
            return no_decision(completion.unfinished)
        if not (completion.response or "").strip():
            return Verdict(False, "no call and no response", "no_response")
        return _PASSED
    if not calls:
        return Verdict(False, f"expected {_names(expected)}, got no call", "missing_call")
    match = evidence.match
    if match.exact:
        return _PASSED
    reasons = [score.reason for score in match.scores if score.reason]
    reasons += [f"missing call of {expected[i].name}" for i in match.missing]
    return Verdict(False, "; ".join(reasons)[:300], "wrong_calls")


def no_decision(unfinished: str) -> Verdict:
    """The verdict on an answer without a call that did not end by itself, if the right answer does not call."""
    return Verdict(False, f"{UNFINISHED[unfinished]}, so it did not decide against a call", unfinished)


def told_nothing(evidence: Evidence) -> Sequence[Term]:
    """A further term, so that reward and verdict agree: a point less if no call is expected, no call is made, and
    nothing is said either. The paper's format reward accepts an empty response."""
    completion = evidence.completion
    if evidence.expected or completion.calls or (completion.response or "").strip():
        return ()
    return (Term("answer", -1.0, 1.0, "no call is expected, and nothing is said"),)


def _names(calls: tuple[ToolCall, ...]) -> str:
    return ", ".join([call.name[:60] or "a malformed call" for call in calls[:5]]) + (", ..." if len(calls) > 5 else "")
