"""Requests about the calendar and the meeting rooms."""

from __future__ import annotations

from .facts import clock_fact, date_fact
from .scene import Drawn, Intent, Scene
from .slots import Slot, count, duration, verbatim


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _create_event(c: Scene) -> Drawn:
    date, start = c.moment()
    return Drawn({"title": c.quoted(c.title()), "date": date, "start": start, "minutes": duration(c.s)})


def _list_events(c: Scene) -> Drawn:
    date = c.busy_day()
    rows = [row for row in c.state.table("events").values() if row["date"] == date.value]
    said = _listed([f"{row['title']} at {row['start']}" for row in rows])
    return Drawn({"date": date, "answer": verbatim(said)}, tuple((row["title"],) for row in rows))


def _find_event(c: Scene) -> Drawn:
    row = c.row("events")
    slots = {"title": c.quoted(row["title"]), "on": verbatim(row["date"]), "at": verbatim(row["start"])}
    return Drawn(slots, (date_fact(row["date"]), clock_fact(row["start"])))


def _move_event(c: Scene) -> Drawn:
    event = c.thing("event", c.row("events"))
    date, start = c.moment()
    return Drawn({"event_id": event, "date": date, "start": start})


def _cancel_event(c: Scene) -> Drawn:
    return Drawn({"event_id": c.thing("event", c.row("events"))})


def _invite_guest(c: Scene) -> Drawn:
    return Drawn({"event_id": c.thing("event", c.row("events")), "email": c.address(c.person())})


def _find_free_time(c: Scene) -> Drawn:
    date, minutes = c.busy_day(), duration(c.s)
    found = c.state.find_free_time(date=date.value, minutes=minutes.value)
    return Drawn({"date": date, "minutes": minutes, "answer": verbatim(found)}, (clock_fact(found),))


def _find_rooms(c: Scene) -> Drawn:
    date, start = c.moment()
    slots: dict[str, Slot] = {"date": date, "start": start, "minutes": duration(c.s), "seats": count(c.s, 3, 10)}
    rooms = c.state.find_rooms(**{name: slot.value for name, slot in slots.items()})
    names = [row["room"] for row in rooms]
    return Drawn({**slots, "answer": verbatim(_listed(names))}, tuple((name,) for name in names))


def _book_room(c: Scene) -> Drawn:
    date, start = c.moment()
    room = c.row("rooms")["room"]
    while any(row["date"] == date.value and row["room"] == room for row in c.state.table("bookings").values()):
        date, start = c.moment()
    return Drawn({"room": verbatim(room), "date": date, "start": start, "minutes": duration(c.s)})


def _find_booking(c: Scene) -> Drawn:
    row = c.row("bookings")
    slots = {"room": verbatim(row["room"]), "on": verbatim(row["date"]), "at": verbatim(row["start"])}
    return Drawn(slots, (date_fact(row["date"]), clock_fact(row["start"])))


def _cancel_booking(c: Scene) -> Drawn:
    return Drawn({"booking_id": c.thing("booking", c.row("bookings"))})


def _room_info(c: Scene) -> Drawn:
    row = c.row("rooms")
    field, what = c.s.pick((("seats", "seats"), ("floor", "floor")))
    asked = {"seats": "how many seats {} has", "floor": "which floor {} is on"}[field].format(row["room"])
    direct = {"seats": "How many people fit into {}?", "floor": "On which floor do I find {}?"}[field].format(row["room"])
    said = f"{row['room']} has {row['seats']} seats" if field == "seats" else f"{row['room']} is on floor {row['floor']}"
    slots = {"room": verbatim(row["room"]), "asked": verbatim(asked), "direct": verbatim(direct)}
    return Drawn({**slots, "answer": verbatim(said), "what": verbatim(what)}, ((str(row[field]),),))


MEETINGS = (
    Intent(
        "create_event", "put something in the calendar", _create_event,
        do=(
            "(put|enter|add) {title} in my calendar[~ {@date}][~ at {start}][, {minutes} long]",
            "(schedule|set up|plan) (an event|a meeting) (called|titled|named) {title}[~ {@date}][~ at {start}][~ for {minutes}]",
            "(block|reserve|keep) {minutes} in my calendar[~ {@date}][~ at {start}] for {title}",
            "create (a calendar entry|an event) {title}[~ {@date}][~ at {start}][~ lasting {minutes}]",
            "(make|note) an (appointment|entry) {title} in my (diary|calendar)[~ {@date}][~ at {start}][~ for {minutes}]",
            "get {title} (into|onto) my calendar[~ {@date}][~ at {start}][~ for {minutes}]",
        ),
        say=(
            "{title} (will take place|is) {@date} at {start} and (lasts|takes) {minutes}. (Put it in my calendar|It belongs in my calendar)(.|, please.)",
            "We (agreed|settled) on {date}, {start}, for {title}. (Add it to my calendar|Get it into my calendar), {minutes} long.",
            "I (need|want) {minutes} for {title} {@date}, (starting at|from) {start}. My calendar (should show it|should have it).",
            "There is {title} {@date}, (beginning|starting) at {start}, {minutes} in all. (Mark it|Note it) in my calendar.",
            "Please (see to it|make sure) that my calendar has {title} {@date} at {start} for {minutes}.",
        ),
        done=(
            "{=title} is in your calendar for {=date} at {=start}, {=minutes} long.",
            "Done: {=title} on {=date}, {=start}, {=minutes}.",
            "I have put {=title} in your calendar on {=date} at {=start}.",
        ),
        needs=("date", "start"),
    ),
    Intent(
        "list_events", "see the events of a day", _list_events,
        do=(
            "(tell me|show me|list) what I have in my calendar {@date}",
            "(look up|check|read me) (my appointments|my events|my meetings) for {date}",
            "(go through|list) my calendar for {date}",
            "(give me|show me) an overview of my (events|appointments) {@date}",
            "(find out|say) which meetings I have {@date}",
        ),
        say=(
            "What (do I have|is there) in my calendar {@date}?",
            "Which (meetings|events|appointments) (are waiting for me|do I have) {@date}?",
            "(How does|What does) my calendar look (|like ){@date}?",
            "Do I have (anything|any meetings) {@date}, and if so, (what|which ones)?",
            "I want to prepare for {date}. What is (on|in) my calendar?",
        ),
        done=("On {=date} you have {=answer}.", "Your calendar for {=date}: {=answer}.", "{=date}: {=answer}."),
        many=("date", (
            "(list|show me) my (events|meetings) for {date}", "(read me|give me) my calendar for {date}",
            "tell me which (events|meetings) I have on these days: {date}",
        )),
    ),
    Intent(
        "find_event", "know when an event is", _find_event,
        do=(
            "(tell me|look up|check) when {title} (is|takes place)",
            "find (the event|the meeting) {title} in my calendar and tell me (its date and time|when it is)",
            "(look up|give me) the date and time of {title}",
            "(find out|say) on which day and at what time {title} (is|starts)",
            "(remind me|let me know) when we have {title}",
        ),
        say=(
            "When (is|do I have) {title}?",
            "On (what|which) day is {title}, and at what time?",
            "I forgot when {title} is. (Can you tell me|Do you know)?",
            "{title} is in my calendar somewhere. (When exactly|On which day, and when)?",
            "What are the date and the time of {title}?",
        ),
        done=("{=title} is on {=on} at {=at}.", "You have {=title} on {=on} at {=at}.", "It is on {=on}, at {=at}."),
        many=("title", (
            "(tell me|look up) when {title} are", "(give me|find) the dates and times of {title}",
            "let me know on which days and at what times {title} are",
        )),
    ),
    Intent(
        "move_event", "move an event", _move_event,
        do=(
            "(move|shift|push) {event_id} to {date}[ at {start}]",
            "(reschedule|rebook) {event_id}[~ to {date}][~ at {start}]",
            "(change|set) the time of {event_id} to {date}[ at {start}]",
            "(put|place) {event_id} on another day: {date}[, {start}]",
            "(transfer|carry) {event_id} over to {date}[ at {start}]",
            "make {event_id} happen {@date} instead[, at {start}]",
        ),
        say=(
            "{event_id} (does not fit|does not work any more). (Move it to|Let's have it) {@date} at {start}.",
            "I cannot make {event_id}; (reschedule it to|the new time is) {date} at {start}.",
            "Something came up. {event_id} (has to|must) (move|go) to {date}, {start}.",
            "{event_id} should be {@date} at {start}, not when it is now.",
            "The others prefer {date}, {start}, for {event_id}. Change my calendar accordingly.",
        ),
        done=(
            "Moved: it is now on {=date} at {=start}.",
            "{=event_id} is now on {=date} at {=start}.",
            "I have moved it to {=date}, {=start}.",
        ),
        needs=("start",),
    ),
    Intent(
        "cancel_event", "cancel an event", _cancel_event,
        do=(
            "(cancel|call off) {event_id}", "(delete|remove|take) {event_id} (from|off) my calendar",
            "(drop|scrap) {event_id} (from my calendar|in my calendar|altogether)", "(clear|strike) {event_id} from my (calendar|schedule)",
            "get rid of {event_id} in my (calendar|schedule)", "(take|strike) {event_id} out of my (calendar|diary)",
        ),
        say=(
            "{event_id} (is not needed any more|is not happening). (Cancel it|Call it off)(.|, please.)",
            "We do not need {event_id}. (Take it out of|Remove it from) my calendar.",
            "I will not (hold|have) {event_id} after all, so (cancel it|it should be cancelled).",
            "{event_id} has become pointless. Free that time in my calendar.",
            "No more {event_id} for me: have it cancelled.",
        ),
        done=("{=event_id} is cancelled.", "I have cancelled {=event_id}.", "Done, {=event_id} is off your calendar."),
        many=("event_id", (
            "(cancel|call off) {event_id}", "(remove|delete) {event_id} from my (calendar|schedule)",
            "strike {event_id} from my (calendar|schedule)",
        )),
    ),
    Intent(
        "invite_guest", "invite someone to an event", _invite_guest,
        do=(
            "(invite|ask) {email} to {event_id}", "(add|put) {email} (as a guest to|on the guest list of) {event_id}",
            "(send|get) {email} an invitation to {event_id}", "(have|make sure to have) {email} invited to {event_id}",
            "include {email} among the guests of {event_id}", "let {email} take part in {event_id} (as a guest|by inviting them)",
        ),
        say=(
            "{email} (should come to|should join) {event_id}. (Send an invitation|Please invite them).",
            "I would like to have {email} at {event_id}; (invite them|add them to the guests).",
            "{event_id} needs one more guest: {email}.",
            "I forgot to invite {email} to {event_id}. Do that for me.",
            "Without {email} {event_id} makes no sense, so send an invitation.",
        ),
        done=("{=email} is invited to {=event_id}.", "I have invited {=email}.", "The invitation for {=email} is out."),
        many=("email", (
            "(invite|ask) {email} to {event_id}", "(add|put) {email} on the guest list of {event_id}",
            "send {email} invitations to {event_id}",
        )),
    ),
    Intent(
        "find_free_time", "find a free time", _find_free_time,
        do=(
            "(find|look for) the first free (slot|gap) of {minutes} in my calendar[ {@date}]",
            "(tell me|check) when I first have {minutes} free[ {@date}]",
            "(find|see) from when I could fit in {minutes}[ {@date}] at the earliest",
            "(look up|work out) the earliest time I am free for {minutes}[ {@date}]",
            "(find|name) the earliest opening of {minutes} that I have[ {@date}]",
        ),
        say=(
            "When (am I free|do I have time) {@date} for {minutes}, at the earliest?",
            "I need {minutes} {@date}. What is the first (time|slot) that is free?",
            "What is the earliest time {@date} at which I have {minutes} to spare?",
            "How early {@date} could I fit in something that takes {minutes}?",
            "Someone wants {minutes} of my time {@date}. From when could I?",
        ),
        done=("You are free from {=answer} on.", "The first free slot is at {=answer}.", "The earliest is {=answer} on {=date}."),
        needs=("date",),
    ),
    Intent(
        "find_rooms", "find a free room", _find_rooms,
        do=(
            "(find|list|show me) the (rooms|meeting rooms) that are free[~ {@date}][~ at {start}] for {minutes} and seat {seats}",
            "(check|tell me) which rooms with at least {seats} seats are free for {minutes}[~ {@date}][~ at {start}]",
            "(look for|see) which rooms {seats} people could have for {minutes}[~ {@date}][~ at {start}]",
            "(see|find out) what rooms are open for {seats} people for {minutes}[~ {@date}][~ at {start}]",
            "(name|list) all rooms for {seats} that nobody has for {minutes}[~ {@date}][~ from {start} on]",
        ),
        say=(
            "Which (rooms|meeting rooms) are free {@date} at {start} for {minutes}? We are {seats} people.",
            "{@date} at {start} I need space for {seats} people, for {minutes}. (What is free|Which rooms are there)?",
            "There will be {seats} of us {@date} at {start}, for {minutes}. Which rooms (could we have|are available)?",
            "We are {seats} and need {minutes} {@date} from {start} on. What rooms are left?",
            "What rooms could {seats} people use {@date}, {start}, for {minutes}?",
        ),
        done=("These rooms are free: {=answer}.", "You can have {=answer}.", "Free on {=date} at {=start}: {=answer}."),
        needs=("date", "start"),
    ),
    Intent(
        "book_room", "book a meeting room", _book_room,
        do=(
            "(book|reserve) {room} for {minutes}[~ {@date}][~ at {start}]",
            "(get|book) me (the room|room) {room}[~ {@date}][~ at {start}][, for {minutes}]",
            "(reserve|secure) the meeting room {room}[~ {@date}][~ at {start}][~ for {minutes}]",
            "(sort out|arrange) {room} as a meeting room[~ {@date}][~ at {start}][~ for {minutes}]",
            "(block|take) the room {room} for us[~ {@date}][~ from {start} on][~ for {minutes}]",
        ),
        say=(
            "We (meet|are meeting) in {room} {@date} at {start} for {minutes}. (Book it|Reserve it)(.|, please.)",
            "I need the room {room} {@date}, {start}, for {minutes}.",
            "{room} is the room I want {@date} from {start} on. {minutes} will do; reserve it.",
            "For {date}, {start}, I would like to have room {room} for {minutes}.",
            "Our room {@date} is going to be {room}, from {start}, for {minutes}. It still needs booking.",
        ),
        done=("{=room} is booked for {=date} at {=start}, {=minutes}.", "You have {=room} on {=date} from {=start} on.", "Booked: {=room}, {=date}, {=start}."),
        many=("room", (
            "(book|reserve) {room} for {minutes} {@date} at {start}", "(get|secure) the rooms {room} {@date} at {start} for {minutes}",
            "block the rooms {room} {@date} at {start} for {minutes}",
        )),
        needs=("date", "start", "minutes"),
    ),
    Intent(
        "find_booking", "look up a room booking", _find_booking,
        do=(
            "(tell me|look up|check) when I have booked {room}", "(find|look up) my booking of (the room |){room} and tell me its date and time",
            "(see|check) for when I reserved (the room |){room}", "(find out|say) on which day and at what time I have (the room |){room}",
            "(let me know|remind me) when my booking of the room {room} is",
        ),
        say=(
            "When (did I book|have I booked) (the room |){room} for?", "For (which|what) day and time do I have {room}?",
            "I booked {room} some time ago. (When is that|What day and time was it)?", "My booking of {room}: for which date and time is it?",
            "What day and what time is {room} mine?",
        ),
        done=("You have {=room} on {=on} at {=at}.", "{=room} is booked for {=on}, {=at}.", "The booking of {=room} is for {=on} at {=at}."),
        many=("room", (
            "(tell me|check) when I have booked {room}", "look up my bookings of {room} and tell me their dates and times", "remind me when my bookings of {room} are",
        )),
    ),
    Intent(
        "cancel_booking", "give a booked room back", _cancel_booking,
        do=(
            "(cancel|give back|release) {booking_id}", "(drop|undo) {booking_id}", "(free|return) the room of {booking_id}",
            "(withdraw|take back) {booking_id}", "(hand back|let go of) {booking_id}",
        ),
        say=(
            "We do not need {booking_id} (any more|after all). (Cancel it|Give the room back).", "{booking_id} can go, (someone else may want the room|we meet elsewhere).",
            "I no longer need the room of {booking_id}, so (release it|cancel that).", "Somebody else should get the room: cancel {booking_id}.",
            "{booking_id} was a mistake. The room should be free again.",
        ),
        done=("{=booking_id} is free again.", "The booking is cancelled.", "I have given the room back."),
        many=("booking_id", ("(cancel|release) {booking_id}", "(drop|withdraw) {booking_id}", "hand back {booking_id}")),
    ),
    Intent(
        "room_info", "know something about a room", _room_info,
        do=("(tell me|check) {asked}", "(find out|look up) {asked}", "(see|check for me) {asked}", "(let me know|say) {asked}", "(inform me|have a look) {asked}"),
        say=("{direct}", "Before I choose a room: {direct}", "I have to plan a meeting. {direct}", "One question about a room. {direct}", "Do you know this about a room? {direct}"),
        done=("{=answer}.", "According to the list, {=answer}.", "I looked it up: {=answer}."),
    ),
)  # fmt: skip
"""In the order of the tools."""
