"""The progress of an episode with faults: what was met, what waits to be repeated, what the suite was told."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from copy import deepcopy
from typing import Any, Literal, TypeAlias

import msgspec

from toolgym.tools import Tool
from toolgym.types import FaultRecord, ToolCall, Verdict
from toolgym.wrappers.faults.drift import Drift, drift_of
from toolgym.wrappers.faults.kinds import KINDS, hits
from toolgym.wrappers.faults.plan import Fault, Plan

MOST_FAULTS = 24
"""Faults of one episode; later calls meet none."""
_SAVED = ("actions", "held", "void", "answered", "waiting", "lasting", "open", "unchecked", "found", "calls",
          "refused")  # fmt: skip

Place: TypeAlias = tuple[int, int]
"""(turn, call of its action), both counted from 0."""
Status: TypeAlias = Literal["told", "soft", "free", "check", "needless_check", "fault", "blind", "skipped"]
"""What becomes of a call.

- told: it is run, and the suite is told of it.
- soft: the same, but its result is not what it seems.
- free: it is run again after a soft fault; the suite was told before.
- check, needless_check: it asks whether changes were saved.
- fault, blind: a fault stands in its place; blind, if the call could not succeed.
- skipped: a call before it in the action met a fault.
"""
NOT_COMPARED: tuple[Status, ...] = ("told", "soft", "free", "check", "fault", "skipped")
"""As the reason of a call's score: it is no mistake that the call matches no expected call."""


class Met(msgspec.Struct, frozen=True, gc=False):
    """What becomes of one call of the action under way."""

    status: Status
    fault: Fault | None = None
    opens: int | None = None
    """Index into ``found`` of the soft fault that it meets, or of the one that it recovers from."""


class Progress:
    """What an episode's calls have met so far. All of it is plain data, so that a snapshot can keep it.

    Attributes:
        needed: the tools that the expected calls of the task use.
        actions: the actions that the suite was told of: their turn, and the places of their calls. An action that
            recovers counts with the calls that were held for it.
        held: the places of calls that ran in an action that met a fault. The suite is told with the next action.
        void: the actions that the suite is not told of, and that take no turn.
        answered: tool -> its calls that were answered.
        waiting: tool -> (index into ``found``, calls that are still to fail).
        lasting: tool -> (index into ``found``, number of the call that met the fault that lasts).
        open: (index into ``found``, place, true result) of the soft faults that were not overcome yet.
        unchecked: the changes that were reported since the last check.
        found: the faults met: [kind, call, tool, recoverable, silent, recovered, seconds].
        calls: the calls of all actions so far.
        refused: whether the episode ended with the answer that it cannot be done.
    """

    def __init__(self, plan: Plan, needed: frozenset[str]):
        self.plan = plan
        self.needed = needed
        self.actions: list[tuple[int, tuple[Place, ...]]] = []
        self.held: list[Place] = []
        self.void = 0
        self.answered: dict[str, int] = {}
        self.waiting: dict[str, tuple[int, int]] = {}
        self.lasting: dict[str, tuple[int, int]] = {}
        self.open: list[tuple[int, Place, str]] = []
        self.unchecked = 0
        self.found: list[list[Any]] = []
        self.calls = 0
        self.refused = False
        self.now: list[Met] = []
        """What has become of the calls of the action under way."""
        self.written: dict[int, ToolCall] = {}
        """Of the action under way: the calls that follow a drifted schema, as the model wrote them."""
        self.undo: Any = None
        """Of the call under way: the state to go back to."""

    def save(self) -> dict[str, Any]:
        """Everything that the episode has changed, as plain data."""
        return deepcopy({name: getattr(self, name) for name in _SAVED})

    def load(self, saved: dict[str, Any]) -> None:
        """Go on from what ``save`` returned."""
        for name, value in deepcopy(saved).items():
            setattr(self, name, value)

    # What a call meets --------------------------------------------------------------------------

    def drift(self, tool: Tool | None) -> Drift | None:
        """How the tool's schema has drifted, if the policy has met the drift."""
        if tool is None or tool.name not in self.lasting:
            return None
        index, number = self.lasting[tool.name]
        if self.found[index][0] != "schema_drift":
            return None
        return drift_of(tool, self.plan.drawn("schema_drift", tool.name, number))

    def meet(
        self, tool: Tool, call: int, twins: Sequence[str], *, fits: bool, last: bool, ends: bool, checked: bool
    ) -> Met:
        """What a call of a tool meets, and take note of it.

        Args:
            call: the number of the call in the episode.
            twins: the other tools on offer that do the same.
            fits: whether the call follows the drifted schema of its tool.
            last: whether it is the last call of its action.
            ends: whether the action is the last one of the episode.
            checked: whether a tool is offered that says if changes were saved.
        """
        name = tool.name
        number = self.answered.get(name, 0)
        if name in self.lasting:
            index, since = self.lasting[name]
            kind = self.found[index][0]
            if kind != "schema_drift" or not fits:
                return Met("blind", self.plan.drawn(kind, name, since))
            self.found[index][5] = True
        if name in self.waiting:
            index, left = self.waiting[name]
            if left:
                self.waiting[name] = (index, left - 1)
                return Met("fault", self.plan.drawn(self.found[index][0], name, number))
            del self.waiting[name]
            self.found[index][5] = True
        elif len(self.found) < MOST_FAULTS:
            fault = self.plan.fault(name, number, self._possible(tool, last, ends, checked))
            if fault is not None:
                return self._noted(fault, tool, call, number, twins)
        self.answered[name] = number + 1
        self.unchecked += not reads(tool)
        for twin in twins:
            if self.denies(twin):
                self.found[self.lasting[twin][0]][5] = True
        return Met("told")

    def denies(self, tool: str) -> bool:
        """Whether the tool has refused access."""
        return tool in self.lasting and self.found[self.lasting[tool][0]][0] == "http_auth"

    def _possible(self, tool: Tool, last: bool, ends: bool, checked: bool) -> list[str]:
        found = []
        for kind in self.plan.kinds:
            if not hits(kind, reads(tool)):
                continue
            if kind == "http_auth" and not self.needed:  # no expected call says whether the tool is needed
                continue
            if KINDS[kind].lasts and tool.name in self.lasting:
                continue
            if KINDS[kind].soft and ends:  # nothing could be called after it
                continue
            # only the last call of an action can be undone without undoing others
            if kind == "silent_noop" and not (last and checked and getattr(tool, "server", None) is None):
                continue
            found.append(kind)
        return found

    def _noted(self, fault: Fault, tool: Tool, call: int, number: int, twins: Sequence[str]) -> Met:
        kind, name, index = KINDS[fault.kind], tool.name, len(self.found)
        needed = not self.needed.isdisjoint((name, *twins))
        recoverable = fault.kind != "http_auth" or not needed or not all(map(self.denies, twins))
        self.found.append([fault.kind, call, name, recoverable, kind.silent, False, 0.0])
        if kind.soft:
            self.answered[name] = number + 1
            self.unchecked += not reads(tool)
            return Met("soft", fault, index)
        if kind.lasts:
            self.lasting[name] = (index, number)
        else:
            self.waiting[name] = (index, fault.times - 1)
        return Met("fault", fault)

    def cost(self, tool: str, seconds: float) -> None:
        """Add the simulated seconds of a call to the fault that its tool has met last."""
        next(each for each in reversed(self.found) if each[2] == tool)[6] += seconds

    # What came of it ----------------------------------------------------------------------------

    @property
    def hopeless(self) -> bool:
        """Whether a fault was met that calls cannot recover from."""
        return not all(recoverable for _, _, _, recoverable, *_ in self.found)

    def records(self) -> tuple[FaultRecord, ...]:
        """The faults so far, for ``info`` and the kept episode."""
        return tuple([FaultRecord(*each) for each in self.found])

    def verdict(self, verdict: Verdict, excusable: bool) -> Verdict:
        """The verdict on the episode, given the suite's; the suite's own if the episode is not ``excusable``."""
        if not excusable:
            return verdict
        if self.refused:
            return Verdict(True)
        if self.hopeless and not verdict.success:
            tool = next(each[2] for each in self.found if not each[3])
            why = f"access to {tool} is denied, and the answer does not say that it cannot be done"
            return Verdict(False, f"{why}; {verdict.reason}"[:300], "no_refusal")
        return verdict


def twins_of(tool: Tool, tools: Iterable[Tool]) -> list[str]:
    """The tools that do the same under another name: they have its function and its parameters."""
    if tool.function is None:
        return []
    others = [other for other in tools if other.function is tool.function and other.name != tool.name]
    return [other.name for other in others if other.parameters == tool.parameters]


def reads(tool: Tool) -> bool:
    """Whether the calls of a tool change nothing; without a word about it, tools without a state do not."""
    return not tool.stateful if tool.reads is None else tool.reads
