"""mpmath and decimal for the simulated MathAPI: its precision is bounded and does not affect other code."""

from __future__ import annotations

import decimal
import re
from functools import cache
from types import ModuleType
from typing import Any

MAX_DIGITS = 2_000
"""Maximum digits a call may request. Officially there is no limit, and 10**9 hangs. Accepted answers use up to 20."""

DEFAULT_DIGITS = 15
"""mpmath's default."""

_LONG_NUMBER = re.compile(r"[eE][+-]?[\d_]{5}")


class _Digits:
    """Stands for ``mpmath.mp`` and ``decimal.getcontext()``. MathAPI only sets their number of digits."""

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in ("dps", "prec"):
            raise AttributeError(f"only dps and prec can be set, not {name!r}")
        try:
            too_many = int(value) > MAX_DIGITS
        except (TypeError, ValueError, OverflowError):  # mpmath or decimal raises the official error below
            too_many = False
        if too_many:
            raise ValueError(f"at most {MAX_DIGITS} digits are computed here")
        if name == "dps":
            _context().dps = value
        else:
            decimal.getcontext().prec = value


def set_precision() -> Any:
    """Stands for ``decimal.getcontext``. Setting its precision changes the current context (see ``isolated``)."""
    return _Digits()


def isolated() -> Any:
    """A context manager with the decimal context of a new process, discarded at the end."""
    return decimal.localcontext(decimal.Context())


def digits() -> int:
    """The current precision of the private mpmath context, in digits."""
    return int(_context().dps)


def set_digits(n: int) -> None:
    """Set the precision of the private mpmath context, which also decides how its numbers are printed."""
    _context().dps = n


@cache
def private_mpmath() -> ModuleType:
    """A stand-in for mpmath with the parts that MathAPI uses and a private context. mpmath is imported at first use."""
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
