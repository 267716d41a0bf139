"""The world that a task starts in. Each table is made on first use, from a random stream of its own."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from toolgym.tasks.stream import Stream

from .apis.office import Office
from .apis.world import Rows
from .vocabulary import (
    BODIES,
    EVENT_KINDS,
    EXPENSE_CATEGORIES,
    FILE_FOLDERS,
    FILE_KINDS,
    SUBJECT_KINDS,
    TASK_VERBS,
    VOCABULARIES,
)

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_FIRST_DAY = date(2024, 1, 1).toordinal()
_DAYS = 4 * 365


def workday(today: int, n: int) -> int:
    """The n-th working day after ``today``, which must be a working day. Both are proleptic day numbers."""
    return today + n + (((today - 1) % 7 + n) // 5) * 2


def iso(day: int) -> str:
    """A proleptic day number as YYYY-MM-DD."""
    return date.fromordinal(day).isoformat()


class Fixture:
    """The people, the date, and every table at the start of the episode.

    The first of ``people`` is the user. Rows must not be changed. A task that needs a special situation puts new
    rows into ``table(name)`` before the episode starts.
    """

    def __init__(self, key: int, split: str):
        self.key = key
        self.words = VOCABULARIES[split]
        self.tables: dict[str, Rows] = {}
        stream = Stream(key)
        self.today = _FIRST_DAY + stream.below(_DAYS)
        self.today -= max(0, (self.today - 1) % 7 - 4)  # a weekend becomes the Friday before
        self.company = stream.pick(self.words.companies)
        self.teams = stream.sample(self.words.teams, 3)
        first, last = stream.sample(self.words.first, 8), stream.sample(self.words.last, 8)
        self.people = [f"{a} {b}" for a, b in zip(first, stream.shuffled(last), strict=True)]

    @property
    def user(self) -> str:
        return self.people[0]

    def table(self, name: str) -> Rows:
        rows = self.tables.get(name)
        if rows is None:
            make = _TABLES.get(name)
            rows = self.tables[name] = make[1](self, Stream(self.key, make[0])) if make else {}
        return rows

    def state(self) -> Office:
        """A fresh state. It shares the rows of this fixture; a changed row is a new row."""
        return Office(self.user, self.table)

    def address(self, name: str) -> str:
        """A colleague's mail address."""
        return f"{name.lower().replace(' ', '.')}@{self.company.lower()}.com"


def _contacts(fixture: Fixture, stream: Stream) -> Rows:
    extensions = stream.sample(range(2000, 10000), 8)
    rows: Rows = {}
    for i, name in enumerate(fixture.people):
        row = {"id": f"CT-{i + 1}", "name": name, "email": fixture.address(name), "phone": str(extensions[i])}
        manager = fixture.people[1 + i % 3] if i not in (1, 2, 3) else fixture.people[4]
        rows[row["id"]] = {**row, "team": fixture.teams[i % 3], "manager": manager}
    return rows


def _numbers(stream: Stream, prefix: str, n: int) -> list[str]:
    return [f"{prefix}-{number}" for number in stream.sample(range(1000, 10000), n)]


def _titles(fixture: Fixture, stream: Stream, kinds: tuple[str, ...], n: int) -> list[str]:
    return [f"{topic} {stream.pick(kinds)}" for topic in stream.sample(fixture.words.topics, n)]


def _events(fixture: Fixture, stream: Stream) -> Rows:
    rows: Rows = {}
    hours = stream.sample(range(80), 6)  # 10 days of 8 hours; events last at most one hour, so they do not overlap
    keys, titles = _numbers(stream, "EV", 6), _titles(fixture, stream, EVENT_KINDS, 6)
    for key, title, hour in zip(keys, titles, hours, strict=True):
        day = workday(fixture.today, 1 + hour // 8)
        rows[key] = {"id": key, "title": title, "date": iso(day), "start": f"{9 + hour % 8:02}:00"}
        rows[key].update(minutes=stream.pick((30, 45, 60)), guests=[])
    return rows


def _rooms(fixture: Fixture, stream: Stream) -> Rows:
    seats = stream.shuffled((4, 6, 8, 10, 14))
    names = stream.sample(fixture.words.rooms, 5)
    return {
        name: {"room": name, "seats": n, "floor": stream.between(1, 6), "projector": stream.chance(0.5)}
        for name, n in zip(names, seats, strict=True)
    }


def _bookings(fixture: Fixture, stream: Stream) -> Rows:
    rows: Rows = {}
    for key, room in zip(_numbers(stream, "BK", 4), fixture.table("rooms"), strict=False):
        day = iso(workday(fixture.today, stream.between(1, 10)))
        rows[key] = {
            "id": key,
            "room": room,
            "date": day,
            "start": f"{stream.between(9, 15):02}:00",
            "minutes": 60,
            "by": fixture.user,
        }
    return rows


def _mails(fixture: Fixture, stream: Stream) -> Rows:
    rows: Rows = {}
    subjects = _titles(fixture, stream, SUBJECT_KINDS, 5)
    for key, sender, subject in zip(
        _numbers(stream, "ML", 5), stream.sample(fixture.people[1:], 5), subjects, strict=True
    ):
        body = stream.pick(BODIES).format(topic=subject.rsplit(" ", 1)[0].lower(), weekday=stream.pick(WEEKDAYS[:5]))
        row = {"id": key, "sender": sender, "address": fixture.address(sender), "subject": subject}
        rows[key] = {**row, "folder": "Inbox", "body": body}
    return rows


def _files(fixture: Fixture, stream: Stream) -> Rows:
    rows: Rows = {}
    topics = stream.sample(fixture.words.topics, 6)
    for key, topic in zip(_numbers(stream, "FL", 6), topics, strict=True):
        name = f"{topic.lower().replace(' ', '-')}-{stream.pick(FILE_KINDS)}"
        text = f"{topic}: {stream.between(11, 99)} of {stream.between(100, 400)} items are done."
        row = {"id": key, "name": name, "folder": stream.pick(tuple(fixture.table("folders"))), "owner": fixture.user}
        rows[key] = {**row, "owner_email": fixture.address(fixture.user), "shared": {}, "text": text}
    return rows


def _folders(fixture: Fixture, stream: Stream) -> Rows:
    return {name: {"folder": name} for name in stream.sample(FILE_FOLDERS, 4)}


def _tasks(fixture: Fixture, stream: Stream) -> Rows:
    rows: Rows = {}
    for key, thing in zip(_numbers(stream, "TK", 6), stream.sample(fixture.words.objects, 6), strict=True):
        row = {
            "id": key,
            "title": f"{stream.pick(TASK_VERBS)} {thing}",
            "due": iso(workday(fixture.today, stream.between(2, 15))),
        }
        owner = fixture.user if len(rows) < 4 else stream.pick(fixture.people[1:])
        rows[key] = {**row, "priority": "normal", "owner": owner, "status": "open", "blocked_by": None}
    return rows


def _expenses(fixture: Fixture, stream: Stream) -> Rows:
    rows: Rows = {}
    for key, name in zip(_numbers(stream, "EX", 5), stream.sample(fixture.people[1:], 5), strict=True):
        row = {
            "id": key,
            "employee": name,
            "amount": stream.between(20, 400) + stream.pick((0.0, 0.5)),
            "currency": "EUR",
        }
        team = fixture.teams[fixture.people.index(name) % 3]
        category, day = stream.pick(EXPENSE_CATEGORIES), iso(fixture.today - stream.between(2, 20))
        rows[key] = {**row, "category": category, "date": day, "team": team, "status": "pending"}
    return rows


def _budgets(fixture: Fixture, stream: Stream) -> Rows:
    rows: Rows = {}
    for team in fixture.teams:
        spent = stream.between(10, 60) * 100
        rows[team] = {"team": team, "limit": spent + stream.between(15, 60) * 100, "spent": spent}
    return rows


def _trips(fixture: Fixture, stream: Stream) -> Rows:
    first, second = _numbers(stream, "TR", 2)
    city, day = stream.pick(fixture.words.cities), workday(fixture.today, stream.between(3, 15))
    train = f"IC{stream.between(100, 999)}"
    return {
        first: {"id": first, "kind": "train", "train": train, "date": iso(day)},
        second: {"id": second, "kind": "hotel", "city": city, "date": iso(day), "nights": stream.between(1, 4)},
    }


_TABLES: dict[str, tuple[int, Callable[[Fixture, Stream], Rows]]] = {
    "contacts": (1, _contacts),
    "events": (2, _events),
    "rooms": (3, _rooms),
    "bookings": (4, _bookings),
    "mails": (5, _mails),
    "files": (6, _files),
    "folders": (7, _folders),
    "tasks": (8, _tasks),
    "expenses": (9, _expenses),
    "budgets": (10, _budgets),
    "trips": (11, _trips),
}
"""For each table: the lane of its random stream, and the function that makes it. Other tables start empty."""
