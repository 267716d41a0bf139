"""The records of a problem (its text, the calls that solve it, its answer), and helpers to write mathematics."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any, Literal, TypeAlias

import msgspec

from toolgym.types import ToolCall

Form = Literal[
    "number", "expression", "expanded", "factored", "simplified", "antiderivative", "solutions", "system", "matrix",
    "integer factors", "yes or no",
]  # fmt: skip


Stages: TypeAlias = tuple[tuple[ToolCall, ...], ...]
"""Gold calls in stages: the calls of a stage are independent, and a later stage needs results of an earlier stage."""


class Answer(msgspec.Struct, frozen=True):
    """The correct answer and its form; grading.py describes how each form is judged."""

    form: Form
    text: str
    """The answer that gold gives."""
    names: tuple[str, ...] = ()
    """The unknowns, in order."""
    given: str = ""
    """For an antiderivative: the integrand."""
    unit: str = ""


class Problem(msgspec.Struct, frozen=True):
    """A generated problem."""

    key: str
    """Identifies the question independent of its wording; decides the split."""
    text: str
    stages: Stages
    answer: Answer


class Sheet(msgspec.Struct, frozen=True):
    """A problem with its category and level: a task's ``data``."""

    problem: Problem
    category: str
    level: int


def call(tool: str, **arguments: Any) -> ToolCall:
    return ToolCall(tool, arguments)


def number(value: Fraction | int) -> Answer:
    return Answer("number", str(Fraction(value)))


# Writing mathematics --------------------------------------------------------------------------------------


def polynomial(coefficients: Sequence[int], name: str = "x") -> str:
    """The polynomial as text, highest power first: (1, 0, -2) is "x^2 - 2"."""
    out = ""
    for i, value in enumerate(coefficients):
        power = len(coefficients) - 1 - i
        if not value:
            continue
        sign = ("-" if value < 0 else "") if not out else " - " if value < 0 else " + "
        size = abs(value)
        digits = str(size) if size != 1 or not power else ""
        letter = "" if not power else name if power == 1 else f"{name}^{power}"
        out += f"{sign}{digits}{'*' if digits and letter else ''}{letter}"
    return out or "0"


def times(first: Sequence[int], second: Sequence[int]) -> tuple[int, ...]:
    """The product of two polynomials."""
    out = [0] * (len(first) + len(second) - 1)
    for i, a in enumerate(first):
        for j, b in enumerate(second):
            out[i + j] += a * b
    return tuple(out)


def derived(coefficients: Sequence[int]) -> tuple[int, ...]:
    """The derivative of a polynomial."""
    top = len(coefficients) - 1
    return tuple([value * (top - i) for i, value in enumerate(coefficients[:-1])]) or (0,)


def at(coefficients: Sequence[int], x: Fraction | int) -> Fraction:
    """The value of a polynomial at ``x``."""
    total = Fraction(0)
    for value in coefficients:
        total = total * x + value
    return total


def linear(root: int, name: str = "x") -> str:
    """The linear factor with this root: "(x - 3)" for 3."""
    return f"({polynomial((1, -root), name)})"


def determinant(rows: Sequence[Sequence[int]]) -> int:
    """The determinant of a 2x2 or 3x3 matrix."""
    if len(rows) == 2:
        return rows[0][0] * rows[1][1] - rows[0][1] * rows[1][0]
    (a, b, c), (d, e, f), (g, h, i) = rows
    return a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)


def matrix_text(rows: Sequence[Sequence[Any]]) -> str:
    return "[" + ", ".join(["[" + ", ".join(map(str, row)) + "]" for row in rows]) + "]"
