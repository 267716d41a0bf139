"""Names that any dialect can write. ToolRL's tools are called "Search Managers", their parameters "0LbcU"."""

from __future__ import annotations

import keyword
import re

from toolgym.dialects import Dialect
from toolgym.tools import Tool
from toolgym.types import ToolCall

_LONGEST = 64
"""Characters of a function's name that OpenAI's API takes."""


class Names:
    """What tools and parameters of one task are called in a dialect.

    In "pythonic" and "openai", whose names are Python's or nearly so, other characters become "_"; different names
    stay different. In the other dialects names are as they are.
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
        """A tool under its name here."""
        properties = tool.parameters["properties"]
        if self._free or all(self(name) == name for name in (tool.name, *properties)):
            return tool
        renamed = {self(name): schema for name, schema in properties.items()}
        return Tool(self(tool.name), tool.description, {**tool.parameters, "properties": renamed})

    def call(self, call: ToolCall) -> ToolCall:
        """A call under its names here."""
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
