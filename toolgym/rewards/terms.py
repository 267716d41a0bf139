"""Terms: small functions of the evidence, from which a ``Rubric`` is built.

    Rubric([("format", terms.layout, 1.0), ("value", terms.value, 2.0), ("short", terms.over_length(300), 0.5)])

Shares are in [0, 1], and 1 for the expected answer. Penalties are in [-1, 0], and 0 for the expected answer. If no
call is expected, ``name``, ``param`` and ``value`` are 1 if the answer does not call, and 0 if it calls.
"""

from __future__ import annotations

from toolgym.rewards.rubric import Evidence, TermFunction


def layout(evidence: Evidence) -> tuple[float, str]:
    """1 if the text has exactly the fields of the expected answer, in the layout of the dialect."""
    completion = evidence.completion
    calls = bool(evidence.expected)
    if evidence.dialect.well_formed(completion, calls=calls, response=evidence.wants_response):
        return 1.0, ""
    return 0.0, completion.problem or "not the fields of the expected answer"


def exact(evidence: Evidence) -> float:
    """1 if the calls are the expected ones, in any order."""
    return float(evidence.match.exact)


def name(evidence: Evidence) -> float:
    """Jaccard similarity of the multisets of tool names."""
    return evidence.match.names


def param(evidence: Evidence) -> float:
    """Mean over the expected calls: Jaccard similarity of the parameter names of a call and its paired call."""
    match = evidence.match
    return match.params / match.expected if match.expected else float(match.exact)


def value(evidence: Evidence) -> float:
    """Share of the expected parameters with an equal value; ``exact`` if no parameter is expected."""
    wanted = sum([len(call.arguments) for call in evidence.expected])
    return evidence.match.values / wanted if wanted else float(evidence.match.exact)


def surplus_calls(evidence: Evidence) -> tuple[float, str]:
    """Penalty: minus the share of the calls that are not paired with an expected call."""
    match = evidence.match
    if not match.surplus:
        return 0.0, ""
    return -len(match.surplus) / match.predicted, f"{len(match.surplus)} of {match.predicted} calls are surplus"


def valid_arguments(evidence: Evidence) -> tuple[float, str]:
    """Share of the calls that are well formed and whose arguments satisfy the schema of the tool.

    1 if the answer does not call. A call of a tool that is not offered is invalid if the env runs its tools.
    """
    calls = evidence.completion.calls
    bad = []
    for i, call in enumerate(calls):
        problems = evidence.problems[i] if i < len(evidence.problems) else ()
        result = evidence.results[i] if i < len(evidence.results) else None
        if call.error is not None or problems or (result is not None and result.error == "not_found"):
            bad.append(call.error or "; ".join(problems) or "not_found")
    return (1.0, "") if not bad else (1 - len(bad) / len(calls), bad[0])


def executed(evidence: Evidence) -> tuple[float, str]:
    """Share of the calls that ran without an error; 1 if no call ran."""
    errors = [result.error for result in evidence.results if result is not None]
    failed = [error for error in errors if error is not None]
    return (1.0, "") if not failed else (1 - len(failed) / len(errors), failed[0])


def over_length(words: int) -> TermFunction:
    """Penalty for texts of more than ``words`` words: -0.5 at 1.5 times ``words``, -1 from 2 times on.

    Raises ValueError unless ``words`` is positive.
    """
    if words <= 0:
        raise ValueError(f"over_length needs a positive number of words, got {words}")

    def term(evidence: Evidence) -> tuple[float, str]:
        count = len(evidence.completion.text.split())
        if count <= words:
            return 0.0, ""
        return -min((count - words) / words, 1.0), f"{count} words, more than {words}"

    return term


__all__ = [
    "exact",
    "executed",
    "layout",
    "name",
    "over_length",
    "param",
    "surplus_calls",
    "valid_arguments",
    "value",
]
