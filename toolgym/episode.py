"""Episode: the conversation that an environment is playing. An env has one; a snapshot copies it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from toolgym.tasks.task import Task
from toolgym.tools.tool import Tool
from toolgym.types import Message, Turn

if TYPE_CHECKING:
    from toolgym.wrappers.faults.progress import Progress


class Episode(msgspec.Struct, eq=False):
    """One conversation, from ``reset`` to its end. The env that owns it is the only one that changes it."""

    task: Task | None
    """The row that is played. None only in a snapshot from another process, which names the task instead."""
    messages: tuple[Message, ...]
    """The transcript so far: what the policy sees."""
    turns: list[Turn]
    """One per action, in order."""
    tools: tuple[Tool, ...] | None
    """The tools on offer now. None only in a snapshot from another process."""
    over: bool = False
    """Whether the episode has ended."""
    exact: int = 0
    """How many actions, from the first on, made exactly their expected calls: ``judge`` need not compare them again."""
    lost: bool = False
    """Whether a call that was given up may still change the state, which cannot be copied."""
    failure: str | None = None
    """The first infrastructure failure, or None. With a failure the rewards say nothing about the policy."""

    faults: Progress | None = None
    """What injected faults have done so far; None without faults. Not in a snapshot: its ``state`` has the progress."""

    def copy(self) -> Episode:
        """An episode with a list of turns of its own; everything else is immutable and shared."""
        return msgspec.structs.replace(self, turns=list(self.turns), faults=None)
