"""What gold actions think before they call: the tools and their parameters by name, as a model would do well to.

Small models that imitate it leave out fewer parameters: they have just named them.
"""

from __future__ import annotations

from collections.abc import Sequence

from toolgym.types import ToolCall


def needs(calls: Sequence[ToolCall]) -> str:
    """Each tool once, with all parameters that its calls give: "add needs a, b. stop needs nothing."."""
    named: dict[str, dict[str, None]] = {}
    for call in calls:
        named.setdefault(call.name, {}).update(dict.fromkeys(call.arguments))
    return " ".join(f"{name} needs {', '.join(names) or 'nothing'}." for name, names in named.items())
