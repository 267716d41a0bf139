"""Of all the answers that BFCL accepts, the one closest to the calls that were made.

BFCL accepts several values for most parameters, and some may be left out; a reward compares with one answer. Given
the closest one, calls that pass the official check equal it and calls that fail it do not, so that reward and
verdict agree.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from toolgym.grading import json_equal
from toolgym.types import ToolCall

from .grading import Answer, Entry
from .literals import concrete, written


class Strictly(str):
    """Stands for an accepted value where the given one equals it and is refused all the same.

    BFCL minds types that comparing does not: 5.0 is refused where 5 is accepted, [1] where [1.0] is, a
    tuple where a list is. Being text, it equals none of these; it shows as the accepted value does.
    """

    __slots__ = ()
    __repr__ = str.__str__


def closest(entry: Entry, calls: Sequence[ToolCall]) -> tuple[ToolCall, ...]:
    """The expected calls for these calls; malformed ones among them count for nothing.

    Each accepted call is paired with a call made: first as the official checker pairs them (in order, the first
    unused call that passes), then with that of its name that has most parameters right. A value that is accepted
    is expected as it is; in place of others stands the first accepted alternative. A parameter that may be left
    out is expected only where it was given.

    Where no call is expected (irrelevance) the result is (). Where any call will do (relevance) it is the calls
    made; if none was, a call of the first tool, without arguments.
    """
    made = [call for call in calls if call.error is None]
    if "irrelevance" in entry.category:
        return ()
    if "relevance" in entry.category:
        return tuple(made) or (ToolCall(entry.docs[0]["name"], {}),)
    answers = entry.checker.answers
    pairs = _pairs(answers, made)
    return tuple([ToolCall(answer.name, _arguments(answer, pairs.get(i, {}))) for i, answer in enumerate(answers)])


def _pairs(answers: Sequence[Answer], made: Sequence[ToolCall]) -> dict[int, dict[str, Any]]:
    """Index of an accepted call -> arguments of the call made that it is compared with."""
    pairs: dict[int, dict[str, Any]] = {}
    left = dict(enumerate(made))
    for i, answer in enumerate(answers):
        found = next((j for j, call in left.items() if answer.passes({call.name: call.arguments})), None)
        if found is not None:
            pairs[i] = left.pop(found).arguments
    for i, answer in enumerate(answers):
        if i not in pairs:
            right = {j: _right(answer, call) for j, call in left.items() if call.name == answer.name}
            if right:
                pairs[i] = left.pop(max(right, key=right.__getitem__)).arguments
    return pairs


def _right(answer: Answer, call: ToolCall) -> int:
    return sum(answer.accepts(parameter, value) for parameter, value in call.arguments.items())


def _arguments(answer: Answer, given: Mapping[str, Any]) -> dict[str, Any]:
    arguments = {}
    for parameter, alternatives in answer.alternatives.items():
        if parameter not in answer.rules:  # not in the function's doc, so that giving it is an error
            continue
        required = parameter in answer.required
        if parameter in given and answer.accepts(parameter, given[parameter]):
            arguments[parameter] = given[parameter]
        elif parameter in given or required or "" not in alternatives:
            options = _options(answer, parameter)
            if not options and required and alternatives:
                options = [""]
            if options:
                accepted = [option for option in options if answer.accepts(parameter, option)]
                value = accepted[0] if accepted else options[0]
                refused = parameter in given and accepted and _equal(value, given[parameter])
                arguments[parameter] = Strictly(repr(value)) if refused else value
    return arguments


def _options(answer: Answer, parameter: str) -> list[Any]:
    schema, alternatives = answer.schemas[parameter], answer.alternatives[parameter]
    return [written(concrete(value), schema, answer.language) for value in alternatives if value != ""]


def _equal(accepted: Any, given: Any) -> bool:
    return bool(accepted == given) or json_equal(accepted, given)
