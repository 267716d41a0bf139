"""The official comparison of calls, and the counts behind the official metrics.

The rules are those of ``calculate_score_ToolLearning`` in the benchmark's repository (at ce753ec):

- An answer that cannot be read as a list of calls has the wrong format. None of its calls counts.
- A call is right if its tool is among the expected tools, however often it is called. So recall may exceed 1.
- Parameters are compared with those of the first expected call of the same tool. So in a row that calls one tool twice
  with different values, even the expected answer does not get all points.
- Two values are equal if ``str`` of both is the same text: "63" equals 63; 1 does not equal 1.0.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from toolgym.grading import json_equal
from toolgym.types import ToolCall


class Counts(msgspec.Struct, frozen=True):
    """What the metrics count in one answer."""

    tools_right: int = 0
    tools_called: int = 0
    tools_expected: int = 0
    params_right: int = 0
    params_given: int = 0
    params_expected: int = 0

    def __add__(self, other: Counts) -> Counts:
        mine, theirs = msgspec.structs.astuple(self), msgspec.structs.astuple(other)
        return Counts(*(a + b for a, b in zip(mine, theirs, strict=True)))


def readable(calls: Sequence[ToolCall]) -> bool:
    """Whether an answer has the right format: it has calls, and each could be read."""
    return bool(calls) and all(call.error is None for call in calls)


def count(gold: Sequence[ToolCall], calls: Sequence[ToolCall]) -> Counts:
    """The counts of one answer. Takes time linear in its calls."""
    expected = len(gold), sum([len(call.arguments) for call in gold])
    if not readable(calls):
        return Counts(tools_expected=expected[0], params_expected=expected[1])
    first: dict[str, ToolCall] = {}
    for call in gold:
        first.setdefault(call.name, call)
    tools = params = 0
    for call in calls:
        if call.name in first:
            tools += 1
            params += equal_values(first[call.name], call)
    given = sum([len(call.arguments) for call in calls])
    return Counts(tools, len(calls), expected[0], params, given, expected[1])


def equal_values(gold: ToolCall, made: ToolCall) -> int:
    """The number of parameters of ``made`` that have the expected value."""
    return sum([name in gold.arguments and same_value(gold.arguments[name], v) for name, v in made.arguments.items()])


def same_value(gold: Any, made: Any) -> bool:
    """Whether ``str`` of both values is the same text."""
    if isinstance(gold, str) and isinstance(made, str):
        return gold == made
    try:
        return str(gold) == str(made)
    except (RecursionError, ValueError):  # too deep, or an integer of more than 4,300 digits: no expected value is
        return False


def accepted(gold: Sequence[ToolCall], calls: Sequence[ToolCall]) -> tuple[ToolCall, ...]:
    """The expected calls, with values written as ``calls`` write them if the official comparison finds them equal.

    So rewards and verdict, which compare values as JSON, agree with the official comparison. An expected call takes
    over the values of the most similar call of its tool; no call is used twice. A value that is equal as JSON only
    (1 and 1.0) becomes text, which is equal to neither.
    """
    left = [call for call in calls if call.error is None]
    found = []
    for call in gold:
        alike = [(equal_values(call, each), -len(each.arguments), -i) for i, each in enumerate(left)
                 if each.name == call.name]  # fmt: skip
        if alike:
            call = _as_written(call, left.pop(-max(alike)[2]))
        found.append(call)
    return tuple(found)


def _as_written(gold: ToolCall, made: ToolCall) -> ToolCall:
    arguments = dict(gold.arguments)
    for name, value in gold.arguments.items():
        if name in made.arguments:
            written = made.arguments[name]
            if same_value(value, written):
                arguments[name] = written
            elif json_equal(value, written):
                arguments[name] = str(value)
    return ToolCall(gold.name, arguments)
