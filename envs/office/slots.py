"""Slots: the values that calls need, and the ways people write them."""

from __future__ import annotations

from datetime import date
from typing import Any

import msgspec

from toolgym.tasks.english import MONTHS, NUMBERS
from toolgym.tasks.stream import Stream
from toolgym.types import ToolCall

from .fixture import WEEKDAYS, iso

CURRENCIES = {
    "EUR": ("€", "euros"),
    "USD": ("$", "US dollars"),
    "GBP": ("£", "pounds"),
    "CHF": ("CHF ", "Swiss francs"),
}


class Slot(msgspec.Struct, frozen=True, gc=False):
    """A value and its wording in one request."""

    value: Any
    text: str
    """As a noun: "Friday", "14:30", "the Budget review meeting"."""
    adverb: str = ""
    """As an adverbial ("on Friday"); "" if it is the same as ``text``."""
    note: str = ""
    """How the value follows from the text, for the gold thought; "" if the text contains the value."""
    lookup: ToolCall | None = None
    """The call whose result holds the value; None if the request holds it."""
    plain: str = ""
    """The wording in answers; "" if that is ``value`` itself."""

    def said(self) -> str:
        return self.plain or str(self.value)


def verbatim(value: str, quote: str = "") -> Slot:
    """A value that the request contains unchanged, between two ``quote`` marks."""
    return Slot(value, f"{quote}{value}{quote}")


def ordinal(n: int) -> str:
    return f"{n}{'th' if 10 <= n % 100 <= 20 else {1: 'st', 2: 'nd', 3: 'rd'}.get(n % 10, 'th')}"


def spoken(n: int, stream: Stream) -> str:
    return NUMBERS[n] if n < len(NUMBERS) and stream.chance(0.5) else str(n)


_Form = tuple[str, str] | tuple[str, str, str] | None
"""A date as a noun, as an adverbial and, if it is counted from today, as a span ("a week"). None if the form does not
fit the date."""


def _iso(today: int, offset: int, stream: Stream) -> _Form:
    text = iso(today + offset)
    return text, f"on {text}"


def _written(today: int, offset: int, stream: Stream) -> _Form:
    day = date.fromordinal(today + offset)
    month = MONTHS[day.month - 1]
    text = stream.pick(
        (f"{day.day} {month}", f"{month} {day.day}", f"{month} {ordinal(day.day)}", f"{day.day} {month} {day.year}")
    )
    return text, f"on {text}"


def _weekday(today: int, offset: int, stream: Stream) -> _Form:
    if offset > 6:
        return None
    name = WEEKDAYS[(today + offset - 1) % 7]
    return (name, f"on {name}") if stream.chance(0.6) else (f"this coming {name}", f"this coming {name}")


def _weekday_next_week(today: int, offset: int, stream: Stream) -> _Form:
    monday = 7 - (today - 1) % 7
    if not monday <= offset < monday + 7:
        return None
    name = WEEKDAYS[offset - monday]
    text = stream.pick((f"{name} of next week", f"{name} next week"))
    return text, f"on {text}"


def _in_days(today: int, offset: int, stream: Stream) -> _Form:
    if not 3 <= offset <= 9:
        return None
    word = spoken(offset, stream)
    return stream.pick((f"{word} days from now", f"{word} days from today")), f"in {word} days", f"{word} days"


def _day_of_month(today: int, offset: int, stream: Stream) -> _Form:
    if not 2 <= offset <= 26:
        return None
    text = f"the {ordinal(date.fromordinal(today + offset).day)}"
    return text, f"on {text}"


_NAMED: dict[int, tuple[_Form, ...]] = {
    1: (("tomorrow", "tomorrow"),),
    2: (("the day after tomorrow", "the day after tomorrow"),),
    7: (("a week from today", "a week from today", "a week"), ("a week from now", "in a week", "a week")),
    8: (("a week from tomorrow", "a week from tomorrow"),),
    14: (("two weeks from today", "in two weeks", "two weeks"), ("two weeks from now", "in two weeks", "two weeks")),
}


def _named(today: int, offset: int, stream: Stream) -> _Form:
    return stream.pick(_NAMED[offset]) if offset in _NAMED else None


_FORMS = (
    _iso,
    _iso,
    _iso,
    _written,
    _written,
    _weekday,
    _weekday,
    _weekday_next_week,
    _in_days,
    _day_of_month,
    _named,
    _named,
)


def _day(today: int, offset: int, text: str, adverb: str, counted: str = "") -> Slot:
    value = iso(today + offset)
    if value in text:
        return Slot(value, text, adverb)
    start = f"{WEEKDAYS[(today - 1) % 7]}, {iso(today)}"
    if counted:
        return Slot(value, text, adverb, f"{_capital(counted)} after {start} is {value}.")
    note = f"{_capital(text)} is {value}."
    if abs(offset) > 1 and not any(month in text for month in MONTHS):
        days = f"{abs(offset)} days {'after' if offset > 0 else 'before'}"
        note = f"{_capital(text)} is {days} {start}: {value}."
    return Slot(value, text, adverb, note)


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]


def day_after(today: int, offset: int, stream: Stream) -> Slot:
    """The day ``offset`` days after today, in a random wording.

    "Friday" is the first Friday after today. "Friday next week" is in the week that begins next Monday. "The 14th" is
    the first 14th after today.
    """
    while (form := stream.pick(_FORMS)(today, offset, stream)) is None:
        pass
    return _day(today, offset, *form)


def future_day(today: int, stream: Stream) -> Slot:
    """A working day within 60 days; 70 % are within two weeks."""
    while True:
        offset = stream.between(1, 14) if stream.chance(0.7) else stream.between(15, 60)
        if (today + offset - 1) % 7 < 5:
            return day_after(today, offset, stream)


def past_day(today: int, stream: Stream) -> Slot:
    """Today or a day of the last four weeks."""
    kind = stream.below(6)
    if kind == 0:
        return _day(today, 0, "today", "today")
    if kind == 1:
        return _day(today, -1, "yesterday", "yesterday")
    back = stream.between(2, 28)
    day = date.fromordinal(today - back)
    if kind == 2 and back < 10:
        text = f"{spoken(back, stream)} days ago"
        return _day(today, -back, text, text)
    if kind == 3:
        month = MONTHS[day.month - 1]
        text = stream.pick((f"{day.day} {month}", f"{month} {ordinal(day.day)}"))
        return _day(today, -back, text, f"on {text}")
    return _day(today, -back, day.isoformat(), f"on {day.isoformat()}")


def time_of_day(stream: Stream, minutes: tuple[int, ...] = (0, 0, 30, 15, 45)) -> Slot:
    """A time from 9:00 to 16:45."""
    return time_slot(stream.between(9, 16), stream.pick(minutes), stream)


def time_slot(hour: int, minute: int, stream: Stream) -> Slot:
    value = f"{hour:02}:{minute:02}"
    kind = stream.below(5)
    if kind < 2 or (hour == 12 and minute and kind < 4):  # "12:30 pm" would be ambiguous
        return Slot(value, value)
    if hour == 12 and not minute:
        return Slot(value, "noon", note="Noon is 12:00.")
    if kind == 4:
        name, following = NUMBERS[(hour - 1) % 12 + 1], NUMBERS[hour % 12 + 1]
        text = {0: name, 15: f"quarter past {name}", 30: f"half past {name}", 45: f"quarter to {following}"}[minute]
        text += " in the morning" if hour < 12 else " in the afternoon"
    else:
        text = f"{(hour - 1) % 12 + 1}" if not minute and kind == 2 else f"{(hour - 1) % 12 + 1}:{minute:02}"
        text += stream.pick((" am", "am") if hour < 12 else (" pm", "pm"))
    return Slot(value, text, note=f"{_capital(text)} is {value}.")


_LENGTHS = {
    15: ("15 minutes", "a quarter of an hour"),
    20: ("20 minutes", "twenty minutes"),
    30: ("30 minutes", "half an hour", "thirty minutes"),
    45: ("45 minutes", "three quarters of an hour"),
    60: ("60 minutes", "an hour", "one hour"),
    90: ("90 minutes", "an hour and a half"),
    120: ("120 minutes", "two hours"),
}


def duration(stream: Stream, longest: int = 120) -> Slot:
    """A length of time; the value is in minutes, at most ``longest``."""
    minutes = stream.pick([n for n in _LENGTHS if n <= longest])
    text = stream.pick(_LENGTHS[minutes])
    note = "" if str(minutes) in text else f"{_capital(text)} is {minutes} minutes."
    return Slot(minutes, text, note=note, plain=f"{minutes} minutes")


def count(stream: Stream, low: int, high: int) -> Slot:
    n = stream.between(low, high)
    return Slot(n, spoken(n, stream))


def money(amount: float, currency: str, stream: Stream) -> Slot:
    """An amount with its currency. The value is the amount alone."""
    sign, name = CURRENCIES[currency]
    figure = f"{amount:.2f}" if amount % 1 or stream.chance(0.5) else f"{amount:.0f}"
    text = stream.pick((f"{sign}{figure}", f"{figure} {name}", f"{figure} {currency}", f"{currency} {figure}"))
    note = "" if currency in text else f"{text} is in {currency}."
    return Slot(amount, text, note=note, plain=f"{figure} {currency}")
