"""A scene: the source of people, things, dates and wordings for one task."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from toolgym.tasks.stream import Stream
from toolgym.types import ToolCall

from .apis.office import TOOLS, Office
from .apis.world import Row, minute_of_day, overlaps
from .fixture import WEEKDAYS, Fixture
from .kinds import KINDS
from .slots import Slot, day_after, future_day, time_of_day
from .vocabulary import BODIES, EVENT_KINDS


class Scene:
    """The random draws of one task. No thing, person or day is drawn twice.

    Args:
        fixture: the world that the episode starts in.
        stream: the random stream of all draws.
        split: selects the wordings. test_unseen shares the wordings of test.
        lookups: by kind of thing, the tool that looks one up and its parameter (see intents.py).
    """

    def __init__(self, fixture: Fixture, stream: Stream, split: str, lookups: Mapping[str, tuple[str, str]]):
        self.fixture = fixture
        self.lookups = lookups
        self.words = fixture.words
        self.stream = stream
        self.split = "test" if split == "test_unseen" else split
        self.named = False
        """Whether requests call things and people by their names, so that ids and addresses have to be looked up."""
        self.known: str = ""
        """The id of the thing that the dialogue is about. Requests say "it" or "that meeting" for it."""
        self.aside = False
        """Whether the dialogue changed its subject in between, so that "it" would be ambiguous."""
        self.focus: dict[str, str] = {}
        """By table: the key of the row that the dialogue is about."""
        self.state: Office = fixture.state()
        """The state after the gold calls drawn so far."""
        self._used: set[str] = set()
        self._steady: dict[str, str] = {}
        self._taken: list[Row] = []

    def run(self, call: ToolCall) -> Any:
        """Run a gold call in the state that the earlier gold calls left; returns its result."""
        return TOOLS[call.name](self.state, **call.arguments)

    # Things ---------------------------------------------------------------------------------------

    def unused(self, items: list[str] | tuple[str, ...]) -> str:
        """Draw a word that was not drawn before. Raises LookupError if all are used."""
        word = self.stream.pick(items)
        if word in self._used:
            left = [word for word in items if word not in self._used]
            if not left:
                raise LookupError("all words are used")
            word = self.stream.pick(left)
        self._used.add(word)
        return word

    def steady(self, what: str, items: tuple[str, ...]) -> str:
        """Draw a word once per ``what``; later calls return the same word."""
        if what not in self._steady:
            self._steady[what] = self.stream.pick(items)
        return self._steady[what]

    def row(self, table: str, fits: Callable[[Row], bool] | None = None) -> Row:
        """The row in focus, or a row that fits and was not drawn yet. Raises LookupError if none is left."""
        if table in self.focus:
            return self.state.table(table)[self.focus[table]]
        rows = [row for key, row in self.state.table(table).items() if f"{table} {key}" not in self._used]
        if fits:
            rows = [row for row in rows if fits(row)]
        if not rows:
            raise LookupError(f"all {table} are used")
        row = self.stream.pick(rows)
        self._used.add(f"{table} {row.get('id') or row.get('room') or row.get('team')}")
        return row

    def plant(self, table: str, key: str, row: Row) -> None:
        """Put a row into the world that the episode starts in."""
        self.fixture.table(table)[key] = row
        self.state.table(table)[key] = row

    def person(self) -> Row:
        """A colleague of the user."""
        return self.row("contacts", lambda row: row["name"] != self.fixture.user)

    def outsider(self) -> tuple[str, str]:
        """Name and address of a person who is in no table."""
        name = f"{self.unused(self.words.first)} {self.unused(self.words.last)}"
        while name in self.fixture.people:
            name = f"{self.unused(self.words.first)} {self.unused(self.words.last)}"
        company = self.unused(self.words.companies).lower()
        return name, f"{name.lower().replace(' ', '.')}@{company}.org"

    def thing(self, kind: str, row: Row) -> Slot:
        """The id of a row, as the request refers to it."""
        key, about = row["id"], KINDS[kind]
        if kind == "trip":
            row = {**row, "what": f"train {row['train']}" if row["kind"] == "train" else f"hotel in {row['city']}"}
        plain = key if kind == "expense" else str(row[about.field])  # a person's name would not name the claim
        if key == self.known:
            return Slot(key, self.stream.pick(about.known[1:] if self.aside else about.known), plain=plain)
        if not self.named:
            return Slot(key, self.stream.pick(about.direct).format(id=key), plain=plain)
        text = self.stream.pick(about.named).format_map(row)
        tool, parameter = self.lookups[kind]
        if not parameter:
            return Slot(key, text, lookup=ToolCall(tool, {}), plain=plain)
        # A mail is searched for by what the request says of it: its sender or its subject.
        query = row["sender"] if kind == "mail" and row["sender"] in text else row[about.field]
        return Slot(key, text, lookup=ToolCall(tool, {parameter: query}), plain=plain)

    def address(self, row: Row) -> Slot:
        """A colleague's mail address, as the request refers to it."""
        name, email = row["name"], row["email"]
        if self.named:
            tool, parameter = self.lookups["contact"]
            return Slot(email, name, lookup=ToolCall(tool, {parameter: name}), plain=name)
        return Slot(email, self.stream.pick((email, f"{name} ({email})", f"{name} at {email}")), plain=name)

    # Times and texts ------------------------------------------------------------------------------

    def day(self) -> Slot:
        """A day after today that was not drawn yet."""
        while (slot := future_day(self.fixture.today, self.stream)).value in self._used:
            pass
        self._used.add(slot.value)
        return slot

    def moment(self, minutes: int = 120) -> tuple[Slot, Slot]:
        """A date and a time at which the user is free for ``minutes``."""
        events = self.state.table("events")
        while True:
            day, start = self.day(), time_of_day(self.stream)
            begin = minute_of_day(start.value)
            if not any(overlaps(row, day.value, begin, minutes) for row in (*events.values(), *self._taken)):
                self._taken.append({"date": day.value, "start": start.value, "minutes": minutes})
                return day, start

    def busy_day(self) -> Slot:
        """A date on which the user has events."""
        return date_of(self.row("events")["date"], self.fixture.today, self.stream)

    def title(self) -> str:
        """A title for a new event, which no event has."""
        while True:
            title = f"{self.stream.pick(self.words.topics)} {self.stream.pick(EVENT_KINDS)}"
            if title not in self._used and all(row["title"] != title for row in self.state.table("events").values()):
                self._used.add(title)
                return title

    def body(self) -> str:
        """A sentence for the text of a mail."""
        text = self.unused(BODIES)
        return text.format(topic=self.stream.pick(self.words.topics).lower(), weekday=self.stream.pick(WEEKDAYS[:5]))

    def quoted(self, text: str) -> Slot:
        """Free text, in quotation marks."""
        quote = '"' if self.stream.chance(0.7) else "'"
        return Slot(text, f"{quote}{text}{quote}")


def date_of(value: str, today: int, stream: Stream) -> Slot:
    """A given date after today, in some wording."""
    return day_after(today, date.fromisoformat(value).toordinal() - today, stream)
