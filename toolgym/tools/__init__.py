"""Tools: a typed function becomes a Tool. A Tool can be offered to a model, and its calls can be run."""

from __future__ import annotations

from toolgym.tools.decorator import tool, tools_of
from toolgym.tools.tool import Tool
from toolgym.tools.unavailable import ToolUnavailable

__all__ = ["Tool", "ToolUnavailable", "tool", "tools_of"]
