"""Templates: one line of text with slots and alternatives, from which many texts are written.

(move|shift) {event_id} to {date}[ at {start}]

{slot}      the slot's text, {@slot} its adverbial ("on Friday"), {=slot} its value as answers write it
(a|b)       one of the alternatives, drawn at random; each is a template, and may be empty
[ text]     an optional part, left out together with the slots in it
[~ text]    an optional part that may swap places with the adjacent [~ parts]
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import cache
from typing import Any, Protocol

from toolgym.tasks.stream import Stream


class Slot(Protocol):
    """The texts for one ``{slot}`` of a template."""

    @property
    def text(self) -> str:
        """The slot as a noun."""

    @property
    def adverb(self) -> str:
        """The slot as an adverbial; "" if it is the same as ``text``."""

    def said(self) -> str:
        """The value, as answers write it."""


Node = tuple[Any, ...]
"""("text", str) | ("slot", name) | ("adverb", name) | ("value", name) | ("one", [nodes, ..]) |
("part", nodes, names) | ("parts", [part, ..])"""

_KINDS = {"@": "adverb", "=": "value"}


@cache
def compiled(template: str) -> tuple[Node, ...]:
    """The syntax tree of a template, cached. Raises ValueError if brackets do not match."""
    nodes, end = _read(template, 0, "")
    if end != len(template):
        raise ValueError(f"unmatched {template[end]!r} in the template {template!r}")
    return nodes


def _read(text: str, at: int, stop: str) -> tuple[tuple[Node, ...], int]:
    """The nodes from ``text[at]`` to the first character of ``stop`` outside brackets, and the end position."""
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
            if free and nodes and nodes[-1][0] == "parts":  # adjacent [~ parts] form one node, written in random order
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
    """The names of all slots in the nodes, repeated as often as they occur."""
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
    """The names of all slots of a template."""
    return frozenset(_slots(compiled(template)))


@cache
def optional_slots(template: str) -> frozenset[str]:
    """The slots in optional parts of a template."""
    parts: list[Node] = []
    for node in compiled(template):
        parts += [node] if node[0] == "part" else node[1] if node[0] == "parts" else ()
    return frozenset(part_name for part in parts for part_name in part[2])


def write(template: str, slots: Mapping[str, Slot], s: Stream, without: Collection[str] = ()) -> str:
    """Write one text from the template, leaving out the optional parts that contain a slot of ``without``."""
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
