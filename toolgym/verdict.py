"""Verdicts: that of suites without one of their own, and how many of a run's were successes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import zip_longest

from toolgym.types import ToolCall, Trajectory, Turn, Verdict

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
