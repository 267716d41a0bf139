"""What is wrong with rows of a file, and what is noted about them: named by place, counted by kind."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from toolgym.report.text import as_json, one_line

_FIRST = 3
"""Places of one kind that are named; the others are counted."""


class BadRow(ValueError):
    """A row that cannot be played.

    Args:
        kind: what is wrong, in the same words for every row with this mistake.
        detail: where in the row, and the values; "" for nothing more.
    """

    def __init__(self, kind: str, detail: str = ""):
        super().__init__(f"{kind} ({detail})" if detail else kind)
        self.kind, self.detail = kind, detail


class Tally:
    """Places of a file by kind: what is wrong there, or what is noted. Memory does not grow with the places."""

    def __init__(self) -> None:
        self._found: dict[str, tuple[int, list[str]]] = {}
        self.rows = 0
        """How many places were added."""

    def add(self, place: str, kind: str, detail: str = "") -> None:
        """Note something about a place, "line 7"."""
        count, first = self._found.get(kind, (0, []))
        if len(first) < _FIRST:
            first.append(f"{place}: {detail}" if detail else place)
        self._found[kind] = count + 1, first
        self.rows += 1

    def add_all(self, other: Tally) -> None:
        """Note what another tally has."""
        for kind, (count, first) in other._found.items():
            before, known = self._found.get(kind, (0, []))
            self._found[kind] = before + count, [*known, *first][:_FIRST]
        self.rows += other.rows

    def __bool__(self) -> bool:
        return bool(self._found)

    def kinds(self) -> Iterator[tuple[str, int, str]]:
        """(kind, count, the first places with their details: "line 3; line 9"), the most frequent kind first."""
        for kind, (count, first) in sorted(self._found.items(), key=lambda item: -item[1][0]):
            yield kind, count, "; ".join(first) + ("; ..." if count > len(first) else "")

    def __str__(self) -> str:
        """One line a kind: "2 x no messages: line 3; line 9"."""
        return "\n".join(f"{count:,} x {kind}: {places}" for kind, count, places in self.kinds())


def in_json(value: Any) -> str:
    """A value of a row as JSON, cut to a few words."""
    return one_line(as_json(value), 60)


def described(value: Any) -> str:
    """The same with its kind in JSON: ``a list: [1, 2]``, ``text: "x"``, ``null``."""
    kinds = {str: "text: ", int: "a number: ", float: "a number: ", list: "a list: ", dict: "an object: "}
    return kinds.get(type(value), "") + in_json(value)
