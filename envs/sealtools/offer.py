"""The tools that a task offers: those it needs, and others of the same field, drawn with a seed."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import msgspec

from toolgym.tasks.stream import Stream

from .rows import specs

HELD_OUT = frozenset({"Cybersecurity", "Entertainment", "Internet of Things", "Literature"})
"""The areas of the test out of domain: each of its rows calls a tool of these. No row of val and test does."""


class Pool(msgspec.Struct, frozen=True):
    """The names of tools that may be offered, in the order of the file."""

    names: tuple[str, ...]
    fields: dict[str, tuple[str, ...]]
    """Field -> its tools."""
    areas: dict[str, tuple[str, ...]]
    """Area -> its tools."""


@cache
def pool(unseen: bool) -> Pool:
    """All tools if ``unseen``; else all tools outside the areas that are held out for the test out of domain."""
    names: list[str] = []
    fields: dict[str, list[str]] = {}
    areas: dict[str, list[str]] = {}
    for name, spec in specs().items():
        if unseen or spec.area not in HELD_OUT:
            names.append(name)
            fields.setdefault(spec.field, []).append(name)
            areas.setdefault(spec.area, []).append(name)
    return Pool(tuple(names), *({key: tuple(each) for key, each in group.items()} for group in (fields, areas)))


def offered(needed: Sequence[str], number: int, among: Pool, stream: Stream) -> list[str]:
    """The names of the tools of a task, in random order: ``needed``, and others until there are ``number``.

    The others are drawn from the fields of the needed tools; if these do not suffice, from their areas; then from all.
    """
    found = dict.fromkeys(needed)
    known = [specs()[name] for name in found]
    for group in (
        [name for field in dict.fromkeys(spec.field for spec in known) for name in among.fields.get(field, ())],
        [name for area in dict.fromkeys(spec.area for spec in known) for name in among.areas.get(area, ())],
        among.names,
    ):
        if len(found) >= number:
            break
        left = [name for name in group if name not in found]
        found.update(dict.fromkeys(stream.sample(left, number - len(found))))
    return stream.shuffled(list(found))
