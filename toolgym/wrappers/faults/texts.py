"""What the model reads when a call meets a fault, and the seconds that the fault would have cost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from toolgym.tools import Tool
from toolgym.wrappers.faults.drift import drift_of
from toolgym.wrappers.faults.plan import Fault

Item = TypeVar("Item")
SKIPPED = "Not run: a call before it in the same action failed."
_SERVER = (
    ("500 Internal Server Error", "the server met an unexpected condition"),
    ("502 Bad Gateway", "the upstream server sent an invalid response"),
    ("503 Service Unavailable", "the service is temporarily overloaded"),
    ("504 Gateway Timeout", "the upstream server did not answer"),
)
_TIMEOUTS = (
    "Error: {tool} did not finish within {seconds} seconds.",
    "Error: the request to {tool} timed out after {seconds} s; it was not carried out.",
    "Error: no answer from {tool} in {seconds} seconds. The request was cancelled.",
)
_LIMITS = (
    "Error: HTTP 429 Too Many Requests: {tool} is limited. Retry-After: {seconds}",
    "Error: rate limit of {tool} exceeded (429). Try again in {seconds} seconds.",
    "Error: 429: too many requests to {tool}.",
)
_DENIALS = (
    "Error: HTTP 401 Unauthorized: the credentials for {tool} are not valid. No request with them will be accepted.",
    "Error: HTTP 403 Forbidden: this account has no permission to use {tool}.",
    "Error: access to {tool} is denied (403). Only an administrator can grant it.",
)
_BODIES = (
    '{{"tool": "{tool}", "status": "error", "data": {{"items": [{{"id": 1, "val',
    '{{"result": {{"{tool}": [\x00\ufffd\ufffd"partial", 4{{{{,',
    '{{"status": 200 "body": "{tool}", "data": [[[',
    '<html><body>{{"tool": "{tool}", "data": nul',
)
_TIMES = (10, 15, 30, 60)
_WAITS = (1, 2, 5, 10, 20, 30, 60)


def _pick(items: Sequence[Item], draw: float) -> Item:
    return items[int(draw * len(items))]


def told(fault: Fault, offered: Tool) -> tuple[str, float]:
    """The result that the model reads, and the simulated seconds."""
    tool = offered.name
    if fault.kind == "schema_drift":
        return drift_of(offered, fault).told, 0.1
    words, cost = fault.draws[0], fault.draws[1]
    if fault.kind == "timeout":
        seconds = _pick(_TIMES, cost)
        return _pick(_TIMEOUTS, words).format(tool=tool, seconds=seconds), float(seconds)
    if fault.kind == "http_429":
        seconds = _pick(_WAITS, cost)
        return _pick(_LIMITS, words).format(tool=tool, seconds=seconds), float(seconds)
    if fault.kind == "http_5xx":
        status, why = _pick(_SERVER, words)
        return f"Error: HTTP {status} from {tool}: {why}.", round(0.1 + 2 * cost, 1)
    if fault.kind == "http_auth":
        return _pick(_DENIALS, words).format(tool=tool), 0.1
    body = _pick(_BODIES, words).format(tool=tool)
    return f"Error: the answer of {tool} is not valid JSON, and nothing was carried out: {body}", 0.1
