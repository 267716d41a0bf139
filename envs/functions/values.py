"""Kinds of arguments: each function here makes the JSON schema of a parameter and draws values for it.

The names of the functions are the keys of a catalogue file; see loader.py.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from toolgym.tasks.english import MONTHS, NUMBERS, listed
from toolgym.tasks.grammar import optional_slots, write
from toolgym.tasks.stream import Stream


class Value(msgspec.Struct, frozen=True, gc=False):
    """An argument and its text in the request. It is a ``Slot`` of ``toolgym.tasks.grammar``."""

    value: Any
    text: str
    adverb: str = ""

    def said(self) -> str:
        return self.text


class Maker(msgspec.Struct, frozen=True):
    """``schema``: the parameter's, without the description. ``draw(s, split)``: a value for it."""

    schema: dict[str, Any]
    draw: Callable[[Stream, str], Value]


def integer(low: int, high: int, step: int = 1, spelled: bool = False) -> Maker:
    """Integers: ``low`` plus multiples of ``step``. ``spelled``: up to twelve, a request may write them as words."""

    def draw(s: Stream, split: str) -> Value:
        n = low + step * s.between(0, (high - low) // step)
        if spelled and 0 <= n < len(NUMBERS) and s.chance(0.3):
            return Value(n, NUMBERS[n])
        return Value(n, f"{n:,}" if n >= 1000 and s.chance(0.3) else str(n))

    return Maker({"type": "integer"}, draw)


def year(low: int, high: int) -> Maker:
    """Integers that are never written with a comma."""

    def draw(s: Stream, split: str) -> Value:
        n = s.between(low, high)
        return Value(n, str(n))

    return Maker({"type": "integer"}, draw)


def decimal(low: float, high: float, places: int = 1) -> Maker:
    """Numbers with up to ``places`` digits after the point."""

    def draw(s: Stream, split: str) -> Value:
        scale = 10**places
        n = s.between(round(low * scale), round(high * scale)) / scale
        whole = n == int(n)
        return Value(int(n) if whole else n, str(int(n)) if whole else str(n))

    return Maker({"type": "number"}, draw)


def percent(low: int, high: int) -> Maker:
    """A fraction, 0.05, that requests write as "5%". The parameter's description must ask for a fraction."""

    def draw(s: Stream, split: str) -> Value:
        n = s.between(low, high)
        return Value(n / 100, f"{n}%" if s.chance(0.7) else f"{n} percent")

    return Maker({"type": "number"}, draw)


def words(pool: Sequence[str], written: Mapping[str, str] | None = None) -> Maker:
    """A string out of a pool, which train, val and test divide between them (see ``share``).

    ``written``: how requests write a string, such as "Japanese yen" for "JPY"; else as it is.
    """
    texts = written or {}

    def draw(s: Stream, split: str) -> Value:
        word = s.pick(share(pool, split))
        return Value(word, texts.get(word, word))

    return Maker({"type": "string"}, draw)


def quoted(pool: Sequence[str]) -> Maker:
    """Like ``words``, but requests write the string in quotation marks: titles and messages."""

    def draw(s: Stream, split: str) -> Value:
        word = s.pick(share(pool, split))
        mark = s.pick("'\"")
        return Value(word, f"{mark}{word}{mark}")

    return Maker({"type": "string"}, draw)


def one_of(values: list[str], written: Mapping[str, str] | None = None) -> Maker:
    """One of the values that the schema lists. ``written``: how requests write a value; else "_" becomes a space."""
    texts = {value: (written or {}).get(value, value.replace("_", " ")) for value in values}

    def draw(s: Stream, split: str) -> Value:
        value = s.pick(values)
        return Value(value, texts[value])

    return Maker({"type": "string", "enum": values}, draw)


def flag(yes: str, no: str) -> Maker:
    """A boolean. Requests write it as one of two phrases: "with breakfast", "without breakfast"."""

    def draw(s: Stream, split: str) -> Value:
        value = s.chance(0.5)
        return Value(value, yes if value else no)

    return Maker({"type": "boolean"}, draw)


def day(low: int = 2023, high: int = 2027) -> Maker:
    """A date as YYYY-MM-DD, which the parameter's description must say. Requests may write the month as a word."""

    def draw(s: Stream, split: str) -> Value:
        y, m, d = s.between(low, high), s.between(1, 12), s.between(1, 28)
        iso = f"{y}-{m:02}-{d:02}"
        return Value(iso, s.pick((iso, iso, f"{MONTHS[m - 1]} {d}, {y}", f"{d} {MONTHS[m - 1]} {y}")))

    return Maker({"type": "string"}, draw)


DATE_FORMATS = {
    "YYYY-MM-DD": "{y}-{m:02}-{d:02}",
    "MM/DD/YYYY": "{m:02}/{d:02}/{y}",
    "DD/MM/YYYY": "{d:02}/{m:02}/{y}",
    "MM-DD-YYYY": "{m:02}-{d:02}-{y}",
    "DD.MM.YYYY": "{d:02}.{m:02}.{y}",
}
"""The formats of ``dated``."""


def dated(low: int = 2023, high: int = 2027, form: str = "YYYY-MM-DD") -> Maker:
    """A date in one of ``DATE_FORMATS``, which the description must name. Requests write it in words, or as ISO."""

    def draw(s: Stream, split: str) -> Value:
        y, m, d = s.between(low, high), s.between(1, 12), s.between(1, 28)
        month, nth = MONTHS[m - 1], f"{d}{'th' if 10 < d < 14 else {1: 'st', 2: 'nd', 3: 'rd'}.get(d % 10, 'th')}"
        texts = (f"{month} {d}, {y}", f"{month} {nth}, {y}", f"{d} {month} {y}", f"the {nth} of {month} {y}",
                 f"{month[:3]} {d}, {y}", f"{y}-{m:02}-{d:02}")  # fmt: skip
        return Value(DATE_FORMATS[form].format(y=y, m=m, d=d), s.pick(texts))

    return Maker({"type": "string"}, draw)


def clock(low: int = 7, high: int = 21) -> Maker:
    """A time of day as HH:MM in 24 hours, which the parameter's description must say. Requests may use am and pm."""

    def draw(s: Stream, split: str) -> Value:
        h, m = s.between(low, high), s.pick((0, 0, 15, 30, 45))
        half = f"{(h - 1) % 12 + 1}{f':{m:02}' if m else ''} {'am' if h < 12 else 'pm'}"
        return Value(f"{h:02}:{m:02}", f"{h:02}:{m:02}" if s.chance(0.6) else half)

    return Maker({"type": "string"}, draw)


def several(one: Maker, low: int = 2, high: int = 4) -> Maker:
    """A list of different values of another kind: "Rome, Oslo and Bern". It is shorter if the split has too few.

    Objects differ in their first member: an order does not have two entries for the same dish.
    """

    def draw(s: Stream, split: str) -> Value:
        values: list[Value] = []
        wanted = s.between(low, high)
        for _ in range(20 * wanted):  # draws that repeat a value are dropped; a limit, since the split may have too few
            value = one.draw(s, split)
            if _first(value.value) not in [_first(other.value) for other in values]:
                values.append(value)
            if len(values) == wanted:
                break
        texts = [value.text for value in values]
        bare = len(texts) > 2 and s.chance(0.2)
        return Value([value.value for value in values], ", ".join(texts) if bare else listed(texts))

    return Maker({"type": "array", "items": dict(one.schema)}, draw)


def _first(value: Any) -> Any:
    return next(iter(value.values())) if isinstance(value, dict) else value


def numbers(low: int, high: int, least: int = 3, most: int = 6) -> Maker:
    """A list of ``least`` to ``most`` integers, which may repeat: "3, 5, 5 and 9", or "[3, 5, 5, 9]"."""

    def draw(s: Stream, split: str) -> Value:
        values = [s.between(low, high) for _ in range(s.between(least, most))]
        texts = [str(value) for value in values]
        if s.chance(0.4):
            return Value(values, f"[{', '.join(texts)}]")
        return Value(values, listed(texts))

    return Maker({"type": "array", "items": {"type": "integer"}}, draw)


def record(members: Mapping[str, Maker], optional: frozenset[str], templates: Sequence[str]) -> Maker:
    """An object with ``members``. Requests write it by one of the templates, whose slots are the members' names.

    ``optional``: the members in [...]; each is left out with probability 1/2, from the text and from the object.
    """

    def draw(s: Stream, split: str) -> Value:
        template = s.pick(templates)
        without = frozenset(name for name in sorted(optional & optional_slots(template)) if s.chance(0.5))
        drawn = {name: member.draw(s, split) for name, member in members.items()}
        given = {name: value.value for name, value in drawn.items() if f"{{{name}}}" in template}
        return Value(
            {name: value for name, value in given.items() if name not in without}, write(template, drawn, s, without)
        )

    return Maker({"type": "object"}, draw)


def share(pool: Sequence[str], split: str) -> Sequence[str]:
    """A split's share of a pool. Of every six strings, train has four, val the fifth, test and test_unseen the sixth.

    A share that would be empty is the whole pool.
    """
    place = {"train": (0, 1, 2, 3), "val": (4,)}.get(split, (5,))
    return [word for i, word in enumerate(pool) if i % 6 in place] or pool
