"""Parts of a reward as a reader takes them: what they are called, and which of them are one thing.

ToolRL's correctness is counted up from a minimum (-3) by points for tool names, parameter names and values. As single
numbers these read as faults: "name +6.00" stands for an action that rightly calls nothing, and "minimum -24.00" for
eight actions. So they are shown as their sum, "correctness", with its parts behind it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

CORRECTNESS = "correctness"
MINIMUM = "minimum"
_POINTS = {
    "name": "tool names",
    "param": "parameter names",
    "value": "parameter values",
    "call": "equal calls",
    "exact": "all calls equal",
}
"""Terms that count up from the minimum, in words."""
_MINIMUM_WORDS = "counted from"


def in_correctness(names: Iterable[str]) -> list[str]:
    """The names that are parts of the correctness, in their order; [] for a reward that has no minimum."""
    found = [name for name in names if name in _POINTS or name == MINIMUM]
    return found if MINIMUM in found else []


def grouped(parts: Mapping[str, float]) -> dict[str, float]:
    """The parts of a reward with the parts of the correctness as one; they still add up to the reward."""
    inside = in_correctness(parts)
    found: dict[str, float] = {}
    for name, value in parts.items():
        name = CORRECTNESS if name in inside else name
        found[name] = found.get(name, 0.0) + value
    return found


def in_words(term: str) -> str:
    """A reward term's name as people read it: "missed steps"."""
    return term.replace("_", " ")


def point_words(term: str) -> str:
    """The name of a part of the correctness: "tool names"."""
    return _MINIMUM_WORDS if term == MINIMUM else _POINTS.get(term, in_words(term))
