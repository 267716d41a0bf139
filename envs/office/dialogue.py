"""The level dialogue: two to four messages of the user, about one thing for the most part, over one state."""

from __future__ import annotations

import msgspec

from toolgym.tasks.grammar import write
from toolgym.tasks.stream import SPLITS

from .facts import Fact, clock_fact, date_fact
from .intent import Drawn, Intent
from .levels import Made, phase_of, tools_of
from .plan import Phase
from .requests import INTENTS, asked, clause, request, sentence, share
from .scene import Scene
from .toolsets import shown
from .vocabulary import slice_of

LONGEST = 7
"""Actions of a gold episode."""


class _Thread(msgspec.Struct, frozen=True, gc=False):
    """What a conversation about one kind of thing is made of: tools."""

    table: str
    kind: str
    makes: tuple[str, ...]
    """Tools that make a new thing."""
    finds: tuple[str, ...]
    """Tools that find the thing, or do something to it that leaves it in place."""
    then: tuple[str, ...]
    """What can be asked about it next."""
    last: tuple[str, ...]
    """What ends the talk about it."""
    recall: tuple[str, ...] = ()
    """Questions whose answer has been said; templates."""


_THREADS = (
    _Thread(
        "events",
        "event",
        ("create_event",),
        ("find_event", "move_event", "invite_guest"),
        ("move_event", "invite_guest"),
        ("cancel_event",),
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
    ),
    _Thread(
        "tasks",
        "task",
        ("add_task",),
        ("find_task", "assign_task", "postpone_task"),
        ("postpone_task", "assign_task"),
        ("complete_task",),
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
    ),
    _Thread(
        "bookings",
        "booking",
        ("book_room",),
        (),
        (),
        ("cancel_booking",),
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
    ),
    _Thread(
        "mails",
        "mail",
        (),
        ("search_mail", "read_mail", "move_mail"),
        ("read_mail", "reply_mail", "forward_mail", "move_mail"),
        ("delete_mail",),
    ),
    _Thread(
        "files",
        "file",
        (),
        ("find_file", "read_file", "share_file"),
        ("read_file", "share_file", "rename_file", "move_file"),
        ("delete_file",),
    ),
    _Thread("expenses", "expense", (), ("find_expenses",), (), ("approve_expense", "reject_expense")),
    _Thread("trips", "trip", ("book_train", "book_hotel"), (), (), ("cancel_trip",)),
)

_NEXT = (
    "Now {}.",
    "Next, {}.",
    "And {}, please.",
    "One more thing: {}.",
    "Then {}.",
    "Could you also {}?",
    "After that, {}.",
    "Very well. Please {}.",
    "Good. Please {}.",
    "Fine, now {}.",
    "Also {}.",
    "Can you {} too?",
    "On second thoughts, {}.",
    "I also want you to {}.",
    "Well then, {}.",
    "While you are at it, {}.",
)
_THANKS = (
    "Thanks, that is all.",
    "Great, thank you!",
    "Perfect, I need nothing else.",
    "Thank you, you have been a help.",
    "Good, that was it.",
    "Lovely, thanks.",
    "Wonderful. No more for today.",
    "All right, thank you for now.",
)
_NEXT_OF = {split: slice_of(_NEXT, split) for split in SPLITS}
_THANKS_OF = {split: slice_of(_THANKS, split) for split in SPLITS}
_WELCOME = ("You are welcome.", "Glad to help.", "Any time.", "You are welcome, just ask.")


def follow_up(scene: Scene, intent: Intent, drawn: Drawn) -> str:
    """A request in the middle of a conversation."""
    if scene.stream.chance(0.35):
        return sentence(write(scene.stream.pick(share(intent.words.say, scene.split)), drawn.slots, scene.stream))
    return asked(scene, clause(scene, intent.words, drawn.slots), _NEXT_OF[scene.split])


def _turns(phases: list[Phase]) -> int:
    return sum([len(phase.stages) + 1 for phase in phases])


def _open(scene: Scene, thread: _Thread) -> list[Phase]:
    """The first message; afterwards the thing is in focus."""
    tool = scene.stream.pick(thread.makes + thread.finds)
    intent = INTENTS[tool]
    if tool not in thread.makes:
        scene.focus[thread.table] = key = scene.row(thread.table)["id"]
        scene.named = scene.stream.chance(0.6)
    drawn = intent.draw(scene)
    phase = phase_of(scene, intent, request(scene, intent.words, drawn.slots), drawn)
    results = [scene.run(call) for stage in phase.stages for call in stage.calls]
    if tool in thread.makes:
        scene.focus[thread.table] = key = results[-1]["id"]
    scene.named = False
    scene.known = key
    return [phase]


def _go_on(scene: Scene, tool: str) -> Phase:
    intent = INTENTS[tool]
    drawn = intent.draw(scene)
    phase = phase_of(scene, intent, follow_up(scene, intent, drawn), drawn)
    for stage in phase.stages:
        for call in stage.calls:
            scene.run(call)
    return phase


def _recall(scene: Scene, thread: _Thread) -> Phase:
    """A question whose answer the conversation holds already."""
    row = scene.row(thread.table)
    facts: tuple[Fact, ...] = (
        ((row["room"],),) if thread.kind == "booking" else (date_fact(row.get("due") or row["date"]),)
    )
    said = row["room"] if thread.kind == "booking" else f"{row.get('due') or row['date']}"
    if thread.kind == "event":
        facts, said = (*facts, clock_fact(row["start"])), f"{said} at {row['start']}"
    user = sentence(write(scene.stream.pick(slice_of(thread.recall, scene.split)), {}, scene.stream))
    return Phase(user, (), f"It is {said}.", "That has been said already, so no tool is needed.", facts)


def dialogue(scene: Scene) -> Made:
    thread = scene.stream.pick(_THREADS)
    phases = _open(scene, thread)
    wanted = scene.stream.between(2, 4)
    then = scene.stream.shuffled(thread.then)
    recalls = [0] if thread.recall else []
    while len(phases) < wanted - 1 and _turns(phases) <= LONGEST - 4:
        if recalls and scene.stream.chance(0.4):
            recalls.pop()
            phases.append(_recall(scene, thread))
        elif then:
            phases.append(_go_on(scene, then.pop()))
        else:
            phases.append(_aside(scene, tools_of(*phases)))
    phases.append(
        _go_on(scene, scene.stream.pick(thread.last))
        if scene.stream.chance(0.6) or not then
        else _go_on(scene, then.pop())
    )
    if len(phases) < wanted and _turns(phases) < LONGEST:
        phases.append(
            Phase(
                scene.stream.pick(_THANKS_OF[scene.split]),
                (),
                scene.stream.pick(_WELCOME),
                "The user only says thanks.",
            )
        )
    return tuple(phases), shown(scene.stream, tools_of(*phases), scene.stream.between(5, 7), similar=True)


_ASIDE = ("find_contact", "room_info", "get_budget", "list_team", "search_trains", "add_contact", "create_folder")


def _aside(scene: Scene, had: list[str]) -> Phase:
    """Something else in between."""
    scene.aside = True
    return _go_on(scene, scene.stream.pick([name for name in _ASIDE if name not in had]))
