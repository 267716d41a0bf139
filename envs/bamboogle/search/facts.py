"""Reads the sentences of the bundled index from ``facts/*.toml``. Every error names the file, the entry and the fault.

``questions.toml`` has one entry per question of Bamboogle, in the order of the data set:

    [[question]]
    number = 54
    first.query = "highest grossing film"
    first.fact = "Avatar, of 2009, is the highest grossing film."
    second.query = "who directed Avatar"
    second.fact = "The film Avatar was directed by James Cameron."

If the world has changed since the questions were written, the facts say what held then. The other files have tables of
true sentences that a search may find instead. One row is one line; each template makes one sentence out of a row:

    [[table]]
    columns = ["river", "mouth", "city"]
    facts = ["The {river} is a river that ends in {mouth}.", "The river {river} passes the city of {city}."]
    rows = '''
    Danube|the Black Sea|Vienna
    '''
"""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")

FOLDER = Path(__file__).resolve().parent / "facts"
TABLES = ("places", "nature", "people")
"""The files with tables. The index is in this order; of equally good facts a search shows the earlier."""


class Hop(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One of the two searches that a question takes."""

    query: str
    fact: str
    """The sentence of the index that the query finds."""


class _Question(msgspec.Struct, forbid_unknown_fields=True):
    number: int
    first: Hop
    second: Hop


class _Table(msgspec.Struct, forbid_unknown_fields=True):
    columns: list[str]
    facts: list[str]
    rows: str


@cache
def hops(folder: Path = FOLDER) -> tuple[tuple[Hop, Hop], ...]:
    """Both hops of each question, by its number. Raises ValueError for a mistake in the file."""
    found = []
    for i, raw in enumerate(_entries(folder / "questions.toml", "question")):
        where = f"questions.toml: question number {i}"
        question = _converted(raw, _Question, where)
        if question.number != i:
            raise ValueError(f"{where}: its number is given as {question.number}; the questions stand in order, from 0")
        found.append((question.first, question.second))
    return tuple(found)


@cache
def hop_facts() -> tuple[str, ...]:
    """The sentences that the questions need."""
    return tuple([hop.fact for both in hops() for hop in both])


@cache
def other_facts(folder: Path = FOLDER) -> tuple[str, ...]:
    """True sentences that a search may find instead. Raises ValueError for a mistake in a file."""
    found: list[str] = []
    for name in TABLES:
        for i, raw in enumerate(_entries(folder / f"{name}.toml", "table"), 1):
            where = f"{name}.toml: table number {i}"
            found += _sentences(_converted(raw, _Table, where), where)
    return tuple(found)


def _sentences(table: _Table, where: str) -> list[str]:
    """The facts of a table, row by row."""
    found = []
    for line in table.rows.strip().splitlines():
        cells = line.split("|")
        if len(cells) != len(table.columns) or not all(cells):
            raise ValueError(f"{where}: a row needs {', '.join(table.columns)}, with | between; got {line!r}")
        row = dict(zip(table.columns, cells, strict=True))
        try:
            found += [fact.format(**row) for fact in table.facts]
        except (KeyError, ValueError, IndexError) as error:
            raise ValueError(f"{where}: a fact names a column that is not one of {', '.join(row)}: {error}") from None
    return found


def _entries(path: Path, key: str) -> list[dict[str, Any]]:
    try:
        raw = tomllib.loads(path.read_text("utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{path}: {error}") from None
    if raw.keys() != {key}:
        raise ValueError(
            f"{path.name}: it must have [[{key}]] entries and nothing else; it has {', '.join(raw) or 'none'}"
        )
    return _converted(raw[key], list[dict[str, Any]], path.name)


def _converted(raw: Any, kind: type[T], where: str) -> T:
    try:
        return msgspec.convert(raw, kind)
    except msgspec.ValidationError as error:
        raise ValueError(f"{where}: {error}") from None
