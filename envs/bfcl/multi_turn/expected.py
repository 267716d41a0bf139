"""Which accepted calls an action is compared with, for the reward."""

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
    """The accepted calls for an action, and which of ``left`` it makes.

    ``answers`` are the accepted calls of the user's turn, ``left`` those still to be made, by index. An action is
    compared with as many of them as it has calls, so that they may be made one by one or together, in any order: with
    those that it makes, else with those of the same function, else with the next ones. An action without
    calls is compared with all. A call counts as made with defaults written out or left out.
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
