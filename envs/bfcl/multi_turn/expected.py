"""The accepted calls that an action is compared with, for the reward."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

from toolgym.grading import json_equal, same_arguments, same_call
from toolgym.types import ToolCall

from ..closest import Strictly
from ..dialogue.functions import parameters


def wanted(
    answers: Sequence[ToolCall], left: Sequence[int], made: Sequence[ToolCall], classes: tuple[str, ...]
) -> tuple[tuple[ToolCall, ...], list[int]]:
    """The accepted calls that an action is compared with, and the indices in ``left`` that the action makes.

    ``answers`` are the accepted calls of the user's turn; ``left`` has the indices of the calls still to be made. An
    action with n calls is compared with n accepted calls, so that calls may be made one by one or together, in any
    order. First come the accepted calls that the action makes, then calls of the same function, then the next calls in
    order. An action without calls is compared with all. A default value may be written out or left out. 5 is accepted
    for 5.0, but not 5.0 for 5: the result would read otherwise, and the verdict compares results as text.
    """
    if not made or not left:
        return tuple([answers[i] for i in left]), []
    pairs: dict[int, ToolCall] = {}
    done: list[int] = []
    rest = [call for call in made if call.error is None]
    free = list(left)
    others = []
    for call in rest:
        hit = next((i for i in free if _same(answers[i], call, classes)), None)
        if hit is None:
            others.append(call)
        else:
            pairs[hit] = ToolCall(call.name, call.arguments)
            done.append(hit)
            free.remove(hit)
    unpaired = len(made) - len(rest)
    for call in others:
        hit = next((i for i in free if answers[i].name == call.name), None)
        if hit is None:
            unpaired += 1
        else:
            pairs[hit] = _strictly(answers[hit], call)
            free.remove(hit)
    pairs |= {i: answers[i] for i in free[:unpaired]}
    return tuple([pairs[i] for i in sorted(pairs)]), done


def _same(answer: ToolCall, made: ToolCall, classes: tuple[str, ...]) -> bool:
    if same_call(answer, made):
        return not _widened(answer.arguments, made.arguments)
    if answer.name != made.name:
        return False
    defaults = {
        key: value for key, value in parameters(classes, answer.name).items() if value is not inspect.Parameter.empty
    }
    full, made_full = _full(answer, defaults), _full(made, defaults)
    return bool(defaults) and same_arguments(full, made_full) and not _widened(full, made_full)


def _full(call: ToolCall, defaults: dict[str, Any]) -> dict[str, Any]:
    return {**defaults, **call.arguments}


def _widened(answer: Any, made: Any) -> bool:
    """Whether the made value, which equals the accepted value as JSON, has a float in place of an integer."""
    todo = [(answer, made)]
    while todo:
        answer, made = todo.pop()
        if isinstance(answer, dict):
            todo += [(value, made[key]) for key, value in answer.items()]
        elif isinstance(answer, (list, tuple)):
            todo += zip(answer, made, strict=True)
        elif isinstance(made, float) and isinstance(answer, int):
            return True
    return False


def _strictly(answer: ToolCall, made: ToolCall) -> ToolCall:
    """The accepted call, with values that a made value only seems to equal replaced."""
    arguments = {
        key: Strictly(repr(value))
        if key in made.arguments and json_equal(value, made.arguments[key]) and _widened(value, made.arguments[key])
        else value
        for key, value in answer.arguments.items()
    }
    return ToolCall(answer.name, arguments)
