"""Reading a service's answer, which may be anything at all."""

from __future__ import annotations

from typing import Any


def rows(answer: Any, name: str | None = None) -> list[dict[str, Any]]:
    """The objects in a list, or in the list that an object has under ``name``; [] where there is none."""
    found = answer.get(name) if name is not None and isinstance(answer, dict) else answer
    return [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []


def text(row: dict[str, Any], name: str) -> str:
    """A field that is text, without lone surrogates; "" where it is not text."""
    value = row.get(name)
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else ""
