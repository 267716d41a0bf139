"""Renames tools and parameters for dialects that cannot write names such as "Search Managers" or "0LbcU"."""

from __future__ import annotations

import keyword
import re

from toolgym.dialects.base import Dialect
from toolgym.tools import Tool
from toolgym.types import ToolCall

_LONGEST = 64
"""Maximum length of a function name in OpenAI's API."""


class Names:
    """The names of a task's tools and parameters in a dialect.

    "pythonic", "compact" and "openai" get names like Python's: every run of other characters becomes "_", and
    different names stay different. All other dialects keep the names.
    """

    def __init__(self, dialect: Dialect):
        self._free = dialect.any_name
        self._given: dict[str, str] = {}

    def __call__(self, name: str) -> str:
        if self._free:
            return name
        if name not in self._given:
            self._given[name] = self._new(name)
        return self._given[name]

    def tool(self, tool: Tool) -> Tool:
        """The tool with its names in the dialect."""
        properties = tool.parameters["properties"]
        if self._free or all(self(name) == name for name in (tool.name, *properties)):
            return tool
        renamed = {self(name): schema for name, schema in properties.items()}
        return Tool(self(tool.name), tool.description, {**tool.parameters, "properties": renamed}, trusted=True)

    def call(self, call: ToolCall) -> ToolCall:
        """The call with its names in the dialect."""
        if self._free:
            return call
        return ToolCall(self(call.name), {self(name): value for name, value in call.arguments.items()})

    def _new(self, name: str) -> str:
        word = re.sub(r"\W+", "_", name, flags=re.ASCII)[: _LONGEST - 4]
        if not word.isidentifier() or keyword.iskeyword(word):
            word = f"_{word}"
        while word in self._given.values():
            word += "_"
        return word
