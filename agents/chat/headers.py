"""Further headers of an endpoint's requests; a value may name environment variables, so that no secret is stored."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any

from toolgym.rollout import AgentError

_NAME = re.compile(r"[\w!#$%&'*+.^`|~-]+", re.ASCII)
_VARIABLE = re.compile(r"\$(\w+)|\$\{(\w+)\}", re.ASCII)
_SECRET_HEADER = re.compile("auth|cookie|key|token|secret|password|credential|signature", re.IGNORECASE)
_SECRET_FIELD = re.compile(
    r"(^|[_-])(api[_-]?key|secret|password|passwd|credentials?|authorization|(access|auth)[_-]?token)($|[_-])",
    re.IGNORECASE,
)
_NOT_OURS = {"content-length", "content-type", "host", "transfer-encoding", "connection"}


class Headers:
    """Headers by name. ``$NAME`` or ``${NAME}`` in a value stands for an environment variable, read for each request.

    A header whose name speaks of a secret (Authorization, api-key, ...) needs such a value: literal values are stored
    with a run's settings. Raises ValueError for such a header, and for one that HTTP does not allow.
    """

    def __init__(self, written: Mapping[str, str]):
        self.written = dict(written)
        for name, value in self.written.items():
            if not _NAME.fullmatch(name) or name.lower() in _NOT_OURS:
                raise ValueError(f"{name!r} cannot be the name of a further header")
            if not isinstance(value, str) or not _sendable(value):
                raise ValueError(f"the header {name} must be text on one line, in Latin-1")
            if _SECRET_HEADER.search(name) and not _VARIABLE.search(value):
                raise ValueError(
                    f"the header {name} carries a secret, and settings are stored: put the secret into an environment "
                    f"variable, and write {name}='$VARIABLE'"
                )

    def filled(self, ours: Mapping[str, str]) -> dict[str, str]:
        """These headers, and those of ``ours`` that have another name (in any case).

        Raises AgentError if an environment variable is not set or cannot be sent.
        """
        filled = {name: self._fill(name, value) for name, value in self.written.items()}
        taken = {name.lower() for name in filled}
        return {**{name: value for name, value in ours.items() if name.lower() not in taken}, **filled}

    def secrets(self) -> list[str]:
        """The values of the environment variables, which must not be shown."""
        names = [_name(match) for value in self.written.values() for match in _VARIABLE.finditer(value)]
        return [value for name in names if (value := os.environ.get(name, "").strip())]

    def _fill(self, header: str, value: str) -> str:
        for match in _VARIABLE.finditer(value):
            if not os.environ.get(_name(match), "").strip():
                raise AgentError(f"the header {header} needs the environment variable {_name(match)}, which is not set")
        filled = _VARIABLE.sub(lambda match: os.environ[_name(match)].strip(), value)
        if not _sendable(filled):
            raise AgentError(f"the header {header} holds characters that cannot be sent")
        return filled


def refuse_secrets(fields: Any) -> None:
    """Raises ValueError if a field of a request is named like a secret, at any depth: the fields are stored."""
    if isinstance(fields, (list, tuple)):
        fields = dict(enumerate(fields))
    for name, value in fields.items() if isinstance(fields, Mapping) else ():
        if isinstance(value, str) and _SECRET_FIELD.search(str(name)):
            raise ValueError(f"the field {name!r} carries a secret, and settings are stored; send it as a header")
        refuse_secrets(value)


def _name(match: re.Match[str]) -> str:
    return match[1] or match[2]


def _sendable(value: str) -> bool:
    return all(" " <= character <= "~" or "\xa0" <= character <= "\xff" or character == "\t" for character in value)
