"""The operations: parsed expressions are converted to sympy, computed, and the results converted to text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import sympy
from sympy import S

from .expression import ExpressionError, Node, numeral, parse

MAX_RESULT = 2_000
"""Maximum characters of a result."""
MAX_SIDE = 8
"""Maximum rows or columns of a matrix, and equations or unknowns of a system."""

_FUNCTIONS: dict[str, Any] = {
    "sin": sympy.sin, "cos": sympy.cos, "tan": sympy.tan, "asin": sympy.asin, "acos": sympy.acos, "atan": sympy.atan,
    "sinh": sympy.sinh, "cosh": sympy.cosh, "tanh": sympy.tanh, "exp": sympy.exp, "ln": sympy.log, "log": sympy.log,
    "sqrt": sympy.sqrt, "abs": sympy.Abs, "floor": sympy.floor, "ceiling": sympy.ceiling, "factorial": sympy.factorial,
    "binomial": sympy.binomial, "gcd": sympy.gcd, "lcm": sympy.lcm,
}  # fmt: skip
_CONSTANTS: dict[str, Any] = {"pi": sympy.pi, "e": S.Exp1, "i": S.ImaginaryUnit, "oo": S.Infinity}


def to_sympy(node: Node) -> Any:
    """The sympy expression of a parsed tree. Raises ExpressionError for a division by zero."""
    kind = node[0]
    if kind == "num":
        return sympy.Rational(node[1].numerator, node[1].denominator)
    if kind == "name":
        return _CONSTANTS.get(node[1]) or sympy.Symbol(node[1])
    if kind == "neg":
        return -to_sympy(node[1])
    if kind == "inv":
        below = to_sympy(node[1])
        if below.is_zero:  # sympy would return zoo, a complex infinity
            raise ExpressionError("division by zero")
        return 1 / below
    if kind == "add":
        return sympy.Add(*map(to_sympy, node[1]))
    if kind == "mul":
        return sympy.Mul(*map(to_sympy, node[1]))
    if kind == "pow":
        return sympy.Pow(to_sympy(node[1]), to_sympy(node[2]))
    return _FUNCTIONS[node[1]](*map(to_sympy, node[2]))


def read(text: str) -> Any:
    """The sympy expression of a text. Never sympify: it would evaluate the text as code."""
    return to_sympy(parse(text))


def symbol(name: str) -> Any:
    """The sympy symbol of a variable's name. Raises ExpressionError if the name is not a variable."""
    node = parse(name)
    if node[0] != "name" or node[1] in _CONSTANTS:
        raise ExpressionError(f"{name[:20]!r} is not a variable: name a letter")
    return sympy.Symbol(node[1])


def show(value: Any) -> str:
    """A result as text that expression.parse reads. Raises ExpressionError if there is no closed, finite result."""
    if value.has(sympy.Integral, sympy.Limit, sympy.Derivative, sympy.Piecewise, sympy.RootSum, sympy.CRootOf):
        raise ExpressionError("there is no closed form to be found")
    if value.has(S.NaN, S.ComplexInfinity):
        raise ExpressionError("the result is not defined")
    text = str(sympy.sstr(value)).replace("**", "^").replace("Abs(", "abs(")
    if len(text) > MAX_RESULT:
        raise ExpressionError(f"the result has {len(text)} characters; at most {MAX_RESULT} are shown")
    return text


# Operations, by name: text in, text out ---------------------------------------------------------------


def calculate(expression: str) -> str:
    """The exact value, and decimals if it is not an integer: after "=" if they are exact, else after "≈".

    An expression with symbols is simplified.
    """
    value = sympy.nsimplify(read(expression)) if "." in expression else read(expression)
    if value.free_symbols:
        return show(sympy.simplify(value))
    exact = show(sympy.simplify(value)) if not value.is_Rational else show(value)
    if value.is_Integer or not value.is_number:
        return exact
    decimals = sympy.N(value, 10)
    ends = value.is_Rational and Fraction(str(decimals)) == Fraction(int(value.p), int(value.q))
    return f"{exact} {'=' if ends else '≈'} {decimals}"


def simplify(expression: str) -> str:
    return show(sympy.simplify(read(expression)))


def expand(expression: str) -> str:
    return show(sympy.expand(read(expression)))


def factor(expression: str) -> str:
    return show(sympy.factor(read(expression)))


def equation(text: str) -> Any:
    """The sympy expression that an equation sets to 0; a text without "=" is that expression."""
    left, equals, right = text.partition("=")
    if "=" in right:
        raise ExpressionError(f"{text[:40]!r} has more than one '='")
    return read(left) - read(right) if equals else read(left)


def solve(equations: Sequence[str], unknowns: Sequence[str]) -> str:
    if not 1 <= len(equations) <= MAX_SIDE or not 1 <= len(unknowns) <= MAX_SIDE:
        raise ExpressionError(f"between 1 and {MAX_SIDE} equations and unknowns")
    names = [symbol(name) for name in unknowns]
    found = sympy.solve([equation(text) for text in equations], names, dict=True)
    if not found:
        return "no solution"
    shown = []
    # sorted, because the order of sympy's solutions is not specified
    for each in sorted(found, key=lambda one: [sympy.default_sort_key(one.get(name, name)) for name in names]):
        shown.append(", ".join([f"{name} = {show(each[name])}" for name in names if name in each]))
    return " or ".join(shown)


def differentiate(expression: str, variable: str) -> str:
    return show(sympy.diff(read(expression), symbol(variable)))


def integrate(expression: str, variable: str, lower: str | None = None, upper: str | None = None) -> str:
    over = symbol(variable)
    if (lower is None) != (upper is None):
        raise ExpressionError("give both lower and upper, or neither")
    limits = over if lower is None or upper is None else (over, read(lower), read(upper))
    return show(sympy.integrate(read(expression), limits))


def limit(expression: str, variable: str, point: str) -> str:
    return show(sympy.limit(read(expression), symbol(variable), read(point)))


def substitute(expression: str, variable: str, value: str) -> str:
    return show(sympy.simplify(read(expression).subs(symbol(variable), read(value))))


def factor_integer(n: int) -> str:
    found = sympy.factorint(n)
    return " * ".join([f"{prime}^{power}" if power > 1 else str(prime) for prime, power in found.items()]) or "1"


def is_prime(n: int) -> str:
    return "yes" if sympy.isprime(n) else "no"


def _matrix(rows: Sequence[Sequence[str]]) -> Any:
    if not rows or not rows[0] or max(len(rows), *map(len, rows)) > MAX_SIDE or len(set(map(len, rows))) > 1:
        raise ExpressionError(f"a matrix has rows of equal length, at most {MAX_SIDE} by {MAX_SIDE}")
    return sympy.Matrix([[read(str(each)) for each in row] for row in rows])


def _square(rows: Sequence[Sequence[str]]) -> Any:
    matrix = _matrix(rows)
    if matrix.rows != matrix.cols:
        raise ExpressionError(f"the matrix is {matrix.rows} by {matrix.cols}, and not square")
    return matrix


def _shown(matrix: Any) -> str:
    return "[" + ", ".join(["[" + ", ".join(map(show, row)) + "]" for row in matrix.tolist()]) + "]"


def determinant(matrix: Sequence[Sequence[str]]) -> str:
    return show(sympy.expand(_square(matrix).det()))


def inverse(matrix: Sequence[Sequence[str]]) -> str:
    square = _square(matrix)
    if sympy.simplify(square.det()) == 0:
        raise ExpressionError("the determinant is 0: there is no inverse")
    return _shown(square.inv())


def multiply_matrices(left: Sequence[Sequence[str]], right: Sequence[Sequence[str]]) -> str:
    first, second = _matrix(left), _matrix(right)
    if first.cols != second.rows:
        raise ExpressionError(f"{first.cols} columns on the left do not go with {second.rows} rows on the right")
    return _shown((first * second).applyfunc(sympy.expand))


def equivalent(first: str, second: str) -> str:
    """ "yes" or "no": whether two expressions are equal. A non-integer number ``first`` may be off by 1 in 2,000."""
    return "yes" if _same(read(first), read(second), numeral(parse(first))) else "no"


def antiderivative(first: str, expression: str, variable: str) -> str:
    """ "yes" or "no": whether the derivative of ``first`` equals ``expression``."""
    return "yes" if _same(sympy.diff(read(first), symbol(variable)), read(expression), None) else "no"


def _same(a: Any, b: Any, decimal: Fraction | None) -> bool:
    # from cheap to expensive: structure, expansion, values at points, and simplify only in the end
    if a == b:
        return True
    difference = sympy.expand(a - b)
    if difference == 0:
        return True
    if decimal is not None and decimal.denominator > 1 and not b.free_symbols:
        gap, size = abs(sympy.N(difference, 30)), abs(sympy.N(b, 30))
        return bool(gap.is_finite and gap <= size * sympy.Rational(1, 2_000))
    names = sorted(difference.free_symbols, key=str)
    if len(names) > 6:
        return False
    seen = 0
    for at in range(8):  # different functions differ at nearly every point, so a few points decide
        values = {name: sympy.Rational(7 * at + 3 * i + 2, 5 + at + i) for i, name in enumerate(names)}
        value, size = sympy.N(difference.subs(values), 30), sympy.N(b.subs(values), 30)
        if not (value.is_number and value.is_finite and size.is_finite):  # a pole, or outside the domain
            continue
        if abs(value) > 1e-12 * (1 + abs(size)):
            return False
        seen += 1
    # equal at 4 points (a constant needs 1) counts as equal; with fewer usable points, sympy must prove it
    return seen >= (1 if not names else 4) or sympy.simplify(difference) == 0


OPERATIONS: dict[str, Callable[..., str]] = {
    function.__name__: function
    for function in (
        calculate, simplify, expand, factor, solve, differentiate, integrate, limit, substitute, factor_integer,
        is_prime, determinant, inverse, multiply_matrices, equivalent, antiderivative,
    )
}  # fmt: skip
