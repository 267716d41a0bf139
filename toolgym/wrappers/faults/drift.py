"""Schema drift: the parameters that a tool really has, if they differ from the ones shown."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from toolgym.grading import json_equal
from toolgym.tools import Tool
from toolgym.wrappers.faults.plan import Fault

_ENDINGS = ("_v2", "_value", "_new", "_param")
_VERSIONS = ("api_version", "schema_version", "revision")
_NUMBERS = ("2", "2.1", "3")
LONGEST = 8_000
"""Characters of a schema that are shown; of a longer one, only what has changed."""


class Drift(msgspec.Struct, frozen=True):
    """How a tool's parameters differ: a required one has another name, or there is one more, with a fixed value."""

    tool: str
    old: str
    """The parameter that was renamed; "" if one was added."""
    new: str
    """The new name, or the parameter that was added."""
    value: str
    """The value of the added parameter."""
    schema: str
    """The parameters as they are now: JSON Schema."""

    def drifted(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Arguments for the schema that was shown, as the tool takes them now."""
        if not self.old:
            return {**arguments, self.new: self.value}
        return {self.new if name == self.old else name: value for name, value in arguments.items()}

    def shown(self, arguments: dict[str, Any]) -> dict[str, Any] | None:
        """The reverse of ``drifted``; None for arguments that the tool does not take now."""
        if not self.old:
            if not json_equal(arguments.get(self.new), self.value):
                return None
            return {name: value for name, value in arguments.items() if name != self.new}
        if self.new not in arguments or self.old in arguments:
            return None
        return {self.old if name == self.new else name: value for name, value in arguments.items()}

    @property
    def told(self) -> str:
        """The result of a call that does not fit."""
        if self.old:
            why = f"unknown parameter {self.old!r}, missing parameter {self.new!r}"
        else:
            why = f"missing parameter {self.new!r}, which must be {self.value!r}"
        return f"Error: HTTP 400: {self.tool} has a new schema: {why}. Its parameters are now: {self.schema}"


def drift_of(tool: Tool, fault: Fault) -> Drift:
    """The drift of a tool, as a fault's numbers draw it."""
    first, second, third = fault.draws
    parameters = dict(tool.schema["function"]["parameters"])
    properties = dict(parameters.get("properties") or {})
    required = [name for name in parameters.get("required") or () if name in properties]
    if required and first < 0.7:
        old, value = required[int(second * len(required))], ""
        new = _unused(old + _ENDINGS[int(third * len(_ENDINGS))], properties)
        properties = {new if name == old else name: about for name, about in properties.items()}
        required = [new if name == old else name for name in required]
        changed = {new: properties[new]}
    else:
        old, value = "", _NUMBERS[int(second * len(_NUMBERS))]
        new = _unused(_VERSIONS[int(third * len(_VERSIONS))], properties)
        changed = {new: {"type": "string", "enum": [value]}}
        properties, required = {**properties, **changed}, [*required, new]
    text = json.dumps({**parameters, "properties": properties, "required": required}, ensure_ascii=False)
    if len(text) > LONGEST:
        text = json.dumps({"properties": {**changed, "...": {}}, "required": [new, "..."]}, ensure_ascii=False)[
            :LONGEST
        ]
    return Drift(tool.name, old, new, value, text)


def _unused(name: str, taken: dict[str, Any]) -> str:
    while name in taken:
        name += "_"
    return name
