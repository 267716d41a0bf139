"""Messages and tools that show whether a chat template leaves something out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

LONG = "The first word. " + "A line of a long text.\n" * 870 + "The last word."
"""A message of 20,000 characters."""


def _tool(name: str, told: str, parameter: str, about: str) -> Mapping[str, Any]:
    return {
        "type": "function",
        "function": {
            "name": name,
            "description": f"{told} begins here. " + "It goes on. " * 100 + f"{told} ends here.",
            "parameters": {
                "type": "object",
                "properties": {parameter: {"type": "string", "description": about}},
                "required": [parameter],
            },
        },
    }


PROBE_TOOLS = (
    _tool("probe_tool", "Amber", "brook", "Copper."),
    _tool("probe_second", "Dahlia", "ember", "Falcon."),
    _tool("probe_third", "Garnet", "hazel", "Indigo."),
)


def told_of(tool: Mapping[str, Any]) -> dict[str, str]:
    """What a prompt needs of a tool -> the text that shows it."""
    function = tool["function"]
    ((parameter, about),) = function["parameters"]["properties"].items()
    return {
        "names": function["name"],
        "descriptions": function["description"],
        "parameters": parameter,
        "descriptions of parameters": about["description"].rstrip("."),
    }
