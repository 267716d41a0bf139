"""A rubric turns one action, and what was expected of it, into a reward that says why."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from copy import copy
from math import isfinite
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, runtime_checkable

import msgspec

from toolgym.rewards.matching import UNDECIDED, Match, match_optimal, same_calls
from toolgym.types import CallScore, Completion, Term, ToolCall, ToolResult

if TYPE_CHECKING:
    from toolgym.dialects.base import Dialect


class Evidence(msgspec.Struct, gc=False):
    """Everything that a rubric may look at when it scores one action."""

    completion: Completion
    expected: tuple[ToolCall, ...]
    """Gold calls for this action; () if it must not call."""
    dialect: Dialect
    wants_response: bool = False
    """Whether the expected answer speaks to the user."""
    results: Sequence[ToolResult | None] = ()
    """The result of each call, aligned with ``completion.calls``."""
    problems: Sequence[tuple[str, ...]] = ()
    """Schema objections to each call, aligned with ``completion.calls``."""
    data: Any = None
    """The task's ``data``, for suites' own terms."""

    _match: Match | None = None
    _exact: bool | None = None

    @property
    def undecided(self) -> bool:
        """Whether no call is expected, and the answer was cut off, filtered or refused before it made one."""
        completion = self.completion
        return completion.unfinished is not None and not completion.calls and not self.expected

    @property
    def exact(self) -> bool:
        """Whether the calls are the expected ones, one by one, in order. Compared once."""
        if self._exact is None:
            self._exact = same_calls(self.expected, self.completion.calls) and not self.undecided
        return self._exact

    @property
    def match(self) -> Match:
        """Expected and predicted calls paired by the best assignment, found once (see matching.py)."""
        if self._match is None:
            self._match = UNDECIDED if self.undecided else match_optimal(self.expected, self.completion.calls)
        return self._match


class Scores(msgspec.Struct, frozen=True, gc=False):
    """The result of a rubric: ``total == sum(t.weight * t.score for t in terms)``, up to rounding."""

    total: float
    terms: tuple[Term, ...]
    calls: tuple[CallScore, ...]
    """Aligned with ``evidence.completion.calls``."""


@runtime_checkable
class Reward(Protocol):
    """Anything that scores an action."""

    def score(self, evidence: Evidence) -> Scores: ...

    def set_step(self, step: int) -> None:
        """Tell schedules the trainer's step, counted from 0."""


TermFunction: TypeAlias = Callable[[Evidence], "float | tuple[float, str]"]
"""A term: the evidence in, a score (and a reason) out."""


class Rubric:
    """A reward made of named, weighted terms.

        Rubric([("format", terms.layout, 1.0), ("correct", my_term, 2.0)])
        Rubric([ToolRLReward(), ("brief", my_term, 0.5)])

    A term is a function ``(Evidence) -> score`` or ``-> (score, reason)``; terms.py has some. A whole reward, such as
    ToolRLReward, may stand among them: its terms are added as they are, and the first reward scores the calls.

    Raises ValueError for an empty rubric and for a name that stands twice, TypeError for a term that is neither
    a reward nor a (name, function, weight).
    """

    def __init__(self, terms: Iterable[Reward | tuple[str, TermFunction, float]]):
        if isinstance(terms, (str, Reward)):
            raise TypeError(f"a rubric is made of a list of terms, got {terms!r}; write Rubric([...])")
        self.terms = tuple(terms)
        if not self.terms:
            raise ValueError("a rubric needs at least one term (name, function, weight)")
        for term in self.terms:
            if isinstance(term, type):
                raise TypeError(f"a reward is an instance, got the class {term.__name__}: write {term.__name__}()")
            if isinstance(term, Reward):
                continue
            if not isinstance(term, (tuple, list)) or len(term) != 3:
                raise TypeError(f"a term is (name, function, weight), got {term!r}")
            if not callable(term[1]):
                raise TypeError(f"term {term[0]!r} needs a function of the Evidence, got {term[1]!r}")
            if isinstance(term[2], bool) or not isinstance(term[2], (int, float)) or not isfinite(term[2]):
                raise TypeError(f"term {term[0]!r} needs a weight that is a finite number, got {term[2]!r}")
        self.rewards = tuple([term for term in self.terms if isinstance(term, Reward)])
        """The whole rewards among the terms."""
        _check_names([term[0] for term in self.terms if not isinstance(term, Reward)])

    def score(self, evidence: Evidence) -> Scores:
        terms: list[Term] = []
        calls: tuple[CallScore, ...] | None = None
        total = 0.0
        for term in self.terms:
            if isinstance(term, Reward):
                found = term.score(evidence)
                total += found.total
                terms += found.terms
                calls = found.calls if calls is None else calls
            else:
                terms.append(_scored(*term, evidence))
                total += terms[-1].weight * terms[-1].score
        if self.rewards:  # the names of their terms are not known before
            _check_names([term.name for term in terms])
        return Scores(total, tuple(terms), evidence.match.scores if calls is None else calls)

    def set_step(self, step: int) -> None:
        """Tell the rewards among the terms; functions do not change with the trainer's step."""
        for reward in self.rewards:
            reward.set_step(step)

    def __copy__(self) -> Rubric:
        """A rubric whose rewards can remember another episode."""
        return Rubric([own_rubric(term) if isinstance(term, Reward) else term for term in self.terms])

    def save_state(self) -> Any:
        return [remembered(reward) for reward in self.rewards]

    def load_state(self, saved: Any) -> None:
        for reward, memory in zip(self.rewards, saved, strict=True):
            recall(reward, memory)


def _scored(name: str, function: TermFunction, weight: float, evidence: Evidence) -> Term:
    try:
        out = function(evidence)
    except Exception as error:
        error.add_note(f"in the rubric's term {name!r}")
        raise
    score, reason = out if isinstance(out, tuple) else (out, "")
    try:
        score = float(score)
    except (TypeError, ValueError):
        raise TypeError(f"term {name!r} must return a number or (number, reason), got {out!r}") from None
    if not isfinite(score):
        raise ValueError(f"term {name!r} returned {score}: a reward must be a finite number")
    return Term(name, score, weight, reason)


def _check_names(names: list[str]) -> None:
    if len(set(names)) < len(names):
        twice = sorted({name for name in names if names.count(name) > 1})
        raise ValueError(
            f"a rubric's terms need names of their own; {twice[0]!r} stands twice, "
            "counting those of whole rewards among the terms"
        )


# A rubric that remembers an episode's earlier actions has save_state and load_state: see snapshot.py.


def own_rubric(rubric: Reward) -> Reward:
    """The rubric for a fork: a copy if it remembers, else the same one."""
    return copy(rubric) if _remembers(rubric) else rubric


def remembered(rubric: Any) -> Any:
    """The rubric's memory of the episode; None if it has none."""
    return rubric.save_state() if _remembers(rubric) else None


def recall(rubric: Any, memory: Any) -> None:
    """Make the rubric remember that again."""
    if _remembers(rubric):
        rubric.load_state(memory)


def _remembers(rubric: Any) -> bool:
    if isinstance(rubric, Rubric):
        return any(map(_remembers, rubric.rewards))
    return hasattr(rubric, "save_state")
