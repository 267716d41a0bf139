"""The accepted calls that an action is compared with, for the reward."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

from toolgym.grading import same_arguments, same_call
from toolgym.types import ToolCall

from ..dialogue.functions import parameters


def wanted(
    answers: Sequence[ToolCall], left: Sequence[int], made: Sequence[ToolCall], classes: tuple[str, ...]
) -> tuple[tuple[ToolCall, ...], list[int]]:
    """The accepted calls that an action is compared with, and the indices in ``left`` that the action makes.

    ``answers`` are the accepted calls of the user's turn; ``left`` has the indices of the calls still to be made. An
    action with n calls is compared with n accepted calls, so that calls may be made one by one or together, in any
    order. First come the accepted calls that the action makes, then calls of the same function, then the next calls in
    order. An action without calls is compared with all. A default value may be written out or left out.
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
            pairs[hit] = answers[hit]
            free.remove(hit)
    pairs |= {i: answers[i] for i in free[:unpaired]}
    return tuple([pairs[i] for i in sorted(pairs)]), done


def _same(answer: ToolCall, made: ToolCall, classes: tuple[str, ...]) -> bool:
    if same_call(answer, made):
        return True
    if answer.name != made.name:
        return False
    defaults = {
        key: value for key, value in parameters(classes, answer.name).items() if value is not inspect.Parameter.empty
    }
    return bool(defaults) and same_arguments(_full(answer, defaults), _full(made, defaults))


def _full(call: ToolCall, defaults: dict[str, Any]) -> dict[str, Any]:
    return {**defaults, **call.arguments}
