"""Headers and parameters whose values come from environment variables, so that no secret is written down."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

from toolgym.tools.unavailable import ToolUnavailable

_NAME = re.compile(r"[\w!#$%&'*+.^`|~-]+", re.ASCII)
_VARIABLE = re.compile(r"\$(\w+)|\$\{(\w+)\}", re.ASCII)


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
        out = {}
        for name, value in self.written.items():
            out[name] = _VARIABLE.sub(lambda match: variable(match[1] or match[2]), value)
            if not sendable(out[name]):
                raise ToolUnavailable(f"the header {name} holds characters that cannot be sent")
        return out

    def secrets(self) -> list[str]:
        """The values that must not be shown: of the variables, and of headers without one."""
        names = [match[1] or match[2] for value in self.written.values() for match in _VARIABLE.finditer(value)]
        found = [os.environ.get(name, "").strip() for name in names]
        return [*filter(None, found), *(value for value in self.written.values() if not _VARIABLE.search(value))]


def variable(name: str) -> str:
    """The value of an environment variable. Raises ToolUnavailable if it is not set: no call can work without it."""
    value = os.environ.get(name, "").strip()
    if not value:
        raise ToolUnavailable(f"the environment variable {name} is not set")
    return value


def sendable(value: str) -> bool:
    """Whether a header can have this value."""
    return all(" " <= character <= "~" or "\xa0" <= character <= "\xff" or character == "\t" for character in value)
