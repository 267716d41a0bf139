"""Recipes: requests that take several calls, each with its own wordings."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from toolgym.types import ToolCall

from .facts import Fact
from .intent import Secret, Words
from .intents import INTENTS, PARAMETERS
from .plan import Phase, Stage
from .requests import answer, request
from .scene import Scene
from .slots import Slot
from .toolsets import shown

_TOLD = (
    "All of it is done; I say so.",
    "That was the last step. I tell the user.",
    "Nothing is left to do but to answer.",
)


class Played(msgspec.Struct, frozen=True, gc=False):
    """A recipe played in a scene: the values, gold calls and facts of one task."""

    slots: dict[str, Slot]
    stages: tuple[Stage, ...]
    facts: tuple[Fact, ...] = ()
    secrets: tuple[Secret, ...] = ()
    """The tools on offer must not reveal these, so that the gold calls are the only way."""


class Recipe(msgspec.Struct, frozen=True, gc=False):
    """A kind of request that takes several calls. ``play`` raises LookupError if the scene does not fit."""

    play: Callable[[Scene], Played]
    words: Words


def call(tool: str, **arguments: object) -> ToolCall:
    """A gold call, with its arguments in the order of the tool's parameters."""
    return ToolCall(tool, {name: arguments[name] for name in PARAMETERS[tool] if name in arguments})


def made(scene: Scene, recipe: Recipe) -> tuple[tuple[Phase, ...], list[str]]:
    """A task made from the recipe: its phase and the tools on offer."""
    played = recipe.play(scene)
    user = request(scene, recipe.words, played.slots)
    phase = Phase(
        user, played.stages, answer(scene, recipe.words, played.slots), scene.stream.pick(_TOLD), played.facts
    )
    hidden = [intent.tool for intent in INTENTS.values() if set(intent.tells) & set(played.secrets)]
    needed = [each.name for stage in played.stages for each in stage.calls]
    return (phase,), shown(scene.stream, needed, scene.stream.between(4, 7), similar=True, hidden=hidden)
