"""Chains about the calendar and rooms: a later call needs the result of an earlier call."""

from __future__ import annotations

from .intent import words
from .plan import Stage, notes
from .recipes import Played, Recipe, call
from .scene import Scene
from .slots import count, duration, verbatim


def _room(scene: Scene) -> Played:
    while True:
        date, start = scene.moment()
        minutes, seats = duration(scene.stream), count(scene.stream, 3, 8)
        find = call("find_rooms", date=date.value, start=start.value, minutes=minutes.value, seats=seats.value)
        rows = scene.run(find)
        if rows:
            break
    which = scene.stream.pick(("smallest", "largest"))
    room = sorted(rows, key=lambda row: int(row["seats"]))[0 if which == "smallest" else -1]["room"]
    book = call("book_room", room=room, date=date.value, start=start.value, minutes=minutes.value)
    stages = (
        Stage((find,), f"{notes([date, start, minutes])}Which rooms are free? {{tools}} knows."),
        Stage((book,), f"The {which} of them is {room}, so I book that with {{tools}}."),
    )
    slots = {"date": date, "start": start, "minutes": minutes, "seats": seats, "which": verbatim(which)}
    return Played({**slots, "room": verbatim(room)}, stages)


def _free_time(scene: Scene) -> Played:
    date, minutes, title = scene.busy_day(), duration(scene.stream), scene.quoted(scene.title())
    find = call("find_free_time", date=date.value, minutes=minutes.value)
    start = scene.run(find)["start"]
    create = call("create_event", title=title.value, date=date.value, start=start, minutes=minutes.value)
    stages = (
        Stage((find,), f"{notes([date, minutes])}First I look for the time with {{tools}}."),
        Stage((create,), f"The first free time is {start}. {{tools}} enters the event."),
    )
    return Played({"date": date, "minutes": minutes, "title": title, "start": verbatim(start)}, stages)


def _first_event(scene: Scene) -> Played:
    date = scene.busy_day()
    rows = scene.run(call("list_events", date=date.value))
    which = scene.stream.pick(("first", "last"))
    row = rows[0 if which == "first" else -1]
    stages = (
        Stage((call("list_events", date=date.value),), f"{notes([date])}I have to see that day with {{tools}}."),
        Stage((call("cancel_event", event_id=row["id"]),), f"The {which} one is {row['title']}; {{tools}} cancels it."),
    )
    return Played({"date": date, "which": verbatim(which), "title": verbatim(row["title"])}, stages, secrets=("event",))


def _swap_rooms(scene: Scene) -> Played:
    row = scene.row("bookings")
    other = scene.row("rooms", lambda room: room["room"] != row["room"])["room"]
    taken = scene.state.table("bookings").values()
    if any(each["room"] == other and each["date"] == row["date"] for each in taken):
        raise LookupError("the other room is taken on that day")
    book = call("book_room", room=other, date=row["date"], start=row["start"], minutes=row["minutes"])
    stages = (
        Stage((call("find_booking", room=row["room"]),), "When is it, and what is its id? {tools} knows."),
        Stage(
            (call("cancel_booking", booking_id=row["id"]), book),
            f"It is on {row['date']} at {row['start']}: {{tools}}.",
        ),
    )
    return Played({"old": verbatim(row["room"]), "room": verbatim(other)}, stages)


def _room_for_event(scene: Scene) -> Played:
    row, room = scene.row("events"), scene.row("rooms")["room"]
    if any(each["room"] == room and each["date"] == row["date"] for each in scene.state.table("bookings").values()):
        raise LookupError("the room is taken on that day")
    title = scene.quoted(row["title"])
    book = call("book_room", room=room, date=row["date"], start=row["start"], minutes=row["minutes"])
    stages = (
        Stage((call("find_event", title=row["title"]),), "When the event is and how long it takes, {tools} knows."),
        Stage((book,), f"It is on {row['date']} at {row['start']}, {row['minutes']} minutes: {{tools}}."),
    )
    return Played({"title": title, "room": verbatim(room)}, stages)


MEETINGS = (
    Recipe(
        _room,
        words("""
            do:
            (book|reserve) the {which} free room for {seats} people {@date} at {start} for {minutes}
            (find|look for) rooms for {seats} people {@date} at {start} for {minutes} and book the {which} one
            (get|secure) us the {which} room that is free {@date} at {start} for {minutes} and seats {seats}
            (see|check) which rooms {seats} people can have {@date} at {start} for {minutes}, and take the {which}
            (arrange|organise) a room for {seats}, the {which} there is, {@date} from {start} for {minutes}
            say:
            We are {seats} people {@date} at {start} for {minutes}. Of the free rooms, book the {which}.
            I need a room for {seats} {@date}, {start}, {minutes} long. Take the {which} that is free.
            {seats} of us meet {@date} at {start} for {minutes}, and the {which} free room is what I want.
            Which rooms are free {@date} at {start} for {minutes} and {seats} people? I will have the {which}.
            For {seats} people {@date} at {start} I want the {which} room that is left, for {minutes}.
            done:
            {=room} is booked for {=date} at {=start}.
            The {=which} free room is {=room}; you have it.
            You have {=room}, {=date}, {=start}.
        """),
    ),
    Recipe(
        _free_time,
        words("""
            do:
            (put|enter) {title} in my calendar {@date} for {minutes}, at the first time I am free
            (schedule|plan) {title}, {minutes} long, in my first free slot {@date}
            (find|see) when I am first free for {minutes} {@date} and put {title} there
            (look for|pick) my earliest gap of {minutes} {@date} and fill it with {title}
            (squeeze|fit) {title} into my calendar {@date}, {minutes} long, as early as I am free
            say:
            {title} takes {minutes} and has to happen {@date}. Take the first time I am free.
            I need {minutes} for {title} {@date}, as early as my calendar allows. Enter it.
            When am I first free {@date} for {minutes}? Put {title} there.
            {@date} I want {minutes} for {title}. The earliest gap will do; put it in.
            My earliest free {minutes} {@date} shall be for {title}.
            done:
            {=title} is on {=date} at {=start}.
            You are first free at {=start}, so {=title} is there.
            I have entered {=title} at {=start}.
        """),
    ),
    Recipe(
        _first_event,
        words("""
            do:
            (cancel|call off) my {which} event {@date}
            (see|check) what I have {@date} and cancel the {which} event
            (take|strike) the {which} thing out of my calendar that I have {@date}
            (drop|scrap) whatever is {which} in my calendar {@date}
            (go through|look at) my events {@date} and delete the {which} one
            say:
            I cannot come to my {which} event {@date}. Cancel it.
            What is my {which} event {@date}? It has to be cancelled.
            Whatever is {which} in my calendar {@date}, I have no time for it. Cancel that.
            {@date} my {which} event will not take place. Get rid of it.
            The {which} event I have {@date} is off.
            done:
            {=title} is cancelled.
            Your {=which} event was {=title}; it is cancelled.
            I have cancelled {=title} on {=date}.
        """),
    ),
    Recipe(
        _swap_rooms,
        words("""
            do:
            (swap|change) my booking of {old} for {room} at the same time
            (cancel|give back) {old} and book {room} instead, for the same time
            (move|transfer) my booking of the room {old} to {room}, same time and length
            (exchange|trade) the room {old} that I booked for {room}, with time and length as they are
            (replace|change) {old} with {room} in my room booking, keeping day and time
            say:
            {old} is not right for us. (Cancel|Give up) my booking and take {room} for the same time.
            I have booked {old}, but want {room} at that time instead.
            We would rather meet in {room} than in {old}. Change my booking, the time stays.
            My booking of {old} should be one of {room}, for just the same time.
            Instead of {old} I would like to have {room}. Nothing else about the booking changes.
            done:
            You have {=room} instead of {=old}.
            {=old} is free again, and {=room} is booked.
            Swapped: {=room} for {=old}.
        """),
    ),
    Recipe(
        _room_for_event,
        words("""
            do:
            (book|reserve) the room {room} for {title}, for as long as it takes
            (find out|see) when {title} is and book {room} for that time
            (get|secure) {room} for the whole of my event {title}
            (arrange|take) {room} as the room for {title}, for its full time
            (look up|check) {title} in my calendar and reserve {room} to match
            say:
            {title} still needs a room. Book {room} for the whole of it.
            We will hold {title} in {room}. The room has to be booked for that time.
            When is {title}? I need the room {room} for all of it.
            {title} takes place in {room}, which is not booked yet. See to it.
            Room {room} is to be ours for as long as {title} lasts.
            done:
            {=room} is booked for {=title}.
            You have {=room} for the whole of {=title}.
            Booked: {=room} for {=title}.
        """),
    ),
)
