"""Gold with faults: the suite's gold actions, and after each fault the actions that recover."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from toolgym.tasks import Task
from toolgym.types import Completion, ToolCall
from toolgym.wrappers.faults.texts import told

if TYPE_CHECKING:
    from toolgym.env import ToolEnv
    from toolgym.wrappers.faults.injection import Faults

AGAIN = "The call failed for a reason that passes. I call again."
REFUSAL = "I could not do that: access to {tool} is denied."


def recovering(
    faults: Faults, env: ToolEnv, gold: Callable[[ToolEnv, Task], tuple[str, ...]], task: Task
) -> tuple[str, ...]:
    """The texts of ``gold`` with the actions that recover from the task's faults."""
    state = faults.begin(task)
    texts: list[str] = []
    for text in gold(env, task):
        done = type(env).parse(env, text)  # gold here has the tools' own names, whatever names are shown
        calls = done.calls
        if not calls:
            texts.append(text)
            continue
        texts.append(text)
        while (stop := _stopped(state, calls)) is not None:
            at, lasts = stop
            if lasts:
                says = REFUSAL.format(tool=calls[at].name)
                think = None if done.think is None else "The tool refuses every call, and no other does this."
                return (*texts, env.dialect.render(Completion("", (), think, says)))
            calls = calls[at:]
            think = None if done.think is None else AGAIN
            plain = tuple([ToolCall(call.name, call.arguments) for call in calls])
            texts.append(env.dialect.render(Completion("", plain, think, done.response)))
    return tuple(texts)


def _stopped(state: object, calls: tuple[ToolCall, ...]) -> tuple[int, bool] | None:
    """The first of the calls that meets a fault, and whether the fault lasts; None if all are answered."""
    for i, call in enumerate(calls):
        fault, _ = state.next_fault(call.name)  # type: ignore[attr-defined]
        if fault is not None:
            state.met(fault, call.name, 0, told(fault, call.name)[1])  # type: ignore[attr-defined]
            return i, call.name in state.lasting  # type: ignore[attr-defined]
    return None
