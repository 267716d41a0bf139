"""Trains and hotels. The timetable depends on the route and the date alone, not on the state."""

from __future__ import annotations

from zlib import crc32

from toolgym.tools import tool

from .world import Conflict, NotFound, Row, World, check_date, clock, reads

_PRODUCTS = ("IC", "RX", "TX")


def timetable(origin: str, destination: str, date: str) -> list[Row]:
    """The three trains of a day, by departure; prices in euros, no two alike."""
    number = crc32(f"{origin.casefold()}|{destination.casefold()}|{date}".encode("utf-8", "backslashreplace"))
    duration = 70 + number % 37 * 5
    out = []
    for i, product in enumerate(_PRODUCTS):
        departs = 6 * 60 + i * 240 + (number >> 4 * i) % 23 * 10
        price = 29 + (number >> 3 * i) % 40 * 3 + i  # prices differ: price % 3 is another number for each i
        code = f"{product}{100 + (number >> 2 * i) % 900}"
        out.append(
            {"train": code, "departs": clock(departs), "arrives": clock((departs + duration) % 1440), "price": price}
        )
    return out


class Travel(World):
    @reads
    @tool(timeout=None)
    def search_trains(self, origin: str, destination: str, date: str) -> list[Row]:
        """List trains between two cities, with prices.

        Args:
            date: YYYY-MM-DD
        """
        return timetable(origin, destination, check_date(date))

    @tool(timeout=None)
    def book_train(self, train: str, date: str) -> Row:
        """Book a seat on a train.

        Args:
            train: such as IC204
            date: YYYY-MM-DD
        """
        check_date(date)
        if f"{train} {date}" in self.table("sold_out"):
            raise Conflict(f"{train} is sold out on {date}")
        return self.add("trips", "TR", {"kind": "train", "train": train, "date": date})

    @tool(timeout=None)
    def book_hotel(self, city: str, check_in: str, nights: int) -> Row:
        """Book a hotel room.

        Args:
            check_in: YYYY-MM-DD
        """
        if not 1 <= nights <= 60:
            raise ValueError(f"nights must be between 1 and 60, got {nights}")
        if f"{city} {check_in}" in self.table("sold_out"):
            raise Conflict(f"all hotels in {city} are full on {check_in}")
        return self.add("trips", "TR", {"kind": "hotel", "city": city, "date": check_date(check_in), "nights": nights})

    @reads
    @tool(timeout=None)
    def list_trips(self) -> list[Row]:
        """List the user's booked trains and hotels, with ids."""
        return list(self.table("trips").values())

    @tool(timeout=None)
    def cancel_trip(self, trip_id: str) -> str:
        """Cancel a booked train or hotel."""
        if trip_id not in self.table("trips"):
            raise NotFound(f"there is no trip {trip_id[:80]!r}")
        del self.table("trips")[trip_id]
        return f"{trip_id} is cancelled"
