"""The syntax of BFCL's prompted models: a list of Python calls, ``[name(parameter=value, ...), ...]``."""

from __future__ import annotations

import ast
import json
import math
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar

from toolgym.assets import read_member
from toolgym.dialects.base import Dialect
from toolgym.dialects.json.calls import MAX_CALLS, too_many
from toolgym.dialects.json.stray import stray_calls as stray_json
from toolgym.dialects.python.python_source import DecodeError, decode, execution_list, locate
from toolgym.dialects.python.stray import stray_calls
from toolgym.dialects.think import CLOSE, OPEN, split_think, write_think
from toolgym.types import CallRecord, Completion, Message, ToolCall, message

if TYPE_CHECKING:
    from toolgym.tools import Tool

_PROMPTS = "bfcl_eval/constants/default_prompts.py"

__all__ = ["DecodeError", "Pythonic", "decode", "execution_list", "system_prompt"]


class Pythonic(Dialect):
    """Calls as BFCL's prompted models write them, read as BFCL's official decoder reads them (see ``decode``).

    A text that does not decode is a response, and ``problem`` gives the reason. If calls stand in it beside words or in
    a code fence (python/stray.py), they are read, and ``misplaced`` is set. A thought may come first, which the
    official handlers of reasoning models remove too. ``render`` leaves out a response beside calls, and cannot
    write names that are not Python identifiers. White space around a response is not kept.
    """

    name: ClassVar[str] = "pythonic"
    any_name: ClassVar[bool] = False
    free_names: ClassVar[bool] = False
    """Whether names that are not Python identifiers can be read: see python/names.py."""
    own_language: ClassVar[bool] = True
    """Whether a call of a Java or JavaScript function is source text of that language, as BFCL's prompt asks for."""

    def instructions(self, tools: Sequence[Tool]) -> str:
        """The official system prompt, read from the wheel. Raises AssetError if the wheel is not available."""
        return self.prompt(
            [{"name": tool.name, "description": tool.description, "parameters": tool.parameters} for tool in tools]
        )

    def prompt(self, docs: Sequence[Mapping[str, Any]]) -> str:
        """``instructions`` for functions given as docs, which may have more than name, description and parameters."""
        return system_prompt(docs)

    def announce(self, docs: Sequence[Mapping[str, Any]]) -> str:
        """The docs of functions that are added during a dialogue, as the official harness writes them."""
        return str(list(docs))

    def parse(self, text: str) -> Completion:
        think, position = None, 0
        if text.lstrip().startswith(OPEN):
            think, position, unclosed = split_think(text)
            if unclosed:
                return Completion(text, (), think, None, unclosed)
        try:
            return self._completion(text, think, position)
        except DecodeError as error:
            problem = str(error)
        found: Sequence[ToolCall] = ()
        if think is None and CLOSE in text:  # the prompt may have contained <think>
            tag = text.find(CLOSE)
            found = self._stray(text, 0)
            if not any(call.start <= tag < call.end for call in found):  # else the tag stands in a string of a call
                think, position, _ = split_think(text)
                try:
                    return self._completion(text, think, position)
                except DecodeError as error:
                    problem, found = str(error), ()
        found = found or self._stray(text, position)
        return Completion(text, tuple(found), think, text[position:].strip() or None, problem, misplaced=bool(found))

    def render(self, completion: Completion) -> str:
        calls = ", ".join([_call_source(call) for call in completion.calls])
        answer = completion.response if completion.response is not None and not calls else f"[{calls}]"
        return write_think(completion.think) + answer

    def results(self, records: Sequence[CallRecord]) -> tuple[Message, ...]:
        """One user message for all results, as the official harness writes it."""
        shown = [
            {"role": "tool", "name": _shown(r.call), "content": r.result.content}
            for r in records
            if r.result is not None
        ]
        return (message("user", repr(shown)),) if shown else ()

    def is_result(self, message: Message) -> bool:
        """Results are user messages here, so they are recognised by how their text begins."""
        return super().is_result(message) or (
            message["role"] == "user" and str(message["content"]).startswith("[{'role': 'tool'")
        )

    def well_formed(self, completion: Completion, *, calls: bool, response: bool) -> bool:
        """Whether the text decodes to calls if and only if calls are expected; any other text is a response."""
        if calls:
            return (
                bool(completion.calls)
                and not completion.misplaced
                and all(call.error is None for call in completion.calls)
            )
        return not completion.calls and (completion.response is not None or not response)

    def _completion(self, text: str, think: str | None, position: int) -> Completion:
        """The calls in ``text[position:]``. Raises DecodeError."""
        calls: list[ToolCall] = []
        for name, arguments, start, end in locate(text[position:], free_names=self.free_names):
            start, end = position + max(start, 0), position + end  # a call may begin at an added "[": -1
            if len(calls) == MAX_CALLS:
                calls.append(too_many(start, len(text)))
                break
            if name:
                calls.append(ToolCall(name, arguments, None, start, end))
            else:
                calls.append(ToolCall("", {}, "the call has no name", start, end))
        return Completion(text, tuple(calls), think)

    def _stray(self, text: str, start: int) -> Sequence[ToolCall]:
        """Calls beside words; if there are none in Python, calls in JSON."""
        return stray_calls(text, start, self.free_names) or stray_json(text, start, len(text), "parameters")


def _call_source(call: ToolCall) -> str:
    arguments = [
        f"**{source(value)}" if key == "**" else f"{key}={source(value)}" for key, value in call.arguments.items()
    ]
    return f"{call.name}({', '.join(arguments)})"


def source(value: Any, *, nan: str | None = "1e999-1e999", write: Callable[[Any], str] = repr) -> str:
    """Python source that decodes to the value. Raises TypeError for a value that has no such source.

    Args:
        nan: source that decodes to NaN; None if there is none.
        write: writes texts and numbers.
    """

    def inner(each: Any) -> str:
        return source(each, nan=nan, write=write)

    if isinstance(value, dict):
        return "{" + ", ".join([f"{inner(key)}: {inner(item)}" for key, item in value.items()]) + "}"
    if isinstance(value, list):
        return f"[{', '.join(map(inner, value))}]"
    if isinstance(value, tuple):
        return f"({', '.join(map(inner, value))}{',' if len(value) == 1 else ''})"
    if isinstance(value, float) and not math.isfinite(value):
        # Python has no literals for these: 1e999 overflows to inf, and inf - inf is nan
        found = nan if math.isnan(value) else "1e999" if value > 0 else "-1e999"
        if found is None:
            raise TypeError("NaN inside a value cannot be written as a literal")
        return found
    if value is None or isinstance(value, (str, int, float, complex, bytes)):
        return write(value)
    raise TypeError(f"a {type(value).__name__} cannot be written as Python source")


def _shown(call: ToolCall) -> str:
    try:
        return execution_list([{call.name: call.arguments}])[0]
    except DecodeError:
        return _call_source(call)


def system_prompt(docs: Sequence[Mapping[str, Any]]) -> str:
    """BFCL's default system prompt for these function docs, which are not changed.

    The templates are read from the pinned wheel. Raises AssetError if the wheel is not available.
    """
    texts = _templates()
    style = texts["PROMPT_STYLE_TEMPLATES"]["classic"]
    return str(texts["_PLAINTEXT_SYSTEM_PROMPT_TEMPLATE"]).format(
        persona=style["persona"],
        task=style["task"],
        tool_call_format=style["tool_call_no_tag"].format(
            output_format=texts["OUTPUT_FORMAT_MAPPING"]["python"], param_types=texts["PARAM_TYPE_MAPPING"]["python"]
        ),
        multiturn_behavior=style["multiturn_behavior"],
        available_tools=style["available_tools"].format(format="json", functions=json.dumps(docs, indent=4)),
    )


@cache
def _templates() -> dict[str, Any]:
    """Name of a constant -> its value, for the official prompt templates."""
    out: dict[str, Any] = {}
    for node in ast.parse(read_member("bfcl", _PROMPTS)).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            try:
                out[node.targets[0].id] = ast.literal_eval(node.value)
            except ValueError:  # refers to other constants
                continue
    return out
