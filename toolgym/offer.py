"""Offer: the tools that a policy may call now, and what follows from them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from toolgym.tools.tool import Tool
from toolgym.types import Completion, FrozenDict, ToolResult

if TYPE_CHECKING:
    from toolgym.wrappers.perturb.view import View


class Offer:
    """What follows from the tools on offer, kept as long as they stay the same tuple."""

    def __init__(self) -> None:
        self.tools: dict[str, Tool] = {}
        """The tools by name."""
        self.schemas: tuple[FrozenDict, ...] = ()
        self.inline = True
        """Whether no tool on offer can wait."""
        self._of: tuple[Tool, ...] | None = None
        self._view: View | None = None
        self._instructions_of: tuple[Tool, ...] | None = None
        self._instructions = ""

    def take(self, tools: tuple[Tool, ...], view: View | None) -> None:
        """Offer these tools, as the view shows them. Cheap if they are on offer already."""
        if tools is self._of and view is self._view:
            return
        if view is None:
            self.tools = {tool.name: tool for tool in tools}
            self.schemas = tuple(tool.schema for tool in tools)
        else:
            self.tools, self.schemas = view.offer(tools)
        self.inline = all(tool.inline or tool.function is None for tool in self.tools.values())
        self._of, self._view = tools, view

    def instructions(self, tools: tuple[Tool, ...], write: Callable[[tuple[Tool, ...]], str]) -> str:
        """What ``write`` says of the tools. Cheap if they are those of the last time."""
        if tools is not self._instructions_of:
            self._instructions_of, self._instructions = tools, write(tools)
        return self._instructions

    def prepare(
        self, completion: Completion, position: int, max_calls: int
    ) -> tuple[Tool | None, tuple[str, ...], ToolResult | None]:
        """See ``ToolEnv.prepare``."""
        call = completion.calls[position]
        if call.error is not None:
            return None, (), ToolResult(f"Error: the call could not be read: {call.error}", "malformed")
        tool = self.tools.get(call.name)
        if tool is None:
            known = ", ".join(list(self.tools)[:20]) or "none"
            return None, (), ToolResult(f"Error: there is no tool {call.name[:100]!r}. Tools: {known}.", "not_found")
        problems = tool.validator.problems(call.arguments)
        if tool.function is None:
            return None, problems, None
        if problems:
            text = f"Error: invalid arguments for {call.name}: {'; '.join(problems)}"
            return None, problems, ToolResult(text, "invalid_arguments")
        if position >= max_calls:
            return None, (), ToolResult(f"Error: only {max_calls} calls are run per turn.", "too_many_calls")
        return tool, (), None
