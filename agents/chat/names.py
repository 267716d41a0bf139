"""Names of tools and parameters in an alphabet that servers accept, and back."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from .schema import completed, properties_of, with_keys, with_properties

_LENGTH = 64
_NOT_IN_NAMES = re.compile("[^a-zA-Z0-9_-]")
_NOT_IN_PROPERTIES = re.compile("[^a-zA-Z0-9_.-]")
_PREFIX = re.compile(r"(?:functions?|tools?|default_api)[._:/]")
"""What servers and models of several makers put in front of a name."""
_SUFFIX = re.compile(r":\d+\Z|<\|.*", re.DOTALL)
"""The position of a call (Kimi) or a special token (gpt-oss) that stayed behind a name."""
_SPECIAL = re.compile(r"<\|[^|<>]{0,40}\|>")
"""A special token that may stand before a name (gpt-oss)."""


class Names:
    """The names of one request. OpenAI's API takes tool names of 1 to 64 letters, digits, ``_`` and ``-``.

    Any other character becomes ``_``, as BFCL's own harness does for dots. A name that is too long, or that an
    earlier tool has already, gets a hash at its end. A tool that is added behind the others changes no other name.

    Args:
        tools: the schemas of an observation, in order.
        properties: also rename parameters (Anthropic takes 1 to 64 letters, digits, ``_``, ``.`` and ``-``).
    """

    def __init__(self, tools: Iterable[Mapping[str, Any]] = (), *, properties: bool = False):
        self._sent: dict[str, str] = {}
        self._own: dict[str, str] = {}
        self._properties: dict[str, dict[str, str]] = {}
        self._schemas: dict[str, Any] = {}
        for tool in tools:
            function = tool["function"]
            self.send(function["name"])
            if properties:
                self._schemas[function["name"]] = function.get("parameters")
                self._properties[function["name"]] = _renamed(properties_of(function.get("parameters")))
        self._offered = set(self._sent)

    def send(self, name: str) -> str:
        """The name as the server gets it. A name that is not a tool's (a model invented it) is sent likewise."""
        if name not in self._sent:
            sent = _fitting(name, _NOT_IN_NAMES, self._own, "tool")
            self._sent[name], self._own[sent] = sent, name
        return self._sent[name]

    def tool(self, schema: Mapping[str, Any]) -> dict[str, Any]:
        """A tool as the server gets it: the names fitting, the schema complete."""
        function = schema["function"]
        parameters = completed(function.get("parameters") or {"type": "object"})
        names = self._properties.get(function["name"])
        parameters = with_properties(parameters, names) if names else parameters
        return {**schema, "function": {**function, "name": self.send(function["name"]), "parameters": parameters}}

    def send_arguments(self, name: str, arguments: str) -> str:
        """The arguments (JSON) of an earlier call of the tool ``name``, as the server gets them."""
        found = self._in_json(name, arguments, back=False)
        return found if isinstance(found, str) else arguments

    def offers(self, written: str) -> bool:
        """Whether a name in an answer is that of a tool."""
        return self.read(written) in self._offered

    def read(self, written: str) -> str:
        """The tool's own name for a name in an answer. A name that the model invented stays as it is.

        A prefix such as ``functions.`` is removed if only the rest is the name of a tool.
        """
        for name in _readings(written):
            if self._own.get(name) in self._offered:
                return self._own[name]
            if name in self._offered:
                return name
        return written

    def read_arguments(self, name: str, arguments: Any) -> Any:
        """The arguments of an answer's call of the tool ``name``, with the tool's own parameter names."""
        return self._in_json(name, arguments, back=True)

    def _in_json(self, name: str, arguments: Any, *, back: bool) -> Any:
        names = self._properties.get(name)
        if not names:
            return arguments
        schema = self._schemas[name]
        if not isinstance(arguments, str):
            return with_keys(arguments, schema, names, back=back)
        try:
            return json.dumps(with_keys(json.loads(arguments), schema, names, back=back), ensure_ascii=False)
        except (ValueError, RecursionError):
            return arguments


def fits_as_property(name: str) -> bool:
    """Whether Anthropic's API takes the name of a parameter."""
    return 0 < len(name) <= _LENGTH and not _NOT_IN_PROPERTIES.search(name)


def _readings(written: str) -> Iterable[str]:
    """A name as it is written, then without what surrounds it."""
    yield written
    plain = written[:2000].strip()
    yield plain
    for piece in [plain, *_SPECIAL.split(plain)[:6]]:
        bare = _SUFFIX.sub("", piece.rpartition("to=")[2]).strip()
        yield bare
        for _ in range(3):
            if (prefix := _PREFIX.match(bare)) is None:
                break
            bare = bare[prefix.end() :]
            yield bare


def _fitting(name: str, unfit: re.Pattern[str], taken: Mapping[str, str], empty: str) -> str:
    """The name in the alphabet, or with a hash if that is too long or taken."""
    plain = unfit.sub("_", name)
    if 0 < len(plain) <= _LENGTH and plain not in taken and (plain == name or plain.strip("_")):
        return plain
    base = plain.strip("_")[: _LENGTH - 9] or empty
    for salt in range(len(taken) + 1):
        digest = hashlib.sha256(f"{salt}{name}".encode("utf-8", "surrogatepass")).hexdigest()[:8]
        if f"{base}_{digest}" not in taken:
            break
    return f"{base}_{digest}"


def _renamed(properties: Iterable[str]) -> dict[str, str]:
    """Own name -> sent name of a tool's parameters; {} if all may be sent as they are."""
    taken: dict[str, str] = {}
    for name in sorted(properties, key=lambda name: not fits_as_property(name)):  # names that fit stay as they are
        taken[_fitting(name, _NOT_IN_PROPERTIES, taken, "parameter")] = name
    return {} if all(name == sent for sent, name in taken.items()) else {name: sent for sent, name in taken.items()}
