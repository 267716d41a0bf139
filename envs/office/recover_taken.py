"""Recoveries from a time, room, train or hotel that is taken: the user names a second choice."""

from __future__ import annotations

from .facts import clock_fact
from .intent import words
from .plan import Stage, notes
from .recipes import Played, Recipe, call
from .scene import Scene, date_of
from .slots import count, duration, time_slot, verbatim


def _two_rooms(scene: Scene) -> Played:
    date, start = scene.moment()
    minutes = duration(scene.stream)
    first, second = scene.row("rooms")["room"], scene.row("rooms")["room"]
    if any(row["date"] == date.value for row in scene.state.table("bookings").values()):
        raise LookupError("there are bookings on that day")
    row = {"room": first, "date": date.value, "start": start.value, "minutes": 60, "by": scene.person()["name"]}
    scene.plant("bookings", "BK-1000", {"id": "BK-1000", **row})
    when = {"date": date.value, "start": start.value, "minutes": minutes.value}
    stages = (
        Stage(
            (call("book_room", room=first, **when),), f"{notes([date, start, minutes])}I try {first} with {{tools}}."
        ),
        Stage((call("book_room", room=second, **when),), f"{first} is taken, so {second} it is: {{tools}}."),
    )
    slots = {"date": date, "start": start, "minutes": minutes, "first": verbatim(first), "second": verbatim(second)}
    return Played(slots, stages, ((second,),), secrets=("free times",))


def _two_times(scene: Scene) -> Played:
    room, date, minutes = scene.row("rooms")["room"], scene.day(), duration(scene.stream, 60)
    hour = scene.stream.between(9, 13)
    start, later = time_slot(hour, 0, scene.stream), time_slot(hour + scene.stream.between(2, 3), 0, scene.stream)
    if any(row["date"] == date.value for row in scene.state.table("bookings").values()):
        raise LookupError("there are bookings on that day")
    row = {"room": room, "date": date.value, "start": start.value, "minutes": 60, "by": scene.person()["name"]}
    scene.plant("bookings", "BK-1000", {"id": "BK-1000", **row})
    book = {"room": room, "date": date.value, "minutes": minutes.value}
    stages = (
        Stage(
            (call("book_room", start=start.value, **book),),
            f"{notes([date, start, minutes])}I try {start.value} first: {{tools}}.",
        ),
        Stage(
            (call("book_room", start=later.value, **book),),
            f"{notes([later])}It is taken at {start.value}, so {later.value}: {{tools}}.",
        ),
    )
    slots = {"room": verbatim(room), "date": date, "start": start, "later": later, "minutes": minutes}
    return Played(slots, stages, (clock_fact(later.value),), secrets=("free times",))


def _busy(scene: Scene) -> Played:
    """A new event at a time when the user is busy."""
    row, title = scene.row("events"), scene.quoted(scene.title())
    date = date_of(row["date"], scene.fixture.today, scene.stream)
    start = time_slot(int(row["start"][:2]), 0, scene.stream)
    other, later = scene.moment()
    minutes = duration(scene.stream)
    entry = {"title": title.value, "minutes": minutes.value}
    stages = (
        Stage(
            (call("create_event", date=date.value, start=start.value, **entry),),
            f"{notes([date, start, minutes])}I try that with {{tools}}.",
        ),
        Stage(
            (call("create_event", date=other.value, start=later.value, **entry),),
            f"{notes([other, later])}The user is busy then and gave another time: {{tools}}.",
        ),
    )
    slots = {"title": title, "date": date, "start": start, "other": other, "later": later, "minutes": minutes}
    return Played(slots, stages, secrets=("free times",))


def _busy_move(scene: Scene) -> Played:
    """An event moved to the time of another event."""
    event, row = scene.row("events"), scene.row("events")
    date = date_of(row["date"], scene.fixture.today, scene.stream)
    start = time_slot(int(row["start"][:2]), 0, scene.stream)
    other, later = scene.moment()
    stages = (
        Stage(
            (call("move_event", event_id=event["id"], date=date.value, start=start.value),),
            f"{notes([date, start])}I try that with {{tools}}.",
        ),
        Stage(
            (call("move_event", event_id=event["id"], date=other.value, start=later.value),),
            f"{notes([other, later])}That time is taken; the user gave another: {{tools}}.",
        ),
    )
    slots = {"event": scene.thing("event", event), "date": date, "start": start, "other": other, "later": later}
    return Played(slots, stages, secrets=("free times",))


def _sold_out(scene: Scene) -> Played:
    first, second = (
        f"{product}{scene.stream.between(100, 999)}" for product in scene.stream.sample(("IC", "RX", "TX"), 2)
    )
    date = scene.day()
    scene.plant("sold_out", f"{first} {date.value}", {})
    stages = (
        Stage((call("book_train", train=first, date=date.value),), f"{notes([date])}I try {first} with {{tools}}."),
        Stage(
            (call("book_train", train=second, date=date.value),), f"{first} is sold out, so I take {second}: {{tools}}."
        ),
    )
    return Played(
        {"first": verbatim(first), "second": verbatim(second), "date": date}, stages, ((second,),), secrets=("trains",)
    )


def _full_hotels(scene: Scene) -> Played:
    first = scene.unused(scene.words.cities)
    second = scene.unused(scene.words.cities)
    date = scene.day()
    nights = count(scene.stream, 2, 5)
    scene.plant("sold_out", f"{first} {date.value}", {})
    when = {"check_in": date.value, "nights": nights.value}
    stages = (
        Stage((call("book_hotel", city=first, **when),), f"{notes([date])}I try {first} with {{tools}}."),
        Stage((call("book_hotel", city=second, **when),), f"{first} is full, so I book in {second}: {{tools}}."),
    )
    slots = {"first": verbatim(first), "second": verbatim(second), "date": date, "nights": nights}
    return Played(slots, stages, ((second,),))


TAKEN = (
    Recipe(
        _two_rooms,
        words("""
            do:
            (book|reserve) {first} {@date} at {start} for {minutes}, or {second} if {first} is taken, and tell me \
                which I have
            (try to get|try to book) {first} {@date} at {start} for {minutes}; should it be taken, book {second}, \
                and say which it was
            (get|secure) the room {first} for {minutes} {@date} at {start}, with {second} as a second choice, and \
                let me know which it is
            (see|make sure) that we have {first} {@date} at {start} for {minutes}, or else {second}, and name the room
            (reserve|take) {first}, and only if that is impossible {second}, {@date} from {start} for {minutes}, and \
                report which
            say:
            I want {first} {@date} at {start} for {minutes}. If it is taken, {second} will do. Which do I get?
            We need a room {@date} at {start} for {minutes}: {first}, or {second} if someone else has {first}. Tell \
                me which.
            Is {first} free {@date} at {start} for {minutes}? Then book it, otherwise {second}, and say which it is.
            {first} is my first choice {@date} at {start}, for {minutes}; {second} is the second. Which room is ours \
                then?
            {@date} at {start} we are in {first} for {minutes}, or in {second} if need be. Book that and tell me the \
                room.
            done:
            {=first} is taken, so I have booked {=second}.
            It is {=second}; somebody else has {=first}.
            You have {=second}, because {=first} was not free.
        """),
    ),
    Recipe(
        _two_times,
        words("""
            do:
            (book|reserve) {room} {@date} at {start} for {minutes}, or at {later} if it is taken then, and tell me \
                the time
            (get|secure) the room {room} for {minutes} {@date}, at {start} or, if that fails, at {later}, and say \
                when it is
            (try to book|try to get) {room} {@date} for {minutes} at {start}; if somebody has it, at {later}, and \
                let me know the time
            (see|make sure) that I have {room} for {minutes} {@date} from {start}, or else from {later}, and name \
                the time
            (arrange|take) {room} {@date} for {minutes}, if possible from {start}, otherwise from {later}, and \
                report when
            say:
            I would like {room} {@date} at {start} for {minutes}. If that is not possible, at {later}. What time is \
                it then?
            We need {room} for {minutes} {@date}, at {start} or, should it be taken, at {later}. Tell me which time.
            Book {room} for {minutes} {@date}. The time is {start}, or {later} if it is not free. Which is it?
            {room} {@date}, {minutes}: {start} would be best, {later} is second best. Book one and tell me the time.
            My meeting is in {room} {@date}, {minutes} from {start}, or from {later} if others are in there. Book it \
                and say when.
            done:
            {=room} was taken at {=start}; you have it at {=later}.
            It is {=later}, because {=start} was not free.
            Booked from {=later} on, as {=start} is taken.
        """),
    ),
    Recipe(
        _busy,
        words("""
            do:
            (put|enter) {title} in my calendar {@date} at {start} for {minutes}, or, if I am busy then, {@other} at \
                {later}
            (schedule|plan) {title} for {minutes} {@date} at {start}; if something is there already, take {other} at \
                {later}
            (set up|create) an event {title}, {minutes} long, {@date} at {start}, and if that collides with \
                anything, {@other} at {later}
            (note|mark) {title} in my calendar {@date} at {start}, {minutes} long, or else {@other} at {later}
            (get|fit) {title} into my calendar for {minutes}, {@date} at {start} or, that failing, {@other} at {later}
            say:
            {title} should be {@date} at {start}, for {minutes}. If I have something else then, make it {other} at \
                {later}.
            Can we have {title} {@date} at {start}, {minutes} long? If I am not free, {other} at {later} is fine.
            I want {title} in my calendar, {minutes} long: {date} at {start}, or {other} at {later} if the first is \
                taken.
            For {title} I need {minutes}, best {@date} at {start}, and if that does not fit {@other} at {later}. \
                Enter it.
            {title}, {minutes}: try {date} at {start} first and {other} at {later} after that.
            done:
            You are busy then, so {=title} is on {=other} at {=later}.
            {=title} is on {=other}, {=later}, because the first time was taken.
            I had to take {=other} at {=later}.
        """),
    ),
    Recipe(
        _busy_move,
        words("""
            do:
            (move|shift) {event} to {date} at {start}, or, if I am busy then, to {other} at {later}
            (reschedule|push) {event} to {date} at {start}; if something is there already, to {other} at {later}
            (put|place) {event} on {date} at {start}, and if that collides with anything, on {other} at {later}
            (try|see) to have {event} moved to {date} at {start}, or else to {other} at {later}
            (transfer|carry) {event} over to {date}, {start}, or, that failing, to {other}, {later}
            say:
            {event} should move to {date} at {start}. If I have something else then, make it {other} at {later}.
            Can we have {event} {@date} at {start}? If I am not free, move it to {other} at {later}.
            I would rather have {event} {@date} at {start}, or {@other} at {later} if that time is taken. Move it.
            For {event} the new time is {date} at {start}, and if that does not fit, {other} at {later}.
            {event} has to move: try {date} at {start} first and {other} at {later} after that.
            done:
            You are busy then, so it is now on {=other} at {=later}.
            I moved it to {=other}, {=later}, because the first time was taken.
            It had to be {=other} at {=later}.
        """),
    ),
    Recipe(
        _sold_out,
        words("""
            do:
            (book|reserve) me a seat on {first} {@date}, or on {second} if it is sold out, and tell me which it is
            (get|buy) me a ticket for {first} {@date}; if there is none left, for {second}, and say which train I have
            (put|try to put) me on {first} {@date}, with {second} as a second choice, and let me know which it is
            (secure|arrange) a seat on {first} {@date}, or else on {second}, and name the train
            (see|make sure) that I have a seat on {first}, or failing that on {second}, {@date}, and report which
            say:
            I want to take {first} {@date}. If it is sold out, {second} will do. Which do I get?
            Is there a seat on {first} {@date}? Book it, otherwise one on {second}, and tell me which.
            {@date} I travel on {first}, or on {second} if the other is full. Book one and say which.
            My train {@date} is {first}, at worst {second}. Which of them do I have a seat on?
            {first} is the best train for me {@date} and {second} the next best. Book what you can get and tell me.
            done:
            {=first} is sold out, so you have a seat on {=second}.
            It is {=second}; there was nothing left on {=first}.
            You are on {=second}, because {=first} was full.
        """),
    ),
    Recipe(
        _full_hotels,
        words("""
            do:
            (book|reserve) a hotel in {first} for {nights} nights from {date} on, or in {second} if all is full, and \
                tell me where
            (get|find) me a hotel in {first}, {nights} nights, arriving {@date}; if there is none, in {second}, and \
                say which city it is
            (try to get|try for) a hotel in {first} for {nights} nights, check-in {@date}, or else in {second}, and \
                let me know the city
            (arrange|organise) {nights} nights in a hotel in {first} from {date}, at worst in {second}, and name the \
                city
            (see|make sure) that I have a hotel for {nights} nights from {date}, in {first} or, that failing, in \
                {second}, and report where
            say:
            I need a hotel in {first} for {nights} nights from {date}. If everything is full, {second} is near \
                enough. Where will it be?
            {nights} nights in {first}, arriving {@date}. Should there be no hotel, take {second}. Tell me the city.
            I arrive in {first} {@date} and stay {nights} nights. Book a hotel there or, if need be, in {second}, \
                and say where.
            From {date} I want {nights} nights in {first}, or in {second} if no bed is free. Which city is it?
            A hotel for {nights} nights from {date}: {first} first, {second} second. Where do I stay?
            done:
            {=first} is full, so the hotel is in {=second}.
            It is in {=second}; {=first} had nothing left.
            You stay in {=second}, because {=first} is full.
        """),
    ),
)
