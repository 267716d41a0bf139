"""The layouts in which files hold conversations: each is brought to OpenAI's messages.

openai      {"messages": [{"role", "content", "tool_calls"}, ...], "tools": [...]}
            also "functions" with "function_call"; "prompt" and "completion"; a bare list of messages
sharegpt    {"conversations": [{"from": "human" | "gpt" | "function_call" | "observation", "value"}], "tools"}
hermes      sharegpt with the tools in the system message, between <tools> tags
query       {"query", "tools", "answers"}: one request and its calls (xLAM)
toolrl      {"prompt": [system, user], "reward_model": {"ground_truth"}}, or {"instruction", "input", "output"}
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from .calls import decoded, read_call
from .conversation import Original
from .problems import BadRow
from .values import is_messages

_ROLES = {
    "system": "system", "developer": "system",
    "user": "user", "human": "user",
    "assistant": "assistant", "gpt": "assistant", "model": "assistant", "bot": "assistant", "chatgpt": "assistant",
    "function_call": "call", "tool_call": "call", "function-call": "call",
    "tool": "tool", "function": "tool", "observation": "tool", "function_response": "tool", "tool_response": "tool",
    "ipython": "tool", "environment": "tool", "tool_result": "tool", "function-response": "tool",
}  # fmt: skip
_LISTS = ("messages", "conversations", "conversation", "chat", "dialogue", "trajectory")
"""Keys of a row's messages."""


class Row(msgspec.Struct, frozen=True):
    """A row in one layout for all: OpenAI's."""

    layout: str
    messages: list[dict[str, Any]]
    tools: Any
    imitated_from: int = 0
    """Assistant messages before this one are part of the prompt only."""
    original: Original | None = None


def read_row(value: Any) -> Row:
    """The row in OpenAI's layout. Raises BadRow for an unknown layout, or a message that is not one."""
    if is_messages(value):
        value = {"messages": value}
    if not isinstance(value, Mapping):
        raise BadRow("not an object", f"{type(value).__name__} {str(value)[:60]!r}")
    row = {key: item for key, item in value.items() if item is not None}
    original = _original(row)
    if original is not None:
        return Row("toolrl", [], (), 0, original)
    tools = next((row[key] for key in ("tools", "functions", "available_tools") if row.get(key)), None)
    if "query" in row and "answers" in row:
        return _query(row, tools)
    begin = 0
    if "prompt" in row and "completion" in row:
        prompt, completion = (_listed(row[key], key) for key in ("prompt", "completion"))
        found, begin, name = prompt + completion, len(prompt), "openai"
    else:
        name = next((key for key in _LISTS if key in row), "")
        if not name:
            raise BadRow("no conversation", f"it has the keys {', '.join(map(str, list(value)[:8])) or 'none'}")
        found = _listed(row[name], name)
    messages = [_message(each, i) for i, each in enumerate(found)]
    shared = any("from" in each for each in found)
    if isinstance(row.get("system"), str) and row["system"].strip() and not _begins_with_system(messages):
        messages = [{"role": "system", "content": row["system"]}, *messages]
        begin += 1 if begin else 0
    return Row("sharegpt" if shared else "openai", messages, tools, begin)


def _listed(given: Any, key: str) -> list[Any]:
    """A row's messages as a list; a text is one message."""
    if isinstance(given, str):
        if given.lstrip()[:1] == "[":
            given = decoded(given, key)
        elif key in ("prompt", "completion"):
            given = [{"role": "user" if key == "prompt" else "assistant", "content": given}]
    if isinstance(given, dict):
        given = [given]
    if not isinstance(given, list):
        raise BadRow("messages that are not a list", f"{key!r} is {type(given).__name__} {str(given)[:60]!r}")
    return given


def _message(given: Any, at: int) -> dict[str, Any]:
    """A message with OpenAI's role and content."""
    if not isinstance(given, dict):
        raise BadRow("a message that is not an object", f"message {at + 1}: {str(given)[:60]!r}")
    who = given.get("role") or given.get("from")
    role = _ROLES.get(who.strip().lower()) if isinstance(who, str) else None
    if role is None:
        raise BadRow("a message of an unknown role", f"message {at + 1}: {str(who)[:40]!r}")
    out = {key: value for key, value in given.items() if value is not None} | {"role": role}
    if "content" not in out and "value" in out:
        out["content"] = out["value"]
    return out


def _begins_with_system(messages: list[dict[str, Any]]) -> bool:
    return bool(messages) and messages[0]["role"] == "system"


def _query(row: Mapping[str, Any], tools: Any) -> Row:
    answers = decoded(row["answers"], "answers") if isinstance(row["answers"], str) else row["answers"]
    answers = [answers] if isinstance(answers, dict) else answers
    if not isinstance(answers, list) or not isinstance(row["query"], str):
        raise BadRow("answers that are not a list of calls", f"{str(answers)[:60]!r}")
    calls = [read_call(each)[0] for each in answers]
    made = [{"name": call.name, "arguments": call.arguments} for call in calls]
    messages = [{"role": "user", "content": row["query"]}, {"role": "assistant", "content": None, "tool_calls": made}]
    return Row("query", messages, tools)


def _original(row: Mapping[str, Any]) -> Original | None:
    """The texts of a row in ToolRL's layout, or None for another layout."""
    reward, prompt = row.get("reward_model"), row.get("prompt")
    if isinstance(reward, Mapping) and is_messages(prompt):
        texts = {each.get("role"): each.get("content") for each in prompt}  # type: ignore[union-attr]
        given = texts.get("system", ""), texts.get("user"), reward.get("ground_truth")
    elif {"instruction", "input", "output"} <= row.keys():
        given = row["instruction"], row["input"], row["output"]
    else:
        return None
    if not all(isinstance(text, str) for text in given):
        raise BadRow("a row in ToolRL's layout without its texts", "system, user and ground_truth must be text")
    return Original(*given)
