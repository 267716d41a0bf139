"""Dates and times in words: "the 24th", "tomorrow", "9 November", "quarter past one in the afternoon"."""

from __future__ import annotations

import re
from datetime import date, timedelta

MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)  # fmt: skip
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
TODAY = {"the day after tomorrow": 2, "the day before yesterday": -2, "tomorrow": 1, "yesterday": -1, "today": 0}
"""Words for a day -> days from today."""

_TWELVE = "twelve one two three four five six seven eight nine ten eleven"
_HOURS = _TWELVE.split()
_PARTS = {"half": 30, "quarter": 15, "ten": 10, "five": 5, "twenty": 20, "ten minutes": 10, "five minutes": 5}
_NUMBER = re.compile(r"\d+")


def day_in_words(match: re.Match[str], today: date | None) -> str | None:
    """A day as YYYY-MM-DD. A missing year is the one nearest to today; "the 24th" and "Friday" are the next ones.

    If ``today`` is None: a day that names a month is returned as it is written unless it has a year; else None.
    """
    groups = match.groupdict()
    if groups.get("m"):
        return _day_of_month(match, today)
    if today is None:
        return None
    said = match[0].lower()
    if said in TODAY:
        return (today + timedelta(TODAY[said])).isoformat()
    if said in WEEKDAYS:
        return (today + timedelta((WEEKDAYS.index(said) - today.weekday() - 1) % 7 + 1)).isoformat()
    found = _NUMBER.search(said)
    if said.startswith("in "):
        amount, unit = said.split()[1:]
        count = int(found[0]) if found else max(1, _HOURS.index(amount) if amount in _HOURS else 1)
        return (today + timedelta(count * (7 if unit.startswith("week") else 1))).isoformat()
    wanted = int(found[0]) if found else 0
    ahead = [today + timedelta(days) for days in range(62)]
    return next((day.isoformat() for day in ahead if day.day == wanted), None)


def _day_of_month(match: re.Match[str], today: date | None) -> str | None:
    month = next(i for i, name in enumerate(MONTHS, 1) if name.startswith(match["m"].lower()[:3]))
    if match["y"]:
        years = [int(match["y"])]
    elif today is None:
        return match[0]
    else:
        years = [today.year, today.year + 1, today.year - 1]
    days = []
    for year in years:
        try:
            days.append(date(year, month, int(match["d"])))
        except ValueError:  # 30 February, say
            continue
    if not days:
        return None
    return (days[0] if today is None else min(days, key=lambda day: abs((day - today).days))).isoformat()


def clock(match: re.Match[str], today: date | None) -> str | None:
    """A time in digits as HH:MM; None if no clock can show it."""
    hour, minute = int(match["h"]), int(match.groupdict().get("m") or 0)
    half = (match["half"] or "").lower()[:1]
    if half:
        hour = hour % 12 + (12 if half == "p" else 0)
    return f"{hour:02}:{minute:02}" if hour < 24 and minute < 60 else None


def spoken_time(match: re.Match[str], today: date | None) -> str | None:
    """A time in words as HH:MM."""
    word = (match["word"] or "").lower()
    if word:
        return "00:00" if word == "midnight" else "12:00"
    said = match["h"].lower()
    if said not in _HOURS and not said.isdigit():
        return None
    hour = int(said) if said.isdigit() else _HOURS.index(said)
    hour = hour % 12 + (0 if (match["day"] or "").lower() == "morning" else 12)
    minutes = hour * 60
    if match["part"]:
        minutes += _PARTS[match["part"].lower()] * (1 if match["side"].lower() == "past" else -1)
    return f"{minutes // 60 % 24:02}:{minutes % 60:02}"
