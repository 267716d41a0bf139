"""Checks of what an environment's author or user gives: an error is raised by the call that made the mistake."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from operator import index
from typing import Any

from toolgym.tasks.task import shown, with_article
from toolgym.types import Verdict


def whole_number(name: str, value: Any, least: int) -> int:
    """``value`` as an int. Raises TypeError if it is not a whole number, ValueError if it is less than ``least``."""
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise TypeError(f"{name} must be a whole number, got {value!r}")
    if index(value) < least:
        raise ValueError(f"{name} must be at least {least}, got {value}")
    return index(value)


def low_high(what: str, value: Any) -> tuple[float, float]:
    """A number from 0 to 1 as a pair of itself, or a pair (low, high) of such numbers. Raises TypeError or ValueError
    that begins with ``what``: the name and what it may be."""
    pair = value if isinstance(value, (list, tuple)) else (value, value)
    if len(pair) != 2 or any(isinstance(each, bool) or not isinstance(each, (int, float)) for each in pair):
        raise TypeError(f"{what}; got {value!r}")
    low, high = pair
    if not 0 <= low <= high <= 1:  # NaN neither
        raise ValueError(f"{what}; got {value!r}")
    return float(low), float(high)


def arguments_of(cls: type) -> list[str]:
    """The keyword arguments of an env's class; with ``**kwargs``, its base class's arguments too."""
    found: list[str] = []
    for each in cls.__mro__:
        if "__init__" not in vars(each):
            continue
        parameters = inspect.signature(each.__init__).parameters.values()  # type: ignore[misc]
        names = [p.name for p in parameters if p.kind in (p.KEYWORD_ONLY, p.POSITIONAL_OR_KEYWORD)]
        # a suite makes its tasks itself, so ToolEnv's argument `tasks` is not for the user
        found += [name for name in names if name not in ("self", "tasks", *found)]
        if not any(p.kind is p.VAR_KEYWORD for p in parameters):
            break
    return found


def wanted_task(options: Mapping[str, Any], unknown: Mapping[str, Any]) -> Any:
    """The ``task_id`` of the options of ``reset``, or None. Raises TypeError for unknown arguments, ValueError for
    unknown options."""
    if unknown:  # the columns of a data set: TRL's environment_factory
        raise TypeError(
            f"reset takes seed and options, not {', '.join(map(repr, unknown))}. A ToolEnv cannot be TRL's "
            "environment_factory: TRL would offer its methods to the model as tools. Use toolgym.exports.trl"
        )
    others = set(options) - {"task_id"}
    if others:
        raise ValueError(f"unknown reset option {', '.join(sorted(others))}; there is task_id")
    return options.get("task_id")


def check_verdict(verdict: Any, owner: object) -> Verdict:
    """The result of ``judge``. Raises TypeError if it is not a Verdict."""
    if not isinstance(verdict, Verdict):
        raise TypeError(
            f"{type(owner).__name__}.judge() must return a Verdict, got {shown(verdict)}; "
            'write Verdict(success, "why not")'
        )
    return verdict


def check_judge(judge: Any) -> None:
    """Raises TypeError if ``judge`` is not a function of the env."""
    if not callable(judge):
        raise TypeError(f"judge is a function of the env that returns a Verdict or a bool, got {shown(judge)}")
    try:
        inspect.signature(judge).bind(None)
    except TypeError as error:
        raise TypeError(f"judge gets the env as its only argument, as in judge=lambda env: True: {error}") from None
    except ValueError:
        pass  # a builtin without a signature


def check_state(state: Any) -> None:
    """Raises TypeError if ``state`` cannot make an episode's state."""
    if state is not None and not callable(state):
        kind = type(state).__name__
        raise TypeError(
            f"state makes the state of each episode: give the class (state={kind}) or a function, "
            f"not {with_article(state)}"
        )


def check_render_mode(mode: Any) -> None:
    """Raises ValueError if ``mode`` is neither None nor "ansi"."""
    if mode not in (None, "ansi"):
        raise ValueError(f"render_mode must be None or 'ansi', got {mode!r}")


def flag(name: str, value: Any) -> bool:
    """``value`` if it is True or False. Raises TypeError."""
    if not isinstance(value, bool):
        raise TypeError(f"{name} must be True or False, got {value!r}")
    return value
