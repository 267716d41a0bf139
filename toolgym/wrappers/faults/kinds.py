"""The kinds of faults, their groups, and how they are chosen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Literal, TypeAlias

import msgspec

from toolgym.tasks.source import select

Kinds: TypeAlias = str | Sequence[str] | None
"""Names of kinds and groups, with commas between or as a list."""


class Kind(msgspec.Struct, frozen=True):
    """A kind of fault."""

    name: str
    group: str
    silent: bool
    """Whether the result that the model reads shows no error."""
    lasts: bool
    """Whether the tool stays as it is for the rest of the episode."""
    hits: Literal["any", "reads", "writes"] = "any"
    """The tools that the kind can hit: all, those that only read, or those that change the state."""
    what: str = ""
    """What happens, in one line."""

    @property
    def soft(self) -> bool:
        """Whether the call is answered all the same, by a result that is not what it seems."""
        return self.hits != "any"


KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        kind.name: kind
        for kind in [
            Kind("timeout", "transport", False, False, what="the call is not answered in time"),
            Kind("http_429", "transport", False, False, what="the server asks to wait and to call again"),
            Kind("http_5xx", "transport", False, False, what="the server fails"),
            Kind("malformed_json", "transport", False, False, what="the answer is damaged and cannot be read"),
            Kind("http_auth", "access", False, True, what="401 or 403: the tool refuses every call"),
            Kind("schema_drift", "contract", False, True, what="the tool has other parameters than the ones shown"),
            Kind("truncated", "data", False, False, "reads", "the answer is cut off, and says so"),
            Kind("stale", "data", True, False, "reads", "the answer is old, and says that it comes from a cache"),
            Kind("silent_noop", "silent", True, False, "writes", "the answer is as ever, but nothing was changed"),
        ]
    }
)
"""All kinds by name, in the order of the documentation."""

GROUPS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "transport": ("timeout", "http_429", "http_5xx", "malformed_json"),
        "loud": ("timeout", "http_429", "http_5xx", "malformed_json", "http_auth", "schema_drift"),
        "silent": ("stale", "silent_noop"),
        "recoverable": tuple([name for name in KINDS if name != "http_auth"]),
        "all": tuple(KINDS),
    }
)
"""Group -> its kinds.

``transport``: a call that is repeated succeeds. ``loud``: the result shows an error; these are the six kinds of
RobustBench-TC. ``silent``: the result shows no error. ``recoverable``: calls can still reach the goal.
"""


def hits(kind: str, reads: bool) -> bool:
    """Whether a kind can hit a tool that only reads, or one that changes the state."""
    return KINDS[kind].hits in ("any", "reads" if reads else "writes")


def chosen(kinds: Kinds) -> tuple[str, ...]:
    """The names of the kinds, in the order of KINDS. Raises ValueError for an unknown name, and for none."""
    if kinds is None or kinds == "":
        raise ValueError(f"no kind of fault is named; choose from {', '.join((*KINDS, *GROUPS))}")
    wanted = [name.strip() for name in kinds.split(",")] if isinstance(kinds, str) else kinds
    return tuple([str(name) for name in select("faults", wanted, tuple(KINDS), GROUPS)])
