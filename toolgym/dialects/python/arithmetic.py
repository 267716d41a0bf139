"""Arithmetic on Python literals, computed without ``eval`` and with a limit on the size of results."""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable
from typing import Any

BUDGET = 100_000
"""Bytes, roughly, that all results in one text may take; 9**9**9 and "a" * 10**9 exceed it."""
MAX_BITS = 14_000
"""The longest integer: Python refuses to print one of more than 4,300 digits."""

_BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.MatMult: operator.matmul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
    ast.LShift: operator.lshift,
    ast.RShift: operator.rshift,
    ast.BitOr: operator.or_,
    ast.BitAnd: operator.and_,
    ast.BitXor: operator.xor,
}
_UNARY: dict[type[ast.unaryop], Callable[[Any], Any]] = {
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
    ast.Not: operator.not_,
    ast.Invert: lambda value: operator.inv(int(value) if isinstance(value, bool) else value),
}
_WIDE_FORMAT = re.compile(r"%[^a-zA-Z%]*(?:\d{4}|\*)")


class Arithmetic:
    """Computes operations on literals. One instance per text: all its operations share one budget."""

    def __init__(self) -> None:
        self.left = BUDGET

    def value(self, node: ast.expr) -> Any:
        """The value of an expression made of literals and operators, as Python computes it.

        Raises ValueError for any other expression and for results that are too large. Errors of the operation
        itself (TypeError, ZeroDivisionError, ...) propagate.
        """
        if isinstance(node, ast.Constant):
            return node.value
        if isinstance(node, ast.BinOp):
            left, right = self.value(node.left), self.value(node.right)
            self._spend(_cost(node.op, left, right))  # before computing: 9**9**9 would never end
            return printable(_BINARY[type(node.op)](left, right))
        if isinstance(node, ast.UnaryOp):
            return _UNARY[type(node.op)](self.value(node.operand))
        if isinstance(node, ast.List):
            return [self.value(item) for item in node.elts]
        if isinstance(node, ast.Tuple):
            return tuple([self.value(item) for item in node.elts])
        if isinstance(node, ast.Set):
            return {self.value(item) for item in node.elts}
        if isinstance(node, ast.Dict):
            keys = [self.value(key) if key is not None else _refuse(node) for key in node.keys]
            return dict(zip(keys, [self.value(item) for item in node.values], strict=True))
        return _refuse(node)

    def _spend(self, cost: int) -> None:
        self.left -= cost
        if self.left < 0:
            raise ValueError("the result of an operation is too large")


def printable(value: Any) -> Any:
    """The value. Raises ValueError for an integer that Python refuses to print."""
    if type(value) is int and value.bit_length() > MAX_BITS:
        raise ValueError("an integer has more than 4,300 digits")
    return value


def _refuse(node: ast.expr) -> Any:
    raise ValueError(f"an operation may have only literals in it, not a {type(node).__name__}")


def _cost(op: ast.operator, left: Any, right: Any) -> int:
    """An upper bound of the size of the result, roughly in bytes."""
    if isinstance(op, ast.Pow) and isinstance(left, int) and isinstance(right, int):
        return 1 if -2 < left < 2 else left.bit_length() * max(right, 0) // 8 + 1
    if isinstance(op, ast.LShift) and isinstance(left, int) and isinstance(right, int):
        return left.bit_length() + max(right, 0) // 8
    if isinstance(op, ast.Mult):
        for one, other in ((left, right), (right, left)):
            if isinstance(other, int) and not isinstance(one, (int, float, complex)):
                return _size(one) * max(other, 1)
    if isinstance(op, ast.Mod) and isinstance(left, (str, bytes)):
        text = left if isinstance(left, str) else left.decode("latin-1")
        if len(text) > 1000 or _WIDE_FORMAT.search(text):  # "%9999d" % 1 would be wide
            return BUDGET + 1
    return _size(left) + _size(right)


def _size(value: Any) -> int:
    if isinstance(value, int):
        return value.bit_length() // 8 + 1
    if isinstance(value, (str, bytes)):
        return len(value) + 1
    if isinstance(value, dict):
        return 1 + sum([_size(key) + _size(item) for key, item in value.items()])
    if isinstance(value, (list, tuple, set)):
        return 1 + sum([_size(item) for item in value])
    return 1
