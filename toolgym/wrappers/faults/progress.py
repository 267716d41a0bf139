"""The progress of an episode with faults: what was met, what waits to be repeated, what the suite was told."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from typing import Any

import msgspec

from toolgym.types import FaultRecord, Turn, Verdict
from toolgym.wrappers.faults.kinds import KINDS
from toolgym.wrappers.faults.plan import Fault, Plan

MOST_FAULTS = 24
"""Faults of one episode; later calls meet none."""
_SAVED = ("actions", "held", "void", "answered", "waiting", "lasting", "found", "calls", "refused")

Place = tuple[int, int]
"""(turn, call of its action), both counted from 0."""


class Progress:
    """What an episode's calls have met so far. All of it is plain data, so that a snapshot can keep it.

    Attributes:
        needed: the tools that the expected calls of the task use.
        actions: the actions that the suite was told of: their turn, and the places of their calls. An action that
            recovers counts with the calls that were held for it.
        held: the places of calls that ran in an action that met a fault. The suite is told with the next action.
        void: the actions that faults made void.
        answered: tool -> its calls that were answered.
        waiting: tool -> (index into ``found``, calls that are still to fail).
        lasting: tool -> index into ``found`` of the fault that lasts.
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
        self.lasting: dict[str, int] = {}
        self.found: list[list[Any]] = []
        self.calls = 0
        self.refused = False
        self.now: list[tuple[str, str]] = []
        """Of the action under way, per call: its status, and the kind of its fault or ""."""

    def save(self) -> dict[str, Any]:
        """Everything that the episode has changed, as plain data."""
        return deepcopy({name: getattr(self, name) for name in _SAVED})

    def load(self, saved: dict[str, Any]) -> None:
        """Go on from what ``save`` returned."""
        for name, value in deepcopy(saved).items():
            setattr(self, name, value)

    def next_fault(self, tool: str) -> tuple[Fault | None, bool]:
        """The fault that a call of the tool meets now; and whether it is a blind repetition.

        A repetition is blind if the fault lasts, so that the call cannot succeed.
        """
        number = self.answered.get(tool, 0)
        if tool in self.lasting:
            return self._again(tool, self.lasting[tool]), True
        if tool in self.waiting:
            index, left = self.waiting[tool]
            if left:
                self.waiting[tool] = (index, left - 1)
                return self._again(tool, index), False
            del self.waiting[tool]
            self.found[index][5] = True
        elif len(self.found) < MOST_FAULTS and (fault := self.plan.fault(tool, number)) is not None:
            return fault, False
        self.answered[tool] = number + 1
        return None, False

    def _again(self, tool: str, index: int) -> Fault:
        fault = self.plan.fault(tool, self.answered.get(tool, 0))
        assert fault is not None, f"fault {index} of {tool} is not in the plan"
        return fault

    def met(self, fault: Fault, tool: str, call: int, seconds: float) -> None:
        """Note a fault when its first call meets it, and the seconds of each further call."""
        known = self.lasting.get(tool, self.waiting.get(tool, (None, 0))[0])
        if known is not None:
            self.found[known][6] += seconds
            return
        kind, index = KINDS[fault.kind], len(self.found)
        recoverable = not (fault.kind == "http_auth" and tool in self.needed)
        self.found.append([fault.kind, call, tool, recoverable, kind.silent, False, seconds])
        if kind.lasts:
            self.lasting[tool] = index
        else:
            self.waiting[tool] = (index, fault.times - 1)

    @property
    def hopeless(self) -> bool:
        """Whether a fault was met that calls cannot recover from."""
        return any(not recoverable for _, _, _, recoverable, *_ in self.found)

    def records(self) -> tuple[FaultRecord, ...]:
        """The faults so far, for ``info`` and the kept episode."""
        return tuple([FaultRecord(*each) for each in self.found])

    def played(self, turns: Sequence[Turn]) -> list[Turn]:
        """The turns as the suite was told of them."""
        out = []
        for turn, places in self.actions:
            reward = turns[turn].reward
            calls = tuple([turns[i].reward.calls[j] for i, j in places])
            out.append(msgspec.structs.replace(turns[turn], reward=msgspec.structs.replace(reward, calls=calls)))
        return out

    def verdict(self, verdict: Verdict) -> Verdict:
        """The verdict on the episode, given the suite's."""
        if self.refused:
            return Verdict(True)
        if self.hopeless and not verdict.success:
            tool = next(each[2] for each in self.found if not each[3])
            why = f"access to {tool} is denied, and the answer does not say that it cannot be done"
            return Verdict(False, f"{why}; {verdict.reason}"[:300], "no_refusal")
        return verdict
