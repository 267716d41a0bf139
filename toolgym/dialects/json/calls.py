"""JSON text to ToolCalls and back, for all dialects that write calls as JSON.

Models write the same call in many ways. Every form that has only one meaning is read: "parameters" instead of
"arguments" and vice versa; calls in a JSON list; several calls on a line; a call over several lines; arguments (or
the whole call) encoded twice, as a string that contains JSON; and ``{"type": "function", "function": {..}}`` around
a call, as in OpenAI's API.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, cast

import msgspec

from toolgym.types import ToolCall

if TYPE_CHECKING:
    from toolgym.tools import Tool

MAX_CALLS = 1000
"""The maximum number of calls read from one text; the remaining text becomes one malformed call."""
MAX_DEPTH = 100
"""Levels of lists and objects in a call. A deeper call is malformed, since recursive code would fail on it."""

_KEYS = ("arguments", "parameters")
_ABOUT_THE_CALL = {"name", "id", "type"}
_SHORT = 2 * MAX_DEPTH
"""A text of at most this many characters cannot be nested deeper than MAX_DEPTH, so it needs no check."""
_decode = msgspec.json.Decoder().decode
_scan = json.JSONDecoder().raw_decode
_GAP = re.compile(r"[\s,;]*")
_COLON = re.compile(r"[ \t\r\n]*:[ \t\r\n]*")
_NAME = re.compile(r'"name"\s{0,9}:\s{0,9}"([^"\\\n]{1,200})"')
_TAG = re.compile(r"<(?=/?(?:think|tool_call|response)>|\|)")
_SURROGATE = re.compile("[\ud800-\udfff]")


class _WithArguments(msgspec.Struct, gc=False):
    name: str
    given: dict[str, Any] = msgspec.field(name="arguments")


class _WithParameters(msgspec.Struct, gc=False):
    name: str
    given: dict[str, Any] = msgspec.field(name="parameters")


_PLAIN: dict[str, Callable[[str], _WithArguments | _WithParameters]] = {
    "arguments": msgspec.json.Decoder(_WithArguments).decode,
    "parameters": msgspec.json.Decoder(_WithParameters).decode,
}
"""Decoders of a call in the plainest form, by the key of its arguments; other keys are passed over."""


def decode_json(text: str) -> Any:
    """``json.loads``, 6 times as fast if the text is standard JSON. Raises only ValueError."""
    try:
        return _decode(text)
    except Exception:  # json.loads accepts more: NaN, 1e400, lone surrogates
        try:
            return json.loads(text)
        except RecursionError:
            raise ValueError("nested too deeply") from None


def one_call(body: str, key: str, start: int) -> ToolCall | None:
    """The call, if the whole body is one JSON object with a name and ``key``; else None. It begins at ``start``."""
    try:
        call = _PLAIN[key](body)
    except Exception:  # not JSON, or JSON of another form
        return None
    size = len(body)
    # Space around the object is left to the slower path, which says where the call begins and ends
    if not call.name or body[0] != "{" or body[-1] != "}" or (size > _SHORT and deeper_than(call.given, MAX_DEPTH)):
        return None
    return ToolCall(call.name, call.given, None, start, start + size)


def read_calls(body: str, key: str, start: int) -> list[ToolCall]:
    """The calls of a body, in order (at least one), in any layout. The body begins at ``start`` of the text.

    ``key`` names the arguments: "parameters" or "arguments". Text that cannot be read becomes malformed calls. Takes
    time linear in the body.
    """
    calls: list[ToolCall] = []
    at = start
    for line in body.split("\n"):  # fast path: the usual layout is one call per line
        plain = one_call(line, key, at)
        if plain is None or len(calls) == MAX_CALLS:
            break
        calls.append(plain)
        at += len(line) + 1
    else:
        return calls
    calls = []  # a line was something else: read the whole body again, leniently
    try:
        for call in _each_call(body, start, key):
            if len(calls) == MAX_CALLS:
                calls.append(too_many(call.start, start + len(body)))
                break
            calls.append(call)
    except RecursionError:
        return [malformed(body, "nested too deeply", start)]
    return calls or [malformed(body, "there is no call here", start)]


def read_call(value: Any, key: str, start: int, end: int) -> ToolCall:
    """A decoded JSON value as a call, which is ``text[start:end]``."""
    name, arguments, error = _fields(value, key)
    if end - start > _SHORT and deeper_than(arguments, MAX_DEPTH):
        arguments, error = {}, f"its arguments are nested more than {MAX_DEPTH} levels deep"
    return ToolCall(name, arguments, error, start, end)


def malformed(written: str, error: str, start: int) -> ToolCall:
    """A call that could not be read, with its name if a name can be found."""
    found = _NAME.search(written, 0, 1000)  # bounded, so that many malformed calls still take linear time
    error = error if len(error) <= 200 else error[:200] + "..."
    return ToolCall(found.group(1) if found else "", {}, error, start, start + len(written))


def too_many(start: int, end: int) -> ToolCall:
    """The malformed call that replaces all calls after the first MAX_CALLS."""
    return ToolCall("", {}, f"at most {MAX_CALLS} calls are read from a text; here begin further ones", start, end)


def write_call(call: ToolCall, key: str) -> str:
    """A call as a line of JSON. Tags and special tokens inside strings are escaped, so that they are read as text.

    Raises TypeError for an argument that JSON cannot hold.
    """
    out = write_json({"name": call.name, key: call.arguments}, call.name)
    return _TAG.sub(r"\\u003c", out) if "<" in out else out


def write_json(value: Any, name: str) -> str:
    """JSON on one line that UTF-8 can encode. Raises TypeError, with the call's name, if JSON cannot hold a value."""
    try:
        out = json.dumps(value, ensure_ascii=False)
    except TypeError as error:
        raise TypeError(f"the call of {name!r} cannot be written as JSON: {error}") from None
    return json.dumps(value) if _SURROGATE.search(out) else out  # ASCII: a lone surrogate becomes \ud800


def tool_lines(tools: Sequence[Tool]) -> str:
    """Name, description and parameters of each tool, one JSON object per line."""
    return "\n".join([tool.line for tool in tools]) or "(no tools)"


def members(text: str, start: int) -> dict[str, tuple[int, int]]:
    """Name -> (start, end) of its value, for the JSON object at ``text[start]``, which must be valid JSON."""
    out: dict[str, tuple[int, int]] = {}
    position = _skip(_GAP, text, start + 1)
    while text[position] != "}":
        name, end = _scan(text, position)
        at = _skip(_COLON, text, end)
        out[name] = at, _scan(text, at)[1]
        position = _skip(_GAP, text, out[name][1])
    return out


def elements(text: str, start: int) -> Iterator[tuple[int, int]]:
    """(start, end) of each item of the JSON array at ``text[start]``, which must be valid JSON."""
    position = _skip(_GAP, text, start + 1)
    while text[position] != "]":
        end = _scan(text, position)[1]
        yield position, end
        position = _skip(_GAP, text, end)


def _skip(pattern: re.Pattern[str], text: str, position: int) -> int:
    found = pattern.match(text, position)
    return found.end() if found else position


def _fields(value: Any, key: str) -> tuple[str, dict[str, Any], str | None]:
    """Name, arguments and error of a decoded call, in any of the forms that models write."""
    if isinstance(value, str):
        value = _decoded(value)
    if not isinstance(value, dict):
        return "", {}, f"a call is a JSON object, this is {_kind(value)}"
    value = unwrapped(value)
    name = value.get("name")
    if not isinstance(name, str) or not name:
        return "", {}, 'it has no "name"' if name is None else '"name" must be a string that is not empty'
    found = next((k for k in (key, *_KEYS) if k in value), None)  # the key of the dialect first, then either
    if found is None:
        surplus = value.keys() - _ABOUT_THE_CALL
        return name, {}, f'it has no "{key}"' if surplus else None
    arguments = value[found]
    if isinstance(arguments, str):
        arguments = _decoded(arguments) if arguments.strip() else None
        if isinstance(arguments, str):
            return name, {}, f'"{found}" must be a JSON object, this is a string that is not JSON'
    if arguments is None:  # null or "": a call without arguments
        return name, {}, None
    if not isinstance(arguments, dict):
        return name, {}, f'"{found}" must be a JSON object, this is {_kind(arguments)}'
    return name, arguments, None


def unwrapped(value: dict[str, Any]) -> dict[str, Any]:
    """The object of a call, which may be wrapped as in OpenAI's API: in "function", or in the older "function_call"."""
    if "name" not in value:
        for wrapper in ("function", "function_call"):
            if isinstance(value.get(wrapper), dict):
                return cast("dict[str, Any]", value[wrapper])
    return value


def _decoded(text: str) -> Any:
    """The value of a string that was encoded twice; the string itself if it is not JSON."""
    try:
        return decode_json(text)
    except ValueError:
        return text


def _each_call(body: str, start: int, key: str) -> Iterator[ToolCall]:
    """The calls of a body that begins at ``start``, in any layout. Raises RecursionError."""
    position = _skip(_GAP, body, 0)
    while position < len(body):
        try:
            value, to = _scan(body, position)
        except (ValueError, RecursionError) as error:
            yield from _salvage(body, position, start, key, _reason(error, position))
            return
        yield from spread(value, body, position, to, start, key)
        position = _skip(_GAP, body, to)


def spread(value: Any, body: str, at: int, to: int, start: int, key: str) -> Iterator[ToolCall]:
    """The call of one JSON value, or the calls of a list, which may be encoded twice."""
    if isinstance(value, list):
        for (begin, end), item in zip(elements(body, at), value, strict=True):
            yield read_call(item, key, start + begin, start + end)
        return
    inner = _decoded(value) if isinstance(value, str) else value
    for item in inner if isinstance(inner, list) else [inner]:
        yield read_call(item, key, start + at, start + to)


def _salvage(body: str, position: int, start: int, key: str, reason: str) -> Iterator[ToolCall]:
    """Read the rest of a body line by line, after JSON has failed: whole lines are calls, text between is malformed."""
    begin, end = position, position  # body[begin:end]: text that is not a call, not yet yielded
    for line in body[position:].split("\n"):
        written = line.strip(" \t\r,;")
        at = position + line.find(written)
        call = _call_in_line(written, key, start + at) if written[:1] == "{" else None
        if call is not None:  # first yield the text before it
            if end > begin:
                yield malformed(body[begin:end], reason, start + begin)
                reason = "not JSON"
            yield call
            begin = end = at + len(written)
        elif written:
            begin, end = (at if end == begin else begin), at + len(written)  # extend the unread text by this line
        position += len(line) + 1
    if end > begin:
        yield malformed(body[begin:end], reason, start + begin)


def _call_in_line(line: str, key: str, start: int) -> ToolCall | None:
    """The call, if a line is one; None for any other JSON object, which may be part of a larger value."""
    try:
        value = decode_json(line)
    except ValueError:
        return None
    whole = isinstance(value.get("name"), str) and any(k in value for k in _KEYS)
    return read_call(value, key, start, start + len(line)) if whole else None


def _reason(error: Exception, position: int) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"not JSON: {error.msg}, at character {error.pos - position + 1} of the call"
    return "not JSON: nested too deeply" if isinstance(error, RecursionError) else f"not JSON: {error}"


def deeper_than(value: Any, limit: int) -> bool:
    """Whether a JSON value is nested deeper than ``limit`` levels."""
    level = [value]  # all lists and dicts of one depth: breadth first, so that deep values need no recursion
    for _ in range(limit):
        inside = [item.values() if isinstance(item, dict) else item for item in level]
        level = [child for items in inside for child in items if isinstance(child, (dict, list))]
        if not level:
            return False
    return True


def _kind(value: Any) -> str:
    kinds = {dict: "an object", list: "a list", str: "a string", bool: "a boolean", type(None): "null"}
    return kinds.get(type(value), "a number")
