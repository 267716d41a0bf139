"""What an assistant asks when something is missing, and what the user then says."""

from __future__ import annotations

from toolgym.tasks.stream import SPLITS

from .facts import Fact
from .requests import sentence
from .scene import Scene
from .slots import Slot
from .vocabulary import slice_of

QUESTIONS: dict[str, tuple[str, ...]] = {
    "date": ("For which day?", "Which date do you have in mind?", "On what day should that be?"),
    "start": ("At what time?", "What time should I put down?", "When should it start?"),
    "minutes": ("How long do you need it?", "For how many minutes?", "How long will it take?"),
    "email": ("What is the mail address?", "Which address should I enter?", "Could you tell me the address?"),
    "value": ("What should it be changed to?", "What is the new value?", "What should it say?"),
    "subject": ("What should the subject be?", "Which subject line would you like?", "Under which subject?"),
    "body": ("What should it say?", "What text should I write?", "What would you like to say?"),
    "to": ("To whom should it go?", "Who should get it?", "Which address should I send it to?"),
    "folder": ("Which folder should it go to?", "Into which folder?", "What folder do you mean?"),
    "access": (
        "Should that be view or edit access?",
        "May they edit it, or only view it?",
        "Which access: view or edit?",
    ),
    "name": ("What should the new name be?", "What should it be called?", "Which name would you like?"),
    "due": ("When is it due?", "What is the due date?", "By when should it be done?"),
    "owner": ("Who should do it?", "To whom should it go?", "Which colleague do you mean?"),
    "category": ("Which category is it?", "What was it for?", "Under which category should I claim it?"),
    "reason": ("What is the reason?", "Which reason should I give?", "Why do you reject it?"),
    "amount": ("By how much?", "What amount?", "How much should it be?"),
    "check_in": ("When do you arrive?", "What is the check-in date?", "From which day on?"),
    "nights": ("For how many nights?", "How many nights will you stay?", "How long will you stay?"),
}
"""By the parameter that is missing."""

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
