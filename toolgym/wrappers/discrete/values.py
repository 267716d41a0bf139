"""Finds the values in a request by rules: numbers, dates, times, addresses, ids, quotations, names."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from typing import Any

import msgspec

from toolgym.wrappers.discrete.calendar_words import MONTHS, TODAY, WEEKDAYS, clock, day_in_words, spoken_time

LONGEST = 8_000
"""Only the last characters of a text, this many, are searched."""


class Value(msgspec.Struct, frozen=True):
    """A value in a text."""

    kind: str
    """email, url, quoted, id, file, date, time, minutes, percent, number, count, name, first or phrase.

    ``count`` is a number in words ("three sides"), ``first`` the capitalised word that opens a sentence."""
    value: Any
    """str, int or float; dates as YYYY-MM-DD and times as HH:MM, if they can be resolved."""
    start: int
    end: int
    text: str
    """The value as it is written."""


_TWELVE = "zero one two three four five six seven eight nine ten eleven twelve"
SMALL = {word: i for i, word in enumerate(_TWELVE.split())}
SMALL |= {
    "fifteen": 15, "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "ninety": 90, "hundred": 100,
}  # fmt: skip
_OPENING = (
    "a an add also am and any are ask at be book buy calculate can cancel change check compute convert could create "
    "delete determine did display do does estimate evaluate explain fetch find for from generate get give go great "
    "has have help how i identify if in invite is it kindly let list locate look make may me move my name need next "
    "obtain of on open order play please predict provide put read record remind remove reply reserve retrieve return "
    "schedule search send set share should show simulate solve start submit tell thanks thank that the their then "
    "there these this time to try update use using want was we were what when where which who why will with would "
    "write you your hi hello hey"
)
_OPENERS = frozenset(_OPENING.split())
"""Words that begin sentences and are not part of a name, capitalised or not."""
_ENDING = "the a an of for about on in with to from at by and or that is are was as i you my your"
_PHRASE_END = frozenset(_ENDING.split())
_UNITS = {"k": 1_000, "thousand": 1_000, "m": 1_000_000, "million": 1_000_000, "billion": 1_000_000_000}
_COUNT = "|".join(SMALL)
_MONTH = "|".join(f"{name}|{name[:3]}" for name in MONTHS)
_DAY = (
    rf"{'|'.join(TODAY)}|{'|'.join(WEEKDAYS)}|the \d{{1,2}}(?:st|nd|rd|th)|in (?:an?|{_COUNT}|\d{{1,2}}) (?:day|week)s?"
)
_PART = "half|quarter|ten minutes|five minutes|ten|five|twenty"
_SPOKEN = (
    rf"\b(?:(?P<part>{_PART}) (?P<side>past|to) )?(?P<h>{_COUNT}|\d{{1,2}})(?: o'clock)? "
    r"(?:in the (?P<day>morning|afternoon|evening)|at night)\b|\b(?P<word>noon|midday|midnight)\b"
)
_FILE = r"\b[\w-]{1,64}\.(?:txt|pdf|csv|docx?|xlsx?|pptx?|py|md|json|png|jpe?g|mp[34]|html?)\b"
_DIGITS = (
    r"(?<![\w.^])(?P<sign>-)?[$€£]?(?P<digits>\d{1,15}(?:\.\d{1,15})?)"
    r"(?: ?(?P<unit>thousand|million|billion|K|M)\b(?!/))?"
)
_LEAD = "of|for|about|on|in|with|to|from|at|by|the|an?|as"

_Maker = Callable[[re.Match[str], date | None], Any]


def _written(match: re.Match[str], today: date | None) -> Any:
    return match[0]


def _quotation(match: re.Match[str], today: date | None) -> Any:
    return next(group for group in match.groups() if group is not None).strip() or None


def _minutes(match: re.Match[str], today: date | None) -> Any:
    amount, half, unit = match["amount"].lower(), match["half"], match["unit"].lower()
    if "quarter" in amount:
        return 45 if amount.startswith("three") else 15
    number = {"half an": 0.5, "a": 1.0, "an": 1.0}.get(amount)
    if number is None:
        number = float(SMALL.get(amount, amount))
    number += 0.5 if half else 0.0
    number *= 60 if unit.startswith("h") else 1
    return int(number) if number == int(number) else number


def _number(match: re.Match[str], today: date | None) -> Any:
    text = match["digits"].replace(",", "")
    number = (-1 if match["sign"] else 1) * (float(text) if "." in text else int(text))
    unit = match.groupdict().get("unit")
    if unit:
        number *= _UNITS[unit.lower()]
        return int(number) if number == int(number) else number
    return number


def _name(match: re.Match[str], today: date | None) -> Any:
    parts = match[0].split()
    while parts and (parts[0].lower() in _OPENERS or parts[0] == "I"):
        parts = parts[1:]
    return " ".join(parts).rstrip(".,").removesuffix("'s") or None


def _later_name(match: re.Match[str], today: date | None) -> Any:
    """A name, unless it is a single word at the start of a sentence, which may be capitalised for that reason."""
    before = match.string[max(0, match.start() - 3) : match.start()].rstrip()
    opens = not before or before[-1] in ".?!:;"
    return None if opens and " " not in match[0] else _name(match, today)


def _phrase(match: re.Match[str], today: date | None) -> Any:
    kept: list[str] = []
    for word in match["words"].split():
        if word in _PHRASE_END:
            break
        kept.append(word)
    return " ".join(kept) or None


_CAPITALS = re.compile(r"\b[A-Z][\w'&-]{0,40}(?: (?:(?:of|de|the|and|&) )?[A-Z][\w'&-]{0,40}){0,6}(?:, [A-Z]{2}\b)?")
# kind, pattern, and the value of a match (None: not a value); in order of precedence: the first rule that matches a
# character takes it. All repetitions are bounded, so that the search takes linear time.
_RULES: tuple[tuple[str, re.Pattern[str], _Maker], ...] = (
    ("url", re.compile(r"https?://[^\s\"'<>]{1,300}"), _written),
    ("email", re.compile(r"\b[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,4}"), _written),
    (
        "quoted",
        re.compile(r"\"([^\"\n]{1,400})\"|“([^”\n]{1,400})”|(?<!\w)'((?:[^'\n]|(?<=\w)'(?=\w)){1,400})'(?!\w)"),
        _quotation,
    ),
    ("file", re.compile(_FILE), _written),
    ("id", re.compile(r"\b[A-Z]{2,5}-?\d{2,8}\b"), _written),
    ("date", re.compile(r"\b\d{4}-\d{2}-\d{2}\b|\b\d{1,2}[/.]\d{1,2}[/.]\d{4}\b"), _written),
    (
        "date",
        re.compile(rf"\b(?P<d>\d{{1,2}})(?:st|nd|rd|th)?(?: of)? (?P<m>{_MONTH})\b(?:,? (?P<y>\d{{4}}))?", re.I),
        day_in_words,
    ),
    (
        "date",
        re.compile(rf"\b(?P<m>{_MONTH})\.? (?P<d>\d{{1,2}})(?:st|nd|rd|th)?\b(?:,? (?P<y>\d{{4}}))?", re.I),
        day_in_words,
    ),
    ("date", re.compile(rf"\b(?:{_DAY})\b", re.I), day_in_words),
    ("time", re.compile(r"\b(?P<h>\d{1,2}):(?P<m>\d{2}) ?(?P<half>[ap]\.?m\b)?", re.I), clock),
    ("time", re.compile(r"\b(?P<h>\d{1,2}) ?(?P<half>[ap]\.?m\b)", re.I), clock),
    ("time", re.compile(_SPOKEN, re.I), spoken_time),
    (
        "minutes",
        re.compile(
            rf"\b(?P<amount>three quarters of an|a quarter of an|half an|an?|{_COUNT}|\d{{1,4}}(?:\.\d)?)[ -]"
            r"(?P<unit>hours?|hrs?|minutes?|mins?)\b(?P<half> and a half)?",
            re.I,
        ),
        _minutes,
    ),
    ("percent", re.compile(r"(?<![\w.^])(?P<sign>-)?(?P<digits>\d{1,9}(?:\.\d{1,9})?) ?(?:%|percent\b)"), _number),
    ("number", re.compile(r"(?<![\w.])(?P<sign>-)?[$€£]?(?P<digits>\d{1,3}(?:,\d{3}){1,4}(?:\.\d{1,9})?)"), _number),
    ("number", re.compile(_DIGITS), _number),
    ("count", re.compile(rf"\b(?:{_COUNT})\b", re.I), lambda match, today: SMALL[match[0].lower()]),
    ("name", _CAPITALS, _later_name),
    ("first", re.compile(r"\b[A-Z][\w'-]{1,40}"), _name),
    (
        "phrase",
        re.compile(rf"\b(?:{_LEAD}) (?P<words>[a-z][\w-]{{1,40}}(?: [a-z][\w-]{{0,40}}){{0,2}})"),
        _phrase,
    ),
)  # fmt: skip


def find_values(text: str, today: date | None = None) -> list[Value]:
    """The values in ``text``, in order of position; no two values overlap.

    Dates relative to ``today`` are skipped if it is None. Only the last ``LONGEST`` characters are read.
    """
    text = text[-LONGEST:]
    taken = bytearray(len(text))  # 1 for each character of a value that an earlier rule found
    found = []
    for kind, pattern, make in _RULES:
        for match in pattern.finditer(text):
            start, end = match.span()
            if any(taken[start:end]):
                continue
            value = make(match, today)
            if value is not None:
                taken[start:end] = b"\1" * (end - start)
                found.append(Value(kind, value, start, end, match[0]))
    return sorted(found, key=lambda each: each.start)
