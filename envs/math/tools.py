"""The tools. Operations that need sympy run in the worker; the others are small enough to run in this process.

The docstrings of the tools are their descriptions: the model reads them, so they are part of the tasks.
"""

from __future__ import annotations

from fractions import Fraction
from math import comb, perm
from typing import Any

from toolgym.tools import Tool, tool, tools_of

from .units import convert as converted
from .units import exact
from .worker import Budget, ComputeError, WorkerError, workers

MOST_INTEGER = 10**60
MOST_COUNTED = 2_000
MOST_SLOW = 3
"""Maximum actions of an episode whose steps may run out; then no more calls are computed with sympy."""


class Computing:
    """The state of an episode.

    Attributes:
        failure: why there was no result for a reason outside the policy; None if there was none.
        slow: number of actions so far whose steps ran out.
        budget: the steps that are left for the calls of the current action.
    """

    def __init__(self) -> None:
        self.failure: str | None = None
        self.slow = 0
        self.budget = Budget()

    def end_action(self) -> None:
        """Note whether the action's steps ran out, and give the next action its own."""
        self.slow += self.budget.left <= 0
        self.budget = Budget()

    def _run(self, operation: str, **arguments: Any) -> str:
        if self.slow >= MOST_SLOW:
            raise ComputeError(f"the calls of {MOST_SLOW} answers have taken too long; no others are run")
        try:
            return workers.run(operation, arguments, self.budget)
        except WorkerError as error:
            self.failure = str(error)
            raise

    @tool(timeout=None, reads=True)
    def calculate(self, expression: str) -> str:
        """Compute the exact value of an expression, with decimals where it is no integer.

        Args:
            expression: Numbers with + - * / ^ ( ), and sqrt, gcd, lcm, factorial, binomial, sin, log, ...
        """
        return self._run("calculate", expression=expression)

    @tool(timeout=None, reads=True)
    def simplify(self, expression: str) -> str:
        """Simplify an expression, cancelling common factors.

        Args:
            expression: With letters for unknowns, such as (x^2 - 1)/(x - 1).
        """
        return self._run("simplify", expression=expression)

    @tool(timeout=None, reads=True)
    def expand(self, expression: str) -> str:
        """Multiply out an expression.

        Args:
            expression: A product or power, such as (x + 1)*(x - 2).
        """
        return self._run("expand", expression=expression)

    @tool(timeout=None, reads=True)
    def factor(self, expression: str) -> str:
        """Write a polynomial as a product.

        Args:
            expression: A polynomial, such as x^2 - 1.
        """
        return self._run("factor", expression=expression)

    @tool(timeout=None, reads=True)
    def substitute(self, expression: str, variable: str, value: str) -> str:
        """Insert a value for a variable, and simplify.

        Args:
            expression: Where to insert it.
            variable: The letter that is replaced.
            value: What it is replaced by: a number or an expression.
        """
        return self._run("substitute", expression=expression, variable=variable, value=value)

    @tool(timeout=None, reads=True)
    def solve(self, equations: list[str], unknowns: list[str]) -> str:
        """Solve an equation or a system of equations exactly.

        Args:
            equations: One or several, such as "x^2 = 4".
            unknowns: The letters to solve for.
        """
        return self._run("solve", equations=equations, unknowns=unknowns)

    @tool(timeout=None, reads=True)
    def differentiate(self, expression: str, variable: str) -> str:
        """Find the derivative of an expression.

        Args:
            expression: What to differentiate.
            variable: With respect to which letter.
        """
        return self._run("differentiate", expression=expression, variable=variable)

    @tool(timeout=None, reads=True)
    def integrate(self, expression: str, variable: str, lower: str | None = None, upper: str | None = None) -> str:
        """Find an antiderivative, or with both bounds the definite integral.

        Args:
            expression: What to integrate.
            variable: Over which letter.
            lower: The lower bound.
            upper: The upper bound.
        """
        return self._run("integrate", expression=expression, variable=variable, lower=lower, upper=upper)

    @tool(timeout=None, reads=True)
    def limit(self, expression: str, variable: str, point: str) -> str:
        """Find a limit.

        Args:
            expression: Of what.
            variable: The letter that approaches the point.
            point: A number, or oo for infinity.
        """
        return self._run("limit", expression=expression, variable=variable, point=point)

    @tool(timeout=None, reads=True)
    def factor_integer(self, n: int) -> str:
        """Find the prime factors of a positive integer.

        Args:
            n: The integer.
        """
        if not 1 <= n <= MOST_INTEGER:
            raise ValueError("n must be from 1 to 10^60")
        return self._run("factor_integer", n=n)

    @tool(timeout=None, reads=True)
    def is_prime(self, n: int) -> str:
        """Say whether an integer is prime: yes or no.

        Args:
            n: The integer.
        """
        if abs(n) > MOST_INTEGER:
            raise ValueError("n must be at most 10^60")
        return self._run("is_prime", n=n)

    @tool(timeout=None, reads=True)
    def determinant(self, matrix: list[list[int | float | str]]) -> str:
        """Compute the determinant of a square matrix.

        Args:
            matrix: Its rows.
        """
        return self._run("determinant", matrix=matrix)

    @tool(timeout=None, reads=True)
    def inverse(self, matrix: list[list[int | float | str]]) -> str:
        """Compute the inverse of a square matrix, exactly.

        Args:
            matrix: Its rows.
        """
        return self._run("inverse", matrix=matrix)

    @tool(timeout=None, reads=True)
    def multiply_matrices(self, left: list[list[int | float | str]], right: list[list[int | float | str]]) -> str:
        """Multiply two matrices.

        Args:
            left: The rows of the first.
            right: The rows of the second.
        """
        return self._run("multiply_matrices", left=left, right=right)

    @tool(timeout=None, reads=True)
    def power_mod(self, base: int, exponent: int, modulus: int) -> int:
        """Compute the remainder of base^exponent divided by modulus.

        Args:
            base: An integer.
            exponent: Not negative.
            modulus: Positive.
        """
        if not (abs(base) <= MOST_INTEGER and 0 <= exponent <= MOST_INTEGER and 1 <= modulus <= MOST_INTEGER):
            raise ValueError("exponent must be at least 0, modulus at least 1, and all at most 10^60")
        return pow(base, exponent, modulus)

    @tool(timeout=None, reads=True)
    def choose(self, n: int, k: int) -> int:
        """Count the ways to choose k of n things where order does not matter.

        Args:
            n: How many there are.
            k: How many are chosen.
        """
        return comb(*_counts(n, k))

    @tool(timeout=None, reads=True)
    def arrange(self, n: int, k: int) -> int:
        """Count the ways to choose k of n things one after the other, where order matters.

        Args:
            n: How many there are.
            k: How many are chosen.
        """
        return perm(*_counts(n, k))

    @tool(timeout=None, reads=True)
    def convert(self, value: int | float, from_unit: str, to_unit: str) -> str:
        """Convert a measurement to another unit, exactly.

        Args:
            value: How much.
            from_unit: Its unit, such as kilometres, pounds, litres, hours, degrees Celsius, miles per hour.
            to_unit: The unit wanted.
        """
        if abs(value) > MOST_INTEGER:
            raise ValueError("value must be at most 10^60")
        found = converted(Fraction(str(value)), from_unit, to_unit)
        shown = exact(found)
        return f"{shown} {to_unit} ≈ {float(found):.10g}" if "/" in shown else f"{shown} {to_unit}"


def _counts(n: int, k: int) -> tuple[int, int]:
    if not 0 <= k <= n <= MOST_COUNTED:
        raise ValueError(f"0 <= k <= n <= {MOST_COUNTED} must hold")
    return n, k


TOOLS: dict[str, Tool] = {each.name: each for each in tools_of(Computing)}
"""Every tool, by name."""
