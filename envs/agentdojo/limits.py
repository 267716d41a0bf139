"""Limits on what an episode's calls may write and show. No gold call comes near them."""

from __future__ import annotations

from typing import Any

import msgspec

MAX_CALL = 50_000
"""Maximum characters of the arguments of one call."""
MAX_EPISODE = 100_000
"""Maximum characters of the arguments of all calls of an episode. What is written is read and compared again."""
MAX_STEP = 500_000
"""Maximum characters of the results of one action; its later calls are refused."""
SHOWN_CHARS = 200_000
"""Maximum characters of one result that the model sees."""

_VALUE = 50
"""Characters that a value counts besides its own: the official comparison takes long for long lists."""


class TooMuch(ValueError):
    """The call would exceed a limit."""


class Budget(msgspec.Struct):
    """What the calls of an episode have used so far."""

    written: int = 0
    """Characters of arguments."""
    shown: int = 0
    """Characters of the results of this action."""

    def take(self, size: int) -> None:
        """Count the arguments of a call. Raises TooMuch if the call must not be run."""
        if self.written + size > MAX_EPISODE:
            raise TooMuch(f"the calls of an episode have at most {MAX_EPISODE:,} characters of arguments")
        if self.shown > MAX_STEP:
            raise TooMuch(f"at most {MAX_STEP:,} characters are returned at a time")
        self.written += size

    def showed(self, size: int) -> None:
        self.shown += size

    def next_action(self) -> None:
        self.shown = 0


def check_arguments(arguments: Any) -> int:
    """The size of a call's arguments: characters, and 50 for each value. Raises TooMuch if it is over MAX_CALL."""
    size, todo = 0, [arguments]
    while todo:
        value = todo.pop()
        size += _VALUE + (
            len(value) if isinstance(value, str) else value.bit_length() // 3 if isinstance(value, int) else 0
        )
        if size > MAX_CALL:
            raise TooMuch(f"the arguments of a call have at most {MAX_CALL:,} characters")
        if isinstance(value, dict):
            todo += value.keys()
            todo += value.values()
        elif isinstance(value, (list, tuple, set, frozenset)):
            todo += value
    return size
