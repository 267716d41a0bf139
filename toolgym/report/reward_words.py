"""Parts of a reward as a reader takes them: what they are called, and which of them are one thing.

ToolRL's correctness is counted up from a minimum (-3) by points for tool names, parameter names and values. As single
numbers these read as faults: "name +6.00" stands for an action that rightly calls nothing, and "minimum -24.00" for
eight actions. So they are shown as their sum, "correctness", with its parts behind it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from toolgym.report.glossary import TERMS, in_words
from toolgym.report.text import one_line, printable
from toolgym.types import CallRecord, Term
from toolgym.wrappers.faults.progress import NOT_COMPARED

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
BY_PART = "Correctness by part: points, counted from a minimum (by default -3 an action)"
"""The title of a table of the parts."""


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


def group_names(names: Iterable[str]) -> list[str]:
    """The names of terms with the correctness in place of its parts."""
    return list(grouped(dict.fromkeys(names, 0.0)))


class Part(msgspec.Struct, frozen=True):
    """A paid part of an action's reward."""

    name: str
    points: float
    reason: str = ""
    meaning: str = ""
    inside: tuple[Part, ...] = ()
    """Of the correctness: its parts with points, if there are several."""

    @property
    def why(self) -> str:
        """The parts inside and the reason, on one line."""
        inside = ", ".join(f"{each.name} {each.points:+.2f}" for each in self.inside)
        return "; ".join(words for words in (f"= {inside}" if inside else "", self.reason) if words)


def reward_parts(terms: Iterable[Term]) -> list[Part]:
    """The paid terms of an action, those of the correctness as one."""
    paid = [term for term in terms if term.weight]
    inside = in_correctness(term.name for term in paid)
    points = [_part(term, point_words(term.name)) for term in paid if term.name in inside]
    found: list[Part] = []
    for term in paid:
        if term.name not in inside:
            found.append(_part(term, in_words(term.name)))
        elif points:
            reason = "; ".join(f"{each.name}: {each.reason}" for each in points if each.reason)
            told = tuple(each for each in points if each.points)
            total = sum(each.points for each in points)
            found.append(Part(CORRECTNESS, total, reason, TERMS[CORRECTNESS], told if len(told) > 1 else ()))
            points = []
    return found


def _part(term: Term, name: str) -> Part:
    return Part(printable(name), term.weight * term.score, one_line(term.reason, 300), TERMS.get(term.name, ""))


def not_compared(record: CallRecord) -> bool:
    """Whether an injected fault is the reason that a call is compared with no expected call."""
    return record.score.expected is None and record.score.reason in NOT_COMPARED


def call_words(record: CallRecord) -> list[tuple[str, float, str]]:
    """How a call compares with the expected call: (what, share in [0, 1], the share in words)."""
    call, score = record.call, record.score
    if call.error is not None or not_compared(record):
        return []
    known = score.expected is not None
    found = [("tool", float(known), "expected" if known else "not expected")]
    if known and call.arguments:
        found.append(("parameter names", score.param, f"{100 * score.param:.0f} % alike"))
        given = len(call.arguments)
        found.append(("values", score.value / given, f"{score.value:g} of {given} given are right"))
    return found


def point_words(term: str) -> str:
    """The name of a part of the correctness: "tool names"."""
    return _MINIMUM_WORDS if term == MINIMUM else _POINTS.get(term, in_words(term))
