"""Problems with matrices and with units."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from toolgym.types import ToolCall

from .problem import Answer, Problem, Stages, call, determinant, matrix_text, number
from .stream import Stream
from .units import UNITS, convert, decimal, exact


def linear_algebra(s: Stream, level: int) -> Problem:
    """Levels. 1: one-digit vectors; 2: 2x2 determinants; 3: 3x3, products; 4: inverses; 5: a product's determinant."""
    stages: Stages
    if level == 1:
        a, b = [s.between(1, 4) for _ in range(2)], [s.between(1, 5) for _ in range(2)]
        text = s.pick(
            (
                "Add the vectors {a} and {b}.",
                "What is {a} + {b}, as a vector?",
                "Find the sum of the vectors {a} and {b}.",
            )
        ).format(a=a, b=b)
        shown = matrix_text([[x + y for x, y in zip(a, b, strict=True)]])
        return Problem(f"vectors {a} {b}", text, (), Answer("matrix", shown))
    first, second = _matrix(s, 2), _matrix(s, 2)
    if level == 2 or (level == 3 and s.chance(0.5)):
        matrix = first if level == 2 else _matrix(s, 3)
        text = s.pick(
            (
                "What is the determinant of {m}?",
                "Find the determinant of the matrix {m}.",
                "Compute det {m}.",
                "Give the determinant of the matrix with the rows {m}.",
            )
        ).format(m=matrix_text(matrix))
        stages = ((call("determinant", matrix=matrix),),)
        return Problem(f"det {matrix}", text, stages, number(determinant(matrix)))
    if level == 3:
        text = s.pick(
            (
                "Multiply the matrices {a} and {b}, in this order.",
                "What is the matrix product {a} times {b}?",
                "With A = {a} and B = {b}, what is A*B?",
            )
        ).format(a=matrix_text(first), b=matrix_text(second))
        stages = ((call("multiply_matrices", left=first, right=second),),)
        return Problem(f"{first}*{second}", text, stages, Answer("matrix", matrix_text(_product(first, second))))
    if level == 4:
        while not (d := determinant(first)):
            first = _matrix(s, 2)
        (p, q), (r, t) = first
        inverse = [[Fraction(t, d), Fraction(-q, d)], [Fraction(-r, d), Fraction(p, d)]]
        text = s.pick(
            (
                "What is the inverse of the matrix {m}? Use exact fractions.",
                "Invert the matrix {m}, exactly.",
                "Find the matrix M with M * {m} = [[1, 0], [0, 1]], with exact fractions.",
            )
        ).format(m=matrix_text(first))
        stages = ((call("inverse", matrix=first),),)
        return Problem(f"inverse {first}", text, stages, Answer("matrix", matrix_text(inverse)))
    product = _product(first, second)
    text = s.pick(
        (
            "Multiply {a} by {b}, and give the determinant of the product.",
            "Let A = {a} and B = {b}. Compute A*B; what is its determinant?",
            "Find the matrix product of {a} and {b}. What is the determinant of what you get?",
        )
    ).format(a=matrix_text(first), b=matrix_text(second))
    stages = (
        (call("multiply_matrices", left=first, right=second),),
        (call("determinant", matrix=product),),
    )
    return Problem(f"det {first}*{second}", text, stages, number(determinant(product)))


def _matrix(s: Stream, side: int) -> list[list[int]]:
    return [[s.nonzero(9) for _ in range(side)] for _ in range(side)]


def _product(first: Sequence[Sequence[int]], second: Sequence[Sequence[int]]) -> list[list[int]]:
    return [
        [sum([a * b for a, b in zip(row, column, strict=True)]) for column in zip(*second, strict=True)]
        for row in first
    ]


_KNOWN = (
    ("minutes", "hour", 60), ("seconds", "minute", 60), ("hours", "day", 24), ("days", "week", 7),
    ("months", "year", 12), ("metres", "kilometre", 1000), ("centimetres", "metre", 100),
    ("millimetres", "centimetre", 10), ("grams", "kilogram", 1000), ("millilitres", "litre", 1000),
    ("cents", "euro", 100), ("years", "century", 100), ("years", "decade", 10), ("degrees", "right angle", 90),
    ("items", "dozen", 12), ("kilograms", "tonne", 1000), ("sides", "hexagon", 6), ("corners", "cube", 8),
    ("faces", "cube", 6), ("sides", "pentagon", 5), ("sides", "octagon", 8), ("letters", "English alphabet", 26),
    ("strings", "violin", 4), ("players", "football team on the field", 11),
)  # fmt: skip
_PLAIN = ("length", "mass", "volume", "area", "energy")
_COMPARED = ("length", "mass", "volume", "area", "energy", "time", "speed")
_CONVERT = (
    "How many {b} are {v} {a}?",
    "Convert {v} {a} to {b}.",
    "Express {v} {a} in {b}.",
    "What are {v} {a} in {b}?",
)


def units(s: Stream, level: int) -> Problem:
    """Levels. 1: common knowledge; 2: conversions; 3: temperatures, speeds; 4: a sum of two; 5: a quotient of two."""
    stages: Stages
    if level == 1 and s.chance(0.5):
        kind = s.pick(_COMPARED)
        a, b = s.sample([name for name in UNITS if UNITS[name].kind == kind], 2)
        text = s.pick(
            (
                "Are {n} {a} more than {n} {b}? Answer yes or no.",
                "Yes or no: are {n} {a} more than {n} {b}?",
                "Would {n} {a} be more than {n} {b}? Yes or no.",
            )
        ).format(n=s.between(2, 9), a=a, b=b)
        return Problem(f"more {a} {b}", text, (), Answer("yes or no", "yes" if UNITS[a].size > UNITS[b].size else "no"))
    if level == 1:
        many, thing, count = s.pick(_KNOWN)
        an = "an" if thing[0] in "aeiouh" and thing not in ("euro", "hexagon") else "a"
        text = s.pick(
            (
                "How many {m} does {n} {o} have?",
                "What is the number of {m} in {n} {o}?",
                "{n} {o} has how many {m}?",
                "How many {m} are there in {n} {o}?",
            )
        ).format(m=many, n="the" if thing[0].isupper() else an, o=thing)
        return Problem(f"known {many} {thing}", text[0].upper() + text[1:], (), number(count))
    if level in (2, 3):
        kind = s.pick(_PLAIN) if level == 2 else s.pick(("temperature", "speed"))
        a, b = s.sample([name for name in UNITS if UNITS[name].kind == kind], 2)
        v = Fraction(s.between(12, 9999), s.pick((1, 1, 10)))
        text = s.pick(_CONVERT).format(v=decimal(v), a=a, b=b)
        return Problem(f"{v} {a} {b}", text, ((_call(v, a, b),),), _measure(convert(v, a, b), b))
    if level == 4:
        kind = s.pick(_PLAIN)
        a, b, to = s.sample([name for name in UNITS if UNITS[name].kind == kind], 3)
        v, w = Fraction(s.between(12, 999)), Fraction(s.between(12, 999))
        one, two = convert(v, a, to), convert(w, b, to)
        text = s.pick(
            (
                "How many {t} are {v} {a} and {w} {b} together?",
                "Convert {v} {a} and {w} {b} to {t}, and add them up.",
                "What is the sum of {v} {a} and {w} {b}, in {t}?",
            )
        ).format(t=to, v=v, a=a, w=w, b=b)
        stages = ((_call(v, a, to), _call(w, b, to)), (call("calculate", expression=f"{exact(one)} + {exact(two)}"),))
        return Problem(f"{v} {a} {w} {b} {to}", text, stages, _measure(one + two, to))
    a, to = s.sample(("kilometres", "miles", "metres", "feet", "yards", "nautical miles"), 2)
    v, w = Fraction(s.between(12, 999)), Fraction(s.between(7, 900))
    time, per = s.sample(("minutes", "hours", "seconds", "days"), 2)
    one, two = convert(v, a, to), convert(w, time, per)
    text = s.pick(
        (
            "Someone covers {v} {a} in {w} {time}. What is the average speed in {t} per {p}? Convert both first.",
            "{v} {a} take {w} {time}. Convert the way to {t} and the time to {p}: how many {t} per {p} is that?",
            "A thing moves {v} {a} in {w} {time}. Find the way in {t}, the time in {p}, and then {t} per {p}.",
        )
    ).format(v=v, a=a, w=w, time=time, t=to, p=per[:-1])
    stages = (
        (_call(v, a, to), _call(w, time, per)),
        (call("calculate", expression=f"({exact(one)})/({exact(two)})"),),
    )
    return Problem(f"{v} {a} {w} {time} {to} {per}", text, stages, number(one / two))


def _call(value: Fraction, a: str, b: str) -> ToolCall:
    number_ = int(value) if value.denominator == 1 else float(value)
    return call("convert", value=number_, from_unit=a, to_unit=b)


def _measure(value: Fraction, unit: str) -> Answer:
    return Answer("number", str(value), unit=unit)
