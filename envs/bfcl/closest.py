"""The accepted answer of BFCL that is closest to the calls an action made.

BFCL accepts several values for most parameters, and some parameters are optional; a reward compares with a single
answer. Calls that pass the official check equal the closest answer, and calls that fail differ from it, so reward and
verdict agree (BFCLEnv names two exceptions).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from toolgym.grading import json_equal
from toolgym.types import ToolCall

from .grading import Answer, Entry
from .literals import concrete, written


class Strictly(str):
    """Replaces an accepted value if the given value equals it and BFCL still refuses it.

    BFCL distinguishes types that ``==`` does not: it refuses 5.0 for 5, [1] for [1.0], a tuple for a list. As a
    string this object equals none of these values. Its repr is the accepted value's.
    """

    __slots__ = ()
    __repr__ = str.__str__


def closest(entry: Entry, calls: Sequence[ToolCall]) -> tuple[ToolCall, ...]:
    """The expected calls, given the calls an action made; malformed calls are ignored.

    Each accepted call is paired with a made call: first in the official way (in order, the first unused call that
    passes), then with the unused call of the same name that has most parameters right. An accepted value is expected
    unchanged; any other value is replaced by the first accepted alternative. An optional parameter is expected only if
    the call gives it.

    Returns () if no call is expected (irrelevance). If any call is accepted (relevance), returns the made calls, or
    a call of the first tool without arguments if the action made no call.
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
    """Index of an accepted call -> arguments of the made call that it is paired with."""
    pairs: dict[int, dict[str, Any]] = {}
    left = dict(enumerate(made))
    # First pass: greedy, in the order of the answers, like Checker._parallel. A better matching would call some
    # actions right that the official checker fails.
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
        if parameter not in answer.rules:  # not in the function's doc: giving it is an error
            continue
        required = parameter in answer.required
        if parameter in given and answer.accepts(parameter, given[parameter]):
            arguments[parameter] = given[parameter]
        elif parameter in given or required or "" not in alternatives:
            options = _options(answer, parameter)
            if not options and required and alternatives:  # required, but the only accepted value is ""
                options = [""]
            if options:
                # written out, an alternative can fail its own rule (see unpassable.py): prefer one that passes
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
