"""Converts an env's transcript to messages of the OpenAI chat API, and the API's answer to an env's action.

An env stores every assistant turn as one text. With native tools (dialect "openai") that text is the JSON of
the API's assistant message, so a round trip loses nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

_SURROGATE = re.compile("[\ud800-\udfff]")


def prompt_messages(messages: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Messages for tools described in the prompt, with the roles system, user and assistant only.

    The results of one turn become one user message, each under the heading "Result of <tool>:". Servers accept the
    role "tool" only after native tool calls.
    """
    out: list[dict[str, Any]] = []
    after_result = False
    for message in messages:
        role, content = message["role"], _clean(message["content"])
        if role == "tool":
            content = f"Result of {message.get('name', 'the tool')}:\n{content}"
            if after_result:
                out[-1]["content"] += f"\n\n{content}"
            else:
                out.append({"role": "user", "content": content})
        else:
            out.append({"role": role, "content": content})
        after_result = role == "tool"
    return out


def native_messages(messages: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Messages for native tools: assistant turns get their ``tool_calls`` back, results their ``tool_call_id``.

    Results without a known id are matched in order with the open calls of the turn before. A result that matches
    no call becomes a user message, as in ``prompt_messages``.
    """
    out: list[dict[str, Any]] = []
    open_calls: list[str] = []
    for message in messages:
        role, content = message["role"], _clean(message["content"])
        if role == "assistant":
            out.append(_assistant(content))
            open_calls = [call["id"] for call in out[-1].get("tool_calls", ())]
        elif role == "tool" and open_calls:
            call_id = message.get("tool_call_id")
            call_id = open_calls.pop(open_calls.index(call_id) if call_id in open_calls else 0)
            out.append({"role": "tool", "tool_call_id": call_id, "content": content})
        elif role == "tool":
            out += prompt_messages([message])
        else:
            out.append({"role": role, "content": content})
    return out


def action_text(message: Mapping[str, Any], *, native: bool) -> str:
    """The env's action for an assistant message of the API. Raises ValueError if the message is malformed."""
    content = message.get("content")
    if isinstance(content, list):  # some servers send the content in parts
        content = "".join(str(part.get("text", "")) for part in content if isinstance(part, Mapping))
    if not (content is None or isinstance(content, str)):
        raise ValueError(f"content is {type(content).__name__}")
    if not native:
        return content or ""
    calls, thought = message.get("tool_calls") or [], message.get("reasoning_content")
    if not isinstance(calls, list):
        raise ValueError("tool_calls is not a list")
    if not calls and not thought and not (content or "").lstrip().startswith("{"):
        return content or ""
    fields = {"role": "assistant", "content": content, "tool_calls": calls, "reasoning_content": thought}
    return json.dumps({name: value for name, value in fields.items() if value or name in ("role", "content")})


def _assistant(text: str) -> dict[str, Any]:
    """The API's message for an assistant turn. Text that is not a JSON message of the API becomes plain content."""
    plain = {"role": "assistant", "content": text}
    if not text.lstrip().startswith("{"):
        return plain
    try:
        kept = json.loads(text)
    except (ValueError, RecursionError):
        return plain
    calls = kept.get("tool_calls")
    if not isinstance(calls, list) or not calls:
        return {**plain, "content": kept["content"]} if isinstance(kept.get("content"), str) else plain
    return {**plain, "content": kept.get("content"), "tool_calls": [_call(call, i) for i, call in enumerate(calls)]}


def _call(call: Any, position: int) -> dict[str, Any]:
    """A call in a form that servers accept. A malformed call of the model is repaired, not dropped."""
    call = call if isinstance(call, dict) else {}
    function = call.get("function") if isinstance(call.get("function"), dict) else {}
    found = call.get("id")
    return {
        "id": found if isinstance(found, str) and found else f"call_{position}",
        "type": "function",
        "function": {
            "name": str(function.get("name") or "unknown"),
            "arguments": _arguments(function.get("arguments")),
        },
    }


def _arguments(written: Any) -> str:
    """The arguments as a JSON object: some servers parse the arguments of earlier calls and fail on anything else."""
    try:
        read = json.loads(written) if isinstance(written, str) else written
    except (ValueError, RecursionError):
        read = None
    if not isinstance(read, dict):
        return json.dumps({"unreadable": written})
    return written if isinstance(written, str) else json.dumps(written)


def _clean(text: str) -> str:
    """The text with U+FFFD in place of lone surrogates, which servers refuse."""
    return _SURROGATE.sub("\ufffd", text)
