"""Reads an answer of a result file as the model's official handler reads it.

prompted   a text, read by ``default_decode_ast_prompting`` and ``default_decode_execute_prompting``
native     a list of ``{name: arguments}``, arguments in JSON, as the handlers of APIs write it; a text is no call
tagged     a text with ``<tool_call>`` blocks, as the handlers of Qwen's function calling read it

Other handlers, of some thirty models, are not known here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any, Literal, TypeAlias

from toolgym.dialects.python.python_source import DecodeError as PythonError
from toolgym.dialects.python.python_source import execution_list

from ..source_text import DecodeError, decode_text

Form: TypeAlias = Literal["prompted", "native", "tagged"]

_BLOCK = re.compile(r"<tool_call>\n(.*?)\n</tool_call>", re.DOTALL)


class Undecodable(ValueError):
    """The official handler raises an exception on this answer."""


def decode_ast(result: Any, form: Form, language: str) -> Any:
    """The decoded calls: ``[{name: {parameter: value}}, ...]``, or whatever the handler makes of the answer.

    Raises Undecodable; ImportError for source in Java or JavaScript if its reader is missing.
    """
    if form == "native":
        return [{name: _loaded(value)} for name, value in _native(result)]
    if form == "tagged":
        return [{name: dict(arguments)} for name, arguments in _tagged(result)]
    try:
        return decode_text(text_of(result), language)
    except DecodeError as error:
        raise Undecodable(str(error)) from None


def decode_execute(result: Any, form: Form) -> list[str]:
    """The calls of a step as Python source, as the official harness runs them. Raises Undecodable."""
    if form == "prompted":
        try:
            return execution_list(decode_text(text_of(result), "python") or [])
        except (DecodeError, PythonError) as error:
            raise Undecodable(str(error)) from None
    pairs = _tagged(result) if form == "tagged" else _native(result, all_keys=True)
    out = []
    for name, value in pairs:
        arguments = _loaded(value)
        if not isinstance(arguments, dict):
            raise Undecodable(f"the arguments of {name} are not an object")
        out.append(f"{name}({','.join([f'{key}={item!r}' for key, item in arguments.items()])})")
    return out


def form_of(results: Iterable[Any]) -> Form:
    """The form of a model's answers: native if one of them is a list of calls, tagged if one has a tag."""
    tagged = False
    for result in results:
        for answer in _leaves(result):
            if isinstance(answer, dict):
                return "native"
            tagged = tagged or (isinstance(answer, str) and "<tool_call>" in answer)
    return "tagged" if tagged else "prompted"


def calls_of(result: Any) -> list[tuple[str, Any]]:
    """(name, arguments as written) of a native answer, as far as it can be read."""
    try:
        return _native(result, all_keys=True)
    except Undecodable:
        return []


def is_api_call(result: Any) -> bool:
    """Whether an answer has a call as OpenAI's API writes it; the harness takes its fields for names of tools."""
    fields = [each.keys() for each in _leaves(result) if isinstance(each, dict)]
    return any("function" in keys or {"name", "arguments"} <= keys for keys in fields)


def text_of(result: Any) -> str:
    """An answer that must be text. Raises Undecodable."""
    if not isinstance(result, str):
        raise Undecodable(f"the answer is not text but {type(result).__name__}")
    return result


def _leaves(result: Any) -> Iterable[Any]:
    todo = [result]
    while todo:
        one = todo.pop()
        if isinstance(one, list):
            todo += one
        else:
            yield one


def _native(result: Any, all_keys: bool = False) -> list[tuple[str, Any]]:
    """(name, value) of each call. Officially only the first key of a call is graded, and all keys are run."""
    if all_keys and isinstance(result, dict):
        result = [result]
    if not isinstance(result, (list, str)) or (isinstance(result, str) and result):
        raise Undecodable("the answer is not a list of calls")
    found = []
    for call in result:
        if not isinstance(call, dict) or not (call or all_keys):
            raise Undecodable("a call is not an object with a name")
        items = list(call.items())
        found += items if all_keys else items[:1]
    return found


def _loaded(value: Any) -> Any:
    """Arguments: JSON in a string, or as the handlers of some local models keep them, an object."""
    if isinstance(value, dict):
        return value
    if not isinstance(value, str):
        raise Undecodable("the arguments are neither JSON in a string nor an object")
    try:
        return json.loads(value)
    except (ValueError, RecursionError) as error:
        raise Undecodable(f"arguments that are not JSON: {str(error)[:100]}") from None


def _tagged(result: Any) -> Sequence[tuple[str, dict[str, Any]]]:
    """The calls of ``<tool_call>`` blocks. As officially, a block that is not JSON is passed over."""
    found = []
    for block in _BLOCK.findall(text_of(result)):
        try:
            call = json.loads(block)
        except (ValueError, RecursionError):
            continue
        if not (isinstance(call, dict) and "name" in call and isinstance(call.get("arguments"), dict)):
            raise Undecodable("a call in a tag has no name or no arguments")
        found.append((call["name"], call["arguments"]))
    return found
