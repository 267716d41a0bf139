"""Calls written in the four return formats of format_sensitivity, in the form that the prompt shows."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from toolgym.dialects.pythonic import Pythonic, source
from toolgym.types import Completion, ToolCall

from .configuration import Configuration
from .decoding import CLOSE, OPEN

_XML_TYPES = {str: "string", bool: "boolean", int: "integer", float: "float", type(None): "null", list: "array",
              tuple: "tuple", dict: "dict"}  # fmt: skip
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_JSON_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_ENTITIES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\n": "&#10;", "\r": "&#13;",
                           "\t": "&#9;"})  # fmt: skip
_BRACKETS = {ord(char): f"\\u{ord(char):04x}" for char in "[]{}"}
_python = Pythonic()


def write_calls(calls: Sequence[ToolCall], configuration: Configuration) -> str:
    """The calls as text. Raises TypeError for a value that the format cannot hold."""
    if configuration.returns == "python":
        text = _python.render(Completion("", tuple(calls))).replace(CLOSE, f"\\x3c{CLOSE[1:]}")
    elif configuration.returns == "json":
        text = f"```json\n{_json(calls)}\n```"
    else:
        text = f"<functions>{''.join([_function(call, configuration.returns) for call in calls])}</functions>"
    return f"{OPEN}{text}{CLOSE}" if configuration.tagged else text


def _json(calls: Sequence[ToolCall]) -> str:
    text = json.dumps([{"function": call.name, "parameters": call.arguments} for call in calls])
    # the official patterns also see brackets and tags inside strings
    text = _JSON_STRING.sub(lambda string: string[0].translate(_BRACKETS), text)
    return text.replace(CLOSE, f"\\u003c{CLOSE[1:]}")


def _function(call: ToolCall, returns: str) -> str:
    verbose = returns == "verbose_xml"
    parameters = []
    for name, value in call.arguments.items():
        kind = _XML_TYPES.get(type(value), "array")
        text = value if type(value) is str else "" if value is None else _literal(value)
        if type(value) is float:
            text = repr(value)
        elif type(value) is str and (_NOT_XML.search(value) or (not verbose and value.strip() != value)):
            # as a string it would not come back unchanged; a literal of any type may be written for an array
            kind, text = "array", ascii(value)
        key, text = _escaped(name), text.translate(_ENTITIES)
        if verbose:
            parameters.append(f'<param name="{key}" value="{text}" type="{kind}"/>')
        else:
            parameters.append(f'<param name="{key}" type="{kind}">{text}</param>')
    inside = "".join(parameters)
    if verbose:
        inside = f"<params>{inside}</params>"
    return f'<function name="{_escaped(call.name)}">{inside}</function>'


def _escaped(name: str) -> str:
    if _NOT_XML.search(name):
        raise TypeError(f"the name {name!r} cannot be written in XML")
    return name.translate(_ENTITIES)


def _literal(value: Any) -> str:
    """Python source that ``ast.literal_eval`` reads, in ASCII."""
    return source(value, nan=None, write=ascii)
