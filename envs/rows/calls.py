"""The calls of an assistant message: ``tool_calls``, the older ``function_call``, or tags in the text."""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping
from math import isfinite
from typing import Any

import msgspec

from toolgym.dialects import get_dialect
from toolgym.dialects.assistant_message import said, thought
from toolgym.types import ToolCall

from .problems import BadRow

OPEN = "<tool_call>"
_HERMES = get_dialect("hermes")
_decode = msgspec.json.decode


class Answer(msgspec.Struct, frozen=True, gc=False):
    """An assistant message, read."""

    calls: tuple[ToolCall, ...]
    ids: tuple[str | None, ...]
    response: str | None
    think: str | None


def read_answer(message: Mapping[str, Any]) -> Answer:
    """What an assistant message says, thinks and calls. Raises BadRow for a call that cannot be read."""
    text, think = text_of(message.get("content")), thought(message)
    native = _native(message)
    calls, ids = tuple([call for call, _ in native]), tuple([id for _, id in native])
    if text is not None and ("<think>" in text or OPEN in text):
        read = _HERMES.parse(text)
        think = think if read.think is None else read.think
        text = read.response
        if OPEN in (message.get("content") or "") and read.calls:
            tagged = tuple([_tagged(call, read.text) for call in read.calls])
            if calls and tagged != calls:
                raise BadRow("different calls in tool_calls and in the text")
            if not calls:
                calls, ids = tagged, (None,) * len(tagged)
    return Answer(calls, ids, text.strip() or None if text else None, think.strip() or None if think else None)


def text_of(content: Any) -> str | None:
    """The text of a message's content: a string, or a list of parts. Raises BadRow for a part that is not text."""
    if isinstance(content, list):
        for part in content:
            kind = part.get("type", "text") if isinstance(part, dict) else "text"
            if isinstance(kind, str) and not ("text" in kind or "think" in kind or "reason" in kind or "refus" in kind):
                raise BadRow("content that is not text", f"a part of type {kind[:40]!r}")
        return said(content)
    if content is None or isinstance(content, str):
        return content
    if isinstance(content, float) and content != content:  # NaN: a missing field of a table
        return None
    return json.dumps(content, ensure_ascii=False)


def arguments_of(given: Any, name: str) -> dict[str, Any]:
    """The arguments of a call: an object, or JSON in a string; null and "" are none. Raises BadRow."""
    if isinstance(given, str):
        given = decoded(given, f"arguments of {name!r}") if given.strip() else None
        if isinstance(given, str):  # encoded twice
            given = decoded(given, f"arguments of {name!r}")
    if given is None or (isinstance(given, float) and given != given):
        return {}
    if not isinstance(given, dict):
        raise BadRow("arguments that are not an object", f"{name!r} has {type(given).__name__} {str(given)[:60]!r}")
    if not _finite(given):
        raise BadRow("arguments that are not JSON", f"{name!r} has a number that is NaN or infinite")
    return given


def decoded(text: str, what: str) -> Any:
    """The value of JSON, or of a Python literal, in a string. Raises BadRow."""
    try:
        return _decode(text)
    except (msgspec.DecodeError, RecursionError, UnicodeEncodeError):
        pass
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        wrong = str(error).partition(": line")[0]
        wrong += f", at character {error.pos + 1}" if isinstance(error, json.JSONDecodeError) else ""
    if len(text) < 100_000 and text.lstrip()[:1] in "{[":
        try:
            return ast.literal_eval(text.strip())
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            pass
    raise BadRow("arguments that are not JSON", f"{what}: {wrong[:100]}")


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
        raise BadRow("tool_calls that are not a list", f"{type(found).__name__} {str(found)[:60]!r}")
    return [read_call(call) for call in found if call is not None]


def read_call(given: Any) -> tuple[ToolCall, str | None]:
    """A call in any layout, and its id. Raises BadRow."""
    if isinstance(given, str):
        given = decoded(given, "a call")
    if not isinstance(given, dict):
        raise BadRow("a call that is not an object", f"{str(given)[:60]!r}")
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
    return ToolCall(name.strip(), arguments), id if isinstance(id, str) else None


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
