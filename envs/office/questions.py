"""The assistant's question about a forgotten parameter, and the user's reply."""

from __future__ import annotations

from toolgym.tasks.stream import SPLITS

from .facts import Fact
from .names import QUESTIONS
from .requests import sentence
from .scene import Scene
from .slots import Slot
from .vocabulary import slice_of

ASKING: Fact = ("?", "tell me", "let me know", "need to know", "please give", "please provide")
"""An answer that contains one of these counts as a question."""

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
    """The user's reply to a question about a slot."""
    text = sentence(scene.stream.pick(_REPLIES_OF[scene.split]).format(slot.text))
    return text[:-1] if text[-3:] in ('.".', ".'.") else text
