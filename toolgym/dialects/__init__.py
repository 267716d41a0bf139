"""Dialects: the syntaxes in which models write tool calls, one file each.

To add a dialect, write a file with a subclass of ``Dialect`` and add a row to ``DIALECTS``. The tests run every row
on every suite.
"""

from __future__ import annotations

from importlib import import_module

from toolgym.dialects.base import Dialect

DIALECTS = {  # name -> "module:class", imported when first needed
    "toolrl": "toolgym.dialects.toolrl:ToolRL",
    "hermes": "toolgym.dialects.hermes:Hermes",
    "llama3": "toolgym.dialects.llama3:Llama3",
    "pythonic": "toolgym.dialects.pythonic:Pythonic",
    "compact": "toolgym.dialects.compact:Compact",
    "openai": "toolgym.dialects.openai:OpenAI",
}


def get_dialect(dialect: str | Dialect) -> Dialect:
    """A dialect by name; an instance is returned unchanged.

    Raises ValueError for an unknown name.
    """
    if isinstance(dialect, Dialect):
        return dialect
    try:
        module, _, cls = DIALECTS[dialect].partition(":")
    except (KeyError, TypeError):
        raise ValueError(f"unknown dialect {dialect!r}: choose one of {', '.join(DIALECTS)}") from None
    found: Dialect = getattr(import_module(module), cls)()
    return found


__all__ = ["DIALECTS", "Dialect", "get_dialect"]
