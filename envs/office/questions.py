"""What an assistant asks when something is missing, and what the user then says."""

from __future__ import annotations

from toolgym.tasks.stream import SPLITS

from .facts import Fact
from .names import QUESTIONS
from .requests import sentence
from .scene import Scene
from .slots import Slot
from .vocabulary import slice_of

ASKING: Fact = ("?", "tell me", "let me know", "need to know", "please give", "please provide")
"""One of these makes a text a question."""

_LEAD = ("{}", "Gladly. {}", "I can do that. {}", "One thing is missing. {}", "Of course. {}", "{} Then I can go on.")

_REPLIES = (
    "{}.",
    "{}, please.",
    "Sorry, I forgot: {}.",
    "Ah, yes: {}.",
    "Make it {}.",
    "I would say {}.",
    "Let us say {}.",
    "Right, {}.",
    "Oh, {}.",
    "{}, I think.",
    "Take {}.",
    "It is {}.",
    "My mistake: {}.",
    "{} would be right.",
    "Well, {}.",
    "Of course: {}.",
)
_REPLIES_OF = {split: slice_of(_REPLIES, split) for split in SPLITS}


def question(scene: Scene, parameter: str) -> str:
    return scene.stream.pick(_LEAD).format(scene.stream.pick(QUESTIONS[parameter]))


def reply(scene: Scene, slot: Slot) -> str:
    """What the user says who was asked for a slot."""
    text = sentence(scene.stream.pick(_REPLIES_OF[scene.split]).format(slot.text))
    return text[:-1] if text[-3:] in ('.".', ".'.") else text
