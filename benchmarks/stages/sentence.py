"""What GRPO taught over SFT, in one sentence that follows from the numbers alone."""

from __future__ import annotations

from toolgym.report.paired import Difference

STAYED = 0.05
"""A share "stayed" if its interval has 0 in it and the difference is at most this."""
_TAUGHT = {"refusals": "to refuse when nothing fits", "right calls": "to call right when a tool fits"}


def sentence(refusals: Difference, calls: Difference) -> str:
    """The sentence about held-out tasks. "Taught", "cost" and "worse" are said only if an interval leaves out 0.

    Args:
        refusals: tasks for which no tool fits; success is to call nothing and say so.
        calls: tasks that a tool fits; success is exactly the right call.
    """
    found = {"refusals": refusals, "right calls": calls}
    taught = [f"{_TAUGHT[name]}: {numbers(each)}" for name, each in found.items() if each.verdict == "up"]
    fewer = [f"fewer {name}: {numbers(each)}" for name, each in found.items() if each.verdict == "down"]
    same = [unclear(name, each) for name, each in found.items() if each.verdict == "unclear"]
    if taught:
        parts = [f"GRPO taught the model {', and '.join(taught)}", *fewer, *same]
        return f"{(', but ' if fewer else ', and ').join(parts)}."
    if fewer:
        return f"GRPO made the model worse, {'; '.join([', and '.join(fewer), *same])}."
    return f"GRPO taught nothing that so few tasks can show: {', and '.join(same)}."


def unclear(name: str, found: Difference) -> str:
    """What became of a share whose difference may be 0."""
    word = "stayed" if abs(found.mean) <= STAYED else "show no clear change"
    return f"{name} {word}: {numbers(found)}"


def numbers(found: Difference) -> str:
    """ "31 -> 72 % (+41, 95 % 30 to 52)"."""
    low, high = (100 * end for end in found.interval)
    ends = f"{low:.0f} to {high:.0f}"
    return f"{100 * found.before:.0f} -> {100 * found.after:.0f} % ({100 * found.mean:+.0f}, 95 % {ends})"
