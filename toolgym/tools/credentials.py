"""Headers and parameters whose values come from environment variables, so that no secret is written down."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

from toolgym.tools.unavailable import ToolUnavailable

_NAME = re.compile(r"[\w!#$%&'*+.^`|~-]+", re.ASCII)
VARIABLE = re.compile(r"\$(\w+)|\$\{(\w+)\}", re.ASCII)


class Credentials:
    """Named values; ``$NAME`` or ``${NAME}`` in a value stands for an environment variable, read for each request.

    Raises ValueError for a name or a value that HTTP does not allow.
    """

    def __init__(self, written: Mapping[str, str]):
        self.written = dict(written)
        for name, value in self.written.items():
            if not isinstance(name, str) or not _NAME.fullmatch(name):
                raise ValueError(f"{name!r} cannot be the name of a header")
            if not isinstance(value, str) or not sendable(value):
                raise ValueError(f"the header {name} must be text on one line, in Latin-1")

    def filled(self) -> dict[str, str]:
        """The values. Raises ToolUnavailable if a variable is not set, or cannot be sent."""
        return {name: _filled(name, value) for name, value in self.written.items()}

    def variables(self) -> list[str]:
        """The values of the environment variables that are set."""
        names = [match[1] or match[2] for value in self.written.values() for match in VARIABLE.finditer(value)]
        return [value for name in names if (value := os.environ.get(name, "").strip())]

    def secrets(self) -> list[str]:
        """The values that must not be shown: of the variables, and of headers without one."""
        return [*self.variables(), *(value for value in self.written.values() if not VARIABLE.search(value))]


def variable(name: str, why: str = "") -> str:
    """The value of an environment variable. Raises ToolUnavailable if it is not set: no call can work without it.

    ``why`` ends the message: what needs the variable.
    """
    value = os.environ.get(name, "").strip()
    if not value:
        raise ToolUnavailable(f"the environment variable {name} is not set{why}")
    return value


def _filled(header: str, value: str) -> str:
    why = f"; the header {header} needs it"
    filled = VARIABLE.sub(lambda match: variable(match[1] or match[2], why), value)
    if not sendable(filled):
        raise ToolUnavailable(f"the header {header} holds characters that cannot be sent")
    return filled


def sendable(value: str) -> bool:
    """Whether a header can have this value."""
    return all(" " <= character <= "~" or "\xa0" <= character <= "\xff" or character == "\t" for character in value)
