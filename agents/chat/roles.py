"""Fits conversations to servers with strict chat templates: no system role, no tool role, or roles in turns only."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from toolgym.dialects.assistant_message import said

from ..chat_messages import prompt_messages

READ = "I have read the results."
"""The assistant's words between the results of tools and a user's message, for servers that want some."""
BEGIN = "(The conversation begins.)"
"""The user's words before an assistant's first message."""


def without_system(messages: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The messages with the text of each system message at the head of the user's next message."""
    out: list[dict[str, Any]] = []
    kept: list[str] = []
    for message in messages:
        if message["role"] == "system":
            kept.append(message["content"])
        elif message["role"] == "user" and kept:
            out.append({**message, "content": "\n\n".join([*kept, message["content"]])})
            kept = []
        else:
            out.append(dict(message))
    return [*out, {"role": "user", "content": "\n\n".join(kept)}] if kept else out


def without_tools(messages: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The messages with calls as text in ``<tool_call>`` blocks, and results as in ``prompt_messages``."""
    called: dict[str, str] = {}
    plain: list[dict[str, Any]] = []
    for message in messages:
        content = said(message["content"])
        if message["role"] == "tool":
            plain.append({"role": "tool", "name": called[message["tool_call_id"]], "content": content})
            continue
        blocks = []
        for call in message.get("tool_calls", ()):
            name, arguments = call["function"]["name"], call["function"]["arguments"]
            called[call["id"]] = name
            blocks.append(f'<tool_call>\n{{"name": {json.dumps(name)}, "arguments": {arguments}}}\n</tool_call>')
        plain.append({"role": message["role"], "content": "\n".join(filter(None, [content, *blocks]))})
    return prompt_messages(plain)


def alternating(messages: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The messages with user and assistant in turns; a user's message does not follow a tool's.

    Messages of one role in a row become one, unless they have calls; else a message of the other role is put between.
    """
    out: list[dict[str, Any]] = []
    for message in messages:
        role, before = message["role"], out[-1] if out else {"role": "system"}
        if role == before["role"] and role in ("user", "assistant") and _plain(message) and _plain(before):
            before["content"] = f"{before['content']}\n\n{message['content']}"
            continue
        if role == "assistant" and before["role"] in ("system", "assistant"):
            out.append({"role": "user", "content": BEGIN if before["role"] == "system" else "Go on."})
        elif role == "user" and before["role"] == "tool":
            out.append({"role": "assistant", "content": READ})
        out.append(dict(message))
    return out


def with_content(messages: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The messages with "" as the content of a message that has calls only."""
    return [{**message, "content": "" if message["content"] is None else message["content"]} for message in messages]


def alternates(messages: Sequence[Mapping[str, Any]]) -> bool:
    """Whether the messages are as ``alternating`` makes them."""
    roles = ["system", *(message["role"] for message in messages)]
    wrong = {("user", "user"), ("assistant", "assistant"), ("system", "assistant"), ("tool", "user")}
    return wrong.isdisjoint(pairwise(roles))


def _plain(message: Mapping[str, Any]) -> bool:
    return isinstance(message.get("content"), str) and "tool_calls" not in message
