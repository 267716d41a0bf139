"""Problems with unknowns: algebra, equations, calculus."""

from __future__ import annotations

from fractions import Fraction

from .problem import Answer, Problem, Stages, at, call, derived, determinant, linear, number, polynomial, times
from .stream import Stream

_LETTERS = ("x", "y", "z", "t")
_EXPAND = (
    "Expand {e}.",
    "Multiply out: {e}",
    "Write {e} without parentheses.",
    "What is {e} when it is multiplied out?",
)
_FACTOR = (
    "Factor {e}.",
    "Write {e} as a product of linear factors.",
    "Find the factors of {e}.",
    "Bring {e} into factored form.",
)


def algebra(s: Stream, level: int) -> Problem:
    """Levels. 1: read a coefficient; 2: expand; 3: factor; 4: simplify a quotient; 5: expand, then insert a value."""
    stages: Stages
    x = s.pick(_LETTERS)
    if level == 1:
        a, b = s.between(2, 9), s.between(2, 9)
        text = s.pick(
            (
                "What is the coefficient of {x} in {e}?",
                "In {e}, by which number is {x} multiplied?",
                "Which number stands before {x} in {e}?",
            )
        )
        e = polynomial((a, b), x)
        return Problem(f"coefficient {e}", text.format(x=x, e=e), (), number(a))
    a, b, c = s.nonzero(12), s.nonzero(12), s.nonzero(9)
    if level == 2:
        k = s.between(2, 7)
        e = f"({polynomial((k, a), x)})*({polynomial((1, b), x)})"
        answer = Answer("expanded", polynomial(times((k, a), (1, b)), x))
        return Problem(e, s.pick(_EXPAND).format(e=e), ((call("expand", expression=e),),), answer)
    if level == 3:
        e = polynomial(times((1, -a), (1, -b)), x)
        answer = Answer("factored", f"{linear(a, x)}^2" if a == b else f"{linear(a, x)}*{linear(b, x)}")
        return Problem(e, s.pick(_FACTOR).format(e=e), ((call("factor", expression=e),),), answer)
    if level == 4:
        top = times(times((1, -a), (1, -b)), (c,))
        e = f"({polynomial(top, x)})/{linear(a, x)}"
        text = s.pick(
            (
                "Simplify {e}.",
                "Write {e} as simply as possible, for {x} not equal to {a}.",
                "Reduce the quotient {e}.",
                "Cancel what can be cancelled in {e}.",
            )
        )
        answer = Answer("simplified", polynomial((c, -c * b), x))
        return Problem(e, text.format(e=e, x=x, a=a), ((call("simplify", expression=e),),), answer)
    value = s.nonzero(15)
    product = times(times((1, -a), (1, -b)), (1, -c))
    e = "*".join([linear(root, x) for root in (a, b, c)])
    text = s.pick(
        (
            "Expand {e}; then give the value of the result at {x} = {v}.",
            "Multiply out {e}, and insert {x} = {v} into what you get. What is the value?",
            "Find the expanded form of {e}. What is it for {x} = {v}?",
        )
    )
    stages = (
        (call("expand", expression=e),),
        (call("substitute", expression=polynomial(product, x), variable=x, value=str(value)),),
    )
    return Problem(f"{e} at {value}", text.format(e=e, x=x, v=value), stages, number(at(product, value)))


_SOLVE = (
    "Solve {e} for {x}.",
    "For which {x} is {e}?",
    "Find all solutions of {e}.",
    "Which values of {x} satisfy {e}?",
)


def equations(s: Stream, level: int) -> Problem:
    """Levels. 1: one-digit; 2: linear; 3: quadratic; 4: two unknowns; 5: three unknowns, or computing with a root."""
    stages: Stages
    x = s.pick(_LETTERS)
    if level == 1:
        a, root = s.between(1, 8), s.between(1, 9)
        if a + root < 10:
            e = f"{x} + {a} = {a + root}"
        else:
            e, root = f"{a} + {x} = 9", 9 - a
        return Problem(e, s.pick(_SOLVE).format(e=e, x=x), (), Answer("solutions", f"{x} = {root}", (x,)))
    if level == 2:
        a, c = s.nonzero(15), s.nonzero(15)
        if a == c:
            c = -a
        b, d = s.nonzero(40), s.nonzero(40)
        e = f"{polynomial((a, b), x)} = {polynomial((c, d), x)}"
        answer = Answer("solutions", f"{x} = {Fraction(d - b, a - c)}", (x,))
        return Problem(e, s.pick(_SOLVE).format(e=e, x=x), ((call("solve", equations=[e], unknowns=[x]),),), answer)
    one, two = sorted((s.nonzero(15), s.nonzero(15)))
    if one == two:
        two += 16
    k = s.between(1, 4)
    e = f"{polynomial(times((k,), times((1, -one), (1, -two))), x)} = 0"
    if level == 3:
        answer = Answer("solutions", f"{x} = {one} or {x} = {two}", (x,))
        return Problem(e, s.pick(_SOLVE).format(e=e, x=x), ((call("solve", equations=[e], unknowns=[x]),),), answer)
    if level == 5 and s.chance(0.5):
        p, q = s.between(2, 5), s.between(10, 99)
        text = s.pick(
            (
                "Let r be the larger solution of {e}. What is r^{p} + {q}?",
                "Solve {e}, take the larger solution r, and work out r^{p} + {q}.",
                "What is r^{p} + {q}, where r is the larger of the two solutions of {e}?",
            )
        )
        base = f"({two})" if two < 0 else str(two)
        stages = (
            (call("solve", equations=[e], unknowns=[x]),),
            (call("calculate", expression=f"{base}^{p} + {q}"),),
        )
        return Problem(f"{e} ^{p}+{q}", text.format(e=e, p=p, q=q), stages, number(two**p + q))
    names = ("x", "y") if level == 4 else ("x", "y", "z")
    while True:
        rows = [[s.nonzero(9) for _ in names] for _ in names]
        if determinant(rows):
            break
    values = [s.between(-12, 12) for _ in names]
    system = []
    for row in rows:
        left = ""
        for value, name in zip(row, names, strict=True):
            term = polynomial((abs(value), 0), name)
            minus = value < 0
            left += f" {'-' if minus else '+'} {term}" if left else f"{'-' if minus else ''}{term}"
        system.append(f"{left} = {sum([a * b for a, b in zip(row, values, strict=True)])}")
    text = s.pick(
        (
            "Solve the system {e}.",
            "Find {n} such that {e}.",
            "Which values of {n} satisfy all of these: {e}?",
        )
    ).format(e="; ".join(system), n=", ".join(names[:-1]) + f" and {names[-1]}")
    shown = ", ".join([f"{name} = {value}" for name, value in zip(names, values, strict=True)])
    stages = ((call("solve", equations=system, unknowns=list(names)),),)
    return Problem("; ".join(system), text, stages, Answer("system", shown, names))


_DERIVE = (
    "Differentiate {e} with respect to {x}.",
    "What is the derivative of {e} with respect to {x}?",
    "Find d/d{x} of {e}.",
    "Give the first derivative of f({x}) = {e}.",
)


def calculus(s: Stream, level: int) -> Problem:
    """Levels. 1: constants; 2: derivatives; 3: integrals; 4: limits, products; 5: a derivative and its value."""
    stages: Stages
    x = s.pick(_LETTERS)
    if level == 1:
        c = s.between(1, 99)
        what, known = s.pick((("the constant {c}", 0), ("{x} + {c}", 1)))
        e = what.format(c=c, x=x)
        return Problem(f"derivative {e}", s.pick(_DERIVE[:3]).format(e=e, x=x), (), number(known))
    coefficients = (s.between(1, 9), s.nonzero(9), s.nonzero(20), s.nonzero(30))
    if level == 2:
        e = polynomial(coefficients, x)
        answer = Answer("expression", polynomial(derived(coefficients), x))
        stages = ((call("differentiate", expression=e, variable=x),),)
        return Problem(f"derivative {e}", s.pick(_DERIVE).format(e=e, x=x), stages, answer)
    if level == 3:
        e = polynomial(derived(coefficients), x)
        if s.chance(0.5):
            text = s.pick(
                (
                    "Integrate {e} with respect to {x}.",
                    "Find an antiderivative of {e} with respect to {x}.",
                    "What is the indefinite integral of {e} d{x}?",
                )
            )
            answer = Answer("antiderivative", polynomial((*coefficients[:-1], 0), x), (x,), e)
            stages = ((call("integrate", expression=e, variable=x),),)
            return Problem(f"integral {e}", text.format(e=e, x=x), stages, answer)
        low = s.between(-4, 4)
        high = low + s.between(1, 6)
        text = s.pick(
            (
                "What is the integral of {e} from {x} = {a} to {b}?",
                "Integrate {e} with respect to {x} from {a} to {b}.",
                "Find the definite integral of {e} d{x} between {a} and {b}.",
            )
        ).format(e=e, x=x, a=low, b=high)
        stages = ((call("integrate", expression=e, variable=x, lower=str(low), upper=str(high)),),)
        return Problem(
            f"integral {e} {low} {high}", text, stages, number(at(coefficients, high) - at(coefficients, low))
        )
    if level == 4 and s.chance(0.5):
        a, b = s.nonzero(15), s.nonzero(15)
        e = f"({polynomial(times((1, -a), (1, -b)), x)})/{linear(a, x)}"
        text = s.pick(
            (
                "What is the limit of {e} as {x} goes to {a}?",
                "Find the limit of {e} for {x} -> {a}.",
                "To which value does {e} tend when {x} approaches {a}?",
            )
        ).format(e=e, x=x, a=a)
        stages = ((call("limit", expression=e, variable=x, point=str(a)),),)
        return Problem(f"limit {e}", text, stages, number(a - b))
    if level == 4:
        k, n, function = s.between(2, 9), s.between(2, 5), s.pick(("sin", "cos", "exp"))
        slope = {"sin": "{k}*cos({k}*{x})", "cos": "(-{k}*sin({k}*{x}))", "exp": "{k}*exp({k}*{x})"}[function]
        e = f"{x}^{n}*{function}({k}*{x})"
        power = f"{x}^{n - 1}" if n > 2 else x
        value = f"{n}*{power}*{function}({k}*{x}) + {x}^{n}*{slope.format(k=k, x=x)}"
        stages = ((call("differentiate", expression=e, variable=x),),)
        return Problem(f"derivative {e}", s.pick(_DERIVE).format(e=e, x=x), stages, Answer("expression", value))
    e, slope_ = polynomial(coefficients, x), derived(coefficients)
    value_at = s.nonzero(9)
    text = s.pick(
        (
            "What is the slope of f({x}) = {e} at {x} = {v}? Find the derivative first.",
            "Differentiate {e}, and evaluate the derivative at {x} = {v}.",
            "Find f'({v}) for f({x}) = {e}, by way of f'({x}).",
        )
    ).format(e=e, x=x, v=value_at)
    stages = (
        (call("differentiate", expression=e, variable=x),),
        (call("substitute", expression=polynomial(slope_, x), variable=x, value=str(value_at)),),
    )
    return Problem(f"slope {e} {value_at}", text, stages, number(at(slope_, value_at)))
