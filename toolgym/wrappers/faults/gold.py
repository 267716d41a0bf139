"""Gold with faults: the suite's gold actions, and after each fault the actions that recover."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import msgspec

from toolgym.tasks import Task
from toolgym.types import Completion, ToolCall
from toolgym.wrappers.faults.progress import Met, Progress, reads, twins_of

if TYPE_CHECKING:
    from toolgym.env import ToolEnv
    from toolgym.wrappers.faults.injection import Faults

AGAIN = "The call failed for a reason that passes. I call again."
ANEW = "The tool has other parameters now. I call it as its schema says."
REFUSAL = "I could not do that: access to {tool} is denied."
OTHER = "The tool refuses every call, but another one does the same."
GIVE_UP = "The tool refuses every call, and no other tool does this."
REREAD = "The answer is not complete, or not current. I ask again."
VERIFY = "I check that the changes were saved."
REPAIR = "The change was not saved. I call again."


def recovering(
    faults: Faults, env: ToolEnv, gold: Callable[[ToolEnv, Task], tuple[str, ...]], task: Task
) -> tuple[str, ...]:
    """The texts of ``gold`` with the actions that recover from the task's faults.

    The faults follow from the calls alone, so nothing is run. Every change is checked if changes may be lost silently.
    """
    return tuple(_Recovery(faults, env, task).texts(gold(env, task)))


class _Recovery:
    def __init__(self, faults: Faults, env: ToolEnv, task: Task):
        self.env = env
        self.state: Progress = faults.begin(task)
        self.tools = {tool.name: tool for tool in env.all_tools(task)}
        self.checks = "silent_noop" in faults.kinds and "check_saved" not in self.tools
        self.told = 0
        """Actions that the suite is told of."""
        self.limit = env.base_turns

    def texts(self, gold: Sequence[str]) -> list[str]:
        out: list[str] = []
        for text in gold:
            done = type(self.env).parse(self.env, text)
            calls = tuple([ToolCall(call.name, call.arguments, call.error) for call in done.calls])
            if not calls or any(call.error is not None or call.name not in self.tools for call in calls):
                self.told += 1
                out.append(text)
                continue
            if self.state.lasting:
                calls = tuple([self._allowed(call) for call in calls])
                text = self._text(done, calls, done.think)
            out.append(text)
            soft: list[ToolCall] = []
            while (stop := self._stopped(calls, soft)) is not None:
                at, met = stop
                kind = met.fault.kind if met.fault is not None else ""
                if kind == "http_auth" and (way_out := self._way_out(calls[at])) is not None:
                    calls = (way_out, *calls[at + 1 :])
                    out.append(self._text(done, calls, OTHER))
                    continue
                if kind == "http_auth":
                    says = REFUSAL.format(tool=calls[at].name)
                    return [*out, self._say(Completion("", (), GIVE_UP, says), done)]
                calls = calls[at:]
                out.append(self._text(done, calls, ANEW if kind == "schema_drift" else AGAIN))
            self.told += 1
            if again := [call for call in soft if reads(self.tools[call.name])]:
                out.append(self._text(done, again, REREAD))
            out += self._verified(done, [call for call in soft if not reads(self.tools[call.name])])
        return out

    def _verified(self, done: Completion, lost: Sequence[ToolCall]) -> list[str]:
        """The check after changes, and the repair of those that were lost."""
        if not self.checks or not self.state.unchecked or self.told >= self.limit:
            return []
        self.state.unchecked = 0
        out = [self._text(done, (ToolCall("check_saved", {}),), VERIFY)]
        return [*out, self._text(done, lost, REPAIR)] if lost else out

    def _stopped(self, calls: Sequence[ToolCall], soft: list[ToolCall]) -> tuple[int, Met] | None:
        """The first of the calls that meets a loud fault; None if all are answered. Adds to ``soft`` those whose
        answer is not what it seems."""
        for i, call in enumerate(calls):
            if call.error is not None:
                continue
            met = self.state.meet(
                self.tools[call.name],
                0,
                twins_of(self.tools[call.name], self.tools.values()),
                fits=True,
                last=i + 1 == len(calls),
                ends=self.told + 1 >= self.limit,
                checked=self.checks,
            )
            if met.status == "soft":
                soft.append(call)
            elif met.status != "told":
                return i, met
        return None

    def _allowed(self, call: ToolCall) -> ToolCall:
        """The call, or the same call of another tool if this one denies access."""
        return (self._way_out(call) or call) if self.state.denies(call.name) else call

    def _way_out(self, call: ToolCall) -> ToolCall | None:
        """The same call of another tool that does the same, if one is offered that does not deny access too."""
        twins = twins_of(self.tools[call.name], self.tools.values())
        free = [name for name in twins if not self.state.denies(name)]
        return ToolCall(free[0], call.arguments) if free else None

    def _text(self, done: Completion, calls: Sequence[ToolCall], think: str | None) -> str:
        """An action with calls, in the schemas that the tools have by now."""
        written = []
        for call in calls:
            drift = self.state.drift(self.tools.get(call.name))
            arguments = call.arguments if drift is None else drift.drifted(call.arguments)
            written.append(ToolCall(call.name, arguments))
        return self._say(Completion("", tuple(written), think, done.response), done)

    def _say(self, completion: Completion, done: Completion) -> str:
        """In the dialect; without a thought if the suite's gold has none."""
        if done.think is None:
            completion = msgspec.structs.replace(completion, think=None)
        return self.env.dialect.render(completion)
