"""Requests about the calendar."""

from __future__ import annotations

from toolgym.tasks.english import listed

from .facts import clock_fact, date_fact
from .intent import Drawn, Intent, words
from .scene import Scene
from .slots import Slot, duration, verbatim


def _create_event(scene: Scene) -> Drawn:
    date, start = scene.moment()
    slots = {"title": scene.quoted(scene.title()), "date": date, "start": start, "minutes": duration(scene.stream)}
    if scene.stream.chance(0.7):
        return Drawn({**slots, "with": verbatim(""), "invite": verbatim("")})
    guests = [scene.person()["email"] for _ in range(scene.stream.pick((1, 2, 2)))]
    said = listed(guests)
    role = "guest" if len(guests) == 1 else "guests"
    slots |= {"with": verbatim(f" with {said} as {role}"), "invite": verbatim(f" Invite {said}.")}
    return Drawn({**slots, "guests": Slot(guests, said)})


def _list_events(scene: Scene) -> Drawn:
    date = scene.busy_day()
    rows = [row for row in scene.state.table("events").values() if row["date"] == date.value]
    said = listed([f"{row['title']} at {row['start']}" for row in rows])
    return Drawn({"date": date, "answer": verbatim(said)}, tuple((row["title"],) for row in rows))


def _find_event(scene: Scene) -> Drawn:
    row = scene.row("events")
    slots = {"title": scene.quoted(row["title"]), "on": verbatim(row["date"]), "at": verbatim(row["start"])}
    return Drawn(slots, (date_fact(row["date"]), clock_fact(row["start"])))


def _move_event(scene: Scene) -> Drawn:
    event = scene.thing("event", scene.row("events"))
    date, start = scene.moment()
    return Drawn({"event_id": event, "date": date, "start": start})


def _cancel_event(scene: Scene) -> Drawn:
    return Drawn({"event_id": scene.thing("event", scene.row("events"))})


def _invite_guest(scene: Scene) -> Drawn:
    return Drawn({"event_id": scene.thing("event", scene.row("events")), "email": scene.address(scene.person())})


def _find_free_time(scene: Scene) -> Drawn:
    date, minutes = scene.busy_day(), duration(scene.stream)
    found = scene.state.find_free_time(date=date.value, minutes=minutes.value)["start"]
    return Drawn({"date": date, "minutes": minutes, "answer": verbatim(found)}, (clock_fact(found),))


CALENDAR = (
    Intent(
        "create_event",
        "put something in the calendar",
        _create_event,
        words("""
            do:
            (put|enter) {title}{with} in my calendar[~ {@date}][~ at {start}][, {minutes} long]
            (schedule|set up|plan) (an event|a meeting) (called|titled|named) \
                {title}{with}[~ {@date}][~ at {start}][~ for {minutes}]
            (block|reserve|keep) {minutes} in my calendar[~ {@date}][~ at {start}] for {title}{with}
            create (a calendar entry|an event) {title}{with}[~ {@date}][~ at {start}][~ lasting {minutes}]
            (make|note) an (appointment|entry) {title}{with} in my \
                (diary|calendar)[~ {@date}][~ at {start}][~ for {minutes}]
            get {title}{with} (into|onto) my calendar[~ {@date}][~ at {start}][~ for {minutes}]
            say:
            {title} (will take place|is) {@date} at {start} and (lasts|takes) {minutes}. \
                (Put it in my calendar|It belongs in my calendar)(.|, please.){invite}
            We (agreed|settled) on {date}, {start}, for {title}. (Add it to my calendar|Get it into my calendar), \
                {minutes} long.{invite}
            I (need|want) {minutes} for {title} {@date}, (starting at|from) {start}. My calendar \
                (should show it|should have it).{invite}
            There is {title} {@date}, (beginning|starting) at {start}, {minutes} in all. (Mark it|Note it) in my \
                calendar.{invite}
            Please (see to it|make sure) that my calendar has {title} {@date} at {start} for {minutes}.{invite}
            done:
            {=title} is in your calendar for {=date} at {=start}, {=minutes} long.
            Done: {=title} on {=date}, {=start}, {=minutes}.
            I have put {=title} in your calendar on {=date} at {=start}.
        """),
        needs=("date", "start"),
        verb="make",
        kind="event",
        opens=True,
        substitutes=("move_event", "add_task"),
    ),
    Intent(
        "list_events",
        "see the events of a day",
        _list_events,
        words("""
            do:
            (tell me|show me|list) what I have in my calendar {@date}
            (look up|check|read me) (my appointments|my events|my meetings) for {date}
            (go through|list) my calendar for {date}
            (give me|show me) an overview of my (events|appointments) {@date}
            (find out|say) which meetings I have {@date}
            say:
            What (do I have|is there) in my calendar {@date}?
            Which (meetings|events|appointments) (are waiting for me|do I have) {@date}?
            (How does my calendar look|What does my calendar look like) {@date}?
            Do I have (anything|any meetings) {@date}, and if so, (what|which ones)?
            I want to prepare for {date}. What is (on|in) my calendar?
            done:
            On {=date} you have {=answer}.
            Your calendar for {=date}: {=answer}.
            {=date}: {=answer}.
            many:
            (list|show me) my (events|meetings) for {date}
            (read me|give me) my calendar for {date}
            tell me which (events|meetings) I have on these days: {date}
        """),
        each="date",
        substitutes=("find_event", "find_free_time"),
        changed_by=("create_event", "move_event", "cancel_event"),
        tells=("free times",),
    ),
    Intent(
        "find_event",
        "look up when an event takes place",
        _find_event,
        words("""
            do:
            (tell me|look up|check) when {title} (is|takes place)
            find (the event|the meeting) {title} in my calendar and tell me (its date and time|when it is)
            (look up|give me) the date and time of {title}
            (find out|say) on which day and at what time {title} (is|starts)
            (remind me|let me know) when we have {title}
            say:
            When (is|do I have) {title}?
            On (what|which) day is {title}, and at what time?
            I forgot when {title} is. (Can you tell me|Do you know)?
            {title} is in my calendar somewhere. (When exactly|On which day, and when)?
            What are the date and the time of {title}?
            done:
            {=title} is on {=on} at {=at}.
            You have {=title} on {=on} at {=at}.
            It is on {=on}, at {=at}.
            many:
            (tell me|look up) when {title} are
            (give me|find) the dates and times of {title}
            let me know on which days and at what times {title} are
        """),
        each="title",
        kind="event",
        looks_up=True,
        opens=True,
        equivalents=("list_events",),
        changed_by=("move_event", "cancel_event"),
        tells=("free times", "event"),
    ),
    Intent(
        "move_event",
        "move an event",
        _move_event,
        words("""
            do:
            (move|shift|push) {event_id} to {date}[ at {start}]
            (reschedule|rebook) {event_id} to {date}[ at {start}]
            (change|set) the time of {event_id} to {date}[ at {start}]
            (put|place) {event_id} on another day: {date}[, {start}]
            (transfer|carry) {event_id} over to {date}[ at {start}]
            make {event_id} happen {@date} instead[, at {start}]
            say:
            {event_id} (does not fit|does not work any more). (Move it to|Let's have it) {@date} at {start}.
            I cannot make {event_id}; (reschedule it to|the new time is) {date} at {start}.
            Something came up. {event_id} (has to|must) (move|go) to {date}, {start}.
            {event_id} should be {@date} at {start}, not when it is now.
            The others prefer {date}, {start}, for {event_id}. Change my calendar accordingly.
            done:
            Moved: it is now on {=date} at {=start}.
            {=event_id} is now on {=date} at {=start}.
            I have moved it to {=date}, {=start}.
        """),
        needs=("start",),
        verb="change",
        kind="event",
        named=True,
        opens=True,
        follows=1,
        substitutes=("create_event", "cancel_event"),
    ),
    Intent(
        "cancel_event",
        "cancel an event",
        _cancel_event,
        words("""
            do:
            (cancel|call off) {event_id}
            (delete|remove) {event_id} from my calendar
            (drop|scrap) {event_id} (from my calendar|in my calendar|altogether)
            (clear|strike) {event_id} from my (calendar|schedule)
            get rid of {event_id} in my (calendar|schedule)
            (take|strike) {event_id} out of my (calendar|diary)
            say:
            {event_id} (is not needed any more|is not happening). (Cancel it|Call it off)(.|, please.)
            We do not need {event_id}. (Take it out of|Remove it from) my calendar.
            I will not (hold|have) {event_id} after all, so (cancel it|it should be cancelled).
            {event_id} has become pointless. Free that time in my calendar.
            No more {event_id} for me: have it cancelled.
            done:
            {=event_id} is cancelled.
            I have cancelled {=event_id}.
            Done, {=event_id} is off your calendar.
            many:
            (cancel|call off) {event_id}
            (remove|delete) {event_id} from my (calendar|schedule)
            strike {event_id} from my (calendar|schedule)
        """),
        each="event_id",
        verb="end",
        kind="event",
        named=True,
        ends=True,
    ),
    Intent(
        "invite_guest",
        "invite someone to an event",
        _invite_guest,
        words("""
            do:
            (invite|ask) {email} to {event_id}
            (add|put) {email} (as a guest to|on the guest list of) {event_id}
            (send|get) {email} an invitation to {event_id}
            (have|make sure to have) {email} invited to {event_id}
            include {email} among the guests of {event_id}
            let {email} take part in {event_id} (as a guest|by inviting them)
            say:
            {email} (should come to|should join) {event_id}. (Send an invitation|Please invite them).
            I would like to have {email} at {event_id}; (invite them|add them to the guests).
            {event_id} needs one more guest: {email}.
            I forgot to invite {email} to {event_id}. Do that for me.
            Without {email} {event_id} makes no sense, so send an invitation.
            done:
            {=email} is invited to {=event_id}.
            I have invited {=email}.
            The invitation for {=email} is out.
            many:
            (invite|ask) {email} to {event_id}
            (add|put) {email} on the guest list of {event_id}
            send {email} invitations to {event_id}
        """),
        each="email",
        verb="pass on",
        kind="event",
        named=True,
        opens=True,
        follows=2,
        substitutes=("send_mail", "reply_mail", "forward_mail"),
    ),
    Intent(
        "find_free_time",
        "find a free time",
        _find_free_time,
        words("""
            do:
            (find|look for) the first free (slot|gap) of {minutes} in my calendar[ {@date}]
            (tell me|check) when I first have {minutes} free[ {@date}]
            (find|see) from when I could fit in {minutes}[ {@date}] at the earliest
            (look up|work out) the earliest time I am free for {minutes}[ {@date}]
            (find|name) the earliest opening of {minutes} that I have[ {@date}]
            say:
            When (am I free|do I have time) {@date} for {minutes}, at the earliest?
            I need {minutes} {@date}. What is the first (time|slot) that is free?
            What is the earliest time {@date} at which I have {minutes} to spare?
            How early {@date} could I fit in something that takes {minutes}?
            Someone wants {minutes} of my time {@date}. From when could I?
            done:
            You are free from {=answer} on.
            The first free slot is at {=answer}.
            The earliest is {=answer} on {=date}.
        """),
        needs=("date",),
        equivalents=("list_events",),
        changed_by=("create_event", "move_event", "cancel_event"),
        tells=("free times",),
    ),
)
"""In the order of the app's methods."""
