"""The data of one task of AgentDojo."""

from __future__ import annotations

import msgspec


ROUNDS = 15
"""Texts whose calls are run, as in the official loop (``ToolsExecutionLoop(max_iters=15)``). One more may follow."""


class Entry(msgspec.Struct, frozen=True, eq=False):
    """The data to run and judge a task."""

    suite: str
    user_task: str
    """The official id, "user_task_3"."""
    injection_task: str | None = None
    attack: str | None = None
