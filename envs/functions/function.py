"""What a catalogue entry is: a function on paper, and how people ask for it."""

from __future__ import annotations

from typing import Any

import msgspec

from .values import Maker


class Parameter(msgspec.Struct, frozen=True):
    """A parameter.

    ``needed``: required by the schema; others are left out of the call where the request does not mention them.
    ``also``: other names that it may have.
    """

    name: str
    maker: Maker
    about: str
    needed: bool = True
    also: tuple[str, ...] = ()


class Function(msgspec.Struct, frozen=True):
    """A function that is described and never run.

    ``asks``: templates (``toolgym.tasks.grammar``) of whole requests; at least four. Each mentions every required
    parameter outside brackets, ``{base}``, and others inside, ``[ in {unit}]``. The last is for the tests, the
    one before it for val.
    ``many``: for several calls in one sentence: pairs of a frame with ``{each}`` and what stands there for one call, in
    which every required parameter is mentioned.
    ``also``: other names. ``abouts``: other descriptions.
    """

    name: str
    about: str
    parameters: tuple[Parameter, ...]
    asks: tuple[str, ...]
    many: tuple[tuple[str, str], ...] = ()
    also: tuple[str, ...] = ()
    abouts: tuple[str, ...] = ()

    def schema(self, names: dict[str, str]) -> dict[str, Any]:
        """JSON schema of the arguments; ``names``: what each parameter is called."""
        return {
            "type": "object",
            "properties": {
                names[p.name]: {**p.maker.schema, "description": p.about} if p.about else dict(p.maker.schema)
                for p in self.parameters
            },
            "required": [names[p.name] for p in self.parameters if p.needed],
        }
