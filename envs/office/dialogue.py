"""The level dialogue: two to four user messages over one state, most of them about the same thing."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from toolgym.tasks.grammar import write
from toolgym.tasks.stream import SPLITS

from .facts import Fact, clock_fact, date_fact
from .intent import Drawn, Intent
from .intents import ASIDES, INTENTS
from .kinds import KINDS, Kind
from .levels import Made, phase_of, tools_of
from .plan import Phase
from .requests import asked, clause, request, sentence, share
from .scene import Scene
from .toolsets import shown
from .vocabulary import slice_of

LONGEST = 7
"""The most actions that a gold episode takes."""


class _Talk(msgspec.Struct, frozen=True, gc=False):
    """The tools of a dialogue about one kind of thing."""

    kind: str
    opens: tuple[str, ...]
    """Tools for the first message. They make a thing of the kind, or leave an existing one in place."""
    follows: tuple[str, ...]
    """Tools for the messages in between."""
    ends: tuple[str, ...]
    """Tools for the last message."""


def _talk(kind: str) -> _Talk:
    about = [intent for intent in INTENTS.values() if intent.kind == kind]
    follows = sorted([intent for intent in about if intent.follows], key=lambda intent: intent.follows)
    return _Talk(
        kind,
        tuple([intent.tool for intent in about if intent.opens]),
        tuple([intent.tool for intent in follows]),
        tuple([intent.tool for intent in about if intent.ends]),
    )


_TALKS = tuple([_talk(kind) for kind in KINDS])

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


def _open(scene: Scene, talk: _Talk) -> list[Phase]:
    """The first message. After it, ``scene.focus`` holds the thing of the dialogue."""
    intent, table = INTENTS[scene.stream.pick(talk.opens)], KINDS[talk.kind].table
    if intent.verb != "make":  # the thing exists; else the result of the call has its id
        scene.focus[table] = key = scene.row(table)["id"]
        scene.named = scene.stream.chance(0.6)
    drawn = intent.draw(scene)
    phase = phase_of(scene, intent, request(scene, intent.words, drawn.slots), drawn)
    results = [scene.run(call) for stage in phase.stages for call in stage.calls]
    if intent.verb == "make":
        scene.focus[table] = key = results[-1]["id"]
    scene.named = False
    scene.known = key
    return [phase]


def _go_on(scene: Scene, tool: str) -> Phase:
    """A later message. Its gold calls are run, so that the next draws see their effect."""
    intent = INTENTS[tool]
    drawn = intent.draw(scene)
    phase = phase_of(scene, intent, follow_up(scene, intent, drawn), drawn)
    for stage in phase.stages:
        for call in stage.calls:
            scene.run(call)
    return phase


_STATED: dict[str, Callable[[str], Fact]] = {"date": date_fact, "due": date_fact, "start": clock_fact}
"""By field of a row: the accepted wordings of its value. For other fields only the value itself is accepted."""


def _recall(scene: Scene, kind: Kind) -> Phase:
    """A question whose answer was given earlier in the conversation."""
    row = scene.row(kind.table)
    facts = tuple([_STATED[field](row[field]) if field in _STATED else (row[field],) for field in kind.recalled])
    user = sentence(write(scene.stream.pick(slice_of(kind.recall, scene.split)), {}, scene.stream))
    said = " at ".join([row[field] for field in kind.recalled])
    return Phase(user, (), f"It is {said}.", "That has been said already, so no tool is needed.", facts)


def dialogue(scene: Scene) -> Made:
    talk = scene.stream.pick(_TALKS)
    kind = KINDS[talk.kind]
    phases = _open(scene, talk)
    wanted = scene.stream.between(2, 4)
    then = scene.stream.shuffled(talk.follows)
    recall = bool(kind.recall)  # asked for at most once
    # A phase takes two actions from here on, since nothing has to be looked up: keep room for this one and the last.
    while len(phases) < wanted - 1 and _turns(phases) <= LONGEST - 4:
        if recall and scene.stream.chance(0.4):
            recall = False
            phases.append(_recall(scene, kind))
        elif then:
            phases.append(_go_on(scene, then.pop()))
        else:
            phases.append(_aside(scene, tools_of(*phases)))
    ends = scene.stream.chance(0.6) or not then
    phases.append(_go_on(scene, scene.stream.pick(talk.ends) if ends else then.pop()))
    if len(phases) < wanted and _turns(phases) < LONGEST:
        thanks, welcome = scene.stream.pick(_THANKS_OF[scene.split]), scene.stream.pick(_WELCOME)
        phases.append(Phase(thanks, (), welcome, "The user only says thanks."))
    return tuple(phases), shown(scene.stream, tools_of(*phases), scene.stream.between(5, 7), similar=True)


def _aside(scene: Scene, had: list[str]) -> Phase:
    """A request about another subject."""
    scene.aside = True
    return _go_on(scene, scene.stream.pick([name for name in ASIDES if name not in had]))
