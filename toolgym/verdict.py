"""The verdict of suites without one of their own: every turn made just the expected calls."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest

from toolgym.types import ToolCall, Turn, Verdict

_PASSED = Verdict(True)


def as_expected(expected: Sequence[Sequence[ToolCall]], turns: Sequence[Turn]) -> Verdict:
    """Whether each turn made its expected calls, in any order, and nothing else."""
    made = [[record.call for record in turn.reward.calls] for turn in turns]
    for i, (wanted, calls) in enumerate(zip_longest(expected, made, fillvalue=())):
        if not _same_calls(wanted, calls):
            return Verdict(False, f"turn {i + 1}: expected {_show(wanted)}, got {_show(calls)}")
    return _PASSED


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
