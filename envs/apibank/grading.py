"""ToolRL's verdict on a completion for API-Bank: success if any of the calls is the expected call.

The rules are those of its ``benchmarks/API-Bank`` (generate and evaluate scripts, at 8cee13e). They read the text:

- Only the text after the last ``<tool_call>`` counts, up to the next ``</tool_call>``; without tags, the whole text.
- Each line that is JSON is a call. All other lines are skipped.
- A line that is a JSON string is decoded once more.
- If a call lacks "name" or "parameters", the object itself counts as the parameters, and the name as right.
- The calls are compared in order, until one equals the expected call in name and parameters (as Python values; all
  expected values are strings). A line without keys to look up (a number, null, a string without JSON) ends the
  comparison: later calls do not count.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from toolgym.types import Completion, ToolCall, Verdict

_OPEN, _CLOSE = "<tool_call>", "</tool_call>"
_PASSED = Verdict(True)


def grade(gold: ToolCall, completion: Completion, *, released: bool) -> Verdict:
    """The verdict on a completion. ``released``: read its text like ToolRL's scripts; else use the parsed calls.

    Error types: "no_call", "wrong_call".
    """
    if released:
        calls = written_calls(completion.text)
        passed = has_expected(calls, gold)
    else:
        calls = [call for call in completion.calls if call.error is None]
        passed = any(call.name == gold.name and call.arguments == gold.arguments for call in calls)
    if passed:
        return _PASSED
    wanted = f"expected {gold.name}({', '.join([f'{key}={value!r}' for key, value in gold.arguments.items()])})"
    if not calls:
        return Verdict(False, f"{wanted}, got no call that can be read", "no_call")
    return Verdict(False, f"{wanted}; none of the {len(calls)} call(s) is that", "wrong_call")


def written_calls(text: str) -> list[Any]:
    """The JSON values in a completion that ToolRL's script reads as calls."""
    block = text.rpartition(_OPEN)[2].partition(_CLOSE)[0].strip()
    values = []
    for line in block.split("\n"):
        try:
            values.append(json.loads(line))
        except (ValueError, RecursionError):
            continue
    return values


def has_expected(calls: Iterable[Any], gold: ToolCall) -> bool:
    """Whether one of the values is the expected call, by the module's rules."""
    for call in calls:
        try:
            value = json.loads(call) if isinstance(call, str) else call
            complete = "name" in value and "parameters" in value
            name, parameters = (value["name"], value["parameters"]) if complete else (gold.name, value)
        except (ValueError, TypeError, RecursionError):
            return False
        if name == gold.name and parameters == gold.arguments:
            return True
    return False
