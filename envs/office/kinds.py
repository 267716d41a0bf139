"""The kinds of thing that requests and dialogues are about, and how users refer to a thing of each kind."""

from __future__ import annotations

import msgspec


class Kind(msgspec.Struct, frozen=True, gc=False):
    """A kind of thing. Its wordings are format strings, filled with the fields of the thing's row."""

    table: str
    """The table of its rows."""
    direct: tuple[str, ...]
    """How users refer to a thing by its id."""
    named: tuple[str, ...]
    """How users refer to it by its name, so that the id has to be looked up."""
    known: tuple[str, ...]
    """How users refer to it in a dialogue about it. The first ("it") is not used after a change of subject."""
    field: str
    """The field of its row that holds the name."""
    recall: tuple[str, ...] = ()
    """Questions in a dialogue whose answer was given before: templates, of which each split has its own."""
    recalled: tuple[str, ...] = ()
    """The fields of its row that answer ``recall``."""


KINDS = {
    "event": Kind(
        "events",
        ("event {id}", "{id}", "the event {id}", "meeting {id}"),
        ('the "{title}" meeting', 'my "{title}" event', 'the event "{title}"', "my meeting '{title}'"),
        ("it", "that meeting", "the meeting", "that event"),
        "title",
        (
            "When is it now?",
            "Remind me, (when|on which day and at what time) is it?",
            "What is the date again, and the time?",
            "So when does it take place?",
            "(On which day|When) will it be, and at what time?",
            "Tell me once more when it is.",
            "And when is that, day and time?",
            "What did we end up with as its date and time?",
        ),
        ("date", "start"),
    ),
    "task": Kind(
        "tasks",
        ("task {id}", "{id}", "the task {id}", "item {id}"),
        ('the task "{title}"', "the '{title}' task", 'my to-do "{title}"'),
        ("it", "that task", "the task", "that one"),
        "title",
        (
            "When is it due now?",
            "Remind me, (by when|until when) has it to be done?",
            "What is the due date again?",
            "So when is it due?",
            "(By when|Until when) should it be done?",
            "Tell me once more when it is due.",
            "And it is due when?",
            "What did we end up with as its deadline?",
        ),
        ("due",),
    ),
    "booking": Kind(
        "bookings",
        ("booking {id}", "{id}", "room booking {id}", "the booking {id}"),
        ("my booking of {room}", "my {room} booking", "the booking I have for {room}"),
        ("it", "that booking", "the room booking", "that reservation"),
        "room",
        (
            "Which (room|place) was that again?",
            "Remind me, what is the name of the room?",
            "Which room do we have now?",
            "So which room is it?",
            "What was the room called?",
            "Tell me once more which room it is.",
            "And the room is called what?",
            "What did we end up with as a room?",
        ),
        ("room",),
    ),
    "mail": Kind(
        "mails",
        ("mail {id}", "{id}", "the mail {id}", "message {id}"),
        ('the mail "{subject}"', 'the "{subject}" mail', "the message from {sender}", "the mail {sender} sent me"),
        ("it", "that mail", "the mail", "that message"),
        "subject",
    ),
    "file": Kind(
        "files",
        ("file {id}", "{id}", "the file {id}", "document {id}"),
        ("the file {name}", "my file {name}", 'the document "{name}"'),
        ("it", "that file", "the file", "that document"),
        "name",
    ),
    "expense": Kind(
        "expenses",
        ("expense {id}", "{id}", "claim {id}", "the claim {id}"),
        ("the claim {employee} sent in", "the expense from {employee}", "the expense claim of {employee}"),
        ("it", "that claim", "the claim", "that expense"),
        "employee",
    ),
    "trip": Kind(
        "trips",
        ("trip {id}", "{id}", "booking {id}", "the reservation {id}"),
        ("my {what}", "the {what} I booked", "my reservation for the {what}"),
        ("it", "that reservation", "the reservation", "that trip"),
        "what",
    ),
}
"""By name. The level dialogue draws from this table, so its order is part of the tasks."""
