"""Tools of MCP servers (Model Context Protocol).

from toolgym import Task, ToolCall, register
from toolgym.tools.mcp import MCPServer

notes = MCPServer("python notes_server.py")
milk = Task.of("milk", "Note that we need milk.", expected=[[ToolCall("add_note", {"text": "milk"})]])
register("Notes-v0", notes.env, tasks=[milk])
"""

from __future__ import annotations

from toolgym.tools.mcp.server import MCPServer

__all__ = ["MCPServer"]
