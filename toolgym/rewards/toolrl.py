"""The rewards of the ToolRL paper (arXiv 2504.13958, section 3.3 and its ablations), as options.

    format       the text has just the fields of the expected answer, in order: 1, else 0
    correctness  (max - min) * R_max / S_max + min, that is in [-3, 3]; R_max and S_max: see matching.py
    length       words of thought over a limit, in [0, 1]; off by default

The correctness appears as terms that add up to it: ``minimum``, which it is counted up from, and points of R_max, each
worth (max - min) / S_max: name, param and value (fine), name and call (intermediate), exact (coarse).
"""

from __future__ import annotations

import json
from typing import Literal, get_args

from toolgym.rewards.difference import cut
from toolgym.rewards.matching import (
    Granularity,
    Match,
    call_items,
    exact_match,
    match_optimal,
    match_reference,
)
from toolgym.rewards.reference import (
    Length,
    Scale,
    bounds,
    correctness,
    laid_out,
    length_limit,
    length_score,
    match_text,
    thought_words,
)
from toolgym.rewards.rubric import Evidence, Scores
from toolgym.types import UNFINISHED, CallScore, Term, ToolCall

_NAMES_SHOWN = 5


class ToolRLReward:
    """The paper's reward. The defaults are the paper's main setting with the holes of the released code closed.

    Args:
        granularity: what earns points. "fine": names, parameter names and values; "intermediate": names,
            and calls that are equal; "coarse": all calls being equal.
        strict: names and parameter names earn all of their points or none.
        scale: the range of the correctness. "max": -3 to 3; "equal": -1 to 1, like the format's; "two_stage":
            the latter until step 30, then the former with half the format; "dynamic": from 2 to 3 over 150 steps.
        length: "off"; "fixed": 512 words of thought earn 1 more; "dynamic": 384 words, 640 at step 105 and growing on.
        matching: "optimal": the best pairing, surplus and needless calls cost; "reference": the score of the
            released code, to the bit, from the raw text in the toolrl dialect and from the calls in other dialects.
        step: the trainer's step to start at.

    Raises ValueError for an unknown choice.
    """

    def __init__(
        self,
        *,
        granularity: Granularity = "fine",
        strict: bool = False,
        scale: Scale = "max",
        length: Length = "off",
        matching: Literal["optimal", "reference"] = "optimal",
        step: int = 0,
    ):
        _choice("granularity", granularity, get_args(Granularity))
        _choice("scale", scale, get_args(Scale))
        _choice("length", length, get_args(Length))
        _choice("matching", matching, ("optimal", "reference"))
        self.granularity = granularity
        self.strict = strict
        self.scale = scale
        self.length = length
        self.matching = matching
        self.set_step(step)

    def __repr__(self) -> str:
        options = f"granularity={self.granularity!r}, strict={self.strict}, scale={self.scale!r}"
        return f"ToolRLReward({options}, length={self.length!r}, matching={self.matching!r}, step={self.step})"

    def set_step(self, step: int) -> None:
        """Move the schedules to the trainer's step. Raises ValueError for a negative one."""
        if step < 0:
            raise ValueError(f"step counts from 0, got {step}")
        self.step = step
        self.bounds = bounds(self.scale, step)
        self._formed = Term("format", self.bounds.format_max)
        self._minimum = Term("minimum", self.bounds.correct_min)
        self._exact: dict[tuple[int, ...] | int, Scores] = {}

    def score(self, evidence: Evidence) -> Scores:
        """Score one action. For the expected answer ``total`` is just the best format plus the best correctness."""
        completion, expected = evidence.completion, evidence.expected
        if self.matching == "reference":
            return self._score_released(evidence)
        formed = evidence.dialect.well_formed(completion, calls=bool(expected), response=evidence.wants_response)
        if evidence.exact:
            perfect = self._perfect(expected)
            if formed and self.length == "off":
                return perfect
            correct, terms, calls = self.bounds.correct_max, perfect.terms[1:], perfect.calls
        else:
            if evidence.undecided:
                match, formed = evidence.match, False
            elif self.granularity == "fine" and not self.strict:
                match = evidence.match
            else:
                match = match_optimal(expected, completion.calls, self.granularity, self.strict)
            correct = correctness(match, self.bounds)
            terms, calls = self._terms(match, evidence), match.scores
        words = 0 if self.length == "off" else len((completion.think or "").split())
        return self._sum(evidence, formed, correct, words, terms, calls)

    def _score_released(self, evidence: Evidence) -> Scores:
        completion, expected = evidence.completion, evidence.expected
        calls, response = bool(expected), evidence.wants_response
        text = completion.text.strip()
        if evidence.dialect.name == "toolrl":
            formed = laid_out(text, calls=calls, response=response)
            words = thought_words(text) or 0
        else:
            formed = evidence.dialect.well_formed(completion, calls=calls, response=response)
            words = len((completion.think or "").split())
        if not expected:
            unscored = "not scored: no call is expected"
            scores = (CallScore(reason=unscored),) * len(completion.calls)
            return self._sum(evidence, formed, 0.0, words, (Term("minimum", 0.0, reason=unscored),), scores)
        match = self._released_match(evidence, text)
        correct = correctness(match, self.bounds)
        if match is None:
            lost = "the calls cannot all be read" if completion.calls else "there is no call"
            terms: tuple[Term, ...] = (
                Term("exact" if self.granularity == "coarse" else "name", 0.0, reason=lost),
                self._minimum,
            )
            scores = tuple([CallScore(reason=cut(call.error or lost)) for call in completion.calls])
            return self._sum(evidence, formed, correct, words, terms, scores)
        unread = CallScore(reason="not read: outside of the first block")
        scores = match.scores[: len(completion.calls)] + (unread,) * (len(completion.calls) - match.predicted)
        return self._sum(evidence, formed, correct, words, self._terms(match, evidence), scores)

    def _released_match(self, evidence: Evidence, text: str) -> Match | None:
        """The released code's match, or None if it gives the minimum because it cannot read the calls."""
        expected, made = evidence.expected, evidence.completion.calls
        if evidence.dialect.name == "toolrl":
            return match_text(json.loads(json.dumps(call_items(expected))), text, self.granularity, self.strict)
        if not made or any(call.error is not None for call in made):
            return None
        return match_reference(expected, made, self.granularity, self.strict)

    def _sum(
        self,
        evidence: Evidence,
        formed: bool,
        correct: float,
        words: int,
        terms: tuple[Term, ...],
        calls: tuple[CallScore, ...],
    ) -> Scores:
        form = self._formed
        if not formed:
            form = Term("format", self.bounds.format_min, reason=_misformed(evidence))
        if self.length == "off":
            return Scores(form.score + correct, (form, *terms), calls)
        limit = length_limit(self.length, self.step)
        extra = length_score(words, limit)
        why = "" if extra == 1.0 else f"{words} of {limit:.0f} words"
        return Scores(form.score + correct + extra, (form, *terms, Term("length", extra, reason=why)), calls)

    def _perfect(self, expected: tuple[ToolCall, ...]) -> Scores:
        """The expected answer's scores: the same for all with as many calls and parameters, so made once."""
        one = len(expected) == 1  # the usual case: a whole number is found faster than a tuple
        key = len(expected[0].arguments) if one else tuple([len(call.arguments) for call in expected])
        found = self._exact.get(key)
        if found is None:
            match = exact_match((key,) if isinstance(key, int) else key, self.granularity)
            total = self.bounds.format_max + self.bounds.correct_max
            found = self._exact[key] = Scores(total, (self._formed, *self._terms(match, None)), match.scores)
        return found

    def _terms(self, match: Match, evidence: Evidence | None) -> tuple[Term, ...]:
        """The correctness as terms; If the match is not exact, ``evidence`` gives the reasons."""
        weight = (self.bounds.correct_max - self.bounds.correct_min) / match.maximum
        names = params = values = ""
        if evidence is not None and not match.exact:
            names, params, values = _reasons(match, evidence, self.granularity)
        if self.granularity == "fine":
            return (
                Term("name", match.names, weight, names),
                Term("param", match.params, weight, params),
                Term("value", match.values, weight, values),
                self._minimum,
            )
        if self.granularity == "intermediate":
            return Term("name", match.names, weight, names), Term("call", match.values, weight, values), self._minimum
        return Term("exact", match.values, weight, values), self._minimum


def _reasons(match: Match, evidence: Evidence, granularity: Granularity) -> tuple[str, str, str]:
    """Why the name, param and value terms are less than they could be."""
    expected, predicted = evidence.expected, evidence.completion.calls
    names = params = values = ""
    if evidence.undecided:
        ended = UNFINISHED[evidence.completion.unfinished or "length"]
        return ended, "", ended
    if match.names != 1.0:
        names = f"expected {_names(expected)}; got {_names(predicted)}"
    if granularity == "coarse":
        return "", "", "the calls are not the expected ones"
    if granularity == "intermediate":
        return names, "", "" if match.values == len(expected) else f"{int(match.values)} of {len(expected)} calls equal"
    if match.params != len(expected):
        params = f"{match.params:.3g} of {len(expected)}"
    wanted = 0
    for call in expected:
        wanted += len(call.arguments)
    if match.values != wanted:
        values = f"{int(match.values)} of {wanted} equal"
    return names, params, values


def _names(calls: tuple[ToolCall, ...]) -> str:
    if not calls:
        return "no call"
    shown = ", ".join([call.name[:40] if call.error is None else "a malformed call" for call in calls[:_NAMES_SHOWN]])
    return shown if len(calls) <= _NAMES_SHOWN else f"{shown} and {len(calls) - _NAMES_SHOWN} more"


def _misformed(evidence: Evidence) -> str:
    completion = evidence.completion
    if evidence.undecided:
        return UNFINISHED[completion.unfinished or "length"]
    if completion.problem is not None:
        return cut(completion.problem)
    if bool(completion.calls) != bool(evidence.expected):
        return "a call is missing" if evidence.expected else "a call that is not expected"
    if any(call.error is not None for call in completion.calls):
        return "a malformed call"
    if completion.calls and completion.response is not None and not evidence.wants_response:
        return "a response beside the calls is not expected"
    return "not the fields of the expected answer, in order"


def _choice(option: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise ValueError(f"{option} must be one of {', '.join(choices)}; got {value!r}")
