"""Reads fields of a service's JSON answer, which may have any shape."""

from __future__ import annotations

from typing import Any


def rows(answer: Any, name: str | None = None) -> list[dict[str, Any]]:
    """The objects in a list, or in the list under ``name`` of an object; [] without such a list."""
    found = answer.get(name) if name is not None and isinstance(answer, dict) else answer
    return [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []


def text(row: dict[str, Any], name: str) -> str:
    """A text field, without lone surrogates; "" if it is not text."""
    value = row.get(name)
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else ""
