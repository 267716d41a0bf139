"""What a reader asks of a run's table: filters, text, order, page."""

from __future__ import annotations

import operator
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from math import ceil, isfinite
from time import monotonic
from typing import Any

import msgspec

from toolgym.report.reward_words import grouped
from toolgym.view.entry import NUMBERS, Entry
from toolgym.view.index import RunIndex
from toolgym.view.texts import texts_of

PAGE = 100
"""Rows of a page."""
WORDS = ("task", "category", "outcome", "error")
"""The fields of an Entry that are sorted as words."""
_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt, "<=": operator.le, "=": operator.eq, ">=": operator.ge, ">": operator.gt,
}  # fmt: skip
_WHERE = re.compile(r"(.{1,200}?)(<=|>=|<|>|=)(-?[0-9.]{1,30})", re.DOTALL)
MOST_VALUES = 200
"""Values that a filter offers, and that it takes."""


Given = Mapping[str, Sequence[str]]
"""The parameters of a URL: name -> its values."""


class BadQuery(ValueError):
    """A query that makes no sense; the message says which part of it."""


class Query(msgspec.Struct, frozen=True):
    """Filters and order. An empty filter lets everything pass."""

    outcome: tuple[str, ...] = ()
    category: tuple[str, ...] = ()
    error: tuple[str, ...] = ()
    ending: tuple[str, ...] = ()
    where: tuple[tuple[str, str, float], ...] = ()
    """(number or reward part, comparison, value); an episode without the part does not pass."""
    text: str = ""
    sort: str = ""
    """A field or reward part, with "-" in front for falling; "" for the order of the file."""
    page: int = 1

    @property
    def filters(self) -> bool:
        """Whether anything is filtered out."""
        return bool(self.outcome or self.category or self.error or self.ending or self.where or self.text.strip())


def last(given: Given, name: str, default: str = "") -> str:
    """The last value of a parameter."""
    return (list(given.get(name, ())) or [default])[-1]


def paged(found: Sequence[Any], page: int) -> dict[str, Any]:
    """The rows of a page, or of the last page if there are fewer, and what the pager shows."""
    pages = max(1, ceil(len(found) / PAGE))
    page = min(page, pages)
    return {"matched": len(found), "page": page, "pages": pages, "rows": found[PAGE * (page - 1) : PAGE * page]}


def counted(names: Iterable[str]) -> list[list[Any]]:
    """[name, how often it is there] of the names but "", the most frequent first: the choices of a filter."""
    return [[name, count] for name, count in Counter(filter(None, names)).most_common(MOST_VALUES)]


def parse_query(given: Given) -> Query:
    """The query of a URL's parameters. Raises BadQuery."""
    if any(len(values) > MOST_VALUES for values in given.values()):
        raise BadQuery(f"at most {MOST_VALUES} values for each filter")
    where = []
    for text in given.get("where", ()):
        match = _WHERE.fullmatch(text)
        try:
            value = float(match[3]) if match else float("nan")
        except ValueError:
            value = float("nan")
        if match is None or not isfinite(value):
            raise BadQuery(f"where={text[:80]!r} is not a comparison such as format<1")
        where.append((match[1], match[2], value))
    page = last(given, "page", "1")
    if not re.fullmatch("[0-9]{1,9}", page) or int(page) < 1:
        raise BadQuery(f"page={page[:80]!r} is not the number of a page")
    lists = {name: tuple(given.get(name, ())) for name in ("outcome", "category", "error", "ending")}
    text, sort = last(given, "text")[:1000], last(given, "sort")
    return Query(**lists, where=tuple(where), text=text, sort=sort, page=int(page))


def numbers_of(entry: Entry) -> dict[str, float]:
    """All numbers of an episode by name: fields, and parts of the reward, single and grouped, as "part:name"."""
    parts = grouped(entry.parts) | entry.parts
    return {name: getattr(entry, name) for name in NUMBERS} | {f"part:{name}": parts[name] for name in parts}


def matching(entries: Sequence[Entry], query: Query) -> list[Entry]:
    """The entries that pass the filters, in the order of the query; the text is for Search."""
    found = list(entries)
    for name in ("outcome", "category", "error"):
        wanted = set(getattr(query, name))
        if wanted:
            found = [entry for entry in found if getattr(entry, name) in wanted]
    if query.ending:
        endings = set(query.ending)
        found = [entry for entry in found if not endings.isdisjoint(entry.endings)]
    for name, sign, value in query.where:
        holds = _COMPARE[sign]
        found = [e for e in found if (number := numbers_of(e).get(name)) is not None and holds(round(number, 9), value)]
    key = query.sort.removeprefix("-")
    if key:
        order = _key(key)
        known = [entry for entry in found if order(entry) is not None]
        unknown = [entry for entry in found if order(entry) is None]
        found = sorted(known, key=order, reverse=query.sort.startswith("-")) + unknown
    return found


def _key(name: str) -> Callable[[Entry], Any]:
    if name in WORDS or name in NUMBERS:
        return operator.attrgetter(name)
    return lambda entry: numbers_of(entry).get(name)


class Search:
    """A text looked for in the episodes of a run, a while at a time."""

    def __init__(self, text: str):
        self.text = text
        self._needle = text.casefold()
        self._found: dict[tuple[int, int], bool] = {}
        """(offset, length) of a line -> whether its episode has the text."""

    def within(self, index: RunIndex, entries: Sequence[Entry], seconds: float) -> tuple[list[Entry], float]:
        """Those of ``entries`` that are known to have the text, after at most so long; the share that was searched."""
        until, found, searched = monotonic() + seconds, [], 0
        try:
            with index.path.open("rb") as file:
                for entry in entries:
                    has = self._found.get((entry.offset, entry.length))
                    if has is None and monotonic() < until:
                        file.seek(entry.offset)
                        has = self._has(file.read(entry.length))
                        self._found[entry.offset, entry.length] = has
                    searched += has is not None
                    if has:
                        found.append(entry)
        except OSError:
            pass
        return found, searched / len(entries) if entries else 1.0

    def _has(self, line: bytes) -> bool:
        return any(self._needle in text.casefold() for text in texts_of(line))
