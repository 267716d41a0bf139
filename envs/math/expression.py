"""A small parser for mathematical text, so that model output is never evaluated as code.

    expression  numbers, names, + - * / ^ **, ( ), !, function calls; "2x", "3(x + 1)" and ")(" multiply
    names       a letter with or without digits (x, y2); pi, e, i, oo; the functions of FUNCTIONS

The result is a tree of tuples: ("num", Fraction), ("name", str), ("neg" | "inv", a), ("add" | "mul", parts),
("pow", a, b), ("call", function, arguments). Parsing time is linear in the text. Refused: text over 2,000 characters,
nesting over 40, numbers over 60 digits, exponents and factorials over 1,000, constants over 20,000 bits.
"""

from __future__ import annotations

import re
from fractions import Fraction
from math import lgamma, log2
from typing import Any, TypeAlias

Node: TypeAlias = tuple[Any, ...]

MAX_TEXT = 2_000
MAX_DEPTH = 40
MAX_DIGITS = 60
MAX_EXPONENT = 1_000
MAX_BITS = 20_000

FUNCTIONS = {
    **dict.fromkeys(["sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "exp", "ln", "sqrt"], (1, 1)),
    **dict.fromkeys(["abs", "floor", "ceiling", "factorial"], (1, 1)),
    "log": (1, 2),
    "binomial": (2, 2),
    "gcd": (2, 8),
    "lcm": (2, 8),
}
"""Name -> least and most arguments. log is natural, unless its second argument is a base."""
_OTHER_NAMES = {"arcsin": "asin", "arccos": "acos", "arctan": "atan", "Abs": "abs", "ceil": "ceiling"}
CONSTANTS = {"pi": "pi", "π": "pi", "e": "e", "E": "e", "i": "i", "I": "i", "oo": "oo", "inf": "oo", "infinity": "oo"}
CONSTANTS |= {"∞": "oo"}

_TOKEN = re.compile(
    r"\s*(?:(?P<num>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,2}(?![\w.]))?)"
    r"|(?P<name>[^\W\d_]+_?\d*|∞)|(?P<op>\*\*|[-+*/^()!,]))"
)
_SAME = str.maketrans({"−": "-", "–": "-", "·": "*", "×": "*", "⋅": "*", "÷": "/", "²": "^2", "³": "^3"})
_SYMBOL = re.compile(r"[^\W\d_]_?\d{0,2}")


class ExpressionError(ValueError):
    """The text is not an expression, or the expression is too large."""


def parse(text: str) -> Node:
    """The tree of an expression. Raises ExpressionError with the reason."""
    if len(text) > MAX_TEXT:
        raise ExpressionError(f"the expression has {len(text)} characters; at most {MAX_TEXT} are read")
    reader = _Reader(_tokens(text.translate(_SAME)))
    node = reader.sum(0)
    if reader.at < len(reader.tokens):
        raise ExpressionError(f"unexpected {reader.tokens[reader.at][1]!r}")
    bits(node)  # refuses 9^9^9 before anything computes it
    return node


def _tokens(text: str) -> list[tuple[str, str]]:
    found, at, end = [], 0, len(text.rstrip())
    while at < end:
        match = _TOKEN.match(text, at)
        if match is None:
            raise ExpressionError(f"unexpected {text[at : at + 10].strip()!r}")
        found.append((str(match.lastgroup), match[str(match.lastgroup)]))
        at = match.end()
    if not found:
        raise ExpressionError("the expression is empty")
    return found


class _Reader:
    """A recursive descent parser: one method per level of precedence. ``depth``: open parentheses and exponents."""

    def __init__(self, tokens: list[tuple[str, str]]):
        self.tokens = tokens
        self.at = 0

    def peek(self) -> str:
        """The next token: an operator as it is, "num" for a number, "name" for a name, "" at the end."""
        if self.at >= len(self.tokens):
            return ""
        kind, text = self.tokens[self.at]
        return text if kind == "op" else kind

    def take(self, wanted: str) -> str:
        found = self.peek()
        if found != wanted:
            got = repr(self.tokens[self.at][1]) if found else "the end"
            raise ExpressionError(f"expected {wanted!r}, found {got}")
        self.at += 1
        return self.tokens[self.at - 1][1]

    def sum(self, depth: int) -> Node:
        if depth > MAX_DEPTH:
            raise ExpressionError(f"nested more than {MAX_DEPTH} deep")
        terms = [self.product(depth)]
        while (op := self.peek()) in ("+", "-"):
            self.at += 1
            term = self.product(depth)
            terms.append(term if op == "+" else ("neg", term))
        return terms[0] if len(terms) == 1 else ("add", tuple(terms))

    def product(self, depth: int) -> Node:
        factors = [self.signed(depth)]
        while True:
            op = self.peek()
            if op == "*":
                self.at += 1
                factors.append(self.signed(depth))
            elif op == "/":
                self.at += 1
                factors.append(("inv", self.signed(depth)))
            # Implicit products. Of numbers only one after ")" counts, so "2 3" is an error.
            elif op in ("name", "(") or (op == "num" and self.tokens[self.at - 1][1] == ")"):
                factors.append(self.power(depth))  # "2x", "3(x + 1)"
            else:
                return factors[0] if len(factors) == 1 else ("mul", tuple(factors))

    def signed(self, depth: int) -> Node:
        # A loop, so that a long row of signs is not deep nesting. -x^2 is -(x^2): the sign binds after the power.
        negative = False
        while (op := self.peek()) in ("+", "-"):
            self.at += 1
            negative ^= op == "-"
        node = self.power(depth)
        return ("neg", node) if negative else node

    def power(self, depth: int) -> Node:
        node = self.atom(depth)
        if self.peek() == "!":  # only one "!": "5!!" is the double factorial, not (5!)!
            self.at += 1
            node = ("call", "factorial", (node,))
        if self.peek() in ("^", "**"):
            self.at += 1
            if depth >= MAX_DEPTH:
                raise ExpressionError(f"nested more than {MAX_DEPTH} deep")
            negative = False
            while (op := self.peek()) in ("+", "-"):
                self.at += 1
                negative ^= op == "-"
            exponent = self.power(depth + 1)  # right-associative: 2^3^2 is 2^(3^2)
            node = ("pow", node, ("neg", exponent) if negative else exponent)
        return node

    def atom(self, depth: int) -> Node:
        kind = self.peek()
        if kind == "num":
            return ("num", _number(self.take("num")))
        if kind == "(":
            self.at += 1
            node = self.sum(depth + 1)
            self.take(")")
            return node
        if kind != "name":
            raise ExpressionError(f"expected a number or a name, found {repr(kind) if kind else 'the end'}")
        name = self.take("name")
        function = _OTHER_NAMES.get(name, name)
        if function in FUNCTIONS:
            return self.call(function, depth)
        if name in CONSTANTS:
            return ("name", CONSTANTS[name])
        if _SYMBOL.fullmatch(name):
            return ("name", name)
        raise ExpressionError(f"unknown name {name[:20]!r}: symbols are single letters, and x*y is a product")

    def call(self, function: str, depth: int) -> Node:
        self.take("(")
        arguments = [self.sum(depth + 1)]
        while self.peek() == ",":
            self.at += 1
            arguments.append(self.sum(depth + 1))
        self.take(")")
        least, most = FUNCTIONS[function]
        if not least <= len(arguments) <= most:
            raise ExpressionError(f"{function} takes {least} to {most} arguments, got {len(arguments)}")
        return ("call", function, tuple(arguments))


def _number(text: str) -> Fraction:
    if sum(map(str.isdigit, text)) > MAX_DIGITS:
        raise ExpressionError(f"a number has more than {MAX_DIGITS} digits")
    return Fraction(text.rstrip(".") if text.endswith(".") else text)


def bits(node: Node) -> float | None:
    """Upper bound on the number of bits of a constant expression; None if it contains a symbol.

    The bound comes from the sizes of the parts, without computing the value. Raises ExpressionError if an exponent, a
    factorial or the bound is too large, so 9^9^9^9 is refused.
    """
    kind = node[0]
    if kind == "num":
        return float(node[1].numerator.bit_length() + node[1].denominator.bit_length())
    if kind == "name":
        return 2.0 if node[1] in ("pi", "e", "i") else None
    if kind in ("neg", "inv"):
        return bits(node[1])
    if kind in ("add", "mul"):
        sizes = [bits(each) for each in node[1]]
        known = [size for size in sizes if size is not None]
        _check(sum(known))  # constants count also if another part is a symbol
        return None if len(known) < len(sizes) else sum(known) + 1
    if kind == "pow":
        base, exponent = bits(node[1]), bits(node[2])
        if exponent is None:
            return None
        value = value_of(node[2])
        if value is not None and abs(value) > MAX_EXPONENT:
            raise ExpressionError(f"an exponent over {MAX_EXPONENT}")
        if value is None and exponent > log2(MAX_EXPONENT):  # value unknown, e.g. sqrt(2): go by its bits
            raise ExpressionError("an exponent that may be large")
        if base is None:
            return None
        return _check(base * (abs(float(value)) if value is not None else 2.0**exponent))
    sizes = [bits(each) for each in node[2]]
    if node[1] in ("factorial", "binomial"):
        for argument in node[2]:
            value = value_of(argument)
            if value is None or abs(value) > MAX_EXPONENT:
                raise ExpressionError(f"{node[1]} is for numbers up to {MAX_EXPONENT}")
        # bits of n!: ln(n!) / ln 2, rounded up; a binomial of n is at most n!
        return _check(lgamma(float(abs(value_of(node[2][0]) or 0)) + 1) / 0.69)
    return None if None in sizes else _check(sum([size or 0.0 for size in sizes]) + 1)


def _check(size: float) -> float:
    if size > MAX_BITS:
        raise ExpressionError("a number in it would be too large")
    return size


def value_of(node: Node) -> Fraction | None:
    """The exact value if the expression has only numbers and + - * /; else None, also for a division by zero."""
    kind = node[0]
    if kind == "num":
        return Fraction(node[1])
    if kind == "neg":
        inner = value_of(node[1])
        return None if inner is None else -inner
    if kind == "inv":
        inner = value_of(node[1])
        return None if not inner else 1 / inner
    if kind in ("add", "mul"):
        total = Fraction(kind == "mul")
        for each in node[1]:
            value = value_of(each)
            if value is None:
                return None
            total = total + value if kind == "add" else total * value
        return total
    return None


def numeral(node: Node) -> Fraction | None:
    """The value if the text is a single number: an integer, decimal or fraction, perhaps with a sign; else None."""
    if node[0] == "neg":
        inner = numeral(node[1])
        return None if inner is None else -inner
    if node[0] == "num":
        return Fraction(node[1])
    if node[0] == "mul" and len(node[1]) == 2 and node[1][1][0] == "inv":
        top, bottom = node[1]
        if bottom[1][0] == "num" and numeral(top) is not None:
            return value_of(node)
    return None


def canonical(node: Node) -> Node:
    """A normal form: texts that differ only in spaces, order of terms and factors, or ^ and ** get the same tree."""
    kind = node[0]
    if kind in ("num", "name"):
        return node
    if kind == "neg":
        inner = canonical(node[1])
        return ("num", -inner[1]) if inner[0] == "num" else inner[1] if inner[0] == "neg" else ("neg", inner)
    if kind == "inv":
        return ("inv", canonical(node[1]))
    if kind in ("add", "mul"):
        return (kind, tuple(sorted(map(canonical, node[1]), key=repr)))  # repr: nodes of mixed types do not compare
    if kind == "pow":
        return ("pow", canonical(node[1]), canonical(node[2]))
    return ("call", node[1], tuple(map(canonical, node[2])))
