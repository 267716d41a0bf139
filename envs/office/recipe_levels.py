"""The levels chain and recover."""

from __future__ import annotations

from collections.abc import Sequence

from .chains_meetings import MEETINGS
from .chains_work import WORK
from .levels import Made, linked
from .recipes import Recipe, made
from .recover_missing import MISSING
from .recover_refused import REFUSED
from .recover_taken import TAKEN
from .scene import Scene

CHAINS = (*MEETINGS, *WORK)
RECOVERIES = (*TAKEN, *REFUSED, *MISSING)


def chain(scene: Scene) -> Made:
    """A later call needs what an earlier one returned."""
    return linked(scene) if scene.stream.chance(0.6) else _any_of(scene, CHAINS)


def recover(scene: Scene) -> Made:
    """A call fails for a reason that lies in the world, and something has to be done about it."""
    return _any_of(scene, RECOVERIES)


def _any_of(scene: Scene, recipes: Sequence[Recipe]) -> Made:
    while True:
        try:
            return made(scene, scene.stream.pick(recipes))
        except LookupError:  # this recipe does not fit the world
            continue
