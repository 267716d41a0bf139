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


def chain(c: Scene) -> Made:
    """A later call needs what an earlier one returned."""
    return linked(c) if c.s.chance(0.6) else _any_of(c, CHAINS)


def recover(c: Scene) -> Made:
    """A call fails for a reason that lies in the world, and something has to be done about it."""
    return _any_of(c, RECOVERIES)


def _any_of(c: Scene, recipes: Sequence[Recipe]) -> Made:
    while True:
        try:
            return made(c, c.s.pick(recipes))
        except LookupError:  # this recipe does not fit the world
            continue
