"""Requests in words: intents joined with ways of asking, greetings and thanks."""

from __future__ import annotations

import re
from collections.abc import Sequence

from toolgym.tasks.grammar import optional_slots, write
from toolgym.tasks.stream import SPLITS

from .intent import Drawn, Intent, Words
from .intents import PARAMETERS
from .scene import Scene
from .slots import Slot
from .vocabulary import slice_of

_ASKING = (
    "{}.",
    "Please {}.",
    "Could you {}?",
    "Can you {}, please?",
    "I need you to {}.",
    "I'd like you to {}.",
    "I was hoping you could {}.",
    "Would you {} for me, please?",
    "Kindly {}.",
    "Would you {}?",
    "Next on my list: {}.",
    "Do me a favour and {}.",
    "Can you quickly {}?",
    "I want you to {}.",
    "Be so kind as to {}.",
    "If you have a moment, {}.",
    "{}, please.",
    "Please go ahead and {}.",
    "You could {} now.",
    "One thing to do: {}.",
    "It would help me if you could {}.",
    "Time to {}.",
    "May I ask you to {}?",
    "Your next job is to {}.",
    "Be a dear and {}.",
    "You can help me: {}.",
    "I have a request: {}.",
    "Would it be possible to {}?",
    "My wish is that you {}.",
    "Let me ask you to {}.",
    "I must ask you to {}.",
    "Would you be able to {}?",
    "Someone has to {}, so please do.",
    "I'd be glad if you could {}.",
    "Go and {}.",
    "First of all, {}.",
    "I would like to have you {}.",
    "Try to {}, would you?",
    "As soon as you can, {}.",
    "Is it possible for you to {}?",
)
_BEFORE = (
    "Hi!",
    "Good morning.",
    "Hello.",
    "I am between two meetings.",
    "Hey!",
    "Before I forget it.",
    "Good day.",
    "A small thing.",
    "Sorry to bother you.",
    "Back from lunch.",
    "Hi there!",
    "Just one thing.",
    "Another one for you.",
    "Quick request:",
    "Greetings.",
    "I have something for you.",
)
_AFTER = (
    "Thanks!",
    "Thank you.",
    "Many thanks.",
    "Cheers.",
    "Much appreciated.",
    "Thanks a lot!",
    "Thank you very much.",
    "Thanks in advance.",
    "That would be great.",
    "Thx",
    "No need to ask back.",
    "That is all.",
    "Great, thanks.",
    "Appreciate it.",
    "With thanks.",
    "That would help.",
)
_JOINED = (
    "{}, and {}",
    "{}, then {}",
    "{} and also {}",
    "{}; besides, {}",
    "{}. Also, {}",
    "{}. And {}",
    "{}. In addition, {}",
    "{}, and at the same time {}",
)


_BEGINNING = re.compile(r"(?:^|(?<=[.?!] ))[a-z](?=[a-z]*[ ,:])")


def _slices(items: Sequence[str]) -> dict[str, tuple[str, ...]]:
    return {split: slice_of(items, split) for split in SPLITS}


ASKING, BEFORE, AFTER, JOINED = map(_slices, (_ASKING, _BEFORE, _AFTER, _JOINED))


def share(templates: Sequence[str], split: str) -> Sequence[str]:
    """The templates of one split: the last is for test, the one before it for val, the rest for train."""
    return templates[-1:] if split == "test" else templates[-2:-1] if split == "val" else templates[:-2]


def arguments(intent: Intent, drawn: Drawn) -> dict[str, object]:
    """The arguments of the gold call, in the order of the tool's parameters."""
    return {name: drawn.slots[name].value for name in PARAMETERS[intent.tool] if name in drawn.slots}


def sentence(text: str) -> str:
    """The text with capitals at the start of sentences, except in addresses and file names, and a mark at the end."""
    text = _BEGINNING.sub(_capital, text)
    return text if text[-1] in ".?!" or text[-2:-1] in (".", "?", "!") else f"{text}."


def _capital(match: re.Match[str]) -> str:
    return match[0].upper()


def clause(scene: Scene, words: Words, slots: dict[str, Slot], without: str = "") -> str:
    """The request as a clause. If ``without`` names a slot, the parts of the template that mention it are left out."""
    templates = share(words.do, scene.split)
    if without:
        templates = [template for template in templates if without in optional_slots(template)]
    return write(scene.stream.pick(templates), slots, scene.stream, (without,) if without else ())


def dressed(scene: Scene, text: str, before: float = 0.2, after: float = 0.2) -> str:
    """The text, with a greeting before it or thanks after it at the given probabilities."""
    if scene.stream.chance(before):
        text = f"{scene.stream.pick(BEFORE[scene.split])} {text}"
    if scene.stream.chance(after):
        text = f"{text} {scene.stream.pick(AFTER[scene.split])}"
    return text


def asked(scene: Scene, text: str, frames: Sequence[str] = ()) -> str:
    """A clause turned into a request ("Could you ...?")."""
    text = sentence(scene.stream.pick(frames or ASKING[scene.split]).format(text))
    quoted_stop = text[-1] == "." and text[-3:-2] == "."  # the text ends in a quotation with its own full stop
    return text[:-1] if quoted_stop else text


def request(scene: Scene, words: Words, slots: dict[str, Slot], without: str = "") -> str:
    """The user's message."""
    if not without and scene.stream.chance(0.4):
        return dressed(scene, sentence(write(scene.stream.pick(share(words.say, scene.split)), slots, scene.stream)))
    return dressed(scene, asked(scene, clause(scene, words, slots, without)))


def joined(scene: Scene, clauses: Sequence[str]) -> str:
    """Several clauses joined into one message."""
    if len(clauses) > 2 and scene.stream.chance(0.5):
        if scene.stream.chance(0.5):
            listed = " ".join(f"{i + 1}. {sentence(text)}" for i, text in enumerate(clauses))
            return dressed(scene, f"{scene.stream.pick(_LISTS)} {listed}", after=0.1)
        return dressed(scene, " ".join([asked(scene, text) for text in clauses]), after=0.1)
    text = clauses[0]
    for other in clauses[1:]:
        text = scene.stream.pick(JOINED[scene.split]).format(text, other)
    return dressed(scene, asked(scene, text) if "." not in text else sentence(text), after=0.1)


_LISTS = ("Here is what I need.", "A few things to do.", "These things, please:", "My list for you:")


def answer(scene: Scene, words: Words, slots: dict[str, Slot]) -> str:
    """The gold answer to the user."""
    return sentence(write(scene.stream.pick(words.done), slots, scene.stream))
