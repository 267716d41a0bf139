"""What gold actions think before they call: the tools and their parameters by name, as a model would do well to.

Small models that imitate it leave out fewer parameters: they have just named them.
"""

from __future__ import annotations

from collections.abc import Sequence

from toolgym.types import ToolCall


def gold_thought(calls: Sequence[ToolCall]) -> str:
    """Each tool once, with all parameters that its calls give: "Call add with a, b. Call stop."."""
    named: dict[str, dict[str, None]] = {}
    for call in calls:
        named.setdefault(call.name, {}).update(dict.fromkeys(call.arguments))
    return " ".join(
        f"Call {name} with {', '.join(names)}." if names else f"Call {name}." for name, names in named.items()
    )
