"""The state of an episode: tables of rows, read lazily from a source and copied when an episode uses them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeAlias
from zlib import crc32

from toolgym.tools import Tool

Row: TypeAlias = dict[str, Any]
"""A record. Rows are shared between states, so they are never changed: ``World.edit`` replaces a row by a new one."""
Rows: TypeAlias = dict[str, Row]

READING: set[str] = set()
"""The names of the tools marked with ``reads``."""

_DATE = re.compile(r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])")
_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d")


class NotFound(Exception):
    """The thing does not exist."""


class Conflict(Exception):
    """The time, the place or the thing is taken, or its status does not allow the request."""


class NotAllowed(Exception):
    """The user may not do this."""


class OverBudget(Exception):
    """The budget does not have enough money for this."""


def reads(tool: Tool) -> Tool:
    """Mark a tool that changes nothing in the state. Write ``@reads`` above ``@tool``."""
    READING.add(tool.name)
    tool.reads = True
    return tool


class World:
    """Tables of rows, by name.

    ``source(name)`` returns the rows of a table at the start of the episode. It is called once per table.

    Attributes:
        user: full name of the person whom the assistant works for.
        tables: the tables used so far. Any other table is as it was at the start.
    """

    def __init__(self, user: str, source: Callable[[str], Rows]):
        self.user = user
        self.tables: dict[str, Rows] = {}
        self._source = source

    def table(self, name: str) -> Rows:
        rows = self.tables.get(name)
        if rows is None:
            rows = self.tables[name] = dict(self._source(name))
        return rows

    def get(self, table: str, key: str, what: str) -> Row:
        """The row with this key. Raises NotFound if there is none; the message calls it a ``what``."""
        row = self.table(table).get(key)
        if row is None:
            raise NotFound(f"there is no {what} {key[:80]!r}")
        return row

    def add(self, table: str, prefix: str, row: Row) -> Row:
        """Add a new row. Its id is a hash of its fields, so that ids do not depend on the order of additions."""
        rows = self.table(table)
        number = crc32(repr(sorted(row.items())).encode("utf-8", "backslashreplace")) % 9000
        while (key := f"{prefix}-{1000 + number}") in rows:
            number = (number + 1) % 9000
        rows[key] = {"id": key, **row}
        return rows[key]

    def edit(self, table: str, key: str, **changes: Any) -> Row:
        rows = self.table(table)
        rows[key] = {**rows[key], **changes}
        return rows[key]

    def named(self, table: str, field: str, text: str, what: str) -> Row:
        """The only row whose ``field`` equals ``text``, or else the only one that contains it; case is ignored.

        Raises NotFound, with the nearest names, unless exactly one row matches.
        """
        wanted = text.strip().casefold()
        rows = self.table(table).values()
        found = [row for row in rows if row[field].casefold() == wanted]
        found = found or [row for row in rows if wanted and wanted in row[field].casefold()]
        if len(found) == 1:
            return found[0]
        if found:
            raise NotFound(f"several match {text[:80]!r}: {', '.join(row[field] for row in found[:5])}")
        from difflib import get_close_matches

        near = get_close_matches(text[:80], [row[field] for row in rows], n=2)
        raise NotFound(f"there is no {what} {text[:80]!r}" + (f"; similar: {', '.join(near)}" if near else ""))


def check_date(text: str) -> str:
    if not _DATE.fullmatch(text):
        raise ValueError(f"a date is written YYYY-MM-DD, got {text[:40]!r}")
    return text


def minute_of_day(text: str) -> int:
    """Minutes since midnight of a time written HH:MM."""
    if not _TIME.fullmatch(text):
        raise ValueError(f"a time is written HH:MM, got {text[:40]!r}")
    return int(text[:2]) * 60 + int(text[3:])


def clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def check_minutes(minutes: int) -> int:
    if not 1 <= minutes <= 24 * 60:
        raise ValueError(f"minutes must be between 1 and 1440, got {minutes}")
    return minutes


def overlaps(row: Row, date: str, begin: int, minutes: int) -> bool:
    """Whether a row with date, start and minutes overlaps that time (``begin``: minutes since midnight)."""
    if row["date"] != date:
        return False
    other = int(row["start"][:2]) * 60 + int(row["start"][3:])
    return begin < other + row["minutes"] and other < begin + minutes
