"""Reads an assistant message of OpenAI's chat API, in the forms that servers give it: text, thought, ids of calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_REASONING = (
    "reasoning_content",  # DeepSeek, SGLang, llama.cpp, older vLLM
    "reasoning",  # vLLM, OpenRouter, Ollama, Groq
    "reasoning_text",  # GitHub Copilot
    "thinking",
    "reasoning_details",  # OpenRouter: a list of texts, summaries and encrypted parts
    "thinking_blocks",  # LiteLLM: Anthropic's parts, with signatures
)
"""Fields that hold the thought, the plainest first."""
_OPAQUE = {"reasoning_opaque", "reasoning_signature", "thought_signature", "extra_content", "provider_specific_fields"}
"""Further fields that a server wants back although they hold no text."""
REASONING_FIELDS = frozenset({*_REASONING, *_OPAQUE})
"""Fields of a message that belong to the thought, and go back to the server as they came."""
_FIELDS = {"role", "content", "tool_calls", "refusal", "annotations", "audio", "function_call", *REASONING_FIELDS}
_THOUGHTS = ("thinking", "reasoning", "redacted_thinking", "thought")
"""Types of content parts that are not said to the user."""
_WORDS = ("text", "summary", "thinking", "reasoning", "content")


def is_message(value: Mapping[str, Any]) -> bool:
    """Whether a JSON object is an assistant message: it has ``tool_calls``, or ``content`` and no unknown field."""
    return "tool_calls" in value or ("content" in value and value.keys() <= _FIELDS)


def thought(message: Mapping[str, Any]) -> str | None:
    """The thought of a message: the first of its reasoning fields that has text, else its thinking parts; or None."""
    empty = None
    for name in _REASONING:
        if name in message:
            text = _words(message[name])
            if text:
                return text
            empty = "" if isinstance(message[name], str) else empty
    parts = message.get("content")
    text = "\n".join(filter(None, map(_words, filter(is_thought, parts)))) if isinstance(parts, list) else ""
    return text or empty


def said(content: Any) -> str | None:
    """What a message says to the user: the text of its content, or the joined texts of its parts; None without any."""
    if isinstance(content, (list, tuple)):
        texts = [_text(part) for part in content if not is_thought(part)]
        return "".join(texts) if any(texts) else None
    return content if isinstance(content, str) else None


def is_thought(part: Any) -> bool:
    """Whether a content part is a thought, such as ``{"type": "thinking", "thinking": ..., "signature": ...}``."""
    return isinstance(part, dict) and part.get("type") in _THOUGHTS


def call_ids(calls: Sequence[Any]) -> list[str]:
    """The id of each call of one message: its own, which other calls may have too, or ``call_<position>``."""
    own = [call.get("id") if isinstance(call, dict) else None for call in calls]
    return [id if isinstance(id, str) and id else f"call_{position}" for position, id in enumerate(own)]


def _text(part: Any) -> str:
    if isinstance(part, str):
        return part
    text = part.get("text", part.get("refusal")) if isinstance(part, dict) else None
    text = text.get("value") if isinstance(text, dict) else text  # as OpenAI's API of assistants has it
    return text if isinstance(text, str) else ""


def _words(value: Any, depth: int = 4) -> str:
    """The text inside a reasoning field: a string, a part, or a list of parts."""
    if isinstance(value, str) or depth == 0:
        return value if isinstance(value, str) else ""
    if isinstance(value, list):
        return "\n".join(filter(None, (_words(item, depth - 1) for item in value)))
    if isinstance(value, dict):
        return next((text for name in _WORDS if (text := _words(value.get(name), depth - 1))), "")
    return ""
