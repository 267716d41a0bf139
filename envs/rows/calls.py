"""The calls of an assistant message: ``tool_calls``, the older ``function_call``, or tags in the text."""

from __future__ import annotations

import ast
import json
import warnings
from collections.abc import Container, Mapping
from contextlib import suppress
from math import isfinite
from typing import Any

import msgspec

from toolgym.dialects import get_dialect
from toolgym.dialects.assistant_message import said, thought
from toolgym.dialects.json.calls import MAX_CALLS, MAX_DEPTH, deeper_than
from toolgym.dialects.python.python_source import decode
from toolgym.types import ToolCall

from .problems import BadRow, described, in_json

OPEN = "<tool_call>"
_PAD = ("<scratch_pad>", "</scratch_pad>")
_TEXTS = ("text", "think", "reason", "refus", "summary")
"""Words in the types of parts that are text."""
_HERMES = get_dialect("hermes")
_LITERAL = 100_000
"""Characters of a Python literal that are read at most: its parser is slow."""
_decode = msgspec.json.decode


class Answer(msgspec.Struct, frozen=True, gc=False):
    """An assistant message, read."""

    calls: tuple[ToolCall, ...]
    ids: tuple[str | None, ...]
    response: str | None
    think: str | None


def read_answer(message: Mapping[str, Any]) -> Answer:
    """What an assistant message says, thinks and calls. Raises BadRow for a call that cannot be read."""
    content = message.get("content")
    text, think = text_of(content), thought(message)
    if text is not None and text.lstrip().startswith(_PAD[0]):  # Hermes' older name for a thought
        text = text.replace(_PAD[0], "<think>", 1).replace(_PAD[1], "</think>", 1)
    native = _native(message)
    calls, ids = tuple([call for call, _ in native]), tuple([id for _, id in native])
    if text is not None and ("<think>" in text or OPEN in text):
        tags, read = OPEN in text, _HERMES.parse(text)
        think = think if read.think is None else read.think
        text = read.response
        if tags and read.calls:
            tagged = tuple([_tagged(call, read.text) for call in read.calls])
            if calls and tagged != calls:
                raise BadRow("different calls in tool_calls and in the text")
            if not calls:
                calls, ids = tagged, (None,) * len(tagged)
    if len(calls) > MAX_CALLS:
        raise BadRow("too many calls in a message", f"{len(calls)}, and at most {MAX_CALLS} are read")
    return Answer(calls, ids, text.strip() or None if text else None, think.strip() or None if think else None)


def in_python(answer: Answer, tools: Container[str], notes: list[tuple[str, str]]) -> Answer:
    """The answer with its calls, if its words are calls of offered tools in a list, ``[f(a=1), g()]``."""
    text = answer.response or ""
    if answer.calls or not (text.startswith("[") and text.endswith(")]")):
        return answer
    try:
        read = [(name, arguments) for call in decode(text) for name, arguments in call.items()]
    except ValueError:
        read = []
    if not read or not all(name in tools for name, _ in read):
        notes.append(("an answer that looks like calls in another syntax is taken for words", text[:60]))
        return answer
    calls = tuple([ToolCall(name, arguments_of(json_like(given), name)) for name, given in read])
    return Answer(calls, (None,) * len(calls), None, answer.think)


def json_like(value: Any) -> Any:
    """A Python value as JSON has it: tuples become lists. Raises TypeError for a set, bytes, a complex number."""
    if isinstance(value, (list, tuple)):
        return [json_like(item) for item in value]
    if isinstance(value, dict):
        return {str(key): json_like(item) for key, item in value.items()}
    if value is None or isinstance(value, (str, int, float)):
        return value
    raise TypeError(f"{type(value).__name__} is not in JSON")


def text_of(content: Any) -> str | None:
    """The text of a message's content: a string, or a list of parts. Raises BadRow for a part that is not text."""
    if is_parts(content):
        for part in content:
            kind = part.get("type", "text") if isinstance(part, dict) else "text"
            if not any(word in str(kind) for word in _TEXTS):
                raise BadRow("content that is not text", f"a part of type {in_json(kind)}")
        return said(content)
    if content is None or isinstance(content, str):
        return content
    if isinstance(content, float) and content != content:  # NaN: a missing field of a table
        return None
    return json.dumps(content, ensure_ascii=False)


def is_parts(content: Any) -> bool:
    """Whether content is a list of parts, and not a result that is a list."""
    return isinstance(content, list) and all(
        isinstance(part, dict) and ("type" in part or part.keys() == {"text"}) for part in content
    )


def arguments_of(given: Any, name: str) -> dict[str, Any]:
    """The arguments of a call: an object, or JSON in a string; null and "" are none. Raises BadRow."""
    if isinstance(given, str):
        given = decoded(given, "arguments", repr(name)) if given.strip() else None
        if isinstance(given, str):  # encoded twice
            given = decoded(given, "arguments", repr(name))
    if given is None or (isinstance(given, float) and given != given):
        return {}
    if not isinstance(given, dict):
        raise BadRow("arguments that are not an object", f"{name!r} has {described(given)}")
    if deeper_than(given, MAX_DEPTH):
        raise BadRow("arguments that are nested too deeply", f"{name!r} has more than {MAX_DEPTH} levels")
    if not _finite(given):
        raise BadRow("arguments that are not JSON", f"{name!r} has a number that is NaN or infinite")
    return given


def decoded(text: str, what: str, where: str = "") -> Any:
    """The value of JSON, or of a Python literal, in a string. Raises BadRow, which names ``what`` it should be."""
    try:
        return _decode(text)
    except (msgspec.DecodeError, RecursionError, UnicodeEncodeError):
        pass
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        wrong = f"{error.msg}, at character {error.pos + 1}"
    except (ValueError, RecursionError) as error:
        wrong = "nested too deeply" if isinstance(error, RecursionError) else str(error)[:80]
    if len(text) < _LITERAL and text.lstrip()[:1] in "{[":
        with suppress(ValueError, SyntaxError, MemoryError, RecursionError, TypeError), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a backslash that Python's parser warns about
            return json_like(ast.literal_eval(text.strip()))
    raise BadRow(f"{what} that are not JSON", f"{where}: {wrong}" if where else wrong)


def _native(message: Mapping[str, Any]) -> list[tuple[ToolCall, str | None]]:
    found = message.get("tool_calls")
    if isinstance(found, str) and found.strip():
        found = decoded(found, "tool_calls")
    if isinstance(found, dict):
        found = [found]
    if not found or isinstance(found, float):
        older = message.get("function_call")
        older = decoded(older, "function_call") if isinstance(older, str) and older.strip() else older
        found = [older] if isinstance(older, dict) and older else []
    if not isinstance(found, list):
        raise BadRow("tool_calls that are not a list", described(found))
    return [read_call(call) for call in found if call is not None]


def read_call(given: Any) -> tuple[ToolCall, str | None]:
    """A call in any layout, and its id. Raises BadRow."""
    if isinstance(given, str):
        given = decoded(given, "calls")
    if not isinstance(given, dict):
        raise BadRow("a call that is not an object", described(given))
    inner = next((given[key] for key in ("function", "function_call") if isinstance(given.get(key), dict)), given)
    name = inner.get("name") or inner.get("tool_name")
    if not isinstance(name, str) or not name.strip():
        raise BadRow("a call without a name", f"it has {', '.join(list(map(str, inner))[:5]) or 'nothing'}")
    for key in ("arguments", "parameters", "args", "input", "kwargs"):
        if key in inner:
            arguments = arguments_of(inner[key], name)
            break
    else:
        arguments = {}
    id = given.get("id") or given.get("call_id")
    return ToolCall(name, arguments), id if isinstance(id, str) else None


def _tagged(call: ToolCall, text: str) -> ToolCall:
    """A call that the dialect found between tags. One that it cannot read may be a Python literal."""
    if call.error is None:
        return read_call({"name": call.name, "arguments": call.arguments})[0]
    written = text[call.start : call.end].removeprefix(OPEN).removesuffix("</tool_call>").strip()
    try:
        return read_call(written)[0]
    except BadRow as wrong:
        raise BadRow("a call in tags that cannot be read", f"{wrong}: {written[:60]!r}") from None


def _finite(value: Any) -> bool:
    todo = [value]
    while todo:
        one = todo.pop()
        if isinstance(one, float) and not isfinite(one):
            return False
        if isinstance(one, dict):
            todo += one.values()
        elif isinstance(one, (list, tuple)):
            todo += one
    return True
