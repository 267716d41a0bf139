"""ReturnFormat: the syntax of one configuration as a dialect."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, ClassVar, NamedTuple

from toolgym.dialects.base import Dialect
from toolgym.dialects.json.calls import MAX_CALLS, MAX_DEPTH, too_many
from toolgym.dialects.think import CLOSE, OPEN, split_think, write_think
from toolgym.tools import Tool
from toolgym.types import Completion, ToolCall

from .configuration import Configuration
from .decoding import DecodeError, Found, locate
from .writing import write_calls


class Reading(NamedTuple):
    """A text as the official decoder reads it, after a thought."""

    found: list[Found] | None
    """The decoded calls; None if the decoder raises an exception."""
    think: str | None
    position: int
    """The end of the thought."""
    problem: str | None
    """Why the text does not decode."""


class ReturnFormat(Dialect):
    """Calls in the format of one configuration, read as BFCL's official decoder reads them (see decoding.py).

    A thought may come first, which the official handlers of reasoning models remove too. A text without calls is a
    response. The prompt is part of the task's messages, so there are no instructions.
    """

    name: ClassVar[str] = "format_sensitivity"
    any_name: ClassVar[bool] = False

    def __init__(self, configuration: Configuration):
        self.configuration = configuration

    def instructions(self, tools: Sequence[Tool]) -> str:
        return ""

    def read(self, text: str) -> Reading:
        """The decoded calls of a text, before anything is made of them."""
        think, position = None, 0
        if text.lstrip().startswith(OPEN):
            think, position, unclosed = split_think(text)
            if unclosed:
                return Reading(None, think, position, unclosed)
        whole = self._read(text, think, position)
        if not whole.found and think is None and CLOSE in text:  # the prompt may have contained <think>
            think, position, _ = split_think(text)
            rest = self._read(text, think, position)
            return rest if rest.found else whole
        return whole

    def _read(self, text: str, think: str | None, position: int) -> Reading:
        try:
            found = locate(text[position:], self.configuration)
        except DecodeError as error:
            return Reading(None, think, position, str(error))
        return Reading(found, think, position, None)

    def parse(self, text: str) -> Completion:
        found, think, position, problem = self.read(text)
        if not found:
            return Completion(text, (), think, text[position:].strip() or None, problem)
        calls = [_call(each, position) for each in found[:MAX_CALLS]]
        if len(found) > MAX_CALLS:
            calls.append(too_many(position + found[MAX_CALLS].start, len(text)))
        return Completion(text, tuple(calls), think)

    def render(self, completion: Completion) -> str:
        says = None if completion.calls else completion.response
        answer = write_calls(completion.calls, self.configuration) if says is None else says
        return write_think(completion.think) + answer

    def well_formed(self, completion: Completion, *, calls: bool, response: bool) -> bool:
        """Whether the text decodes to calls if and only if calls are expected; any other text is a response."""
        if calls:
            return bool(completion.calls) and all(call.error is None for call in completion.calls)
        return not completion.calls and (completion.response is not None or not response)


@cache
def return_format(configuration: Configuration) -> ReturnFormat:
    """The dialect of a configuration."""
    return ReturnFormat(configuration)


def _call(found: Found, position: int) -> ToolCall:
    name, arguments, start, end = found
    error = None
    if not isinstance(name, str):
        name, error = "", "the function's name is not text"
    elif not name:
        error = "the call has no name"
    elif not isinstance(arguments, dict):
        error = "the parameters are not an object"
    elif not all(isinstance(key, str) for key in arguments):
        error = "a parameter has no name"
    elif _deep(arguments):
        error = f"its arguments are nested more than {MAX_DEPTH} levels deep"
    return ToolCall(name, {} if error else arguments, error, position + start, position + end)


def _deep(value: Any) -> bool:
    todo = [value]
    for _ in range(MAX_DEPTH):
        inside: list[Any] = []
        for each in todo:
            if isinstance(each, dict):
                inside += each.values()
            elif isinstance(each, (list, tuple)):
                inside += each
        todo = [each for each in inside if isinstance(each, (dict, list, tuple))]
        if not todo:
            return False
    return True
