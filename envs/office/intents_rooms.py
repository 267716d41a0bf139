"""Requests about meeting rooms."""

from __future__ import annotations

from toolgym.tasks.english import listed

from .apis.world import Row
from .facts import clock_fact, date_fact
from .intent import Drawn, Intent, words
from .scene import Scene
from .slots import Slot, count, duration, verbatim


def _find_rooms(scene: Scene) -> Drawn:
    rooms: list[Row] = []
    while not rooms:
        date, start = scene.moment()
        slots = {"date": date, "start": start, "minutes": duration(scene.stream), "seats": count(scene.stream, 3, 10)}
        rooms = scene.state.find_rooms(**{name: slot.value for name, slot in slots.items()})
    slots |= {"with": verbatim(""), "also": verbatim("")}
    equipped = [row for row in rooms if row["projector"]]
    if equipped and scene.stream.chance(0.3):
        rooms = equipped
        text = scene.stream.pick(("We need a projector.", "There has to be a projector.", "A projector is a must."))
        slots |= {
            "with": verbatim(" with a projector"),
            "also": verbatim(f" {text}"),
            "projector": Slot(True, "a projector"),
        }
    names = [row["room"] for row in rooms]
    return Drawn({**slots, "answer": verbatim(listed(names))}, tuple((name,) for name in names))


def _book_room(scene: Scene) -> Drawn:
    date, start = scene.moment()
    room = scene.row("rooms")["room"]
    while any(row["date"] == date.value and row["room"] == room for row in scene.state.table("bookings").values()):
        date, start = scene.moment()
    return Drawn({"room": verbatim(room), "date": date, "start": start, "minutes": duration(scene.stream)})


def _find_booking(scene: Scene) -> Drawn:
    row = scene.row("bookings")
    slots = {"room": verbatim(row["room"]), "on": verbatim(row["date"]), "at": verbatim(row["start"])}
    return Drawn(slots, (date_fact(row["date"]), clock_fact(row["start"])))


def _cancel_booking(scene: Scene) -> Drawn:
    return Drawn({"booking_id": scene.thing("booking", scene.row("bookings"))})


def _room_info(scene: Scene) -> Drawn:
    row = scene.row("rooms")
    field, what = scene.stream.pick((("seats", "seats"), ("floor", "floor")))
    asked = {"seats": "how many seats {} has", "floor": "which floor {} is on"}[field].format(row["room"])
    direct = {"seats": "How many people fit into {}?", "floor": "On which floor do I find {}?"}[field].format(
        row["room"]
    )
    said = (
        f"{row['room']} has {row['seats']} seats" if field == "seats" else f"{row['room']} is on floor {row['floor']}"
    )
    slots = {"room": verbatim(row["room"]), "asked": verbatim(asked), "direct": verbatim(direct)}
    return Drawn({**slots, "answer": verbatim(said), "what": verbatim(what)}, ((str(row[field]),),))


ROOMS = (
    Intent(
        "find_rooms",
        "find a free room",
        _find_rooms,
        words("""
            do:
            (find|list|show me) the (rooms|meeting rooms){with} that are free[~ {@date}][~ at {start}] for {minutes} \
                and seat {seats}
            (check|tell me) which rooms{with} that seat at least {seats} are free for \
                {minutes}[~ {@date}][~ at {start}]
            (look for|see) which rooms{with} {seats} people could have for {minutes}[~ {@date}][~ at {start}]
            (see|find out) what rooms{with} are open for {seats} people for {minutes}[~ {@date}][~ at {start}]
            (name|list) all rooms{with} for {seats} that nobody has for {minutes}[~ {@date}][~ from {start}]
            say:
            Which (rooms|meeting rooms) are free {@date} at {start} for {minutes}? We are {seats} people.{also}
            {@date} at {start} I need space for {seats} people, for {minutes}. \
                (What is free|Which rooms are there)?{also}
            There will be {seats} of us {@date} at {start}, for {minutes}. Which rooms \
                (could we have|are available)?{also}
            We are {seats} and need {minutes} {@date} from {start} on. What rooms are left?{also}
            What rooms could {seats} people use {@date}, {start}, for {minutes}?{also}
            done:
            These rooms are free: {=answer}.
            You can have {=answer}.
            Free on {=date} at {=start}: {=answer}.
        """),
        needs=("date", "start"),
        substitutes=("room_info",),
        changed_by=("book_room", "cancel_booking"),
        tells=("free times",),
    ),
    Intent(
        "book_room",
        "book a meeting room",
        _book_room,
        words("""
            do:
            (book|reserve) {room} for {minutes}[~ {@date}][~ at {start}]
            (get|book) me (the room|room) {room}[~ {@date}][~ at {start}][, for {minutes}]
            (reserve|secure) the meeting room {room}[~ {@date}][~ at {start}][~ for {minutes}]
            (sort out|arrange) {room} as a meeting room[~ {@date}][~ at {start}][~ for {minutes}]
            (block|take) the room {room} for us[~ {@date}][~ from {start}][~ for {minutes}]
            say:
            We (meet|are meeting) in {room} {@date} at {start} for {minutes}. (Book it|Reserve it)(.|, please.)
            I need the room {room} {@date}, {start}, for {minutes}.
            {room} is the room I want {@date} from {start} on. We need it for {minutes}; reserve it.
            For {date}, {start}, I would like to have room {room} for {minutes}.
            Our room {@date} is going to be {room}, from {start}, for {minutes}. It still needs booking.
            done:
            {=room} is booked for {=date} at {=start}, {=minutes}.
            You have {=room} on {=date} from {=start} on.
            Booked: {=room}, {=date}, {=start}.
            many:
            (book|reserve) {room} for {minutes} {@date} at {start}
            (get|secure) the rooms {room} {@date} at {start} for {minutes}
            block the rooms {room} {@date} at {start} for {minutes}
        """),
        needs=("date", "start", "minutes"),
        each="room",
        verb="make",
        kind="booking",
        opens=True,
    ),
    Intent(
        "find_booking",
        "look up a room booking",
        _find_booking,
        words("""
            do:
            (tell me|look up|check) when I have booked {room}
            (find|look up) my booking of (the room |){room} and tell me its date and time
            (see|check) for when I reserved (the room |){room}
            (find out|say) on which day and at what time I have (the room |){room}
            (let me know|remind me) when my booking of the room {room} is
            say:
            When (did I book|have I booked) (the room |){room} for?
            For (which|what) day and time do I have {room}?
            I booked {room} some time ago. (When is that|What day and time was it)?
            My booking of {room}: for which date and time is it?
            What day and what time is {room} mine?
            done:
            You have {=room} on {=on} at {=at}.
            {=room} is booked for {=on}, {=at}.
            The booking of {=room} is for {=on} at {=at}.
            many:
            (tell me|check) when I have booked {room}
            look up my bookings of {room} and tell me their dates and times
            remind me when my bookings of {room} are
        """),
        each="room",
        kind="booking",
        looks_up=True,
        substitutes=("find_rooms",),
        changed_by=("book_room", "cancel_booking"),
    ),
    Intent(
        "cancel_booking",
        "give a booked room back",
        _cancel_booking,
        words("""
            do:
            (cancel|give back|release) {booking_id}
            (drop|undo) {booking_id}
            (free|return) the room of {booking_id}
            (withdraw|take back) {booking_id}
            (hand back|let go of) {booking_id}
            say:
            We do not need {booking_id} (any more|after all). (Cancel it|Give the room back).
            {booking_id} can go, (someone else may want the room|we meet elsewhere).
            I no longer need the room of {booking_id}, so (release it|cancel that).
            Somebody else should get the room: cancel {booking_id}.
            {booking_id} was a mistake. The room should be free again.
            done:
            {=booking_id} is free again.
            The booking is cancelled.
            I have given the room back.
            many:
            (cancel|release) {booking_id}
            (drop|withdraw) {booking_id}
            hand back {booking_id}
        """),
        each="booking_id",
        verb="end",
        kind="booking",
        named=True,
        ends=True,
        substitutes=("find_booking",),
    ),
    Intent(
        "room_info",
        "know something about a room",
        _room_info,
        words("""
            do:
            (tell me|check) {asked}
            (find out|look up) {asked}
            (see|check for me) {asked}
            (let me know|say) {asked}
            (inform me|have a look) {asked}
            say:
            {direct}
            Before I choose a room: {direct}
            I have to plan a meeting. {direct}
            One question about a room. {direct}
            Do you know this about a room? {direct}
            done:
            {=answer}.
            According to the list, {=answer}.
            I looked it up: {=answer}.
        """),
        aside=2,
        equivalents=("find_rooms",),
    ),
)
"""In the order of the app's methods."""
