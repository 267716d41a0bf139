"""Further headers of an endpoint's requests; a value may name environment variables, so that no secret is stored."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from toolgym.rollout import AgentError
from toolgym.tools.credentials import VARIABLE, Credentials
from toolgym.tools.unavailable import ToolUnavailable

_SECRET_HEADER = re.compile("auth|cookie|key|token|secret|password|credential|signature", re.IGNORECASE)
_SECRET_WORDS = {
    "secret", "secrets", "password", "passwords", "passwd", "passphrase", "pwd", "credential", "credentials",
    "authorization", "bearer", "apikey", "apikeys", "cookie", "cookies", "jwt",
}  # fmt: skip
_SECRET_ALONE = {"key", "keys", "token", "tokens", "pass", "auth"}
_SECRET_KINDS = {
    "api", "access", "private", "subscription", "auth", "oauth", "client", "license", "service", "master", "account",
    "signing", "encryption", "refresh", "id", "session", "security", "hf", "user", "db", "csrf", "personal", "github",
    "admin", "app", "my", "openai", "proxy", "x", "basic",
}  # fmt: skip
"""Words before "key" or "token" in names of secrets; ``stop_token`` and ``prompt_cache_key`` are none."""
_NAMES_OF_OTHERS = {"properties", "$defs", "definitions"}
"""Fields of JSON schemas whose names are those of parameters."""
_NOT_OURS = {"content-length", "content-type", "host", "transfer-encoding", "connection"}


class Headers:
    """Headers by name. ``$NAME`` or ``${NAME}`` in a value stands for an environment variable, read for each request.

    A header whose name speaks of a secret (Authorization, api-key, ...) needs such a value: literal values are stored
    with a run's settings. Raises ValueError for such a header, and for one that HTTP does not allow.
    """

    def __init__(self, written: Mapping[str, str]):
        self._credentials = Credentials(written)
        self.written = self._credentials.written
        for name, value in self.written.items():
            if name.lower() in _NOT_OURS:
                raise ValueError(f"{name!r} cannot be the name of a further header")
            if _SECRET_HEADER.search(name) and not VARIABLE.search(value):
                raise ValueError(
                    f"the header {name} carries a secret, and settings are stored: put the secret into an environment "
                    f"variable, and write {name}='$VARIABLE'"
                )

    def filled(self, ours: Mapping[str, str]) -> dict[str, str]:
        """These headers, and those of ``ours`` that have another name (in any case).

        Raises AgentError if an environment variable is not set or cannot be sent.
        """
        try:
            filled = self._credentials.filled()
        except ToolUnavailable as error:
            raise AgentError(str(error)) from None
        taken = {name.lower() for name in filled}
        return {**{name: value for name, value in ours.items() if name.lower() not in taken}, **filled}

    def secrets(self) -> list[str]:
        """The values of the environment variables, which must not be shown."""
        return self._credentials.variables()


def refuse_secrets(fields: Any) -> None:
    """Raises ValueError if a field of a request is named like a secret, at any depth: the fields are stored."""
    _refuse(fields, judged=True)


def _refuse(fields: Any, *, judged: bool) -> None:
    if isinstance(fields, (list, tuple)):
        for value in fields:
            _refuse(value, judged=True)
    for name, value in fields.items() if isinstance(fields, Mapping) else ():
        if judged and _is_secret(str(name)) and _has_text(value):
            raise ValueError(f"the field {name!r} carries a secret, and settings are stored; send it as a header")
        _refuse(value, judged=name not in _NAMES_OF_OTHERS)


def _is_secret(name: str) -> bool:
    """Whether a field is named like a secret: ``api_key``, ``clientSecret``, ``X-Auth-Token``, ``pass``, ..."""
    spaced = re.sub("(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name[:200])
    words = [word for word in re.split("[^a-z0-9]+", spaced.lower()) if word]
    if not words:
        return False
    if _SECRET_WORDS.intersection(words) or (len(words) == 1 and words[0] in _SECRET_ALONE):
        return True
    if re.fullmatch("(api|access|auth|secret|private|client)(key|token|secret)s?", "".join(words)):
        return True
    return any(after in _SECRET_ALONE and before in _SECRET_KINDS for before, after in pairwise(words))


def _has_text(value: Any) -> bool:
    """Whether a value is or holds text, in which a secret may be."""
    if isinstance(value, Mapping):
        return any(map(_has_text, value.values()))
    return any(map(_has_text, value)) if isinstance(value, (list, tuple)) else isinstance(value, str) and value != ""
