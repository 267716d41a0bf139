"""Tools: a typed function becomes a Tool that a model can be offered and whose calls can be run."""

from __future__ import annotations

from toolgym.tools.tool import Tool, tool, tools_of

__all__ = ["Tool", "tool", "tools_of"]
