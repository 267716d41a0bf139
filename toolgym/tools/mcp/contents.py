"""The result of an MCP call as the text that a model reads."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from toolgym.tools.results import as_json


def result_text(result: Mapping[str, Any]) -> str:
    """Its contents, one after the other; images, sounds and files by their type and size.

    ``structuredContent`` is shown as JSON, unless a text says the same.
    """
    contents = result.get("content")
    texts = [_text(each) for each in contents if isinstance(each, dict)] if isinstance(contents, list) else []
    structured = result.get("structuredContent")
    if structured is not None and not any(_says(text, structured) for text in ["[" + ",".join(texts) + "]", *texts]):
        texts.append(as_json(structured))
    return "\n".join(texts)


def _says(text: str, value: Any) -> bool:
    """Whether a text is a value as JSON, or the only value of an object with the one key "result"."""
    values = [value, value["result"]] if isinstance(value, dict) and set(value) == {"result"} else [value]
    if text in values[1:]:
        return True
    try:
        return json.loads(text) in values
    except (ValueError, RecursionError):
        return False


def _text(content: Mapping[str, Any]) -> str:
    kind = content.get("type")
    if kind == "text":
        return str(content.get("text", ""))
    if kind in ("image", "audio"):
        return f"[{kind}: {_type(content)}, {_size(content.get('data'))}]"
    if kind == "resource_link":
        return f"[resource: {_about(content)}]"
    if kind == "resource" and isinstance(inner := content.get("resource"), dict):
        if isinstance(inner.get("text"), str):
            return f"[resource: {_about(inner)}]\n{inner['text']}"
        return f"[resource: {_about(inner)}, {_size(inner.get('blob'))}]"
    return f"[{str(kind)[:100]}]"


def _about(content: Mapping[str, Any]) -> str:
    words = [content.get(key) for key in ("title", "name", "uri", "description")]
    shown = list(dict.fromkeys(str(word) for word in words if word))
    return ", ".join([*shown, *([_type(content)] if content.get("mimeType") else [])])


def _type(content: Mapping[str, Any]) -> str:
    return str(content.get("mimeType") or "of an unknown type")[:200]


def _size(data: Any) -> str:
    """The bytes of data in base64."""
    text = data if isinstance(data, str) else ""
    return f"{len(text) * 3 // 4 - text[-2:].count('='):,} bytes"
