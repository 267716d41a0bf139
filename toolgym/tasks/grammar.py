"""Templates: one line of text that stands for many.

(move|shift) {event_id} to {date}[ at {start}]

{slot}      the slot's text, {@slot} its adverbial ("on Friday"), {=slot} its value as answers write it
(a|b)       one of the wordings, each a template of its own; one may be empty
[ text]     a part that can be left out, together with the slots in it
[~ text]    the same, and it may change places with others of its kind next to it
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import cache
from typing import Any, Protocol

from toolgym.tasks.stream import Stream


class Slot(Protocol):
    """What stands in a template's place."""

    @property
    def text(self) -> str:
        """As a noun."""

    @property
    def adverb(self) -> str:
        """As an adverbial; "" where that is the same."""

    def said(self) -> str:
        """Its value, as answers write it."""


Node = tuple[Any, ...]
"""("text", str) | ("slot", name) | ("adverb", name) | ("value", name) | ("one", [nodes, ..]) |
("part", nodes, names) | ("parts", [part, ..])"""

_KINDS = {"@": "adverb", "=": "value"}


@cache
def compiled(template: str) -> tuple[Node, ...]:
    """A template, read once. Raises ValueError where brackets do not match."""
    nodes, end = _read(template, 0, "")
    if end != len(template):
        raise ValueError(f"unmatched {template[end]!r} in the template {template!r}")
    return nodes


def _read(text: str, at: int, stop: str) -> tuple[tuple[Node, ...], int]:
    nodes: list[Node] = []
    while at < len(text) and text[at] not in stop:
        sign = text[at]
        if sign == "{":
            end = text.index("}", at)
            kind = _KINDS.get(text[at + 1], "slot")
            nodes.append((kind, text[at + 1 + (kind != "slot") : end]))
            at = end + 1
        elif sign == "(":
            options = []
            while text[at] != ")":
                option, at = _read(text, at + 1, "|)")
                options.append(option)
                if at == len(text):
                    raise ValueError(f"unmatched '(' in the template {text!r}")
            nodes.append(("one", tuple(options)))
            at += 1
        elif sign == "[":
            free = text[at + 1] == "~"
            inner, at = _read(text, at + 1 + free, "]")
            if at == len(text):
                raise ValueError(f"unmatched '[' in the template {text!r}")
            part = ("part", inner, frozenset(_slots(inner)))
            if free and nodes and nodes[-1][0] == "parts":
                nodes[-1] = ("parts", (*nodes[-1][1], part))
            else:
                nodes.append(("parts", (part,)) if free else part)
            at += 1
        else:
            end = at + 1
            while end < len(text) and text[end] not in "{([" and text[end] not in stop:
                end += 1
            nodes.append(("text", text[at:end]))
            at = end
    return tuple(nodes), at


def _slots(nodes: Sequence[Node]) -> list[str]:
    """The slots that are named anywhere in some nodes."""
    names: list[str] = []
    for node in nodes:
        if node[0] in ("slot", "adverb", "value"):
            names.append(node[1])
        elif node[0] == "part" or node[0] == "parts":
            names += _slots(node[1])
        elif node[0] == "one":
            for option in node[1]:
                names += _slots(option)
    return names


@cache
def all_slots(template: str) -> frozenset[str]:
    """The slots that a template mentions."""
    return frozenset(_slots(compiled(template)))


@cache
def optional_slots(template: str) -> frozenset[str]:
    """The slots that a template can be written without."""
    parts: list[Node] = []
    for node in compiled(template):
        parts += [node] if node[0] == "part" else node[1] if node[0] == "parts" else ()
    return frozenset(part_name for part in parts for part_name in part[2])


def write(template: str, slots: Mapping[str, Slot], s: Stream, without: Collection[str] = ()) -> str:
    """One text that the template stands for, without the parts that mention one of the slots ``without``."""
    out: list[str] = []
    _write(compiled(template), slots, s, frozenset(without), out)
    return "".join(out)


def _write(
    nodes: Sequence[Node], slots: Mapping[str, Slot], s: Stream, without: frozenset[str], out: list[str]
) -> None:
    for node in nodes:
        kind, what = node[0], node[1]
        if kind == "text":
            out.append(what)
        elif kind == "slot":
            out.append(slots[what].text)
        elif kind == "adverb":
            slot = slots[what]
            out.append(slot.adverb or slot.text)
        elif kind == "value":
            out.append(slots[what].said())
        elif kind == "one":
            _write(s.pick(what), slots, s, without, out)
        elif kind == "part":
            if without.isdisjoint(node[2]):
                _write(what, slots, s, without, out)
        else:
            for _, inner, names in s.shuffled(what):
                if without.isdisjoint(names):
                    _write(inner, slots, s, without, out)
