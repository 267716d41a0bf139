"""Tools: a typed function becomes a Tool. A Tool can be offered to a model, and its calls can be run."""

from __future__ import annotations

from toolgym.tools.tool import Tool, tool, tools_of

__all__ = ["Tool", "tool", "tools_of"]
