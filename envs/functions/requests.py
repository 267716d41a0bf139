"""Writes a request for calls of a function, and draws the arguments of each call."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from toolgym.tasks.english import listed
from toolgym.tasks.grammar import all_slots, optional_slots, write
from toolgym.tasks.stream import Stream

from .function import Function, Parameter
from .values import Value

T = TypeVar("T")
Asked = tuple[str, list[dict[str, Any]]]
"""A request, and the arguments of each expected call."""

_BEFORE = ("Hi! ", "Hello. ", "Hey, quick question. ", "Good morning. ", "I could use a hand. ")
_AFTER = (" Thanks!", " Thank you.", " Please be quick.", " I appreciate it.")
_BETWEEN = ("{} {}", "{} Also: {}", "{} And: {}", "{} Then: {}", "{} Besides that: {}", "{} One more thing. {}")


def split_share(items: Sequence[T], split: str, least: int = 4) -> Sequence[T]:
    """The wordings that a split may use: test has the last, val the one before it, train the rest.

    test_unseen has all of them, since train has none of its functions; so has every split if there are fewer than
    ``least``.
    """
    if split == "test_unseen" or len(items) < least:
        return items
    return items[-1:] if split == "test" else items[-2:-1] if split == "val" else items[:-2]


def one(function: Function, s: Stream, split: str) -> Asked:
    """A request for one call."""
    text, arguments = _written(function, s.pick(split_share(function.requests, split)), s, split)
    return text, [arguments]


def many(function: Function, n: int, s: Stream, split: str) -> Asked:
    """A request for up to ``n`` calls of one function: in one sentence if it has joint requests, else one by one."""
    if function.spread and s.chance(0.5):
        return _spread(function, s.pick(function.spread), n, s, split)
    if not function.joint_requests or s.chance(0.3):
        return joined(_different(n, lambda: one(function, s, split), lambda asked: asked[0]), s)
    frame, part = s.pick(function.joint_requests)
    # every call leaves out the same parameters: in "Rome, Oslo in 1928", the year could be meant for both
    without = _left_out(part, s)
    drawn = _different(n, lambda: _written(function, part, s, split, without), lambda arguments: arguments)
    texts = [text for text, _ in drawn]
    each = Value(None, listed(texts))
    return write(frame, {"each": each}, s), [arguments for _, arguments in drawn]


def incomplete(function: Function, s: Stream, split: str) -> tuple[str, list[str]]:
    """A request that lacks required parameters, and their names."""
    template = s.pick(split_share(function.incomplete, split, 3))
    text, _ = _written(function, template, s, split)
    return text, [p.name for p in function.parameters if p.required and p.name not in all_slots(template)]


def _spread(function: Function, template: str, n: int, s: Stream, split: str) -> Asked:
    """A request that lists each call's own values ("Rome and Oslo"), and writes values that all calls share once."""
    slots = all_slots(template)
    without = _left_out(template, s)
    shared, own = ([p for p in function.parameters if p.name + sign in slots - without] for sign in ("", "+"))
    common: dict[str, Value] = {}
    for parameter in shared:
        common[parameter.name] = _drawn(parameter, common, s, split)

    def draw() -> tuple[str, dict[str, Value]]:
        drawn: dict[str, Value] = {}
        for parameter in own:
            drawn[parameter.name] = _drawn(parameter, {**common, **drawn}, s, split)
        return "", drawn

    def values(drawn: dict[str, Value]) -> dict[str, Any]:
        return {name: value.value for name, value in drawn.items()}

    calls = [drawn for _, drawn in _different(n, draw, values)]
    lists = {f"{p.name}+": Value(None, listed([drawn[p.name].text for drawn in calls])) for p in own}
    order = [p.name for p in function.parameters]
    arguments = [{**values(common), **values(drawn)} for drawn in calls]
    return write(template, {**common, **lists}, s, without), [
        {name: each[name] for name in order if name in each} for each in arguments
    ]


def _different(
    n: int, draw: Callable[[], tuple[str, T]], arguments: Callable[[T], dict[str, Any]]
) -> list[tuple[str, T]]:
    """``n`` draws with different first arguments: "the study at 18 degrees and the study at 25" contradicts itself.

    If the split has too few values, there are fewer draws. If there is only one, a second may differ in any argument.
    """
    drawn: list[tuple[str, T]] = []
    for attempt in range(16 * n):
        new = draw()
        given = [arguments(asked) for _, asked in drawn]
        subject = next(iter(arguments(new[1]).items()))
        new_subject = subject not in [next(iter(old.items())) for old in given]
        if new_subject or (attempt >= 8 * n and len(drawn) < 2 and arguments(new[1]) not in given):
            drawn.append(new)
        if len(drawn) == n:
            break
    return drawn


def joined(requests: Sequence[Asked], s: Stream) -> Asked:
    """Several requests as one text: numbered, or with a word between them."""
    if len(requests) > 2 and s.chance(0.3):
        text = " ".join([f"{i}. {text}" for i, (text, _) in enumerate(requests, 1)])
    else:
        text = requests[0][0]
        for more, _ in requests[1:]:
            text = s.pick(_BETWEEN).format(text, more)
    return text, [arguments for _, each in requests for arguments in each]


def spoken(text: str, s: Stream) -> str:
    """Adds a greeting to one request in ten, and thanks to one in ten."""
    if s.chance(0.1):
        text = s.pick(_BEFORE) + text
    return text + s.pick(_AFTER) if s.chance(0.1) else text


def _left_out(template: str, s: Stream) -> frozenset[str]:
    """The optional parameters of a template that a request leaves out: each with probability 1/2."""
    return frozenset(name for name in sorted(optional_slots(template)) if s.chance(0.5))


def _written(
    function: Function, template: str, s: Stream, split: str, without: frozenset[str] | None = None
) -> tuple[str, dict[str, Any]]:
    """A template filled in, and its arguments. ``without``: parameters to leave out; None draws them."""
    mentioned = all_slots(template)
    without = _left_out(template, s) if without is None else without
    drawn: dict[str, Value] = {}
    for parameter in function.parameters:
        if parameter.name in mentioned:
            drawn[parameter.name] = _drawn(parameter, drawn, s, split)
    text = write(template, drawn, s, without)
    return text, {name: value.value for name, value in drawn.items() if name not in without}


def _drawn(parameter: Parameter, others: dict[str, Value], s: Stream, split: str) -> Value:
    """A value for a parameter. A string differs from the strings drawn before: a team does not play against itself."""
    taken = [other.value for other in others.values()]
    for _ in range(8):
        value = parameter.maker.draw(s, split)
        if not isinstance(value.value, str) or value.value not in taken:
            break
    return value
