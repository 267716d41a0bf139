"""The reasoning text of gold actions: it names each tool and its parameters before the call.

Small models that imitate it omit fewer parameters.
"""

from __future__ import annotations

from collections.abc import Sequence

from toolgym.dialects import Dialect
from toolgym.tasks.task import Task
from toolgym.types import Completion, ToolCall


def gold_thought(calls: Sequence[ToolCall]) -> str:
    """Names each tool once, with all parameters that its calls pass: "Call add with a, b. Call stop."."""
    named: dict[str, dict[str, None]] = {}
    for call in calls:
        named.setdefault(call.name, {}).update(dict.fromkeys(call.arguments))
    return " ".join(
        f"Call {name} with {', '.join(names)}." if names else f"Call {name}." for name, names in named.items()
    )


def expected_gold(dialect: Dialect, task: Task, max_turns: int, ends: bool) -> tuple[str, ...]:
    """The expected calls of each turn as texts; at the end a text to the user, unless the last calls end the episode
    (``ends``) or there is no turn left for it."""
    texts = []
    for i, calls in enumerate(task.expected or ((),)):
        last = i + 1 >= len(task.expected)
        says = None if calls else (task.response if last and task.response else "Done.")
        think = f"Call {', '.join(call.name for call in calls)}." if calls else "No tool is needed."
        texts.append(dialect.render(Completion("", tuple(calls), think, says)))
    if task.expected and task.expected[-1] and not ends and len(texts) < max_turns:
        texts.append(dialect.render(Completion("", (), "All is done.", task.response or "Done.")))
    return tuple(texts)
