"""All levels but dialogue: single, choose, parallel, chain, missing, irrelevant and recover.

The levels recover and, in part, chain are made from recipes; the other levels from intents.
"""

from __future__ import annotations

from collections.abc import Sequence

from toolgym.tasks.english import listed
from toolgym.tasks.grammar import write
from toolgym.types import ToolCall

from .apis.office import TOOLS
from .chains_meetings import MEETINGS
from .chains_work import WORK
from .elsewhere import ELSEWHERE_OF
from .facts import Fact
from .intent import Drawn, Intent
from .intents import FORGETTABLE, INTENTS, NAMED, PARAMETERS, REPEATED, SIMILAR
from .plan import Phase, Stage, notes
from .questions import ASKING, question, reply
from .recipes import Recipe, made
from .recover_missing import MISSING
from .recover_refused import REFUSED
from .recover_taken import TAKEN
from .requests import answer, arguments, asked, clause, dressed, joined, request, sentence, share
from .scene import Scene
from .slots import Slot, verbatim
from .toolsets import shown

Made = tuple[tuple[Phase, ...], list[str]]
"""The phases of a task, and the names of the tools on offer."""

_ALL = tuple(INTENTS)
CHAINS: tuple[Recipe, ...] = (*MEETINGS, *WORK)
RECOVERIES: tuple[Recipe, ...] = (*TAKEN, *REFUSED, *MISSING)

_LATER = ("Now I know enough to call {tools}.", "With that I can call {tools}.", "That is what {tools} needs.")
_LOOK = (
    "First I have to look that up with {tools}.",
    "The request does not say what I need for that, so I begin with {tools}.",
)
_TOLD = ("The result is there; I tell the user.", "That is done, so I say so.", "It worked. I report it.")


def call_of(intent: Intent, drawn: Drawn) -> ToolCall:
    return ToolCall(intent.tool, arguments(intent, drawn))


def thought(scene: Scene, intent: Intent, slots: dict[str, Slot], forms: tuple[str, ...] = ()) -> str:
    """The gold thought: how the values follow from the request, what the user wants, and one of ``forms``, if any."""
    wanted = f"{notes(slots.values())}The user wants to {intent.gist}."
    return f"{wanted} {scene.stream.pick(forms)}" if forms else wanted


def one_call(scene: Scene, intent: Intent, user: str, drawn: Drawn) -> Phase:
    """A request that one call fulfils."""
    stage = Stage((call_of(intent, drawn),), thought(scene, intent, drawn.slots))
    return Phase(user, (stage,), answer(scene, intent.words, drawn.slots), scene.stream.pick(_TOLD), drawn.facts)


def single(scene: Scene) -> Made:
    intent = INTENTS[scene.stream.pick(_ALL)]
    drawn = intent.draw(scene)
    phase = one_call(scene, intent, request(scene, intent.words, drawn.slots), drawn)
    return (phase,), shown(scene.stream, [intent.tool], 3, similar=False)


def choose(scene: Scene) -> Made:
    intent = INTENTS[scene.stream.pick(_ALL)]
    drawn = intent.draw(scene)
    phase = one_call(scene, intent, request(scene, intent.words, drawn.slots), drawn)
    return (phase,), shown(scene.stream, [intent.tool], scene.stream.pick((5, 5, 5, 6, 6, 7, 8)), similar=True)


def parallel(scene: Scene) -> Made:
    if scene.stream.chance(0.4):
        return _repeated(scene)
    n = scene.stream.pick((2, 2, 3, 3, 4))
    clauses: list[str] = []
    calls: list[ToolCall] = []
    answers: list[str] = []
    facts: list[Fact] = []
    known: list[str] = []
    while len(calls) < n:
        intent = INTENTS[scene.stream.pick(_ALL)]
        if any(call.name == intent.tool for call in calls) or _clashes(intent.tool, calls):
            continue
        drawn = intent.draw(scene)
        calls.append(call_of(intent, drawn))
        clauses.append(clause(scene, intent.words, drawn.slots))
        answers.append(answer(scene, intent.words, drawn.slots))
        facts += drawn.facts
        known.append(notes(drawn.slots.values()))
    why = f"{''.join(known)}These are {n} separate things, none of which waits for another: {{tools}}."
    stage = Stage(tuple(calls), why)
    phase = Phase(joined(scene, clauses), (stage,), " ".join(answers), scene.stream.pick(_TOLD), tuple(facts))
    return (phase,), shown(scene.stream, [call.name for call in calls], scene.stream.between(3, 5), similar=True)


def _clashes(name: str, calls: list[ToolCall]) -> bool:
    """Whether one of the calls would change the tool's result, or the tool the result of one of the calls."""
    return any(call.name in INTENTS[name].changed_by or name in INTENTS[call.name].changed_by for call in calls)


def _repeated(scene: Scene) -> Made:
    """A request for the same tool with several things."""
    while True:
        intent = INTENTS[scene.stream.pick(REPEATED)]
        slot = intent.each
        try:
            draws = [intent.draw(scene) for _ in range(scene.stream.pick((2, 2, 3)))]
        except LookupError:  # too few things of that kind in the scene
            continue
        common = {
            name: draws[0].slots[name] for name in PARAMETERS[intent.tool] if name != slot and name in draws[0].slots
        }
        draws = [Drawn({**draw.slots, **common}, draw.facts) for draw in draws]
        calls = tuple([call_of(intent, draw) for draw in draws])
        # The calls share the time of the first draw, at which another room, say, may be taken.
        if all(TOOLS[call.name].run(call.arguments, scene.state).error is None for call in calls):
            break
    together = verbatim(listed([draw.slots[slot].text for draw in draws]))
    template = scene.stream.pick(share(intent.words.many, scene.split))
    user = dressed(scene, asked(scene, write(template, {**draws[0].slots, slot: together}, scene.stream)))
    known = notes(common.values()) + notes([draw.slots[slot] for draw in draws])
    why = f"{known}The user wants to {intent.gist}, {len(calls)} times over: {{tools}}."
    done = [text for text in intent.words.done if f"{{={slot}}}" in text] or intent.words.done
    told = " ".join([sentence(write(scene.stream.pick(done), draw.slots, scene.stream)) for draw in draws])
    facts = tuple([fact for draw in draws for fact in draw.facts])
    phase = Phase(user, (Stage(calls, why),), told, scene.stream.pick(_TOLD), facts)
    return (phase,), shown(scene.stream, [intent.tool], scene.stream.between(3, 5), similar=True)


def tools_of(*phases: Phase) -> list[str]:
    """The tools that the phases call, in order."""
    return [call.name for phase in phases for stage in phase.stages for call in stage.calls]


def phase_of(scene: Scene, intent: Intent, user: str, drawn: Drawn) -> Phase:
    """A request that one call fulfils, after the lookups that the call needs."""
    lookups: list[ToolCall] = []
    for slot in drawn.slots.values():
        if slot.lookup is not None and slot.lookup not in lookups:
            lookups.append(slot.lookup)
    if not lookups:
        return one_call(scene, intent, user, drawn)
    stages = (
        Stage(tuple(lookups), f"The user wants to {intent.gist}. {scene.stream.pick(_LOOK)}"),
        Stage((call_of(intent, drawn),), f"{notes(drawn.slots.values())}{scene.stream.pick(_LATER)}"),
    )
    return Phase(user, stages, answer(scene, intent.words, drawn.slots), scene.stream.pick(_TOLD), drawn.facts)


def linked(scene: Scene) -> Made:
    """A request that refers to things and people by name, so that ids and addresses must be looked up."""
    scene.named = True
    intent = INTENTS[scene.stream.pick(NAMED)]
    drawn = intent.draw(scene)
    phase = phase_of(scene, intent, request(scene, intent.words, drawn.slots), drawn)
    return (phase,), shown(scene.stream, tools_of(phase), scene.stream.between(4, 7), similar=True)


def missing(scene: Scene) -> Made:
    """A request that forgets a required parameter. The user gives it when asked."""
    intent = INTENTS[scene.stream.pick(FORGETTABLE)]
    drawn = intent.draw(scene)
    forgotten = scene.stream.pick(intent.needs)
    slot = drawn.slots[forgotten]
    user = request(scene, intent.words, drawn.slots, without=forgotten)
    first = Phase(
        user,
        (),
        question(scene, forgotten),
        f"The user wants to {intent.gist}, but does not say enough. I ask.",
        (ASKING,),
    )
    stage = Stage((call_of(intent, drawn),), f"{notes(drawn.slots.values())}Now nothing is missing for {{tools}}.")
    second = Phase(
        reply(scene, slot), (stage,), answer(scene, intent.words, drawn.slots), scene.stream.pick(_TOLD), drawn.facts
    )
    return (first, second), shown(scene.stream, [intent.tool], scene.stream.between(4, 6), similar=True)


_UNABLE = (
    "I am sorry, but I have no tool to {}.",
    "I cannot {} with the tools I have.",
    "Unfortunately I am not able to {}.",
    "To {} is beyond what I can do here.",
    "None of my tools can {}, so I have to pass.",
)


def irrelevant(scene: Scene) -> Made:
    """A request that no tool on offer can fulfil: no office tool can, or the one that can is not offered."""
    total = scene.stream.pick((3, 3, 4, 5, 6))
    if scene.stream.chance(0.4):
        gist, template = scene.stream.pick(ELSEWHERE_OF[scene.split])
        user = dressed(scene, asked(scene, write(template, _elsewhere(scene), scene.stream)))
        tools = shown(scene.stream, [scene.stream.pick(_ALL)], total, similar=True)
    else:  # an office request, but neither its tool nor anything that could replace it is on offer
        intent = INTENTS[scene.stream.pick(_ALL)]
        gist, user = intent.gist, request(scene, intent.words, intent.draw(scene).slots)
        hidden = {intent.tool, *intent.equivalents, *intent.substitutes}
        near = [name for name in SIMILAR[intent.tool] if name not in hidden]
        tools = shown(scene.stream, [scene.stream.pick(near)], total, similar=True, hidden=hidden)
    phase = Phase(
        user, (), scene.stream.pick(_UNABLE).format(gist), f"The user wants to {gist}. None of the tools does that."
    )
    return (phase,), tools


def _elsewhere(scene: Scene) -> dict[str, Slot]:
    return {
        "city": verbatim(scene.stream.pick(scene.words.cities)),
        "person": verbatim(scene.fixture.people[1 + scene.stream.below(7)]),
        "company": verbatim(scene.stream.pick(scene.words.companies)),
        "day": scene.day(),
        "body": scene.quoted(scene.body()),
        "pages": verbatim(str(scene.stream.between(3, 90))),
    }


def chain(scene: Scene) -> Made:
    """A later call needs the result of an earlier call."""
    return linked(scene) if scene.stream.chance(0.6) else _any_of(scene, CHAINS)


def recover(scene: Scene) -> Made:
    """A call fails because of the state, and the request says how to react."""
    return _any_of(scene, RECOVERIES)


def _any_of(scene: Scene, recipes: Sequence[Recipe]) -> Made:
    while True:
        try:
            return made(scene, scene.stream.pick(recipes))
        except LookupError:  # this recipe does not fit the scene
            continue
