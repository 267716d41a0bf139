"""Converts an env's transcript to messages of OpenAI's chat API, and the API's message to an env's action.

An env stores every assistant turn as one text. With native tools (dialect "openai") that text is the JSON of
the API's assistant message, with the tools' own names, so a round trip loses nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from toolgym.dialects.assistant_message import REASONING_FIELDS, call_ids, is_message, is_thought, said, thought
from toolgym.dialects.think import split_think

from .chat.names import Names
from .chat.sendable import arguments_object, clean, sendable

EMPTY = "(empty)"
"""Sent in place of a message without content and calls, which servers refuse."""
NO_RESULT = "(no result)"
"""Sent as the result of a call that has none: servers want one result for each call."""
_ID = re.compile(r"[\w.:/|-]{1,40}", re.ASCII)
_SHORT_ID = re.compile("[a-zA-Z0-9]{9}")
_SIGNED = "__thought__"  # LiteLLM writes Gemini's signature behind the id, whatever its length
_TAG = re.compile("<(/?(?:think|tool_call|response))>")


def prompt_messages(messages: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Messages for tools described in the prompt, with the roles system, user and assistant only, in turns.

    The results of one turn, and what the user says after them, become one user message: each result under the heading
    "Result of <tool>:", the words under "The user says:". Thoughts go back as the transcript has them.
    """
    out: list[dict[str, Any]] = []
    after_result = False
    for message in messages:
        role, content = message["role"], _content(message)
        if role == "system" and content is EMPTY:
            continue
        if role == "tool":
            role, content = "user", f"Result of {message.get('name', 'the tool')}:\n{content}"
        elif role == "user" and after_result:
            content = f"The user says:\n{content}"
        if out and out[-1]["role"] == role:
            out[-1]["content"] += f"\n\n{content}"
        else:
            out.append({"role": role, "content": content})
        after_result = message["role"] == "tool"
    return out


def native_messages(
    messages: Iterable[Mapping[str, Any]],
    names: Names | None = None,
    *,
    short_ids: bool = False,
    thoughts: bool = True,
) -> list[dict[str, Any]]:
    """Messages for native tools: assistant turns get their ``tool_calls`` back, results their ``tool_call_id``.

    Ids that are well formed (1 to 40 characters) and new in the conversation are kept; any other call gets one of the
    form "call00001". ``short_ids``: keep ids of 9 letters and digits only, as Mistral wants them. Results without a
    known id are matched in order with the open calls of the turn before. A result that matches no call becomes a user
    message, as in ``prompt_messages``. ``thoughts``: the fields of the thought, and those that a server adds to a call,
    go back as they came, in the turns after the user's last message.
    """
    messages, names, ids = list(messages), names or Names(), _Ids(short_ids)
    users = [position for position, message in enumerate(messages) if message["role"] == "user"]
    loop = (users[-1] if users else -1) if thoughts else len(messages)
    out: list[dict[str, Any]] = []
    waiting: list[tuple[str, str]] = []  # calls without a result: id in the transcript, id that was sent
    for position, message in enumerate(messages):
        role, content = message["role"], _content(message)
        if role == "tool" and waiting:
            found = message.get("tool_call_id")
            at = next((i for i, (own, _) in enumerate(waiting) if own == found), 0)
            out.append({"role": "tool", "tool_call_id": waiting.pop(at)[1], "content": content})
            continue
        if role == "tool":
            named = {"name": names.send(message["name"])} if "name" in message else {}
            out += prompt_messages([{"role": role, "content": content, **named}])
            continue
        out += _without_result(waiting)
        if role == "assistant":
            assistant, own = _assistant(content, names, thinking=position > loop)
            for call, own_id in zip(assistant.get("tool_calls", ()), own, strict=True):
                call["id"] = ids.sent(call["id"])
                waiting.append((own_id, call["id"]))
            out.append(assistant)
        elif not (role == "system" and content is EMPTY):
            out.append({"role": role, "content": content})
    partly = out and out[-1]["role"] == "tool"  # else nothing has been said to the last turn yet
    return out + _without_result(waiting) if partly else out


def action_text(message: Mapping[str, Any], *, native: bool, names: Names | None = None) -> str:
    """The env's action for an assistant message of the API. Raises ValueError if the message is malformed.

    ``native``: whether the tools were given to the API. If not, the thought stands in ``<think>`` tags before the
    content, with ``[think]`` for a tag inside of it, unless the content has a thought. ``names``: the names that the
    request had.
    """
    message = in_one_form(message)
    content = message["content"]
    if isinstance(content, dict):  # one part, or a JSON answer that the server has decoded
        content = [content] if isinstance(content.get("type"), str) else json.dumps(content)
    if not (content is None or isinstance(content, (str, list))):
        raise ValueError(f"content is {type(content).__name__}")
    calls = message["tool_calls"]
    text = said(content) or refused_in(message)
    if not native:
        return _in_prompt(text or "", thought({**message, "content": content}), calls)
    kept = {name: message[name] for name in message if name in REASONING_FIELDS and message[name] is not None}
    parts = isinstance(content, list) and any(map(is_thought, content))
    if not (calls or parts or any(kept.values()) or (text or "").lstrip().startswith("{")):
        return text or ""
    own = names or Names()
    fields = {"role": "assistant", "content": content if parts else text, **kept}
    try:
        return json.dumps({**fields, "tool_calls": [_named(call, own) for call in calls]} if calls else fields)
    except RecursionError:  # arguments that come as an object, nested a thousand deep: a malformed call
        deep = [{"name": _function(call).get("name"), "arguments": "(nested too deeply)"} for call in calls]
        return json.dumps({"role": "assistant", "content": text, "tool_calls": [{"function": each} for each in deep]})


# Reading answers ----------------------------------------------------------------------------------


def refused_in(message: Mapping[str, Any]) -> str | None:
    """The model's refusal, in the field that OpenAI has for it or in a content part; else None."""
    if isinstance(message.get("refusal"), str):
        return message["refusal"] or None
    parts = message.get("content")
    refusals = (
        [part for part in parts if isinstance(part, dict) and "refusal" in part] if isinstance(parts, list) else []
    )
    return said(refusals)


def in_one_form(message: Mapping[str, Any]) -> dict[str, Any]:
    """The message with all its calls in ``tool_calls``, each with its name and arguments under ``function``.

    Calls may also stand in the older ``function_call`` and in parts of the content (``tool_use``, ``function_call``,
    ``functionCall``), or have their name beside the id. Raises ValueError if ``tool_calls`` has another type.
    """
    calls = message.get("tool_calls") or []
    calls = [calls] if isinstance(calls, dict) else calls
    if not isinstance(calls, list):
        raise ValueError("tool_calls is not a list")
    older = message.get("function_call") or message.get("functionCall")
    content = message.get("content")
    parts = [content] if isinstance(content, dict) and isinstance(content.get("type"), str) else content
    if isinstance(parts, list):
        found = [call for part in parts if (call := _call_in(part)) is not None]
        if found:
            calls = calls or found
            content = [part for part in parts if _call_in(part) is None]
    if not calls and isinstance(older, dict):
        calls = [{"type": "function", "function": older}]
    whole = {**message, "content": content, "tool_calls": [_nested(call) for call in calls], "function_call": None}
    whole.pop("functionCall", None)
    return whole


def written_calls(message: Mapping[str, Any]) -> list[Any]:
    """The calls of a message, as ``in_one_form`` writes them."""
    found: list[Any] = in_one_form(message)["tool_calls"]
    return found


_CALL_PARTS = {"tool_use", "tool_call", "function_call", "functionCall", "toolUse", "toolCall"}


def _call_in(part: Any) -> Any:
    """The call that a content part is, or None."""
    if not isinstance(part, dict):
        return None
    kind = part.get("type")
    inner = next((part[name] for name in sorted(_CALL_PARTS) if isinstance(part.get(name), dict)), None)
    if inner is not None and (kind in _CALL_PARTS or not isinstance(kind, str)):
        return {"id": part.get("id"), **inner}
    return {key: part[key] for key in part if key != "type"} if kind in _CALL_PARTS else None


_ARGUMENTS = ("arguments", "input", "args", "parameters")


def _nested(call: Any) -> Any:
    """A call with its name and arguments under ``function``; a call of no known form as it is."""
    if not isinstance(call, dict) or isinstance(call.get("function"), dict) or "name" not in call:
        return call
    found = [call[name] for name in _ARGUMENTS if name in call]
    arguments = {"arguments": found[0]} if found else {}
    id = call.get("id") or call.get("call_id") or call.get("toolUseId")
    more = {key: call[key] for key in call if key not in {*_ARGUMENTS, "id", "name", "type", "call_id", "toolUseId"}}
    return {"id": id, "type": "function", "function": {"name": call["name"], **arguments}, **more}


def _in_prompt(text: str, think: str | None, calls: list[Any]) -> str:
    """The action if no tools were given to the API: thought, text, and calls that the server read from the text."""
    blocks = []
    for call in calls:
        function = _function(call)
        written = arguments_object(function.get("arguments"))
        found = {"name": function.get("name"), "arguments": "(unreadable)" if written is None else written}
        blocks.append(f"<tool_call>\n{json.dumps(found)}\n</tool_call>")
    text = "\n".join([*([text] if text else []), *blocks])
    if not think or split_think(text)[0] is not None:
        return text
    # a tag inside the thought would be read as one of the answer's own
    before = f"<think>{_TAG.sub(lambda tag: f'[{tag[1]}]', think)}</think>"
    return f"{before}\n{text.lstrip()}" if text.strip() else before


def _named(call: Any, names: Names) -> Any:
    """A call of an answer with the tool's own names."""
    function = call.get("function") if isinstance(call, dict) else None
    if not isinstance(function, dict) or not isinstance(function.get("name"), str):
        return call
    changed = {**function, "name": names.read(function["name"])}
    if "arguments" in function:
        changed["arguments"] = names.read_arguments(changed["name"], _once(function["arguments"]))
    return {**call, "function": changed}


def _once(arguments: Any) -> Any:
    """The arguments without a second encoding: JSON in a JSON string becomes the string."""
    if isinstance(arguments, str) and arguments.lstrip().startswith('"'):
        try:
            inner = json.loads(arguments)
        except ValueError:
            return arguments
        return inner if arguments_object(inner) is not None else arguments
    return arguments


# Sending turns back -------------------------------------------------------------------------------


def _assistant(text: str, names: Names, *, thinking: bool) -> tuple[dict[str, Any], list[str]]:
    """The API's message for an assistant turn, and the ids that its calls have in the transcript.

    Text that is not a JSON message of the API becomes plain content.
    """
    plain = {"role": "assistant", "content": text}
    if not text.lstrip().startswith("{"):
        return plain, []
    try:
        kept = json.loads(text)
    except (ValueError, RecursionError):
        return plain, []
    calls = kept.get("tool_calls") or []
    if not is_message(kept) or not isinstance(calls, list):
        return plain, []
    content = said(kept.get("content"))
    parts = kept.get("content")
    out = {**plain, "content": parts if thinking and isinstance(parts, list) else content}
    if thinking:
        out |= {name: kept[name] for name in kept if name in REASONING_FIELDS}
    if calls:
        out["tool_calls"] = [_call(call, names, whole=thinking) for call in calls]
    elif not (out["content"] if isinstance(out["content"], list) else (content or "").strip()):
        out["content"] = EMPTY
    return out, call_ids(calls)


def _call(call: Any, names: Names, *, whole: bool) -> dict[str, Any]:
    """A call in a form that servers accept. A malformed call of the model is repaired, not dropped.

    ``whole``: keep the server's own fields too, such as Gemini's signature.
    """
    function = _function(call)
    name = function.get("name")
    name = name if isinstance(name, str) and name else "unknown"
    arguments = function.get("arguments", function.get("parameters"))
    more = {key: call[key] for key in call if key not in _CALL_FIELDS} if whole and isinstance(call, dict) else {}
    return {
        "id": call.get("id") if isinstance(call, dict) else None,
        "type": "function",
        "function": {"name": names.send(name), "arguments": names.send_arguments(name, _arguments(arguments))},
        **more,
    }


_CALL_FIELDS = {"id", "type", "index", "function", "name", "arguments", "parameters"}


def _function(call: Any) -> dict[str, Any]:
    """The part of a call that has the name and the arguments."""
    if not isinstance(call, dict):
        return {}
    function = call if "name" in call else call.get("function")
    return function if isinstance(function, dict) else {}


def _arguments(written: Any) -> str:
    """The arguments as a JSON object: some servers parse the arguments of earlier calls and fail on anything else."""
    found = arguments_object(written)
    if found is None:
        return json.dumps({"unreadable": written if isinstance(written, str) else "(not an object of moderate depth)"})
    strict = sendable(found)
    plain = isinstance(written, str) and written.lstrip().startswith("{") and strict == found
    return clean(written) if plain else json.dumps(strict)


class _Ids:
    """The ids of the calls of one conversation, each used once."""

    def __init__(self, short: bool):
        self._pattern = _SHORT_ID if short else _ID
        self._used: set[str] = set()
        self._made = 0

    def sent(self, found: Any) -> str:
        """The id of the next call: its own if it fits and is new."""
        fits = isinstance(found, str) and (self._pattern.fullmatch(found) or _SIGNED in found)
        while not fits or found in self._used:
            self._made += 1
            found, fits = f"call{self._made:05d}", True
        self._used.add(found)
        return str(found)


def _without_result(waiting: list[tuple[str, str]]) -> list[dict[str, Any]]:
    """Results for the calls that have none; ``waiting`` is emptied."""
    out = [{"role": "tool", "tool_call_id": id, "content": NO_RESULT} for _, id in waiting]
    waiting.clear()
    return out


def _content(message: Mapping[str, Any]) -> str:
    """The text of a message of the transcript, without lone surrogates; servers refuse a blank one."""
    text = clean(said(message.get("content")) or "")
    return text if text.strip() else EMPTY
