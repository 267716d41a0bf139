"""Exceptions that an agent's own code raises during an evaluation: recorded, unless there are many in a row."""

from __future__ import annotations

import traceback
from pathlib import Path
from threading import Lock
from typing import Literal, TypeAlias

from toolgym.agent import AgentError, NotAnAgent
from toolgym.stored.run_files import RunError

OnAgentError: TypeAlias = Literal["raise", "record"]
MOST_IN_A_ROW = 20
"""The run stops after this many failures in a row; if more than half as many episodes are played at once, after twice
their number."""
_SHOWN = 500


class AgentRaised(AgentError):
    """Stands for an exception of the agent's own code, whose name, message and place it has."""

    default_kind = "exception"


class AgentFailures:
    """What to do with exceptions of the agent's own code. Threads may share an instance.

    Args:
        on_agent_error: "raise": the run ends with the exception. "record": the episode is not valid.
    """

    def __init__(self, on_agent_error: OnAgentError = "raise"):
        if on_agent_error not in ("raise", "record"):
            raise ValueError(f"on_agent_error must be 'raise' or 'record', got {on_agent_error!r}")
        self.recorded = on_agent_error == "record"
        self.most = MOST_IN_A_ROW
        self._in_a_row = 0
        self._lock = Lock()

    def expect_at_once(self, episodes: int) -> None:
        """One cause may fail as many episodes as are played at once."""
        self.most = max(MOST_IN_A_ROW, 2 * episodes)

    def caught(self, error: BaseException) -> AgentError:
        """The AgentError to record the episode with.

        Raises ``error`` itself if it is not to be recorded, and RunError if there were many in a row. Ctrl-C, exits,
        MemoryError and NotAnAgent are never recorded.
        """
        if isinstance(error, AgentError):
            return error
        # these two are not Exceptions; an agent's own time limits and generators raise them
        ordinary = isinstance(error, Exception) or type(error).__name__ in ("CancelledError", "GeneratorExit")
        if not (self.recorded and ordinary) or isinstance(error, (NotAnAgent, MemoryError)):
            raise error
        with self._lock:
            self._in_a_row += 1
            count = self._in_a_row
        told = f"{type(error).__name__}: {_said(error)}".removesuffix(": ") + _place(error)
        if count >= self.most:
            raise RunError(
                f"the agent failed {count} times in a row, so the run stops. With a folder (--out), the episodes that "
                f"finished are kept in it, and resuming plays the others. The last failure: {told}"
            ) from error
        return AgentRaised(told)

    def went_well(self) -> None:
        """An answer was given: the count begins anew."""
        self._in_a_row = 0


def _said(error: BaseException) -> str:
    try:
        return str(error)[:_SHOWN]
    except Exception:  # its __str__ fails as well
        return ""


def _place(error: BaseException) -> str:
    """`` (file.py, line 3)``: the line of the agent's own code, which is outside of ToolGym and of installed packages;
    the innermost line if all of it is inside."""
    frames = list(traceback.walk_tb(error.__traceback__))
    own = [(frame, line) for frame, line in frames if _is_own(frame.f_code.co_filename, frame.f_globals)]
    if not (own or frames):
        return ""
    frame, line = (own or frames)[-1]
    return f" ({Path(frame.f_code.co_filename).name}, line {line})"


def _is_own(filename: str, names: dict[str, object]) -> bool:
    top = str(names.get("__name__", "")).partition(".")[0]
    installed = "site-packages" in filename or filename.startswith((str(Path(traceback.__file__).parent), "<frozen"))
    return top != "toolgym" and not installed
