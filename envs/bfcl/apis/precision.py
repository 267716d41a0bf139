"""mpmath and decimal as the simulated MathAPI gets them: its settings reach nobody else, and are bounded."""

from __future__ import annotations

import decimal
import re
from functools import cache
from types import ModuleType
from typing import Any

MAX_DIGITS = 2_000
"""Digits a call may ask for; officially any number, so that 10**9 hangs. No accepted answer asks for more than 20."""

DEFAULT_DIGITS = 15
"""mpmath's own."""

_LONG_NUMBER = re.compile(r"[eE][+-]?[\d_]{5}")


class _Digits:
    """``mpmath.mp`` and ``decimal.getcontext()``, as far as MathAPI goes: it sets a number of digits."""

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in ("dps", "prec"):
            raise AttributeError(f"only dps and prec can be set, not {name!r}")
        try:
            too_many = int(value) > MAX_DIGITS
        except (TypeError, ValueError, OverflowError):  # minded by whoever gets it
            too_many = False
        if too_many:
            raise ValueError(f"at most {MAX_DIGITS} digits are computed here")
        if name == "dps":
            _context().dps = value
        else:
            decimal.getcontext().prec = value


def set_precision() -> Any:
    """``decimal.getcontext()``: the precision it is given holds for the current context (see ``isolated``)."""
    return _Digits()


def isolated() -> Any:
    """A context manager: a decimal context as a new process has it, dropped at the end."""
    return decimal.localcontext(decimal.Context())


def digits() -> int:
    """The precision of private mpmath numbers now."""
    return int(_context().dps)


def set_digits(n: int) -> None:
    """Set the precision of private mpmath numbers, which says how they are printed too."""
    _context().dps = n


@cache
def private_mpmath() -> ModuleType:
    """A module with what MathAPI uses of mpmath, over a context of its own. mpmath is imported when first needed."""
    module = ModuleType("mpmath")
    vars(module).update(mp=_Digits(), log=_log)
    return module


def _log(x: Any) -> Any:
    if isinstance(x, str) and (len(x) > MAX_DIGITS or _LONG_NUMBER.search(x)):
        raise ValueError("a number written with more digits than are computed here")
    return _context().log(x)


@cache
def _context() -> Any:
    from mpmath.ctx_mp import MPContext

    return MPContext()
