"""Meeting rooms and their bookings."""

from __future__ import annotations

from toolgym.tools import tool

from .world import Conflict, NotFound, Row, World, check_date, check_minutes, minute_of_day, overlaps, reads


class Rooms(World):
    def _room(self, name: str) -> Row:
        return self.named("rooms", "room", name, "room")

    def _taken(self, room: str, date: str, begin: int, minutes: int) -> bool:
        bookings = self.table("bookings").values()
        return any(row["room"] == room and overlaps(row, date, begin, minutes) for row in bookings)

    @reads
    @tool(timeout=None)
    def find_rooms(self, date: str, start: str, minutes: int, seats: int, projector: bool = False) -> list[Row]:
        """List the rooms that are free at a time and have enough seats.

        Args:
            date: YYYY-MM-DD
            start: HH:MM
        """
        check_date(date)
        begin = minute_of_day(start)
        check_minutes(minutes)
        rooms = [row for row in self.table("rooms").values() if row["seats"] >= seats and row["projector"] >= projector]
        return [row for row in rooms if not self._taken(row["room"], date, begin, minutes)]

    @tool(timeout=None)
    def book_room(self, room: str, date: str, start: str, minutes: int) -> Row:
        """Book a meeting room.

        Args:
            date: YYYY-MM-DD
            start: HH:MM
        """
        name = self._room(room)["room"]
        begin = minute_of_day(check_date(date) and start)
        if self._taken(name, date, begin, check_minutes(minutes)):
            raise Conflict(f"{name} is taken at {start} on {date}")
        return self.add(
            "bookings", "BK", {"room": name, "date": date, "start": start, "minutes": minutes, "by": self.user}
        )

    @reads
    @tool(timeout=None)
    def find_booking(self, room: str) -> list[Row]:
        """List the user's bookings of a room, with their ids."""
        name = self._room(room)["room"]
        found = [row for row in self.table("bookings").values() if row["room"] == name and row["by"] == self.user]
        if not found:
            raise NotFound(f"{self.user} has not booked {name}")
        return found

    @tool(timeout=None)
    def cancel_booking(self, booking_id: str) -> str:
        """Give a booked room back."""
        self.get("bookings", booking_id, "booking")
        del self.table("bookings")[booking_id]
        return f"{booking_id} is cancelled"

    @reads
    @tool(timeout=None)
    def room_info(self, room: str) -> Row:
        """Show a room's seats, floor and equipment."""
        return self._room(room)
