"""Whether a call has the same effect as a gold call, in whatever form it is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from toolgym.grading import json_equal, same_call
from toolgym.types import ToolCall, ToolResult

from .expression import ExpressionError, Node, canonical, parse
from .tools import TOOLS, Computing
from .worker import WorkerError


def same_maths(gold: ToolCall, made: ToolCall) -> bool:
    """Whether the call has the same tool and the same arguments: "2*x^2" equals "x**2 * 2", and "3" equals 3."""
    if same_call(gold, made):
        return True
    if made.error is not None or gold.name != made.name:
        return False
    mine, other = _given(made.arguments), _given(gold.arguments)
    return mine.keys() == other.keys() and all(_same(mine[key], other[key]) for key in other)


def same_effect(gold: ToolCall, made: ToolCall, result: ToolResult | None) -> bool:
    """Whether the call is the gold call, or returned the same result; the same yes or no is not enough.

    Raises WorkerError if the gold call's result could not be computed.
    """
    if result is None or result.error is not None:
        return False
    if same_maths(gold, made):
        return True
    if gold.name == "is_prime":
        return False
    computing = Computing()
    wanted = TOOLS[gold.name].run(gold.arguments, computing)
    if computing.failure is not None:
        raise WorkerError(computing.failure)
    return result == wanted


def _given(arguments: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in arguments.items() if value is not None}


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(_same, a, b))
    if type(a) in (int, float, str) and type(b) in (int, float, str):
        try:
            return bool(a == b) or _read(str(a)) == _read(str(b))
        except ValueError:  # an integer of thousands of digits has no text
            return False
    return json_equal(a, b)


def _read(text: str) -> Sequence[Node] | str | Fraction:
    try:
        return [canonical(parse(side)) for side in text.split("=")]
    except ExpressionError:
        return text.strip().casefold()
