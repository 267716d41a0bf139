"""The user's calendar. Events do not overlap."""

from __future__ import annotations

from toolgym.tools import tool

from .world import Conflict, Row, World, check_date, check_minutes, clock, minute_of_day, overlaps, reads

DAY_BEGINS, DAY_ENDS = 9 * 60, 18 * 60


class Calendar(World):
    def _keep_free(self, date: str, start: str, minutes: int, moving: str = "") -> None:
        begin = minute_of_day(start)
        check_date(date)
        for row in self.table("events").values():
            if row["id"] != moving and overlaps(row, date, begin, minutes):
                raise Conflict(f"that overlaps with {row['title']!r} ({row['start']}, {row['minutes']} minutes)")

    @tool(timeout=None)
    def create_event(self, title: str, date: str, start: str, minutes: int, guests: tuple[str, ...] = ()) -> Row:
        """Put a new event in the calendar.

        Args:
            date: YYYY-MM-DD
            start: HH:MM
            guests: mail addresses
        """
        self._keep_free(date, start, check_minutes(minutes))
        row = {"title": title, "date": date, "start": start, "minutes": minutes, "guests": sorted(guests)}
        return self.add("events", "EV", row)

    @reads
    @tool(timeout=None)
    def list_events(self, date: str) -> list[Row]:
        """List the events of a day.

        Args:
            date: YYYY-MM-DD
        """
        check_date(date)
        rows = [row for row in self.table("events").values() if row["date"] == date]
        return sorted(rows, key=lambda row: str(row["start"]))

    @reads
    @tool(timeout=None)
    def find_event(self, title: str) -> Row:
        """Find an event by its title; gives its id, date and time."""
        return self.named("events", "title", title, "event")

    @tool(timeout=None)
    def move_event(self, event_id: str, date: str, start: str) -> Row:
        """Move an event to another date and time.

        Args:
            date: YYYY-MM-DD
            start: HH:MM
        """
        row = self.get("events", event_id, "event")
        self._keep_free(date, start, row["minutes"], moving=event_id)
        return self.edit("events", event_id, date=date, start=start)

    @tool(timeout=None)
    def cancel_event(self, event_id: str) -> str:
        """Cancel an event."""
        self.get("events", event_id, "event")
        del self.table("events")[event_id]
        return f"{event_id} is cancelled"

    @tool(timeout=None)
    def invite_guest(self, event_id: str, email: str) -> Row:
        """Invite someone to an event."""
        row = self.get("events", event_id, "event")
        if email in row["guests"]:
            raise Conflict(f"{email} is invited already")
        return self.edit("events", event_id, guests=sorted([*row["guests"], email]))

    @reads
    @tool(timeout=None)
    def find_free_time(self, date: str, minutes: int) -> Row:
        """Find the first free time of a day for a meeting.

        Args:
            date: YYYY-MM-DD
        """
        check_date(date)
        check_minutes(minutes)
        rows = [row for row in self.table("events").values() if row["date"] == date]
        for begin in range(DAY_BEGINS, DAY_ENDS - minutes + 1, 30):
            if not any(overlaps(row, date, begin, minutes) for row in rows):
                return {"date": date, "start": clock(begin), "minutes": minutes}
        raise Conflict(f"no {minutes} minutes are free on {date}")
