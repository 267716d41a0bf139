"""The reasoning text of gold actions: it names each tool and its parameters before the call.

Small models that imitate it omit fewer parameters.
"""

from __future__ import annotations

from collections.abc import Sequence

from toolgym.types import ToolCall


def gold_thought(calls: Sequence[ToolCall]) -> str:
    """Names each tool once, with all parameters that its calls pass: "Call add with a, b. Call stop."."""
    named: dict[str, dict[str, None]] = {}
    for call in calls:
        named.setdefault(call.name, {}).update(dict.fromkeys(call.arguments))
    return " ".join(
        f"Call {name} with {', '.join(names)}." if names else f"Call {name}." for name, names in named.items()
    )
